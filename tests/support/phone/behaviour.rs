//! Scripted behaviour: what a test makes the phone do in place of its usual answer.

use std::{collections::VecDeque, time::Duration};

use super::{
    super::{csta::Document, dialog::tag, sip::Message, wire::Wire},
    Phone,
};

/// What the phone does instead of its usual answer.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// 200 with this document.
    Document(String),
    /// 200 with a body of this type.
    Carrying(&'static str, String),
    /// 200, also to an INVITE, with these octets as a body of this type.
    Octets(&'static str, Vec<u8>),
    /// A response with that status and these headers, without a body.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// A response with that status and document.
    Refusal(u16, String),
    /// The usual answer, delayed.
    Late(Duration),
    /// 180, and then 200 to the CANCEL and 487, or nothing (RFC 3261, section 9.2).
    Ring,
    /// No answer at all.
    Silence,
    /// The connection ends with an RST.
    Reset,
    /// 200 to a CANCEL, and this response to its INVITE.
    Cancelled(Box<Message>),
}

/// A request of the server.
#[derive(Clone, Debug)]
pub struct Received {
    /// The root element of the CSTA document; empty without one.
    pub service: String,
    /// The whole request.
    pub message: Message,
}

impl Received {
    /// The CSTA document in its body.
    pub fn document(&self) -> Document {
        Document::read(&self.message.body)
    }
}

impl Phone {
    /// Uses this reaction once, for the next such request (a method or a CSTA service).
    pub fn once(&self, request: &str, reaction: Reaction) {
        self.state()
            .reactions
            .entry(request.to_owned())
            .or_default()
            .push_back((reaction, false));
    }

    /// Uses this reaction for every such request.
    pub fn always(&self, request: &str, reaction: Reaction) {
        self.state()
            .reactions
            .insert(request.to_owned(), VecDeque::from([(reaction, true)]));
    }

    /// Returns to the usual answer for such requests.
    pub fn relent(&self, request: &str) {
        self.state().reactions.remove(request);
    }

    /// Answers one request of the server, unless a test scripted another reaction.
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
                        "a CSeq that does not grow (RFC 3261, section 12.2.1.1):\n{}",
                        request.text()
                    ));
                }
                dialog.peer_cseq = request.cseq();
            }
            if method == "CANCEL" {
                return state.ringing.take().map(Reaction::Cancelled);
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
            Some(Reaction::Carrying(kind, body)) => {
                wire.send(&request.answer(200, "OK").carrying(kind, body));
            }
            Some(Reaction::Octets(kind, octets)) => {
                let answer = match request.method() {
                    "INVITE" => self.open(wire, &request),
                    _ => request.answer(200, "OK"),
                };
                wire.send_bytes(answer.octets(kind, &octets));
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
            Some(Reaction::Ring) => {
                let ours = tag();
                wire.send(&request.answer(180, "Ringing").tagged(&ours));
                let end = request.answer(487, "Request Terminated").tagged(&ours);
                self.change(|state| state.ringing = Some(Box::new(end)));
            }
            Some(Reaction::Cancelled(end)) => {
                wire.send(&request.answer(200, "OK").tagged(&tag()));
                wire.send(&end);
            }
            Some(Reaction::Silence) => {}
            Some(Reaction::Reset) => wire.reset(),
        }
    }
}
