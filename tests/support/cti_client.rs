//! A CTI client that logs on, opens sessions, sends requests and receives events (TR/87, section 7).

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    time::timeout,
};

use super::{
    PATIENCE,
    credentials::{Credentials, log_on},
    csta::{self, Document, element},
    dialog::{Dialog, tag},
    digest::{Account, Algorithm},
    documents::Documents,
    sip::{Message, unique},
    wire::Wire,
};

/// What sort of client it is.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the server listens for clients.
    pub server: SocketAddr,
    /// The server's certificate; without it the client speaks plain TCP.
    pub certificate: Option<PathBuf>,
    /// The PEM file of the certificate that it shows, and its key.
    pub own: Option<PathBuf>,
    /// Its account.
    pub account: Account,
    /// The only digest hash that it knows; None: any.
    pub only: Option<Algorithm>,
    /// The edition that it speaks.
    pub edition: &'static str,
    /// The prefix of its elements, empty for none.
    pub prefix: &'static str,
}

impl Setup {
    /// A client of the third edition on plain TCP.
    pub fn new(server: SocketAddr, user: &str, password: &str) -> Self {
        Self {
            server,
            certificate: None,
            own: None,
            account: Account::new(user, password),
            only: None,
            edition: "ed3",
            prefix: "",
        }
    }
}

/// One connection of a client.
#[derive(Clone, Debug)]
pub struct CtiClient {
    /// The connection.
    pub wire: Wire,
    setup: Arc<Setup>,
    credentials: Arc<Mutex<Credentials>>,
    sessions: Sessions,
}

type Sessions = Arc<Mutex<HashMap<String, UnboundedSender<Message>>>>;

impl CtiClient {
    /// One that logs on as that user; what it is sent is not kept.
    pub async fn at(server: SocketAddr, user: &str, password: &str) -> Self {
        Self::connect(Setup::new(server, user, password), Arc::default()).await
    }

    /// Connects.
    pub async fn connect(setup: Setup, documents: Arc<Documents>) -> Self {
        let (certificate, own) = (setup.certificate.as_deref(), setup.own.as_deref());
        let connected = Wire::connect(setup.server, certificate, own, documents).await;
        let (wire, requests) =
            connected.unwrap_or_else(|e| panic!("no connection to {}: {e}", setup.server));
        let sessions = Sessions::default();
        drop(tokio::spawn(serve(
            wire.clone(),
            requests,
            Arc::clone(&sessions),
        )));
        let credentials = Arc::new(Mutex::new(Credentials::new(
            setup.account.clone(),
            setup.only,
        )));
        Self {
            wire,
            setup: Arc::new(setup),
            credentials,
            sessions,
        }
    }

    /// Registers, as some drivers do before anything else; the final answer.
    pub async fn register(&self) -> Message {
        let (call_id, from, mut cseq) = (unique("reg"), tag(), 0);
        let user = &self.setup.account.user;
        let fresh = || {
            cseq += 1;
            self.outside(
                "REGISTER",
                &format!("sip:{}", self.wire.peer),
                &call_id,
                &from,
                cseq,
            )
            .with("To", format!("<sip:{user}@{}>", self.wire.peer))
            .with("Expires", 300)
        };
        let done = log_on(&self.wire, &self.credentials, fresh).await;
        done.expect("a connection that stands").1
    }

    /// Opens the server's session, on which every line can be reached.
    pub async fn open_server(&self) -> Session {
        self.invite(&format!("sip:{}", self.wire.peer), |invite| invite)
            .await
            .unwrap_or_else(|refusal| panic!("{}", refusal.text()))
    }

    /// Opens the session of a line, named as Request-URI and To.
    pub async fn open(&self, line: &str) -> Session {
        let refused = |refusal: Message| panic!("no session for {line}:\n{}", refusal.text());
        self.invite(line, |invite| invite)
            .await
            .unwrap_or_else(refused)
    }

    /// Opens a session with an INVITE that the test changes; a refusal is the error.
    pub async fn invite(
        &self,
        uri: &str,
        change: impl Fn(Message) -> Message,
    ) -> Result<Session, Message> {
        let (call_id, from, mut cseq) = (unique("call"), tag(), 0);
        let (sender, incoming) = mpsc::unbounded_channel();
        self.sessions
            .lock()
            .unwrap()
            .insert(call_id.clone(), sender);
        let fresh = || {
            cseq += 1;
            let invite = self
                .outside("INVITE", uri, &call_id, &from, cseq)
                .with("To", format!("<{uri}>"))
                .with("Supported", "timer");
            change(invite.csta(self.document("RequestSystemStatus", "")))
        };
        let (invite, answer) = log_on(&self.wire, &self.credentials, fresh)
            .await
            .expect("a connection that stands");
        if answer.status() != 200 {
            return Err(answer);
        }
        let mut dialog = Dialog::calling(&invite, &answer);
        self.wire.send(&dialog.request("ACK", self.wire.via()));
        Ok(Session {
            client: self.clone(),
            dialog: Arc::new(Mutex::new(dialog)),
            incoming,
            answer,
        })
    }

    /// A document as this client writes it.
    pub fn document(&self, name: &str, inner: &str) -> String {
        match self.setup.prefix {
            "" => csta::document(self.setup.edition, name, inner),
            prefix => csta::prefixed(prefix, self.setup.edition, name, inner),
        }
    }

    /// A request outside any dialog, without its To.
    pub fn outside(
        &self,
        method: &str,
        uri: &str,
        call_id: &str,
        from: &str,
        cseq: u32,
    ) -> Message {
        let (user, wire) = (&self.setup.account.user, &self.wire);
        let transport = wire.transport.to_lowercase();
        Message::request(method, uri)
            .with("Via", wire.via())
            .with("Max-Forwards", 70)
            .with("From", format!("<sip:{user}@{}>;tag={from}", wire.peer))
            .with("Call-ID", call_id)
            .with("CSeq", format!("{cseq} {method}"))
            .with(
                "Contact",
                format!("<sip:{user}@{};transport={transport}>", wire.local),
            )
            .with("User-Agent", "test client")
    }
}

/// A CSTA session of a client.
#[derive(Debug)]
pub struct Session {
    /// The 200 that opened it.
    pub answer: Message,
    client: CtiClient,
    dialog: Arc<Mutex<Dialog>>,
    incoming: UnboundedReceiver<Message>,
}

impl Session {
    /// What the server said in its RequestSystemStatusResponse.
    pub fn status(&self) -> String {
        Document::read(&self.answer.body)
            .text("systemStatus")
            .to_owned()
    }

    /// Sends a request in the dialog; the final answer.
    pub async fn send(&self, request: impl FnOnce(Message) -> Message, method: &str) -> Message {
        let message = request(self.next(method));
        self.client
            .wire
            .transact(&message)
            .await
            .unwrap_or_else(|_| panic!("the connection ended at:\n{}", message.text()))
    }

    /// Sends a request in the dialog without waiting; its responses come out of the queue.
    pub fn begin(&self, name: &str, inner: &str) -> UnboundedReceiver<Message> {
        let info = self.next("INFO").csta(self.client.document(name, inner));
        self.client.wire.start(&info)
    }

    /// Sends a document in INFO as it is; the SIP answer.
    pub async fn info(&self, document: impl Into<String>) -> Message {
        let document = document.into();
        self.send(|request| request.csta(document), "INFO").await
    }

    /// Asks for a service; the document in the 200.
    pub async fn ask(&self, name: &str, inner: &str) -> Document {
        let answer = self
            .info(self.client.document(name, inner))
            .await
            .expect(200);
        assert!(
            !answer.body.is_empty(),
            "{name} got a 200 without a document:\n{}",
            answer.text()
        );
        Document::read(&answer.body)
    }

    /// Asks for a service that must be done.
    pub async fn done(&self, name: &str, inner: &str) -> Document {
        let answer = self.ask(name, inner).await;
        assert!(
            answer.name() == format!("{name}Response"),
            "{name} was not done: {}",
            answer.raw
        );
        answer
    }

    /// Asks for a service that must be refused; category and value of the CSTAErrorCode.
    pub async fn refused(&self, name: &str, inner: &str) -> (String, String) {
        let answer = self.ask(name, inner).await;
        assert!(
            answer.name() == "CSTAErrorCode",
            "{name} was not refused: {}",
            answer.raw
        );
        let reason = answer
            .root
            .children
            .first()
            .map(|child| (child.local().to_owned(), child.text.clone()));
        reason.unwrap_or_else(|| panic!("an empty CSTAErrorCode: {}", answer.raw))
    }

    /// MonitorStart; the cross reference.
    pub async fn monitor(&self, line: &str) -> String {
        let inner = format!(
            "<monitorObject>{}</monitorObject>",
            element("deviceObject", line)
        );
        let started = self.done("MonitorStart", &inner).await;
        started.text("monitorCrossRefID").to_owned()
    }

    /// MonitorStart, and waits until the line is watched; the cross reference.
    pub async fn watch(&mut self, line: &str) -> String {
        let reference = self.monitor(line).await;
        let event = self.expect("BackInServiceEvent").await;
        assert_eq!(event.text("monitorCrossRefID"), reference);
        reference
    }

    /// MonitorStop.
    pub async fn unwatch(&self, reference: &str) {
        self.done("MonitorStop", &element("monitorCrossRefID", reference))
            .await;
    }

    /// MakeCall without prompt.
    pub async fn make_call(&self, from: &str, to: &str) -> Document {
        let inner = element("callingDevice", from)
            + &element("calledDirectoryNumber", to)
            + "<autoOriginate>doNotPrompt</autoOriginate>";
        self.done("MakeCall", &inner).await
    }

    /// The next request that the server sends in this session; None when the connection ended.
    pub async fn incoming(&mut self) -> Option<Message> {
        self.incoming_within(PATIENCE).await
    }

    /// The same for what takes its time.
    pub async fn incoming_within(&mut self, patience: Duration) -> Option<Message> {
        match timeout(patience, self.incoming.recv()).await {
            Ok(request) => request,
            Err(_) => panic!("nothing came within {patience:?}"),
        }
    }

    /// Whether nothing more has come.
    pub fn quiet(&mut self) -> bool {
        self.incoming.try_recv().is_err()
    }

    /// The next document that the server sends in this session.
    pub async fn event(&mut self) -> Document {
        let info = self.incoming().await.expect("a connection that stands");
        assert!(
            info.method() == "INFO",
            "expected an event, got:\n{}",
            info.text()
        );
        Document::read(&info.body)
    }

    /// The next document, which must be of that name: nothing else may come before it.
    pub async fn expect(&mut self, name: &str) -> Document {
        let event = self.event().await;
        assert!(event.name() == name, "expected {name}, got {}", event.raw);
        event
    }

    /// The next request in the dialog, not sent.
    pub fn next(&self, method: &str) -> Message {
        self.dialog
            .lock()
            .unwrap()
            .request(method, self.client.wire.via())
    }

    /// Acknowledges the 200 to a re-INVITE.
    pub fn acknowledge(&self) {
        self.client.wire.send(&self.next("ACK"));
    }

    /// Ends the session.
    pub async fn bye(&self) {
        self.send(|request| request, "BYE").await.expect(200);
    }
}

async fn serve(wire: Wire, mut requests: UnboundedReceiver<Message>, sessions: Sessions) {
    while let Some(request) = requests.recv().await {
        let session = request
            .header("Call-ID")
            .and_then(|id| sessions.lock().unwrap().get(id).cloned());
        let answer = match (request.method(), &session) {
            ("ACK", _) => None,
            ("OPTIONS", _) => Some(request.answer(200, "OK").tagged(&tag())),
            (_, None) => Some(
                request
                    .answer(481, "Call/Transaction Does Not Exist")
                    .tagged(&tag()),
            ),
            ("INVITE" | "UPDATE", Some(_)) => Some(refreshed(&wire, &request)),
            (_, Some(_)) => Some(request.answer(200, "OK")),
        };
        if let Some(answer) = answer {
            wire.send(&answer);
        }
        if let Some(session) = session.filter(|_| !matches!(request.method(), "OPTIONS" | "ACK")) {
            let _ = session.send(request);
        }
    }
    sessions.lock().unwrap().clear();
}

fn refreshed(wire: &Wire, request: &Message) -> Message {
    let answer = request
        .answer(200, "OK")
        .with("Contact", format!("<sip:client@{}>", wire.local))
        .with("Supported", "timer");
    match request.header("Session-Expires") {
        Some(asked) => answer
            .with("Require", "timer")
            .with("Session-Expires", asked),
        None => answer,
    }
}
