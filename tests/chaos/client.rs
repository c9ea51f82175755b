//! A client of the random run: it monitors lines, sends requests and records what it receives.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};

use super::{
    dice::Dice,
    ledger::{Connection, Heard},
    phone::{ASKED, line},
    site::{CLIENTS, Site},
};
use crate::support::{
    credentials::{Credentials, log_on},
    csta::{between, document, element},
    dialog::{Dialog, tag},
    digest::Account,
    sip::{Message, unique},
    wire::{Lost, Wire, final_of},
};

/// What happens to a client.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Its connection ends with an RST.
    Reset,
    /// It does not read for that long.
    Pause(Duration),
}

/// A client of the run.
#[derive(Clone, Debug)]
pub struct Living {
    /// The shared site.
    pub site: Arc<Site>,
    /// The phones whose lines it watches.
    pub lines: Arc<[usize]>,
}

/// One connection of it, once its session is open.
#[derive(Clone)]
struct Open {
    wire: Wire,
    dialog: Arc<Mutex<Dialog>>,
    /// Where it stands in the ledger.
    number: usize,
}

/// Far above what a request may take.
const ANSWER: Duration = Duration::from_secs(20);

impl Living {
    /// Lives until the run is over.
    pub async fn live(self, mut dice: Dice, mut faults: UnboundedReceiver<Fault>) {
        loop {
            let Ok((open, mut requests)) = self.open().await else {
                sleep(dice.between(50, 300)).await;
                continue;
            };
            let (done, mut watched) = unbounded_channel();
            drop(tokio::spawn(self.clone().watch(open.clone(), done)));
            let mut watching = true;
            loop {
                tokio::select! {
                    request = requests.recv() => match request {
                        Some(request) => self.hear(&open, &request),
                        None => break,
                    },
                    _ = watched.recv(), if watching => watching = false,
                    () = sleep(dice.between(20, 400)), if !watching => {
                        let asked = self.lines[dice.below(self.lines.len())];
                        drop(tokio::spawn(self.clone().ask(open.clone(), asked)));
                    }
                    fault = faults.recv() => match fault {
                        Some(Fault::Reset) => open.wire.reset(),
                        Some(Fault::Pause(duration)) => {
                            open.wire.listen(false);
                            let wire = open.wire.clone();
                            drop(tokio::spawn(async move {
                                sleep(duration).await;
                                wire.listen(true);
                            }));
                        }
                        None => return,
                    },
                }
            }
            self.site.state().ledger.connections[open.number].stood = false;
        }
    }

    /// Connects, logs on and opens the server's session.
    async fn open(&self) -> Result<(Open, UnboundedReceiver<Message>), Lost> {
        let doors = self.site.doors().await;
        let documents = Arc::clone(&self.site.documents);
        let connected = Wire::connect(doors.clients, None, None, documents).await;
        let (wire, requests) = connected.map_err(|_| Lost)?;
        let credentials = Mutex::new(Credentials::new(Account::new("ecsta", CLIENTS), None));
        let (call_id, from, mut cseq) = (unique("call"), tag(), 0);
        let fresh = || {
            cseq += 1;
            let peer = wire.peer;
            Message::request("INVITE", &format!("sip:{peer}"))
                .with("Via", wire.via())
                .with("Max-Forwards", 70)
                .with("From", format!("<sip:ecsta@{peer}>;tag={from}"))
                .with("To", format!("<sip:{peer}>"))
                .with("Call-ID", &call_id)
                .with("CSeq", format!("{cseq} INVITE"))
                .with(
                    "Contact",
                    format!("<sip:ecsta@{};transport=tcp>", wire.local),
                )
                .with("Supported", "timer")
                .csta(document("ed3", "RequestSystemStatus", ""))
        };
        let (invite, answer) = log_on(&wire, &credentials, fresh).await?;
        if answer.status() != 200 {
            self.site
                .fault(format!("{} to a client's INVITE", answer.status()));
            return Err(Lost);
        }
        let mut dialog = Dialog::calling(&invite, &answer);
        wire.send(&dialog.request("ACK", wire.via()));
        let number = {
            let connections = &mut self.site.state().ledger.connections;
            connections.push(Connection {
                stood: true,
                ..Connection::default()
            });
            connections.len() - 1
        };
        let dialog = Arc::new(Mutex::new(dialog));
        let open = Open {
            wire,
            dialog,
            number,
        };
        Ok((open, requests))
    }

    /// Opens all its lines, and says so.
    async fn watch(self, open: Open, done: UnboundedSender<()>) {
        for phone in self.lines.iter() {
            let object = element("deviceObject", &line(*phone));
            let inner = format!("<monitorObject>{object}</monitorObject>");
            let Some(answer) = self.request(&open, "MonitorStart", &inner).await else {
                return;
            };
            match between(&answer, "monitorCrossRefID") {
                Some((start, end)) if answer.contains("MonitorStartResponse") => {
                    let reference = answer[start..end].to_owned();
                    let ledger = &mut self.site.state().ledger;
                    ledger.connections[open.number]
                        .monitors
                        .insert(reference, *phone);
                }
                _ => self
                    .site
                    .fault(format!("MonitorStart was answered by {answer}")),
            }
        }
        // Nobody waits any more if the connection ended.
        let _ = done.send(());
    }

    async fn ask(self, open: Open, phone: usize) {
        let answer = self
            .request(&open, ASKED, &element("device", &line(phone)))
            .await;
        let end = match answer {
            Some(answer) if answer.contains("GetDoNotDisturbResponse") => "done",
            Some(answer) if answer.contains("CSTAErrorCode") => "refused with a reason",
            Some(answer) => return self.site.fault(format!("{ASKED} was answered by {answer}")),
            None => "ended with the connection",
        };
        *self.site.state().answers.entry(end).or_default() += 1;
    }

    /// The document that answers a request; `None` if the connection ended.
    async fn request(&self, open: &Open, name: &str, inner: &str) -> Option<String> {
        let info = lock(&open.dialog).request("INFO", open.wire.via());
        let mut answers = open.wire.start(&info.csta(document("ed3", name, inner)));
        match timeout(ANSWER, final_of(&mut answers)).await {
            Ok(Ok(answer)) if answer.status() == 200 => Some(answer.body),
            Ok(Ok(answer)) => {
                self.site.fault(format!("{} to {name}", answer.status()));
                None
            }
            Ok(Err(Lost)) => None,
            Err(_) => {
                self.site
                    .fault(format!("{name} had no answer within {ANSWER:?}"));
                None
            }
        }
    }

    /// Answers a request of the server, and writes down the event that it brings.
    fn hear(&self, open: &Open, request: &Message) {
        match request.method() {
            "ACK" => return,
            "BYE" => {
                open.wire.send(&request.answer(200, "OK"));
                return open.wire.close();
            }
            _ => open.wire.send(&request.answer(200, "OK")),
        }
        let body = &request.body;
        let Some((start, end)) = between(body, "monitorCrossRefID") else {
            return;
        };
        let number = between_comments(body).and_then(|text| text.parse().ok());
        let heard = match number {
            Some(number) => Heard::Event(number),
            None if body.contains("BackInServiceEvent") => Heard::BackIn,
            None if body.contains("OutOfServiceEvent") => Heard::OutOf,
            None => {
                return self
                    .site
                    .fault(format!("an event that nobody told: {body}"));
            }
        };
        let now = self.site.now();
        let ledger = &mut self.site.state().ledger;
        let by_monitor = &mut ledger.connections[open.number].heard;
        by_monitor
            .entry(body[start..end].to_owned())
            .or_default()
            .push((now, heard));
    }
}

fn lock(dialog: &Mutex<Dialog>) -> std::sync::MutexGuard<'_, Dialog> {
    dialog.lock().expect("no task panics while it holds it")
}

/// What stands in the comment.
fn between_comments(body: &str) -> Option<&str> {
    Some(body.split_once("<!--")?.1.split_once("-->")?.0)
}
