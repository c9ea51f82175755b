//! A desk phone over real TCP or TLS: it logs on, answers the CSTA dialog, and tells of its calls (PROTOCOL of TR/87).

mod answers;

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    time::timeout,
};

use super::{
    PATIENCE,
    credentials::{Credentials, log_on},
    csta::{self, Document},
    datagrams::Weather,
    dialog::{Dialog, tag},
    digest::{Account, Algorithm, Challenge},
    documents::Documents,
    maker::Maker,
    sip::{Message, unique},
    wire::{Lost, Wire},
};

/// What sort of phone it is.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the server listens for phones.
    pub server: SocketAddr,
    /// The server's certificate; without it the phone speaks plain TCP.
    pub certificate: Option<PathBuf>,
    /// The PEM file of the certificate that it shows, and its key.
    pub own: Option<PathBuf>,
    /// The address that it connects from; None: any.
    pub source: Option<IpAddr>,
    /// What happens to its datagrams; without it the phone speaks TCP or TLS.
    pub udp: Option<Weather>,
    /// The user name, a MAC as this maker spells it.
    pub user: String,
    /// The phones' password.
    pub password: String,
    /// The only digest hash that it knows; None: any.
    pub only: Option<Algorithm>,
    /// The DeviceIDs that it lists.
    pub identities: Vec<String>,
    /// The User-Agent.
    pub user_agent: String,
    /// The registration time that it asks for, in seconds.
    pub expires: u32,
    /// The edition that it speaks.
    pub edition: &'static str,
    /// What it says to RequestSystemStatus, in turn; the last one stays.
    pub status: VecDeque<&'static str>,
    /// In how many SwitchingFunctionDevices the identities come.
    pub segments: usize,
    /// What it challenges the server with, and at which methods.
    pub challenge: Option<(Challenge, &'static [&'static str])>,
    /// Whose table it plays: documents, refusals and gaps.
    pub maker: Option<Maker>,
}

impl Setup {
    /// A snom with one identity.
    pub fn new(server: SocketAddr, user: &str, password: &str, identity: &str) -> Self {
        Self {
            server,
            certificate: None,
            own: None,
            source: None,
            udp: None,
            user: user.to_owned(),
            password: password.to_owned(),
            only: None,
            identities: vec![identity.to_owned()],
            user_agent: "snomD345/10.1.159.12".to_owned(),
            expires: 300,
            edition: "ed3",
            status: VecDeque::from(["normal"]),
            segments: 1,
            challenge: None,
            maker: None,
        }
    }

    /// Makes it a maker's, with one line of that number.
    pub fn made_by(&mut self, maker: &Maker, number: u32) {
        self.identities = vec![maker.line(&number.to_string())];
        self.user_agent.clone_from(&maker.user_agent);
        let challenge = Challenge {
            realm: maker.name.clone(),
            nonce: format!("{}-1", maker.name),
            algorithm: match maker.challenge.as_str() {
                "SHA-256" => Algorithm::Sha256,
                _ => Algorithm::Md5,
            },
            qop: true,
            stale: false,
        };
        let challenges = !maker.challenge.is_empty();
        self.challenge = challenges.then_some((challenge, &["INVITE"] as &[&str]));
        self.maker = Some(maker.clone());
    }
}

/// What the phone does with a request in place of its usual answer.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// 200 with this document.
    Document(String),
    /// An answer of that status, with further headers and no body.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// An answer of that status with this document.
    Refusal(u16, String),
    /// The usual answer after that time.
    Late(Duration),
    /// No answer at all.
    Silence,
    /// The connection ends with an RST.
    Reset,
}

/// A request of the server.
#[derive(Clone, Debug)]
pub struct Received {
    /// The root of the CSTA document, empty without one.
    pub service: String,
    /// The whole request.
    pub message: Message,
}

impl Received {
    /// The CSTA document that it carried.
    pub fn document(&self) -> Document {
        Document::read(&self.message.body)
    }
}

/// A phone; clones are the same one.
#[derive(Clone, Debug)]
pub struct Phone {
    setup: Arc<Setup>,
    documents: Arc<Documents>,
    credentials: Arc<Mutex<Credentials>>,
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<()>>,
}

/// What the phone knows at the moment.
#[derive(Debug, Default)]
pub struct State {
    /// The dialog with the server.
    pub dialog: Option<Dialog>,
    /// How many dialogs the server opened.
    pub dialogs: usize,
    /// Whether the server confirmed the dialog by its ACK.
    pub confirmed: bool,
    /// Whether the server has taken all identities in this dialog.
    pub listed: bool,
    /// The monitors that run: cross reference and device.
    pub monitors: Vec<(String, String)>,
    /// Every request of the server, in order.
    pub received: Vec<Received>,
    /// Whether the connection stands.
    pub connected: bool,
    wire: Option<Wire>,
    /// Where the server listens since it was started anew.
    server: Option<SocketAddr>,
    reactions: HashMap<String, VecDeque<(Reaction, bool)>>,
    status: VecDeque<&'static str>,
    references: u32,
    registration: Option<(String, String, u32)>,
}

impl Phone {
    /// A snom with one identity, not connected yet; what it is sent is not kept.
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

    /// What it was made as.
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

    /// A document as this phone puts it.
    pub fn document(&self, name: &str, inner: &str) -> String {
        match &self.setup.maker {
            Some(maker) => maker.style().document(name, inner),
            None => csta::document(self.setup.edition, name, inner),
        }
    }

    /// The hash that its last log-on used.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.credentials.lock().unwrap().algorithm()
    }

    /// Registers, and waits until the server has the dialog and all identities.
    pub async fn start(&self) {
        self.register().await.expect(200);
        self.in_session().await;
    }

    /// Registers or refreshes; the final answer.
    pub async fn register(&self) -> Message {
        self.register_as(|request| request).await
    }

    /// Ends its registration (RFC 3261 section 10.2.2).
    pub async fn unregister(&self) -> Message {
        self.register_as(|request| request.set("Contact", "*").set("Expires", 0))
            .await
    }

    /// Registers with a request that the test changes.
    pub async fn register_as(&self, change: impl Fn(Message) -> Message) -> Message {
        let wire = self.wire().await;
        let fresh = || change(self.registration(&wire));
        match log_on(&wire, &self.credentials, fresh).await {
            Ok((_, answer)) => answer,
            Err(_) => panic!(
                "the server ended the connection of {} at its REGISTER",
                self.setup.user
            ),
        }
    }

    /// A REGISTER as this phone writes it, without Authorization.
    pub fn registration(&self, wire: &Wire) -> Message {
        let mut state = self.state();
        let (call_id, from, cseq) = state
            .registration
            .get_or_insert_with(|| (unique("reg"), tag(), 0));
        *cseq += 1;
        let (user, host) = (&self.setup.user, wire.peer);
        let transport = wire.transport.to_lowercase();
        Message::request("REGISTER", &format!("sip:{host}"))
            .with("Via", wire.via())
            .with("Max-Forwards", 70)
            .with("From", format!("<sip:{user}@{host}>;tag={from}"))
            .with("To", format!("<sip:{user}@{host}>"))
            .with("Call-ID", &*call_id)
            .with("CSeq", format!("{cseq} REGISTER"))
            .with(
                "Contact",
                format!("<sip:{user}@{};transport={transport}>", wire.local),
            )
            .with("User-Agent", &self.setup.user_agent)
            .with("Expires", self.setup.expires)
    }

    /// Its connection, made when there is none.
    pub async fn wire(&self) -> Wire {
        self.try_wire()
            .await
            .unwrap_or_else(|e| panic!("no connection to {}: {e}", self.server()))
    }

    /// The same where the server may be down.
    pub async fn try_wire(&self) -> std::io::Result<Wire> {
        if let Some(wire) = self.state().wire.clone() {
            return Ok(wire);
        }
        let (certificate, own) = (self.setup.certificate.as_deref(), self.setup.own.as_deref());
        let (server, documents) = (self.server(), Arc::clone(&self.documents));
        let (wire, requests) = match self.setup.udp {
            Some(weather) => Wire::datagrams(server, weather, documents).await?,
            None => {
                let source = self.setup.source;
                Wire::connect_from(source, server, certificate, own, documents).await?
            }
        };
        self.change(|state| {
            state.wire = Some(wire.clone());
            state.connected = true;
        });
        drop(tokio::spawn(self.clone().serve(wire.clone(), requests)));
        Ok(wire)
    }

    /// Registers or refreshes where the server may go away meanwhile.
    pub async fn try_register(&self) -> Result<Message, Lost> {
        self.try_register_as(|request| request).await
    }

    /// Ends its registration where the server may go away meanwhile.
    pub async fn try_unregister(&self) -> Result<Message, Lost> {
        self.try_register_as(|request| request.set("Contact", "*").set("Expires", 0))
            .await
    }

    async fn try_register_as(&self, change: impl Fn(Message) -> Message) -> Result<Message, Lost> {
        let wire = self.try_wire().await.map_err(|_| Lost)?;
        let fresh = || change(self.registration(&wire));
        let answer = log_on(&wire, &self.credentials, fresh).await;
        answer.map(|(_, answer)| answer)
    }

    /// Sends an event of its first monitor in INFO; the number of its dialog, and the answers. `None`, and nothing is sent,
    /// while it has no monitor or connection.
    pub fn tell(&self, document: &str) -> Option<(usize, UnboundedReceiver<Message>)> {
        let mut state = self.state();
        let wire = state.wire.clone()?;
        let (reference, _) = state.monitors.first()?.clone();
        let info = state.dialog.as_mut()?.request("INFO", &wire);
        let answers = wire.start(&info.csta(document.replace("{xref}", &reference)));
        Some((state.dialogs, answers))
    }

    /// Sends a request in its dialog where the connection or the dialog may be gone.
    pub async fn try_send(&self, method: &str, document: Option<&str>) -> Result<Message, Lost> {
        let (wire, request) = {
            let mut state = self.state();
            let wire = state.wire.clone().ok_or(Lost)?;
            let request = state.dialog.as_mut().ok_or(Lost)?.request(method, &wire);
            (wire, request)
        };
        let request = match document {
            Some(document) => request.csta(document),
            None => request,
        };
        wire.transact(&request).await
    }

    /// Ends when its connection does.
    pub async fn gone(&self) {
        let mut changes = self.changed.subscribe();
        while self.state().connected {
            changes
                .changed()
                .await
                .expect("the phone itself holds the sender");
        }
    }

    /// Stops reading for good, as at a power cut: the connection stays half-open, and its memory is empty.
    pub fn power_cut(&self) -> Option<Wire> {
        let wire = self.state().wire.take()?;
        wire.listen(false);
        wire.give_up();
        self.change(|state| {
            state.connected = false;
            state.forget();
        });
        Some(wire)
    }

    /// From its next connection on, the server is found there.
    pub fn moves_to(&self, server: SocketAddr) {
        self.state().server = Some(server);
    }

    fn server(&self) -> SocketAddr {
        self.state().server.unwrap_or(self.setup.server)
    }

    /// Its connection ends with an RST and its memory is empty, as at a reboot.
    pub fn reboot(&self) {
        self.leave(Wire::reset);
        self.change(State::forget);
    }

    /// Its connection ends in good order; it remembers the dialog.
    pub fn disconnect(&self) {
        self.leave(Wire::close);
    }

    /// It forgets the dialog without a word, and answers 481 from now on.
    pub fn forget(&self) {
        self.change(|state| state.dialog = None);
    }

    /// Ends the dialog.
    pub async fn bye(&self) -> Message {
        let bye = self.in_dialog("BYE").await;
        let answer = self.transact(&bye).await;
        self.change(State::end);
        answer
    }

    /// Sends an event in INFO; `{xref}` stands for the cross reference of its first monitor.
    pub async fn event(&self, document: &str) -> Message {
        let reference = self.monitored().await;
        self.info(&document.replace("{xref}", &reference)).await
    }

    /// Ends its first monitor by itself: MonitorStop in INFO, and the answer (ECMA-269, clause 15.2).
    pub async fn stop_monitor(&self) -> Message {
        let reference = self.monitored().await;
        self.change(|state| state.monitors.retain(|(known, _)| *known != reference));
        let stop = csta::element("monitorCrossRefID", &reference);
        self.info(&self.document("MonitorStop", &stop)).await
    }

    /// Sends several events without waiting for the answers in between.
    pub async fn burst(&self, documents: &[String]) {
        let reference = self.monitored().await;
        let wire = self.wire().await;
        let mut answers = Vec::with_capacity(documents.len());
        for document in documents {
            let info = self
                .in_dialog("INFO")
                .await
                .csta(document.replace("{xref}", &reference));
            answers.push(wire.start(&info));
        }
        for mut answer in answers {
            let last = timeout(PATIENCE, super::wire::final_of(&mut answer))
                .await
                .expect("an answer to each INFO in time");
            last.expect("a connection that stands").expect(200);
        }
    }

    /// Sends a document in INFO as it is.
    pub async fn info(&self, document: &str) -> Message {
        let info = self.in_dialog("INFO").await.csta(document);
        self.transact(&info).await
    }

    /// Takes another connection and leaves the one that it had as it is.
    pub async fn reconnect(&self) -> Wire {
        self.change(|state| state.wire = None);
        self.wire().await
    }

    /// Sends a request in its dialog and proves who it is when it is asked.
    pub async fn prove(&self, method: &str, document: &str) -> Message {
        let wire = self.wire().await;
        let fresh = || {
            let request = self
                .state()
                .dialog
                .as_mut()
                .map(|dialog| dialog.request(method, &wire));
            request.expect("a dialog").csta(document)
        };
        match log_on(&wire, &self.credentials, fresh).await {
            Ok((_, answer)) => answer,
            Err(_) => panic!("the server ended the connection of {}", self.setup.user),
        }
    }

    /// The next request in its dialog.
    pub async fn in_dialog(&self, method: &str) -> Message {
        let wire = self.wire().await;
        let request = self
            .state()
            .dialog
            .as_mut()
            .map(|dialog| dialog.request(method, &wire));
        request.unwrap_or_else(|| panic!("{} has no dialog for {method}", self.setup.user))
    }

    /// Sends a request and waits for its final answer.
    pub async fn transact(&self, request: &Message) -> Message {
        let wire = self.wire().await;
        match wire.transact(request).await {
            Ok(answer) => answer,
            Err(_) => panic!(
                "the server ended the connection instead of an answer to:\n{}",
                request.text()
            ),
        }
    }

    /// From now on, the next such request (a method or a CSTA service) is met so, once.
    pub fn once(&self, request: &str, reaction: Reaction) {
        self.state()
            .reactions
            .entry(request.to_owned())
            .or_default()
            .push_back((reaction, false));
    }

    /// From now on, each such request is met so.
    pub fn always(&self, request: &str, reaction: Reaction) {
        self.state()
            .reactions
            .insert(request.to_owned(), VecDeque::from([(reaction, true)]));
    }

    /// Such requests are met as usual again.
    pub fn relent(&self, request: &str) {
        self.state().reactions.remove(request);
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

    /// Waits until the state answers; fails with what the phone received.
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

    fn leave(&self, how: impl FnOnce(&Wire)) {
        self.change(|state| {
            state.connected = false;
            if let Some(wire) = state.wire.take() {
                how(&wire);
            }
        });
    }

    async fn serve(self, wire: Wire, mut requests: UnboundedReceiver<Message>) {
        while let Some(request) = requests.recv().await {
            self.answer(&wire, request);
        }
        self.change(|state| {
            if state
                .wire
                .as_ref()
                .is_some_and(|current| current.local == wire.local)
            {
                state.wire = None;
                state.connected = false;
            }
        });
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
