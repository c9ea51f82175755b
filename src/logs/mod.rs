//! Where log lines go: files in the log folder, and what matters at once to standard error.

mod file;
mod panics;
mod phones;
mod queue;

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use file::{RotatingFile, Shape};
use phones::Phones;
use queue::Queue;
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

/// Logging, for as long as it is held: dropped, the last lines are written.
#[must_use = "the last lines are written when it is dropped"]
pub struct Logging {
    shape: Arc<ArcSwap<Shape>>,
    phones: Phones,
    /// Changes level and format of what is logged.
    levels: Box<dyn Fn(&Logs)>,
    data: PathBuf,
    written: Queue,
    told: Queue,
}

/// How many octets of lines may wait for the disk.
const FOR_FILE: usize = 16 << 20;
/// How many may wait for whoever reads standard error.
const FOR_STDERR: usize = 1 << 20;
/// How long the end waits for the last lines, each time.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Begins to log into `uacsta.log` in the settings' folder, else in `logs` in the data folder; warnings, and on a
/// terminal all that an operator wants to know unless `quiet`, go to standard error too. A folder that cannot be written stops nothing:
/// standard error hears of it once a minute; nor does a standard error that nobody reads. Lines that are lost are counted.
///
/// # Errors
/// When the process logs already, or has no thread left.
pub fn start(
    settings: &Logs,
    data: &Path,
    quiet: bool,
    counters: &Arc<Counters>,
) -> io::Result<Logging> {
    let shape = Arc::new(ArcSwap::from_pointee(shape(settings, data)));
    // A disk that hangs or a pipe that nobody reads must not hold a phone up: each writer has a thread of its own.
    let told = Queue::before(io::stderr(), "stderr", FOR_STDERR, Arc::clone(counters))?;
    let file = RotatingFile::new(Arc::clone(&shape), told.clone());
    let written = Queue::before(file, "logs", FOR_FILE, Arc::clone(counters))?;
    let phones = Phones::of(&settings.phones);
    let terminal = io::stderr().is_terminal();
    let (text, text_level) = reload::Layer::new(in_format(settings, Format::Text));
    let (json, json_level) = reload::Layer::new(in_format(settings, Format::Json));
    let (loud, loudness) = reload::Layer::new(urgent(settings, terminal && !quiet));
    tracing_subscriber::registry()
        .with(
            fmt::layer()
                .with_writer(written.clone())
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
                .with_writer(written.clone())
                .with_timer(LocalTime)
                .with_filter(phones.clone())
                .with_filter(json),
        )
        .with(
            fmt::layer()
                .with_writer(told.clone())
                .with_ansi(terminal)
                .with_target(false)
                .with_timer(LocalTime)
                .with_filter(loud),
        )
        .try_init()
        .map_err(io::Error::other)?;
    panics::log();
    let levels = move |settings: &Logs| {
        let changed = [
            text_level.reload(in_format(settings, Format::Text)),
            json_level.reload(in_format(settings, Format::Json)),
            loudness.reload(urgent(settings, terminal && !quiet)),
        ];
        if let Some(error) = changed.into_iter().find_map(Result::err) {
            tracing::error!(%error, "the level of the log stays as it was");
        }
    };
    Ok(Logging {
        shape,
        phones,
        levels: Box::new(levels),
        data: data.to_owned(),
        written,
        told,
    })
}

impl Logging {
    /// Tries out, on any thread, whether lines can be written by other settings where those name another folder; nothing stays of it. What
    /// keeps them from being written is a sentence that names the setting.
    pub fn trial(&self) -> impl Fn(&Logs) -> Result<(), String> + Clone + Send + use<> {
        let (current, data) = (Arc::clone(&self.shape), self.data.clone());
        move |settings| {
            let shape = shape(settings, &data);
            if shape.folder == current.load().folder {
                return Ok(());
            }
            let folder = shape.folder.display();
            let wrong =
                |error| format!("logs.directory: no log can be written in {folder}: {error}");
            shape.try_out().map_err(wrong)
        }
    }

    /// Logs by other settings from the next line on.
    pub fn change(&self, settings: &Logs) {
        self.shape.store(Arc::new(shape(settings, &self.data)));
        self.phones.change(&settings.phones);
        (self.levels)(settings);
    }
}

fn shape(settings: &Logs, data: &Path) -> Shape {
    Shape {
        folder: match &settings.directory {
            Some(folder) => folder.clone(),
            None => data.join("logs"),
        },
        max_size: settings.max_size.bytes(),
        keep: settings.keep,
        delete_daily: settings.delete_daily,
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        // The file first: its thread may have to say that it lost something.
        self.written.flush_within(LAST_LINES);
        self.told.flush_within(LAST_LINES);
    }
}

/// What is written to the file in a format: nothing in the other one.
fn in_format(settings: &Logs, format: Format) -> Targets {
    if settings.format == format {
        targets(level(settings.level))
    } else {
        targets(LevelFilter::OFF)
    }
}

/// What standard error hears.
fn urgent(settings: &Logs, watched: bool) -> Targets {
    let most = match watched {
        true => LevelFilter::INFO,
        false => LevelFilter::WARN,
    };
    targets(level(settings.level).min(most))
}

/// The local time, as an operator reads it beside a phone's display.
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

/// Our own lines at the level that is set; of libraries an operator wants to hear the warnings only.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("uacsta", level)
        // What it says is a line for each request that is no HTTP: whoever sends it is told by the answer.
        .with_target("actix_http", LevelFilter::OFF)
        .with_default(level.min(LevelFilter::WARN))
}
