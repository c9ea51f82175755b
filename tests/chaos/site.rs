//! State that all tasks of a random run share: addresses, clock, ledger and the stop signal.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::ledger::{Ledger, Told};
use crate::support::documents::Documents;

/// The password of every phone.
pub const PHONES: &str = "let me ring";
/// The password of the client `ecsta`.
pub const CLIENTS: &str = "let me dial";

/// Where the server listens, this time.
#[derive(Clone, Debug)]
pub struct Doors {
    /// For phones, TCP.
    pub phones: SocketAddr,
    /// For phones, TLS.
    pub phones_tls: SocketAddr,
    /// For clients.
    pub clients: SocketAddr,
    /// For the API.
    pub web: SocketAddr,
}

/// What all tasks share.
#[derive(Debug)]
pub struct Site {
    /// What the two ends received from the server.
    pub documents: Arc<Documents>,
    /// The server's data folder, which outlives each of its processes.
    pub data: PathBuf,
    begun: Instant,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub struct State {
    /// Where the server listens; none while it is down.
    pub doors: Option<Doors>,
    /// The books.
    pub ledger: Ledger,
    /// The telephones whose REGISTER was answered with 200, and the marks that an operator's were.
    pub telephones: BTreeMap<String, Option<bool>>,
    /// What was injected, and how often.
    pub injected: BTreeMap<&'static str, usize>,
    /// How the clients' requests ended.
    pub answers: BTreeMap<&'static str, usize>,
    /// What is wrong already.
    pub faults: Vec<String>,
    /// Whether the phones have nothing more to tell by themselves.
    pub quiet: bool,
}

impl Site {
    /// The site of so many phones.
    pub fn new(phones: usize, data: PathBuf) -> Self {
        let ledger = Ledger {
            told: vec![Vec::new(); phones],
            ..Ledger::default()
        };
        Self {
            documents: Arc::default(),
            data,
            begun: Instant::now(),
            state: Mutex::new(State {
                doors: None,
                ledger,
                telephones: BTreeMap::new(),
                injected: BTreeMap::new(),
                answers: BTreeMap::new(),
                faults: Vec::new(),
                quiet: false,
            }),
        }
    }

    /// Since the run began.
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What changes.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no task panics while it holds it")
    }

    /// Where the server listens, as soon as it does.
    pub async fn doors(&self) -> Doors {
        loop {
            let doors = self.state().doors.clone();
            match doors {
                Some(doors) => return doors,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Counts a fault that is injected now.
    pub fn injects(&self, what: &'static str) {
        *self.state().injected.entry(what).or_default() += 1;
    }

    /// Writes down that a phone sent its next event at that time.
    pub fn tells(&self, phone: usize, dialog: usize, sent: Duration) {
        self.state().ledger.told[phone].push(Told {
            dialog,
            sent,
            acknowledged: None,
        });
    }

    /// Writes down that the server acknowledged it.
    pub fn told(&self, phone: usize, number: usize) {
        let now = self.now();
        self.state().ledger.told[phone][number].acknowledged = Some(now);
    }

    /// Writes down something that must not be.
    pub fn fault(&self, fault: String) {
        self.state().faults.push(fault);
    }
}
