//! The CSTA side of a phone: its events, and its answers to services (ECMA-323).

use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

use super::{
    super::{
        PATIENCE,
        csta::{self, Document, connection, element},
        sip::Message,
        wire::final_of,
    },
    Phone,
};

impl Phone {
    /// Sends a document in INFO unchanged.
    pub async fn info(&self, document: &str) -> Message {
        let info = self.in_dialog("INFO").await.csta(document);
        self.transact(&info).await
    }

    /// Sends an event in INFO; `{xref}` stands for the cross reference of its first monitor.
    pub async fn event(&self, document: &str) -> Message {
        let reference = self.monitored().await;
        self.info(&document.replace("{xref}", &reference)).await
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
            let last = timeout(PATIENCE, final_of(&mut answer))
                .await
                .expect("an answer to each INFO in time");
            last.expect("a connection that stands").expect(200);
        }
    }

    /// Sends an event of its first monitor in INFO; the number of its dialog, and the answers. `None`, and nothing is sent,
    /// while it has no monitor or connection.
    pub fn tell(&self, document: &str) -> Option<(usize, UnboundedReceiver<Message>)> {
        let mut state = self.state();
        let wire = state.wire.clone()?;
        let (reference, _) = state.monitors.first()?.clone();
        let info = state.dialog.as_mut()?.request("INFO", wire.via());
        let answers = wire.start(&info.csta(document.replace("{xref}", &reference)));
        Some((state.dialogs, answers))
    }

    /// Stops its first monitor with MonitorStop and returns the response (ECMA-269, section 15.2).
    pub async fn stop_monitor(&self) -> Message {
        let reference = self.monitored().await;
        self.change(|state| state.monitors.retain(|(known, _)| *known != reference));
        let stop = csta::element("monitorCrossRefID", &reference);
        self.info(&self.document("MonitorStop", &stop)).await
    }

    pub(super) fn lacks(&self, service: &str) -> bool {
        let maker = self.setup.maker.as_ref();
        maker.is_some_and(|maker| maker.lacks.iter().any(|name| name == service))
    }

    /// Refuses a service in its maker's style.
    pub(super) fn refuse(&self, request: &Message) -> Message {
        let (status, explains) = match &self.setup.maker {
            Some(maker) => (maker.refusal, maker.refusal_document),
            None => (200, true),
        };
        let answer = request.answer(status, "Not supported");
        let why = element("operation", "serviceNotSupported");
        if explains {
            answer.csta(self.document("CSTAErrorCode", &why))
        } else {
            answer
        }
    }

    pub(super) fn status(&self) -> String {
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

    pub(super) fn serve_csta(&self, request: &Message, service: &str) -> Option<String> {
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

    /// Sends its identities in the configured number of segments.
    pub(super) async fn list(self) {
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
            // 487: the dialog's BYE came while the INFO was under way (RFC 3261, section 15.1.2).
            if matches!(answer.status(), 481 | 487) {
                return;
            }
            answer.expect(200);
        }
        self.change(|state| state.listed = true);
    }
}
