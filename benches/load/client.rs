//! A CTI client that opens sessions, monitors lines, sends requests and receives events (TR/87, section 7).

use std::rc::Rc;

use anyhow::{Context as _, ensure};

use crate::{
    csta::{self, document, element},
    dialog::Dialog,
    digest::{self, Account},
    drive::{Player, Ticket},
    sip::{self, Heading, Message},
    site::{CLIENTS, DOMAIN, Site},
    wire::{Party, Wire},
};

/// One connection of a client.
pub(crate) struct Client {
    site: Rc<Site>,
    wire: Rc<Wire>,
}

/// A session that a client opened.
pub(crate) struct Session {
    wire: Rc<Wire>,
    dialog: Dialog,
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
        let mut proof = String::new();
        for cseq in 1..=2 {
            let ticket = self.wire.ticket();
            let heading = Heading {
                method: "INVITE",
                uri: &uri,
                via: &self.wire.via(ticket),
                from: &format!("<sip:{}@{DOMAIN}>;tag=c{number}", CLIENTS.0),
                to: &format!("<{uri}>"),
                call_id: &call_id,
                cseq,
            };
            let lines = format!(
                "{}Supported: timer\r\n{proof}",
                self.wire.contact(CLIENTS.0)
            );
            let invite = sip::request(&heading, &lines, &document("RequestSystemStatus", ""));
            let answer = self.wire.answer_to(&invite, ticket).await?;
            let answer = answer.message();
            match answer.status() {
                Some(200) => {
                    let dialog = Dialog::calling(&answer, cseq).context("a 200 without Contact")?;
                    let ack = dialog.request(&self.wire, "ACK", self.wire.ticket(), "");
                    self.wire.send(ack.as_bytes());
                    return Ok(Session {
                        wire: Rc::clone(&self.wire),
                        dialog,
                    });
                }
                Some(401) => {
                    let to = answer.field("To").context("a 401 without To")?;
                    let refused = Heading {
                        method: "ACK",
                        to,
                        ..heading
                    };
                    self.wire.send(sip::request(&refused, "", "").as_bytes());
                    let (user, password) = CLIENTS;
                    let account = Account { user, password };
                    proof = digest::authorization(&answer, account, "INVITE", &uri)
                        .context("a challenge without MD5")?;
                }
                other => anyhow::bail!("INVITE {uri} got {other:?}: {}", answer.body),
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
            dialog: Dialog::given(number),
        }
    }
}

impl Session {
    /// MonitorStart on that line.
    ///
    /// # Errors
    /// When it is refused, or the connection ends.
    pub(crate) async fn watch(&self, line: &str) -> anyhow::Result<()> {
        let object = element("monitorObject", &element("deviceObject", line));
        let ticket = self.wire.ticket();
        let request = self.dialog.request(
            &self.wire,
            "INFO",
            ticket,
            &document("MonitorStart", &object),
        );
        let answer = self.wire.answer_to(&request, ticket).await?;
        let answer = answer.message();
        ensure!(
            answer.service() == "MonitorStartResponse",
            "MonitorStart on {line} got {:?}: {}",
            answer.status(),
            answer.body
        );
        Ok(())
    }

    /// Sends a document; its final answer goes to `then`, which is dropped when the connection ends before.
    pub(crate) fn ask(&self, document: &str, then: impl FnOnce(&Message<'_>) + 'static) {
        let number = self.wire.ticket();
        let request = self.dialog.request(&self.wire, "INFO", number, document);
        self.wire.ask(&request, number, then);
    }
}

impl Player for Asking {
    fn begin(self: Rc<Self>, ticket: Ticket) {
        self.session.ask(&self.request, move |answer| {
            ticket.finish(answer.service() == "MakeCallResponse");
        });
    }
}

impl Party for Receiving {
    fn asked(self: Rc<Self>, wire: &Wire, request: &Message<'_>) {
        if request.method() == "ACK" {
            return;
        }
        wire.send(request.answer("200 OK", "c", "", "").as_bytes());
        if let Some(number) = csta::event_number(request.body) {
            self.0.seen(number);
        }
    }

    fn lost(&self) {
        self.0.lost.set(self.0.lost.get() + 1);
    }
}
