//! Reads the configuration on another thread, so that a disk that hangs blocks only the reload.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use uacsta_config::Settings;

use crate::{
    reload::{ReloadError, ReloadRequest},
    server::{ReloadContext, ValidatedSettings},
};

/// The settings, or why they stay as they are.
pub(super) type Outcome = Result<ValidatedSettings, ReloadError>;

/// Reads files and environment, with another text in the place of the operators' file if one is given.
pub(super) trait Read:
    Fn(Option<&str>) -> Result<Settings, ReloadError> + Clone + Send + 'static
{
}

impl<R: Fn(Option<&str>) -> Result<Settings, ReloadError> + Clone + Send + 'static> Read for R {}

/// Reads the configuration, one reading at a time.
pub(super) struct Reader<R> {
    read: R,
    in_progress: Option<Reading>,
    /// Each thread holds a clone, also one whose reading has timed out.
    threads: Arc<()>,
}

struct Reading {
    outcome: oneshot::Receiver<Outcome>,
    deadline: Instant,
    request: Option<ReloadRequest>,
}

/// The longest duration of a reading; less than the command line waits.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Threads that may hang at the same time, so that a repaired file can be read at once.
const MAX_THREADS: usize = 8;

impl<R: Read> Reader<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read,
            in_progress: None,
            threads: Arc::default(),
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.in_progress.is_none()
    }

    /// Starts to read. `request` is answered with the outcome.
    ///
    /// # Errors
    /// Too many readings hang, or no thread can be started.
    pub(super) fn begin(
        &mut self,
        context: ReloadContext,
        request: Option<ReloadRequest>,
    ) -> Result<(), (ReloadError, Option<ReloadRequest>)> {
        if Arc::strong_count(&self.threads) > MAX_THREADS {
            return Err((ReloadError::Unavailable(HANGS.to_owned()), request));
        }
        match self.start_thread(context) {
            Ok(outcome) => {
                self.in_progress = Some(Reading {
                    outcome,
                    deadline: Instant::now() + READ_TIMEOUT,
                    request,
                });
                Ok(())
            }
            Err(error) => {
                let what = format!("cannot start a thread to read it: {error}");
                Err((ReloadError::Unavailable(what), request))
            }
        }
    }

    /// Waits for the reading in progress; pending while there is none.
    pub(super) async fn end(&mut self) -> (Outcome, Option<ReloadRequest>) {
        let Some(reading) = &mut self.in_progress else {
            return std::future::pending().await;
        };
        let outcome = match timeout_at(reading.deadline, &mut reading.outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ReloadError::Unavailable(PANICKED.to_owned())),
            Err(_) => Err(ReloadError::Unavailable(HANGS.to_owned())),
        };
        let request = reading.request.take();
        self.in_progress = None;
        (outcome, request)
    }

    /// Starts the thread. Nobody joins it, also when the program ends.
    fn start_thread(&self, context: ReloadContext) -> io::Result<oneshot::Receiver<Outcome>> {
        let (read, running) = (self.read.clone(), Arc::clone(&self.threads));
        let (sender, outcome) = oneshot::channel();
        let work = move || {
            // The reading may have timed out.
            let _ = sender.send(context.load(read));
            drop(running);
        };
        thread::Builder::new()
            .name("configuration".to_owned())
            .spawn(work)?;
        Ok(outcome)
    }
}

const HANGS: &str = "its files cannot be read within 10 seconds: a settings file, profile or certificate is a pipe, or on a disk that does not respond";
const PANICKED: &str = "reading it failed with a panic; please report the log's line about it";
