//! Reading the configuration again on a thread of its own: a disk that does not answer keeps nobody waiting but who asked.

use std::{io, thread, time::Duration};

use settings::Settings;
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::Instant,
};

use crate::{
    server::{Ground, TriedOut},
    web::ReloadWish,
};

/// How it went; what is wrong is one sentence.
pub(super) type Outcome = Result<TriedOut, String>;

/// Reads when it is told to, once at a time.
pub(super) struct Reader<R> {
    read: R,
    under_way: Option<Reading>,
    /// Those that were given up, and that may be reading still.
    given_up: Vec<oneshot::Receiver<Outcome>>,
}

struct Reading {
    outcome: oneshot::Receiver<Outcome>,
    until: Instant,
    wish: Option<ReloadWish>,
}

/// How long the files may take to be read: a command line that waits has more.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many may hang at a time: whoever has mended the file is not to wait for the thread that waits for it.
const THREADS: usize = 8;

impl<R: Fn() -> Result<Settings, String> + Clone + Send + 'static> Reader<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read,
            under_way: None,
            given_up: Vec::new(),
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.under_way.is_none()
    }

    /// Begins to read for whoever wishes it, or says why not.
    pub(super) fn begin(
        &mut self,
        ground: Ground,
        wish: Option<ReloadWish>,
    ) -> Result<(), (String, Option<ReloadWish>)> {
        let still = Err(TryRecvError::Empty);
        self.given_up
            .retain_mut(|late| late.try_recv().map(drop) == still);
        if self.given_up.len() >= THREADS {
            return Err((HANGS.to_owned(), wish));
        }
        match self.on_its_thread(ground) {
            Ok(outcome) => {
                let until = Instant::now() + PATIENCE;
                self.under_way = Some(Reading {
                    outcome,
                    until,
                    wish,
                });
                Ok(())
            }
            Err(error) => Err((format!("there is no thread to read it on: {error}"), wish)),
        }
    }

    /// The end of the reading that is under way; it does not come while there is none.
    pub(super) async fn end(&mut self) -> (Outcome, Option<ReloadWish>) {
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
            wish,
            ..
        }) = self.under_way.take()
        else {
            unreachable!("nobody else takes it");
        };
        let outcome = outcome.unwrap_or_else(|| {
            self.given_up.push(late);
            Err(HANGS.to_owned())
        });
        (outcome, wish)
    }

    /// The thread is nobody's to wait for, also when the program ends.
    fn on_its_thread(&self, ground: Ground) -> io::Result<oneshot::Receiver<Outcome>> {
        let read = self.read.clone();
        let (told, outcome) = oneshot::channel();
        let work = move || {
            let tried_out = read()
                .and_then(|settings| ground.try_out(settings).map_err(|wrong| wrong.to_string()));
            // Whoever waited may have given up.
            let _ = told.send(tried_out);
        };
        thread::Builder::new()
            .name("configuration".to_owned())
            .spawn(work)?;
        Ok(outcome)
    }
}

const HANGS: &str = "its files cannot be read within 10 seconds: one of them, a profile or a certificate among them, is on a disk that does not answer, or is no file but a pipe";
const PANICKED: &str =
    "reading it failed, as the log says in another line; please report what is there";
