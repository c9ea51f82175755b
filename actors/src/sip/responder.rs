//! The one answer that a received request gets: at once, or later as a value, so that it is given once and never forgotten.

use std::{
    fmt::{self, Display, Write as _},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr, Handler, Message, Recipient, dev::ToEnvelope};
use bytes::BytesMut;
use uacsta_schema::sip::{Composer, HeaderName, Request, Status};

use super::{
    session::{Body, CSTA, SessionEnd, SessionEvent, SessionEventKind, SessionId},
    transaction::table::TransactionId,
};

/// A request that waits for its answer. Most get it at once, which costs no message and leaves no transaction behind.
#[derive(Debug)]
pub struct PendingRequest<'a> {
    connection: &'a Arc<dyn ResponseSink>,
    transaction: TransactionId,
}

/// What became of a request: it is answered now, or somebody has its [`Responder`].
#[derive(Debug)]
#[must_use = "a request needs its answer"]
pub struct Disposition(pub(super) Option<FinalResponse>);

impl<'a> PendingRequest<'a> {
    pub(super) fn new(connection: &'a Arc<dyn ResponseSink>, transaction: TransactionId) -> Self {
        Self {
            connection,
            transaction,
        }
    }

    /// Takes the request along, to answer it when the answer is known.
    pub fn later(self) -> (Responder, Disposition) {
        let reply = Responder {
            sink: Arc::clone(self.connection),
            transaction: self.transaction,
            answered: false,
            counted: None,
        };
        (reply, Disposition(None))
    }
}

impl<T: Into<FinalResponse>> From<T> for Disposition {
    fn from(answer: T) -> Self {
        Self(Some(answer.into()))
    }
}

/// Answers one request. Dropped unanswered, it answers 500, or 481 where the session of the request is over.
#[derive(Debug)]
#[must_use = "a request that is not answered gets 500"]
pub struct Responder {
    sink: Arc<dyn ResponseSink>,
    transaction: TransactionId,
    answered: bool,
    /// One more reference, while there is a reply.
    counted: Option<Arc<()>>,
}

/// Where a response goes: a connection of any UAS, or an actor that asked by itself. One value is shared by all who hold it,
/// since each copy of an actor's address takes memory of its own.
pub(super) trait ResponseSink: fmt::Debug + Send + Sync {
    fn respond(&self, response: Respond);
}

impl<A> ResponseSink for Addr<A>
where
    A: Actor + Handler<Respond>,
    A::Context: ToEnvelope<A, Respond>,
{
    fn respond(&self, response: Respond) {
        self.do_send(response);
    }
}

impl ResponseSink for Recipient<Respond> {
    fn respond(&self, response: Respond) {
        self.do_send(response);
    }
}

/// A final response, but for what the link adds: the lines that repeat the request's, and a dialog's Contact.
#[derive(Debug)]
pub struct FinalResponse {
    /// The status.
    pub status: Status,
    /// The reason phrase, where the status' own says too little.
    pub reason: Option<Box<str>>,
    /// Further header fields, each line with its CRLF.
    pub(super) lines: String,
    /// A CSTA document.
    pub content: Option<Body>,
    /// The session that a 2xx to an INVITE starts.
    pub session: Option<Accepted>,
}

/// Whose the session is that a 2xx to an INVITE starts.
#[derive(Debug)]
pub struct Accepted {
    /// Who is told what happens in the session.
    pub owner: Recipient<SessionEvent>,
    /// The owner's name for the session.
    pub key: u64,
    /// The session interval if the peer names none (RFC 4028).
    pub interval: Duration,
}

impl Accepted {
    /// Tells the owner that the session never came to be.
    pub(super) fn cancelled(self) {
        self.owner.do_send(SessionEvent {
            key: self.key,
            session: SessionId::NONE,
            what: SessionEventKind::Ended(SessionEnd::Cancelled),
        });
    }
}

/// An answer on its way to the link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Respond {
    /// The server transaction.
    pub transaction: TransactionId,
    /// The answer.
    pub answer: FinalResponse,
}

impl Responder {
    /// For what the server itself asks: the answer goes to one of its actors.
    pub fn to(asker: Recipient<Respond>) -> Self {
        Self {
            sink: Arc::new(asker),
            transaction: TransactionId { slot: 0, serial: 0 },
            answered: false,
            counted: None,
        }
    }

    /// Gives the answer.
    pub fn with(mut self, answer: impl Into<FinalResponse>) {
        self.answered = true;
        self.send(answer.into());
    }

    fn send(&self, answer: FinalResponse) {
        self.sink.respond(Respond {
            transaction: self.transaction,
            answer,
        });
    }

    /// Answers 200 without a body.
    pub fn ok(self) {
        self.with(Status::OK);
    }

    /// Answers 481: the request belongs to no dialog that its sender has.
    pub fn nowhere(self) {
        self.with(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
    }

    /// Answers 487: the session of the request ended while it waited (RFC 3261, section 15.1.2).
    pub fn terminated(self) {
        self.with(Status::REQUEST_TERMINATED);
    }

    /// Lets the holder of the other end see for how long the answer is waited for.
    pub fn counted(mut self, count: &Arc<()>) -> Self {
        self.counted = Some(Arc::clone(count));
        self
    }

    /// Leaves the answer to another reply of the same transaction.
    pub(super) fn forward(mut self) -> TransactionId {
        self.answered = true;
        self.transaction
    }

    pub(super) fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// Answers 200 with a CSTA document.
    pub fn csta(self, content: impl Into<Body>) {
        self.with(FinalResponse::from(Status::OK).content(content));
    }
}

/// Room for a challenge.
const TYPICAL: usize = 192;

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            self.send(Status::SERVER_INTERNAL_ERROR.into());
        }
    }
}

impl From<Status> for FinalResponse {
    fn from(status: Status) -> Self {
        Self {
            status,
            reason: None,
            lines: String::new(),
            content: None,
            session: None,
        }
    }
}

impl FinalResponse {
    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Display) -> Self {
        self.lines.reserve(TYPICAL);
        self.lines.push_str(name.as_str());
        self.lines.push_str(": ");
        let start = self.lines.len();
        // Writing to a String cannot fail; a value that fails to show itself ends where it does.
        let _ = write!(self.lines, "{value}");
        // No value can add a line.
        if self.lines[start..].contains(['\r', '\n']) {
            let value = self.lines.split_off(start).replace(['\r', '\n'], " ");
            self.lines.push_str(&value);
        }
        self.lines.push_str("\r\n");
        self
    }

    /// Says why, in a Warning. What it quotes of a peer must be short.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Box<str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds a CSTA document.
    #[must_use]
    pub fn content(mut self, content: impl Into<Body>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Starts a session with the 2xx to an INVITE.
    #[must_use]
    pub fn accept(mut self, session: Accepted) -> Self {
        self.session = Some(session);
        self
    }
}

impl FinalResponse {
    /// Composes the response to a request for which no state is kept (RFC 3261, section 8.2.7); `tag` is ours in all of them.
    pub(crate) fn compose_stateless(&self, out: &mut BytesMut, request: &Request, tag: &str) {
        let composer = Composer::answer(out, self.status, request, Some(tag));
        self.finish(composer.lines(&self.lines));
    }

    /// Adds the reason and the body.
    pub(super) fn finish(&self, mut composer: Composer<'_>) {
        if let Some(reason) = &self.reason {
            composer = composer.header(
                HeaderName::Warning,
                format_args!("399 uacsta \"{}\"", reason.replace(['"', '\\'], "'")),
            );
        }
        match &self.content {
            Some(content) => composer.body_with(CSTA, content.length(), |out| content.write(out)),
            None => composer.end(),
        }
    }
}
