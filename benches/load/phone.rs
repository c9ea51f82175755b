//! A desk phone that registers, answers the CSTA session and reports events (TR/87, section 7).

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use anyhow::Context as _;

use crate::{
    csta::{self, document, element},
    drive::{Player, Ticket},
    site::{DOMAIN, PHONES_PASSWORD, Site},
    support::{
        dialog::Dialog,
        digest::Account,
        sip::{Message, parameter},
    },
    wire::{Party, Wire, answer_challenge, given, root},
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
        self.dialog.replace(Some(given(self.number)));
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
        let mut proof = None;
        for _ in 0..2 {
            let ticket = wire.ticket();
            let request = self.registration(&wire, ticket, proof.as_deref());
            let answer = wire.answer_to(&request, ticket).await?;
            match answer.status() {
                200 => return Ok(()),
                401 => proof = Some(self.proof(&answer).context("a challenge without MD5")?),
                other => anyhow::bail!("REGISTER of {} got {other}", self.mac),
            }
        }
        anyhow::bail!("REGISTER of {} was challenged again", self.mac)
    }

    fn wire(&self) -> anyhow::Result<Rc<Wire>> {
        let wire = self.wire.borrow().clone();
        wire.with_context(|| format!("phone {} is not connected", self.mac))
    }

    fn registration(&self, wire: &Wire, ticket: u64, proof: Option<&str>) -> Message {
        self.cseq.set(self.cseq.get() + 1);
        let mac = &self.mac;
        let request = Message::request("REGISTER", &registrar())
            .with("Via", wire.via(ticket))
            .with("Max-Forwards", 70)
            .with("From", format_args!("<sip:{mac}@{DOMAIN}>;tag=r{mac}"))
            .with("To", format_args!("<sip:{mac}@{DOMAIN}>"))
            .with("Call-ID", format_args!("reg-{mac}@{DOMAIN}"))
            .with("CSeq", format_args!("{} REGISTER", self.cseq.get()))
            .with("Contact", wire.contact(mac))
            .with("Expires", EXPIRES)
            .with("User-Agent", "snomD345/10.1.159.12")
            .with("Supported", "path, gruu")
            .with(
                "Allow",
                "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY",
            );
        match proof {
            Some(proof) => request.with("Authorization", proof),
            None => request,
        }
    }

    fn proof(&self, refusal: &Message) -> Option<String> {
        let account = Account::new(&self.mac, PHONES_PASSWORD);
        answer_challenge(refusal, &account, "REGISTER", &registrar())
    }

    fn serve(&self, wire: &Wire, request: &Message) -> Option<Message> {
        let tag = format!("p{}", self.number);
        let method = request.method();
        let ok = || request.answer(200, "OK").tagged(&tag);
        Some(match method {
            "ACK" => return None,
            "INVITE" => {
                let opens = request
                    .header("To")
                    .and_then(|to| parameter(to, "tag"))
                    .is_none();
                if opens && request.header("Contact").is_some() {
                    self.dialog.replace(Some(Dialog::called(request, &tag)));
                }
                let accepted = self.accept(wire, request, ok()).routed_as(request);
                accepted.csta(status())
            }
            "UPDATE" => self.accept(wire, request, ok()),
            "INFO" if self.dialog.borrow().is_none() => request
                .answer(481, "Call/Transaction Does Not Exist")
                .tagged(&tag),
            "INFO" => match self.service(root(&request.body)) {
                Some(document) => ok().csta(document),
                None => ok(),
            },
            _ => ok(),
        })
    }

    /// Adds Contact and session timer to a 200 that opens or keeps the session (RFC 4028, section 9).
    fn accept(&self, wire: &Wire, request: &Message, answer: Message) -> Message {
        let answer = answer.with("Contact", wire.contact(&self.mac));
        let Some(asked) = request.header("Session-Expires") else {
            return answer;
        };
        let seconds = asked.split(';').next().unwrap_or(asked);
        answer
            .with("Supported", "timer")
            .with("Require", "timer")
            .with("Session-Expires", format_args!("{seconds};refresher=uac"))
    }

    fn service(&self, name: &str) -> Option<String> {
        Some(match name {
            "" => return None,
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
        })
    }

    /// The second half of GetSwitchingFunctionDevices: the list, in a request of the phone.
    fn list(self: &Rc<Self>, wire: &Wire) {
        let device = element("deviceID", &self.line()) + "<deviceCategory>station</deviceCategory>";
        let inner = element("serviceCrossRefID", "1")
            + &element("lastSegment", "true")
            + &format!("<deviceList><device>{device}</device></deviceList>");
        let phone = Rc::clone(self);
        self.tell(
            wire,
            &document("SwitchingFunctionDevices", &inner),
            move |answer| {
                if answer.status() == 200 {
                    phone.site.listed.set(phone.site.listed.get() + 1);
                }
            },
        );
    }

    fn tell(&self, wire: &Wire, document: &str, then: impl FnOnce(Message) + 'static) {
        if let Some(dialog) = self.dialog.borrow_mut().as_mut() {
            let ticket = wire.ticket();
            let info = dialog.request("INFO", wire.via(ticket)).csta(document);
            wire.ask(&info, ticket, then);
        }
    }
}

impl Party for Phone {
    fn asked(self: Rc<Self>, wire: &Wire, request: &Message) {
        if self.silent.get() {
            return;
        }
        if let Some(answer) = self.serve(wire, request) {
            wire.send(&answer);
        }
        if root(&request.body) == "GetSwitchingFunctionDevices" {
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
        let request = phone.registration(&wire, number, None);
        let this = Rc::clone(&self);
        wire.ask(&request, number, move |answer| {
            if answer.status() != 401 {
                return ticket.finish(answer.status() == 200);
            }
            let (Some(proof), Ok(wire)) = (this.0.proof(&answer), this.0.wire()) else {
                return;
            };
            let number = wire.ticket();
            let request = this.0.registration(&wire, number, Some(&proof));
            wire.ask(&request, number, move |answer| {
                ticket.finish(answer.status() == 200);
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
            if answer.status() == 200 {
                site.seen(number);
            }
        });
    }
}

/// The MAC address of a phone, of snom's, whose phones have every service of the rows.
pub(crate) fn mac(number: usize) -> String {
    format!("000413{number:06x}")
}

fn registrar() -> String {
    format!("sip:{DOMAIN}")
}

fn status() -> String {
    document(
        "RequestSystemStatusResponse",
        &element("systemStatus", "normal"),
    )
}
