//! Logging: all lines to a file, important ones to standard error too.

mod fields;
mod file;
mod panics;
mod phone_filter;
mod queue;
pub mod reading;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use fields::TextFields;
use file::{FileConfig, RotatingFile, one_line};
use phone_filter::PhoneFilter;
use queue::LineQueue;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    fmt::{format::Writer, time::FormatTime},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};
use uacsta_actors::counters::Counters;
use uacsta_config::{Format, Level, Logs};

/// Running logging. Dropping it writes the last lines.
#[must_use = "the last lines are written when it is dropped"]
pub struct Logging {
    file_config: Arc<ArcSwap<FileConfig>>,
    phones: PhoneFilter,
    /// Changes level and format.
    levels: Box<dyn Fn(&Logs)>,
    data: PathBuf,
    file: LineQueue,
    stderr: LineQueue,
}

/// The target of lines that standard error does not get.
pub const FILE_ONLY: &str = "uacsta::file_only";
/// Octets queued for the disk.
const FILE_QUEUE: usize = 16 << 20;
/// Octets queued for standard error.
const STDERR_QUEUE: usize = 1 << 20;
/// How long the end waits for each queue.
const FLUSH_TIME: Duration = Duration::from_secs(1);

/// Starts to log into `uacsta.log`, in the settings' folder or in `logs` in the data folder. Standard error gets warnings, and on a
/// terminal infos too unless `quiet`. If the folder cannot be written, standard error is told once a minute. Lost lines are counted.
///
/// # Errors
/// The process logs already, or no thread can be started.
pub fn start(
    settings: &Logs,
    data: &Path,
    quiet: bool,
    counters: &Arc<Counters>,
) -> io::Result<Logging> {
    let file_config = Arc::new(ArcSwap::from_pointee(file_config(settings, data)));
    // A disk or a pipe that blocks must not block phones, so each writer has a thread of its own.
    let terminal = io::stderr().is_terminal();
    let stderr = LineQueue::start(
        Stderr { terminal },
        "stderr",
        STDERR_QUEUE,
        Arc::clone(counters),
    )?;
    let file = RotatingFile::new(Arc::clone(&file_config), stderr.clone());
    let file = LineQueue::start(file, "logs", FILE_QUEUE, Arc::clone(counters))?;
    let phones = PhoneFilter::of(&settings.phones);
    let (text, text_level) = reload::Layer::new(in_format(settings, Format::Text));
    let (json, json_level) = reload::Layer::new(in_format(settings, Format::Json));
    let (loud, loudness) = reload::Layer::new(urgent(settings, terminal && !quiet));
    tracing_subscriber::registry()
        .with(
            fmt::layer()
                .fmt_fields(TextFields)
                .with_writer(file.clone())
                .with_ansi(false)
                .with_timer(LocalTime)
                .with_filter(phones.clone())
                .with_filter(text),
        )
        .with(
            fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_writer(file.clone())
                .with_timer(LocalTime)
                .with_filter(phones.clone())
                .with_filter(json),
        )
        .with(
            fmt::layer()
                .fmt_fields(TextFields)
                .with_writer(stderr.clone())
                .with_ansi(terminal)
                .with_target(false)
                .with_timer(LocalTime)
                .with_filter(loud),
        )
        .try_init()
        .map_err(io::Error::other)?;
    panics::install_hook();
    phones.announce();
    let levels = move |settings: &Logs| {
        let changed = [
            text_level.reload(in_format(settings, Format::Text)),
            json_level.reload(in_format(settings, Format::Json)),
            loudness.reload(urgent(settings, terminal && !quiet)),
        ];
        if let Some(error) = changed.into_iter().find_map(Result::err) {
            tracing::error!(%error, "cannot change the log level");
        }
    };
    Ok(Logging {
        file_config,
        phones,
        levels: Box::new(levels),
        data: data.to_owned(),
        file,
        stderr,
    })
}

impl Logging {
    /// A function for any thread that tests whether another log folder can be written. Its error names the setting.
    pub fn folder_test(&self) -> impl Fn(&Logs) -> Result<(), String> + Clone + Send + use<> {
        let (current, data) = (Arc::clone(&self.file_config), self.data.clone());
        move |settings| {
            let config = file_config(settings, &data);
            if config.folder == current.load().folder {
                return Ok(());
            }
            config.test_write().map_err(|error| {
                let folder = config.folder.display();
                format!("logs.directory: cannot write logs in {folder}: {error}")
            })
        }
    }

    /// Writes a line to standard error alone, without waiting for whoever reads it.
    pub fn tell(&self, line: &str) {
        // The queue has no error of its own; a line that finds it full is counted as lost.
        let _ = self.stderr.clone().write_all(line.as_bytes());
    }

    /// Applies other settings to the next line.
    pub fn change(&self, settings: &Logs) {
        let config = file_config(settings, &self.data);
        self.file_config.store(Arc::new(config));
        self.phones.change(&settings.phones);
        (self.levels)(settings);
    }
}

/// Standard error, one event a write. On a terminal escape sequences are the formatter's own, which escapes those of peers.
struct Stderr {
    terminal: bool,
}

impl Write for Stderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let kept: &[char] = if self.terminal { &['\u{1b}'] } else { &[] };
        io::stderr().write_all(one_line(event, kept).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The folder of the log files.
pub fn folder(settings: &Logs, data: &Path) -> PathBuf {
    match &settings.directory {
        Some(folder) => folder.clone(),
        None => data.join("logs"),
    }
}

fn file_config(settings: &Logs, data: &Path) -> FileConfig {
    FileConfig {
        folder: folder(settings, data),
        max_size: settings.max_size.bytes(),
        keep: settings.keep,
        delete_daily: settings.delete_daily,
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        // The file's thread may report lost lines to standard error.
        self.file.flush_within(FLUSH_TIME);
        self.stderr.flush_within(FLUSH_TIME);
    }
}

/// The levels of the layer of a format; off if the other one is set.
fn in_format(settings: &Logs, format: Format) -> Targets {
    if settings.format == format {
        targets(settings, LevelFilter::TRACE)
    } else {
        targets(settings, LevelFilter::OFF)
    }
}

/// The levels for standard error.
fn urgent(settings: &Logs, verbose: bool) -> Targets {
    let most = if verbose {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    targets(settings, most).with_target(FILE_ONLY, LevelFilter::OFF)
}

/// Local time, to be compared with phones' displays.
struct LocalTime;

impl FormatTime for LocalTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let now = jiff::Zoned::now();
        write!(writer, "{}", now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
    }
}

fn level(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// Our lines at the levels of the settings, those of libraries at warning; none above `most`.
fn targets(settings: &Logs, most: LevelFilter) -> Targets {
    let general = level(settings.level).min(most);
    let parts = settings.levels.iter();
    let parts = parts.map(|one| (one.part(), level(one.level()).min(most)));
    Targets::new()
        .with_target("uacsta", general)
        .with_targets(parts)
        // It logs each invalid HTTP request; the sender gets a response.
        .with_target("actix_http", LevelFilter::OFF)
        .with_default(general.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tracing::Level as Severity;

    use super::*;

    #[test]
    fn parts_have_levels_of_their_own() {
        let mut settings = uacsta_config::Settings::builtin().logs;
        let levels = ["uacsta_actors::sip=trace", "uacsta::net=error"];
        let levels = levels.map(|text| text.to_owned().try_into().unwrap());
        settings.levels = levels.to_vec();
        let file = in_format(&settings, Format::Text);
        let stderr = urgent(&settings, false);
        let json = in_format(&settings, Format::Json);
        for (part, severity, in_file, on_stderr) in [
            ("uacsta_actors::sip::link", Severity::TRACE, true, false),
            ("uacsta_actors::sip", Severity::WARN, true, true),
            ("uacsta_actors::phone", Severity::DEBUG, false, false),
            ("uacsta_actors::phone", Severity::INFO, true, false),
            ("uacsta::net::tls", Severity::WARN, false, false),
            ("uacsta::net::tls", Severity::ERROR, true, true),
            ("rustls", Severity::INFO, false, false),
        ] {
            let told = [&file, &stderr, &json].map(|to| to.would_enable(part, &severity));
            assert_eq!(told, [in_file, on_stderr, false], "{part} {severity}");
        }
    }
}
