//! A desk phone that registers, answers the CSTA session and reports events (TR/87, section 7).

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use anyhow::Context as _;

use crate::{
    csta::{self, document, element},
    dialog::Dialog,
    digest::{self, Account},
    drive::{Player, Ticket},
    sip::{self, Heading, Message},
    site::{DOMAIN, PHONES_PASSWORD, Site},
    wire::{Party, Wire},
};

/// A phone.
pub(crate) struct Phone {
    site: Rc<Site>,
    number: usize,
    mac: String,
    wire: RefCell<Option<Rc<Wire>>>,
    cseq: Cell<u32>,
    dialog: RefCell<Option<Dialog>>,
    cross_ref: RefCell<String>,
    silent: Cell<bool>,
}

/// A phone that registers, 401 and 200, at each turn.
pub(crate) struct Registering(pub(crate) Rc<Phone>);

/// A phone that reports an event at each turn, which so many clients receive.
pub(crate) struct Reporting(pub(crate) Rc<Phone>, pub(crate) usize);

/// The seconds that a registration is asked for.
const EXPIRES: u32 = 3600;

impl Phone {
    /// The phone of that number, not connected yet. Numbers of one site must differ.
    pub(crate) fn new(site: &Rc<Site>, number: usize) -> Rc<Self> {
        Rc::new(Self {
            site: Rc::clone(site),
            number,
            mac: mac(number),
            wire: RefCell::default(),
            cseq: Cell::new(0),
            dialog: RefCell::default(),
            cross_ref: RefCell::default(),
            silent: Cell::new(false),
        })
    }

    /// Its user name: a MAC address.
    pub(crate) fn mac(&self) -> &str {
        &self.mac
    }

    /// The DeviceID of its one line.
    pub(crate) fn line(&self) -> String {
        format!("sip:{}@{DOMAIN}", 100_000 + self.number)
    }

    /// Connects.
    ///
    /// # Errors
    /// What the system or TLS says.
    pub(crate) async fn connect(self: &Rc<Self>) -> anyhow::Result<()> {
        let wire = Wire::connect(&self.site.phones, self.number)
            .await
            .with_context(|| format!("phone {} cannot connect", self.mac))?;
        wire.serve(Rc::clone(self) as Rc<dyn Party>);
        self.wire.replace(Some(wire));
        Ok(())
    }

    /// Loses its connection, and with it its session.
    pub(crate) fn disconnect(&self) {
        self.dialog.replace(None);
        if let Some(wire) = self.wire.take() {
            wire.reset();
        }
    }

    /// Takes a session for given: what goes through a bare pipe.
    pub(crate) fn assume_session(&self) {
        self.dialog.replace(Some(Dialog::given(self.number)));
    }

    /// Answers nothing any more, and keeps its connection.
    pub(crate) fn fall_silent(&self) {
        self.silent.set(true);
    }

    /// Registers, and waits for the 200.
    ///
    /// # Errors
    /// When the server refuses, or the connection ends.
    pub(crate) async fn register(&self) -> anyhow::Result<()> {
        let wire = self.wire()?;
        let mut proof = String::new();
        for _ in 0..2 {
            let ticket = wire.ticket();
            let answer = wire
                .answer_to(&self.registration(&wire, ticket, &proof), ticket)
                .await?;
            let answer = answer.message();
            match answer.status() {
                Some(200) => return Ok(()),
                Some(401) => {
                    proof = self.proof(&answer).context("a challenge without MD5")?;
                }
                other => anyhow::bail!("REGISTER of {} got {other:?}", self.mac),
            }
        }
        anyhow::bail!("REGISTER of {} was challenged again", self.mac)
    }

    fn wire(&self) -> anyhow::Result<Rc<Wire>> {
        let wire = self.wire.borrow().clone();
        wire.with_context(|| format!("phone {} is not connected", self.mac))
    }

    fn registration(&self, wire: &Wire, ticket: u64, proof: &str) -> String {
        self.cseq.set(self.cseq.get() + 1);
        let (mac, registrar) = (&self.mac, format!("sip:{DOMAIN}"));
        let heading = Heading {
            method: "REGISTER",
            uri: &registrar,
            via: &wire.via(ticket),
            from: &format!("<sip:{mac}@{DOMAIN}>;tag=r{mac}"),
            to: &format!("<sip:{mac}@{DOMAIN}>"),
            call_id: &format!("reg-{mac}@{DOMAIN}"),
            cseq: self.cseq.get(),
        };
        let lines = format!(
            "{}Expires: {EXPIRES}\r\nUser-Agent: snomD345/10.1.159.12\r\nSupported: path, gruu\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY\r\n{proof}",
            wire.contact(mac)
        );
        sip::request(&heading, &lines, "")
    }

    fn proof(&self, refusal: &Message<'_>) -> Option<String> {
        let account = Account {
            user: &self.mac,
            password: PHONES_PASSWORD,
        };
        digest::authorization(refusal, account, "REGISTER", &format!("sip:{DOMAIN}"))
    }

    fn serve(&self, wire: &Wire, request: &Message<'_>) -> Option<String> {
        let tag = format!("p{}", self.number);
        let method = request.method();
        Some(match method {
            "ACK" => return None,
            "INVITE" => {
                if let Some(dialog) = Dialog::called(request, &tag)
                    && request
                        .field("To")
                        .and_then(|to| sip::parameter(to, "tag"))
                        .is_none()
                {
                    self.dialog.replace(Some(dialog));
                }
                request.answer("200 OK", &tag, &self.terms(wire, request), &status())
            }
            "UPDATE" => request.answer("200 OK", &tag, &self.terms(wire, request), ""),
            "INFO" if self.dialog.borrow().is_none() => {
                request.answer("481 Call/Transaction Does Not Exist", &tag, "", "")
            }
            "INFO" => request.answer("200 OK", &tag, "", &self.service(request)),
            _ => request.answer("200 OK", &tag, "", ""),
        })
    }

    /// Contact and session timer of a 200 that opens or keeps the session (RFC 4028 section 9).
    fn terms(&self, wire: &Wire, request: &Message<'_>) -> String {
        let contact = wire.contact(&self.mac);
        match request.field("Session-Expires") {
            None => contact,
            Some(asked) => {
                let seconds = asked.split(';').next().unwrap_or(asked);
                format!(
                    "{contact}Supported: timer\r\nRequire: timer\r\nSession-Expires: {seconds};refresher=uac\r\n"
                )
            }
        }
    }

    fn service(&self, request: &Message<'_>) -> String {
        match request.service() {
            "" => String::new(),
            "RequestSystemStatus" => status(),
            "MakeCall" => csta::MAKE_CALL_RESPONSE.trim_end().to_owned(),
            "SystemRegister" => {
                document("SystemRegisterResponse", &element("sysStatRegisterID", "1"))
            }
            "GetSwitchingFunctionDevices" => document(
                "GetSwitchingFunctionDevicesResponse",
                &element("serviceCrossRefID", "1"),
            ),
            "MonitorStart" => {
                let cross_ref = format!("x{}", self.number);
                self.cross_ref.replace(cross_ref.clone());
                self.site.watched.set(self.site.watched.get() + 1);
                document(
                    "MonitorStartResponse",
                    &element("monitorCrossRefID", &cross_ref),
                )
            }
            other => document(&format!("{other}Response"), ""),
        }
    }

    /// The second half of GetSwitchingFunctionDevices: the list, in a request of the phone.
    fn list(self: &Rc<Self>, wire: &Wire) {
        let device = element("deviceID", &self.line()) + "<deviceCategory>station</deviceCategory>";
        let inner = element("serviceCrossRefID", "1")
            + &element("lastSegment", "true")
            + &element("deviceList", &element("device", &device));
        let phone = Rc::clone(self);
        self.tell(
            wire,
            &document("SwitchingFunctionDevices", &inner),
            move |answer| {
                if answer.status() == Some(200) {
                    phone.site.listed.set(phone.site.listed.get() + 1);
                }
            },
        );
    }

    fn tell(&self, wire: &Wire, document: &str, then: impl FnOnce(&Message<'_>) + 'static) {
        let dialog = self.dialog.borrow();
        if let Some(dialog) = dialog.as_ref() {
            let ticket = wire.ticket();
            wire.ask(
                &dialog.request(wire, "INFO", ticket, document),
                ticket,
                then,
            );
        }
    }
}

impl Party for Phone {
    fn asked(self: Rc<Self>, wire: &Wire, request: &Message<'_>) {
        if self.silent.get() {
            return;
        }
        if let Some(answer) = self.serve(wire, request) {
            wire.send(answer.as_bytes());
        }
        if request.service() == "GetSwitchingFunctionDevices" {
            self.list(wire);
        }
    }

    fn lost(&self) {
        self.site.lost.set(self.site.lost.get() + 1);
    }
}

impl Player for Registering {
    fn begin(self: Rc<Self>, ticket: Ticket) {
        let phone = &self.0;
        // Without a connection the ticket is dropped: a failure.
        let Ok(wire) = phone.wire() else { return };
        let number = wire.ticket();
        let request = phone.registration(&wire, number, "");
        let this = Rc::clone(&self);
        wire.ask(&request, number, move |answer| {
            if answer.status() != Some(401) {
                return ticket.finish(answer.status() == Some(200));
            }
            let (Some(proof), Ok(wire)) = (this.0.proof(answer), this.0.wire()) else {
                return;
            };
            let number = wire.ticket();
            let request = this.0.registration(&wire, number, &proof);
            wire.ask(&request, number, move |answer| {
                ticket.finish(answer.status() == Some(200));
            });
        });
    }
}

impl Player for Reporting {
    fn begin(self: Rc<Self>, ticket: Ticket) {
        let (phone, clients) = (&self.0, self.1);
        let Ok(wire) = phone.wire() else { return };
        // Seen by each client, and its 200 by the phone.
        let number = phone.site.leaves(clients + 1, ticket);
        let event = csta::delivered(&phone.cross_ref.borrow(), number);
        let site = Rc::clone(&phone.site);
        phone.tell(&wire, &event, move |answer| {
            if answer.status() == Some(200) {
                site.seen(number);
            }
        });
    }
}

/// The MAC address of a phone, of snom's, whose phones have every service of the rows.
pub(crate) fn mac(number: usize) -> String {
    format!("000413{number:06x}")
}

fn status() -> String {
    document(
        "RequestSystemStatusResponse",
        &element("systemStatus", "normal"),
    )
}
