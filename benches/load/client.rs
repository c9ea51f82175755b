//! A CTI client that opens sessions, monitors lines, sends requests and receives events (TR/87, section 7).

use std::{cell::RefCell, rc::Rc};

use anyhow::{Context as _, ensure};

use crate::{
    csta::{self, document, element},
    drive::{Player, Ticket},
    site::{CLIENTS, DOMAIN, Site},
    support::{dialog::Dialog, digest::Account, sip::Message},
    wire::{Party, Wire, answer_challenge, given, root},
};

/// One connection of a client.
pub(crate) struct Client {
    site: Rc<Site>,
    wire: Rc<Wire>,
}

/// A session that a client opened.
pub(crate) struct Session {
    wire: Rc<Wire>,
    dialog: RefCell<Dialog>,
}

/// A session in which a MakeCall is asked for at each turn.
pub(crate) struct Asking {
    /// The session.
    pub(crate) session: Session,
    /// The document.
    pub(crate) request: String,
}

struct Receiving(Rc<Site>);

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// What the system or TLS says.
    pub(crate) async fn connect(site: &Rc<Site>, number: usize) -> anyhow::Result<Self> {
        let wire = Wire::connect(&site.clients, number)
            .await
            .context("a client cannot connect")?;
        wire.serve(Rc::new(Receiving(Rc::clone(site))));
        Ok(Self {
            site: Rc::clone(site),
            wire,
        })
    }

    /// Opens the session of the line of that user part; the server's own with an empty one.
    ///
    /// # Errors
    /// When it is refused, or the connection ends.
    pub(crate) async fn open(&self, line: &str) -> anyhow::Result<Session> {
        let number = self.site.number();
        let at = if line.is_empty() { "" } else { "@" };
        let uri = format!("sip:{line}{at}{DOMAIN}");
        let call_id = format!("call-{number}@{DOMAIN}");
        let (user, password) = CLIENTS;
        let mut proof = None;
        for cseq in 1..=2 {
            let ticket = self.wire.ticket();
            let heading = |method: &str| {
                Message::request(method, &uri)
                    .with("Via", self.wire.via(ticket))
                    .with("Max-Forwards", 70)
                    .with("From", format_args!("<sip:{user}@{DOMAIN}>;tag=c{number}"))
                    .with("Call-ID", &call_id)
                    .with("CSeq", format_args!("{cseq} {method}"))
            };
            let mut invite = heading("INVITE")
                .with("To", format_args!("<{uri}>"))
                .with("Contact", self.wire.contact(user))
                .with("Supported", "timer")
                .csta(document("RequestSystemStatus", ""));
            if let Some(proof) = proof {
                invite = invite.with("Authorization", proof);
            }
            let answer = self.wire.answer_to(&invite, ticket).await?;
            match answer.status() {
                200 => {
                    answer.header("Contact").context("a 200 without Contact")?;
                    let mut dialog = Dialog::calling(&invite, &answer);
                    self.wire
                        .send(&dialog.request("ACK", self.wire.via(self.wire.ticket())));
                    return Ok(Session {
                        wire: Rc::clone(&self.wire),
                        dialog: RefCell::new(dialog),
                    });
                }
                401 => {
                    let to = answer.header("To").context("a 401 without To")?;
                    self.wire.send(&heading("ACK").with("To", to));
                    let account = Account::new(user, password);
                    let found = answer_challenge(&answer, &account, "INVITE", &uri);
                    proof = Some(found.context("a challenge without MD5")?);
                }
                other => anyhow::bail!("INVITE {uri} got {other}: {}", answer.body),
            }
        }
        anyhow::bail!("INVITE {uri} was challenged again")
    }

    /// Final answers that it got and nobody waited for.
    pub(crate) fn unawaited(&self) -> usize {
        self.wire.unawaited()
    }

    /// Takes a session for given: what goes through a bare pipe.
    pub(crate) fn assume_session(&self, number: usize) -> Session {
        Session {
            wire: Rc::clone(&self.wire),
            dialog: RefCell::new(given(number)),
        }
    }
}

impl Session {
    /// MonitorStart on that line.
    ///
    /// # Errors
    /// When it is refused, or the connection ends.
    pub(crate) async fn watch(&self, line: &str) -> anyhow::Result<()> {
        let object = format!(
            "<monitorObject>{}</monitorObject>",
            element("deviceObject", line)
        );
        let ticket = self.wire.ticket();
        let request = self.request(ticket, &document("MonitorStart", &object));
        let answer = self.wire.answer_to(&request, ticket).await?;
        ensure!(
            root(&answer.body) == "MonitorStartResponse",
            "MonitorStart on {line} got {:?}: {}",
            answer.status(),
            answer.body
        );
        Ok(())
    }

    /// Sends a document; its final answer goes to `then`, which is dropped when the connection ends before.
    pub(crate) fn ask(&self, document: &str, then: impl FnOnce(Message) + 'static) {
        let ticket = self.wire.ticket();
        self.wire.ask(&self.request(ticket, document), ticket, then);
    }

    fn request(&self, ticket: u64, document: &str) -> Message {
        self.dialog
            .borrow_mut()
            .request("INFO", self.wire.via(ticket))
            .csta(document)
    }
}

impl Player for Asking {
    fn begin(self: Rc<Self>, ticket: Ticket) {
        self.session.ask(&self.request, move |answer| {
            ticket.finish(root(&answer.body) == "MakeCallResponse");
        });
    }
}

impl Party for Receiving {
    fn asked(self: Rc<Self>, wire: &Wire, request: &Message) {
        if request.method() == "ACK" {
            return;
        }
        wire.send(&request.answer(200, "OK").tagged("c"));
        if let Some(number) = csta::event_number(&request.body) {
            self.0.seen(number);
        }
    }

    fn lost(&self) {
        self.0.lost.set(self.0.lost.get() + 1);
    }
}
