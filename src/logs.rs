//! Where log lines go: files in the log folder, and what matters at once to standard error.

mod file;
mod phones;

use std::io::{self, IsTerminal};
use std::path::Path;

use settings::{Format, Level, Logs};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

use file::RotatingFile;
use phones::Phones;

/// Logging, for as long as it is held: dropped, the last lines are written.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct Logging {
    _writer: WorkerGuard,
}

/// Begins to log into `uacsta.log` in the settings' folder, else in `logs` in the data folder; warnings, and on a
/// terminal all that an operator wants to know unless `quiet`, go to standard error too. A folder that cannot be written stops nothing:
/// standard error hears of it once a minute.
///
/// # Errors
/// When the process logs already.
pub fn start(settings: &Logs, data: &Path, quiet: bool) -> Result<Logging, TryInitError> {
    let folder = match &settings.directory {
        Some(folder) => folder.clone(),
        None => data.join("logs"),
    };
    let file = RotatingFile::new(
        folder,
        settings.max_size.bytes(),
        settings.keep,
        settings.delete_daily,
    );
    // A disk that hangs must not hold a phone up: the writer has a thread of its own.
    let (writer, guard) = NonBlockingBuilder::default()
        .thread_name("logs")
        .finish(file);
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let lines = match settings.format {
        Format::Text => lines.with_timer(LocalTime).boxed(),
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_timer(LocalTime)
            .boxed(),
    };
    let level = level(settings.level);
    let terminal = io::stderr().is_terminal();
    let urgent = match terminal && !quiet {
        true => LevelFilter::INFO,
        false => LevelFilter::WARN,
    };
    let urgent = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(terminal)
        .with_target(false)
        .with_timer(LocalTime)
        .with_filter(targets(level.min(urgent)));
    tracing_subscriber::registry()
        .with(
            lines
                .with_filter(Phones::of(&settings.phones))
                .with_filter(targets(level)),
        )
        .with(urgent)
        .try_init()?;
    Ok(Logging { _writer: guard })
}

/// The local time, as an operator reads it beside a telephone's display.
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
        .with_default(level.min(LevelFilter::WARN))
}
