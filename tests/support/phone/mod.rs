//! A desk phone over real sockets: it registers, answers the CSTA session and reports its calls (TR/87, section 7).

mod behaviour;
mod csta;
mod dialog;
mod registration;
mod setup;
mod transport;

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{sync::watch, time::timeout};

pub use self::{
    behaviour::{Reaction, Received},
    setup::Setup,
};
use super::{
    PATIENCE, credentials::Credentials, dialog::Dialog, digest::Account, documents::Documents,
    sip::Message, wire::Wire,
};

/// A phone; clones are the same one.
#[derive(Clone, Debug)]
pub struct Phone {
    setup: Arc<Setup>,
    documents: Arc<Documents>,
    credentials: Arc<Mutex<Credentials>>,
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<()>>,
}

/// The state of a phone.
#[derive(Debug, Default)]
pub struct State {
    /// The dialog with the server.
    pub dialog: Option<Dialog>,
    /// Number of dialogs that the server opened.
    pub dialogs: usize,
    /// Whether the ACK for the dialog arrived.
    pub confirmed: bool,
    /// Whether the server acknowledged all identities in this dialog.
    pub listed: bool,
    /// Running monitors: cross reference and device.
    pub monitors: Vec<(String, String)>,
    /// Every request of the server, in order.
    pub received: Vec<Received>,
    /// Whether it is connected.
    pub connected: bool,
    wire: Option<Wire>,
    /// The 487 to the INVITE on which it rings.
    ringing: Option<Box<Message>>,
    /// The server's address after a restart.
    server: Option<SocketAddr>,
    reactions: HashMap<String, VecDeque<(Reaction, bool)>>,
    status: VecDeque<&'static str>,
    references: u32,
    registration: Option<(String, String, u32)>,
}

impl Phone {
    /// A snom with one identity, not connected yet; its documents are not validated.
    pub fn at(server: SocketAddr, mac: &str, password: &str, identity: &str) -> Self {
        Self::new(Setup::new(server, mac, password, identity), Arc::default())
    }

    /// A phone that is not connected yet.
    pub fn new(setup: Setup, documents: Arc<Documents>) -> Self {
        let account = Account::new(&setup.user, &setup.password);
        let state = State {
            status: setup.status.clone(),
            ..State::default()
        };
        Self {
            credentials: Arc::new(Mutex::new(Credentials::new(account, setup.only))),
            setup: Arc::new(setup),
            documents,
            state: Arc::new(Mutex::new(state)),
            changed: Arc::new(watch::Sender::new(())),
        }
    }

    /// How it was made.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its first identity.
    pub fn line(&self) -> &str {
        &self.setup.identities[0]
    }

    /// The number of its first identity.
    pub fn number(&self) -> &str {
        let line = self.line().trim_start_matches("sip:");
        line.split('@').next().unwrap_or(line)
    }

    /// A document in this phone's style.
    pub fn document(&self, name: &str, inner: &str) -> String {
        match &self.setup.maker {
            Some(maker) => maker.style().document(name, inner),
            None => super::csta::document(self.setup.edition, name, inner),
        }
    }

    /// Registers, and waits until the server has the dialog and all identities.
    pub async fn start(&self) {
        self.register().await.expect(200);
        self.in_session().await;
    }

    /// Waits until the server has the dialog and all identities.
    pub async fn in_session(&self) {
        self.until("a CSTA dialog with all identities taken", |state| {
            state.listed.then_some(())
        })
        .await;
    }

    /// Waits for the first monitor; its cross reference.
    pub async fn monitored(&self) -> String {
        self.until("a monitor", |state| {
            state
                .monitors
                .first()
                .map(|(reference, _)| reference.clone())
        })
        .await
    }

    /// Waits for the nth such request (a method or a CSTA service), counted from 1.
    pub async fn until_received(&self, request: &str, nth: usize) -> Received {
        let what = format!("{request} number {nth}");
        self.until(&what, |state| state.matching(request).nth(nth - 1).cloned())
            .await
    }

    /// How many such requests came so far.
    pub fn count(&self, request: &str) -> usize {
        self.state().matching(request).count()
    }

    /// Waits for a condition; panics with the received requests.
    pub async fn until<T>(&self, what: &str, condition: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        let wait = async {
            loop {
                if let Some(found) = condition(&self.state()) {
                    return found;
                }
                changes
                    .changed()
                    .await
                    .expect("the phone itself holds the sender");
            }
        };
        if let Ok(found) = timeout(PATIENCE, wait).await {
            return found;
        }
        let state = self.state();
        let list: Vec<_> = state
            .received
            .iter()
            .map(|r| format!("{} {}", r.message.method(), r.service))
            .collect();
        panic!(
            "{} waited in vain for {what}; it received {list:?}",
            self.setup.user
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let done = how(&mut self.state());
        self.changed.send_replace(());
        done
    }
}

impl State {
    fn matching<'a>(&'a self, request: &'a str) -> impl Iterator<Item = &'a Received> {
        self.received
            .iter()
            .filter(move |r| r.service == request || r.message.method() == request)
    }

    fn end(&mut self) {
        self.dialog = None;
        self.confirmed = false;
        self.listed = false;
        self.monitors.clear();
    }

    fn forget(&mut self) {
        self.end();
        self.registration = None;
    }
}
