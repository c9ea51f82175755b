//! What a phone answers by itself: the dialog of TR/87 section 7 and the services of ECMA-323.

use super::{
    super::{
        csta::{connection, element},
        dialog::{Dialog, tag},
        digest::Account,
        sip::Message,
        wire::Wire,
    },
    Document, Phone, Reaction, Received,
};

impl Phone {
    /// Answers one request of the server, or does what the test wants in its place.
    pub(super) fn answer(&self, wire: &Wire, request: Message) {
        let service = if request.body.is_empty() {
            String::new()
        } else {
            Document::read(&request.body).name().to_owned()
        };
        let method = request.method().to_owned();
        let reaction = self.change(|state| {
            state.received.push(Received {
                service: service.clone(),
                message: request.clone(),
            });
            if method == "ACK" {
                state.confirmed = true;
                return None;
            }
            if let Some(dialog) = state.dialog.as_mut().filter(|dialog| dialog.owns(&request)) {
                if request.cseq() <= dialog.peer_cseq {
                    self.documents.fault(format!(
                        "a CSeq that does not grow (RFC 3261 section 12.2.1.1):\n{}",
                        request.text()
                    ));
                }
                dialog.peer_cseq = request.cseq();
            }
            let key = if state.reactions.contains_key(&service) {
                &service
            } else {
                &method
            };
            let queue = state.reactions.get_mut(key)?;
            match queue.front() {
                Some((reaction, true)) => Some(reaction.clone()),
                _ => queue.pop_front().map(|(reaction, _)| reaction),
            }
        });
        match reaction {
            _ if method == "ACK" => {}
            None => self.reply(wire, &request, &service),
            Some(Reaction::Document(text)) => {
                wire.send(&request.answer(200, "OK").tagged(&tag()).csta(text));
            }
            Some(Reaction::Status(status, headers)) => {
                let answer = request.answer(status, "As the test wants").tagged(&tag());
                wire.send(
                    &headers
                        .iter()
                        .fold(answer, |answer, (name, value)| answer.with(name, value)),
                );
            }
            Some(Reaction::Refusal(status, text)) => {
                wire.send(
                    &request
                        .answer(status, "As the test wants")
                        .tagged(&tag())
                        .csta(text),
                );
            }
            Some(Reaction::Late(delay)) => {
                let (phone, wire) = (self.clone(), wire.clone());
                drop(tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    phone.reply(&wire, &request, &service);
                }));
            }
            Some(Reaction::Silence) => {}
            Some(Reaction::Reset) => wire.reset(),
        }
    }

    fn reply(&self, wire: &Wire, request: &Message, service: &str) {
        if let Some(refusal) = self.challenge(request) {
            return wire.send(&refusal);
        }
        let opening = request.method() == "INVITE" && !request.must("To").contains("tag=");
        if opening {
            return wire.send(&self.open(wire, request));
        }
        let owner = |state: &mut super::State| state.dialog.as_ref()?.owns(request).then_some(());
        let known = self.change(owner);
        let answer = match request.method() {
            "OPTIONS" if known.is_none() => request
                .answer(200, "OK")
                .tagged(&tag())
                .with("Allow", "INVITE, ACK, BYE, INFO, UPDATE, OPTIONS"),
            "INVITE" | "INFO" | "UPDATE" | "BYE" | "OPTIONS" if known.is_none() => request
                .answer(481, "Call/Transaction Does Not Exist")
                .tagged(&tag()),
            "INVITE" => self.accept(wire, request).csta(self.status()),
            "UPDATE" => self.accept(wire, request),
            "BYE" => {
                self.change(super::State::end);
                request.answer(200, "OK")
            }
            "OPTIONS" => request.answer(200, "OK"),
            "INFO" if self.lacks(service) => self.refuse(request),
            "INFO" => match self.serve_csta(request, service) {
                Some(document) => request.answer(200, "OK").csta(document),
                None => request.answer(200, "OK"),
            },
            _ => request
                .answer(405, "Method Not Allowed")
                .tagged(&tag())
                .with("Allow", "INVITE, ACK, BYE, INFO, UPDATE, OPTIONS"),
        };
        wire.send(&answer);
        if service == "GetSwitchingFunctionDevices" && known.is_some() {
            drop(tokio::spawn(self.clone().list()));
        }
    }

    fn open(&self, wire: &Wire, invite: &Message) -> Message {
        let ours = tag();
        self.change(|state| {
            state.end();
            state.dialog = Some(Dialog::called(invite, &ours));
            state.dialogs += 1;
        });
        self.accept(wire, invite).tagged(&ours).csta(self.status())
    }

    /// A 200 that keeps the session timer which the server asks for (RFC 4028 section 9).
    fn accept(&self, wire: &Wire, request: &Message) -> Message {
        let transport = wire.transport.to_lowercase();
        let contact = format!(
            "<sip:{}@{};transport={transport}>",
            self.setup.user, wire.local
        );
        let answer = request
            .answer(200, "OK")
            .with("Contact", contact)
            .with("Supported", "timer");
        match request.header("Session-Expires") {
            Some(asked) if asked.contains("refresher=") => answer
                .with("Require", "timer")
                .with("Session-Expires", asked),
            Some(asked) => answer
                .with("Require", "timer")
                .with("Session-Expires", format!("{asked};refresher=uac")),
            None => answer,
        }
    }

    fn challenge(&self, request: &Message) -> Option<Message> {
        let (challenge, methods) = self.setup.challenge.as_ref()?;
        if !methods.contains(&request.method()) {
            return None;
        }
        let refusal = || {
            request
                .answer(401, "Unauthorized")
                .tagged(&tag())
                .with("WWW-Authenticate", challenge.header())
        };
        let Some(authorization) = request.header("Authorization") else {
            return Some(refusal());
        };
        let bare = self.setup.user.to_lowercase().replace([':', '-'], "");
        match challenge.verify(
            authorization,
            request.method(),
            &Account::new(&bare, &self.setup.password),
        ) {
            Ok(()) => None,
            Err(fault) => {
                self.documents.fault(fault);
                Some(refusal())
            }
        }
    }

    fn lacks(&self, service: &str) -> bool {
        let maker = self.setup.maker.as_ref();
        maker.is_some_and(|maker| maker.lacks.iter().any(|name| name == service))
    }

    /// Refuses a service as its maker's phones do.
    fn refuse(&self, request: &Message) -> Message {
        let (status, explains) = match &self.setup.maker {
            Some(maker) => (maker.refusal, maker.refusal_document),
            None => (200, true),
        };
        let answer = request.answer(status, "Not supported");
        let why = element("operation", "serviceNotSupported");
        match explains {
            true => answer.csta(self.document("CSTAErrorCode", &why)),
            false => answer,
        }
    }

    fn status(&self) -> String {
        let status = self.change(|state| {
            if state.status.len() > 1 {
                state.status.pop_front()
            } else {
                state.status.front().copied()
            }
        });
        self.document(
            "RequestSystemStatusResponse",
            &element("systemStatus", status.unwrap_or("normal")),
        )
    }

    fn serve_csta(&self, request: &Message, service: &str) -> Option<String> {
        let asked = Document::read(&request.body);
        let response = |inner: &str| Some(self.document(&format!("{service}Response"), inner));
        let failure = |value: &str| self.document("CSTAErrorCode", &element("operation", value));
        match service {
            "RequestSystemStatus" => Some(self.status()),
            "SystemRegister" => response("<sysStatRegisterID>r1</sysStatRegisterID>"),
            "GetSwitchingFunctionDevices" => response("<serviceCrossRefID>s1</serviceCrossRefID>"),
            "MonitorStart" => {
                let device = asked.text("monitorObject/deviceObject").to_owned();
                if !self.setup.identities.contains(&device) {
                    return Some(failure("invalidDeviceID"));
                }
                let reference = self.change(|state| {
                    state.references += 1;
                    let reference = format!("x{}-{}", self.setup.user, state.references);
                    state.monitors.push((reference.clone(), device));
                    reference
                });
                response(&element("monitorCrossRefID", &reference))
            }
            "MonitorStop" => {
                let wanted = asked.text("monitorCrossRefID").to_owned();
                let known = self.change(|state| {
                    let before = state.monitors.len();
                    state.monitors.retain(|(reference, _)| *reference != wanted);
                    state.monitors.len() < before
                });
                if known {
                    response("")
                } else {
                    Some(failure("invalidMonitorCrossRefID"))
                }
            }
            "MakeCall" => response(&connection(
                "callingDevice",
                "-12",
                asked.text("callingDevice"),
            )),
            "ConsultationCall" => response(&connection(
                "initiatedCall",
                "-13",
                asked.text("existingCall/deviceID"),
            )),
            "TransferCall" => response(&connection(
                "transferredCall",
                "-14",
                asked.text("heldCall/deviceID"),
            )),
            "SnapshotDevice" => {
                response("<crossRefIDorSnapshotData><snapshotData/></crossRefIDorSnapshotData>")
            }
            "GetDoNotDisturb" => response("<doNotDisturbOn>false</doNotDisturbOn>"),
            "GetForwarding" => response("<forwardingList/>"),
            _ => response(""),
        }
    }

    /// Tells its identities, in as many segments as this phone takes.
    async fn list(self) {
        let identities = &self.setup.identities;
        let size = identities.len().div_ceil(self.setup.segments).max(1);
        let segments: Vec<&[String]> = identities.chunks(size).collect();
        for (number, segment) in segments.iter().enumerate() {
            let devices: String = segment
                .iter()
                .map(|id| {
                    format!(
                        "<device>{}<deviceCategory>station</deviceCategory></device>",
                        element("deviceID", id)
                    )
                })
                .collect();
            let last = number + 1 == segments.len();
            let inner = format!(
                "<serviceCrossRefID>s1</serviceCrossRefID><segmentID>{}</segmentID><lastSegment>{last}</lastSegment><deviceList>{devices}</deviceList>",
                number + 1
            );
            let part = self.document("SwitchingFunctionDevices", &inner);
            // Where the connection or the dialog went meanwhile, the next session asks for the list again.
            let Ok(answer) = self.try_send("INFO", Some(&part)).await else {
                return;
            };
            if answer.status() == 481 {
                return;
            }
            answer.expect(200);
        }
        self.change(|state| state.listed = true);
    }
}
