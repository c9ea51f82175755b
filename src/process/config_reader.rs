//! Reads the configuration on another thread, so that a disk that hangs blocks only the reload.

use std::{io, thread, time::Duration};

use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::Instant,
};
use uacsta_config::Settings;

use crate::{
    api::ReloadRequest,
    server::{ReloadContext, ValidatedSettings},
};

/// The settings, or what is wrong with them in one sentence.
pub(super) type Outcome = Result<ValidatedSettings, String>;

/// Reads the configuration, one reading at a time.
pub(super) struct Reader<R> {
    read: R,
    under_way: Option<Reading>,
    /// Readings that timed out and may still hang.
    timed_out: Vec<oneshot::Receiver<Outcome>>,
}

struct Reading {
    outcome: oneshot::Receiver<Outcome>,
    until: Instant,
    request: Option<ReloadRequest>,
}

/// How long a reading may take; less than the command line waits.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Readings that may hang at the same time, so that a repaired file can be read at once.
const THREADS: usize = 8;

impl<R: Fn() -> Result<Settings, String> + Clone + Send + 'static> Reader<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read,
            under_way: None,
            timed_out: Vec::new(),
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.under_way.is_none()
    }

    /// Starts to read. `request` is answered with the outcome.
    ///
    /// # Errors
    /// Too many readings hang, or no thread can be started.
    pub(super) fn begin(
        &mut self,
        context: ReloadContext,
        request: Option<ReloadRequest>,
    ) -> Result<(), (String, Option<ReloadRequest>)> {
        let still = Err(TryRecvError::Empty);
        self.timed_out
            .retain_mut(|late| late.try_recv().map(drop) == still);
        if self.timed_out.len() >= THREADS {
            return Err((HANGS.to_owned(), request));
        }
        match self.start_thread(context) {
            Ok(outcome) => {
                let until = Instant::now() + READ_TIMEOUT;
                self.under_way = Some(Reading {
                    outcome,
                    until,
                    request,
                });
                Ok(())
            }
            Err(error) => Err((
                format!("no thread can be started to read it: {error}"),
                request,
            )),
        }
    }

    /// Waits for the reading in progress; pending while there is none.
    pub(super) async fn end(&mut self) -> (Outcome, Option<ReloadRequest>) {
        let Some(reading) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let outcome = match tokio::time::timeout_at(reading.until, &mut reading.outcome).await {
            Ok(Ok(outcome)) => Some(outcome),
            Ok(Err(_)) => Some(Err(PANICKED.to_owned())),
            Err(_) => None,
        };
        let Some(Reading {
            outcome: late,
            request,
            ..
        }) = self.under_way.take()
        else {
            unreachable!("only this function takes it");
        };
        let outcome = outcome.unwrap_or_else(|| {
            self.timed_out.push(late);
            Err(HANGS.to_owned())
        });
        (outcome, request)
    }

    /// Starts the thread. Nobody joins it, also when the program ends.
    fn start_thread(&self, context: ReloadContext) -> io::Result<oneshot::Receiver<Outcome>> {
        let read = self.read.clone();
        let (sender, outcome) = oneshot::channel();
        let work = move || {
            let validated = read().and_then(|settings| {
                context
                    .validate(settings)
                    .map_err(|wrong| wrong.to_string())
            });
            // The reading may have timed out.
            let _ = sender.send(validated);
        };
        thread::Builder::new()
            .name("configuration".to_owned())
            .spawn(work)?;
        Ok(outcome)
    }
}

const HANGS: &str = "its files cannot be read within 10 seconds: a settings file, profile or certificate is a pipe, or on a disk that does not respond";
const PANICKED: &str = "reading it failed with a panic; please report the log's line about it";
