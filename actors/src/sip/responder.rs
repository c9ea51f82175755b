//! The response to a received request: given at once, or later through a value that answers exactly once, even if dropped.

use std::{
    fmt::{self, Display, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use actix::{Actor, Addr, Handler, Message, Recipient, dev::ToEnvelope};
use bytes::BytesMut;
use uacsta_schema::sip::{HeaderName, MessageWriter, Request, Status};

use super::{
    body::{Body, CSTA},
    transaction::table::TransactionId,
};

/// A received request without a response yet. To answer at once costs no message, and over a stream no transaction.
#[derive(Debug)]
pub struct PendingRequest<'a> {
    connection: &'a Arc<dyn ResponseSink>,
    transaction: TransactionId,
}

/// A handled request: it has its response, or a [`Responder`] will send it.
#[derive(Debug)]
#[must_use = "a request needs a response"]
pub struct Disposition(pub(super) Option<FinalResponse>);

impl<'a> PendingRequest<'a> {
    pub(super) fn new(connection: &'a Arc<dyn ResponseSink>, transaction: TransactionId) -> Self {
        Self {
            connection,
            transaction,
        }
    }

    /// Defers the response to whoever holds the responder.
    pub fn later(self) -> (Responder, Disposition) {
        let responder = Responder {
            sink: Arc::clone(self.connection),
            transaction: self.transaction,
            answered: false,
            counted: None,
            permission: None,
            held: None,
        };
        (responder, Disposition(None))
    }
}

impl<T: Into<FinalResponse>> From<T> for Disposition {
    fn from(response: T) -> Self {
        Self(Some(response.into()))
    }
}

/// Answers one request. Dropped without a response, it answers 500, or 481 if the session of the request has ended.
#[derive(Debug)]
#[must_use = "a request that is not answered gets 500"]
pub struct Responder {
    sink: Arc<dyn ResponseSink>,
    transaction: TransactionId,
    answered: bool,
    /// One more reference until the response is sent.
    counted: Option<Arc<()>>,
    permission: Option<Arc<dyn Permission>>,
    /// Dropped when the response is sent.
    held: Option<Box<dyn Held>>,
}

/// The sender's right to a request, which may be withdrawn while the request waits.
pub trait Permission: fmt::Debug + Send + Sync {
    /// Whether the sender may no longer make the request.
    fn is_withdrawn(&self) -> bool;
}

/// A value that a responder holds until the response is sent, such as a timer.
pub trait Held: fmt::Debug + Send {}

/// Where a response goes: a connection with any UAS, or an actor of ours that sent the request. All responders of a connection
/// share one value, since each copy of an actor's address allocates.
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

/// A final response without what the connection adds: the header fields copied from the request, and a dialog's Contact.
#[derive(Debug)]
pub struct FinalResponse {
    /// The status.
    pub status: Status,
    /// Sent as a Warning, where the status alone says too little.
    pub reason: Option<Box<str>>,
    /// Further header fields, each line with its CRLF.
    pub(super) lines: String,
    /// The body.
    pub content: Option<Body>,
}

/// A response on its way to the connection that received the request.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Respond {
    /// The server transaction.
    pub transaction: TransactionId,
    /// The response.
    pub answer: FinalResponse,
}

impl Responder {
    /// A responder for a request of the server's own, whose response goes to one of its actors.
    pub fn to(asker: Recipient<Respond>) -> Self {
        Self {
            sink: Arc::new(asker),
            transaction: TransactionId { slot: 0, serial: 0 },
            answered: false,
            counted: None,
            permission: None,
            held: None,
        }
    }

    /// Answers with `answer`.
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

    /// Answers 481: the request is in no dialog of its sender's.
    pub fn nowhere(self) {
        self.with(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
    }

    /// Answers 487: the session ended before the request was answered (RFC 3261, section 15.1.2).
    pub fn terminated(self) {
        self.with(Status::REQUEST_TERMINATED);
    }

    /// Answers 200 with a CSTA document.
    pub fn csta(self, content: impl Into<Body>) {
        self.with(FinalResponse::from(Status::OK).content(content));
    }

    /// Holds a reference to `count` until the response is given.
    pub fn counted(mut self, count: &Arc<()>) -> Self {
        self.counted = Some(Arc::clone(count));
        self
    }

    /// Attaches the sender's right to the request.
    pub fn permitted(mut self, permission: Arc<dyn Permission>) -> Self {
        self.permission = Some(permission);
        self
    }

    /// Whether the sender may no longer make the request.
    pub fn is_withdrawn(&self) -> bool {
        let permission = self.permission.as_ref();
        permission.is_some_and(|permission| permission.is_withdrawn())
    }

    /// Holds a value until the response is given.
    pub fn holding(mut self, value: Box<dyn Held>) -> Self {
        self.held = Some(value);
        self
    }

    /// Hands the transaction to the connection that received the request and now answers it.
    ///
    /// # Errors
    /// The request came on another connection than that of `sink`.
    pub(super) fn redeem(mut self, sink: &Arc<dyn ResponseSink>) -> Result<TransactionId, Self> {
        if !Arc::ptr_eq(&self.sink, sink) {
            return Err(self);
        }
        self.answered = true;
        Ok(self.transaction)
    }

    pub(super) fn transaction(&self) -> TransactionId {
        self.transaction
    }
}

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
        }
    }
}

/// Octets reserved for further header fields: enough for a challenge.
const TYPICAL: usize = 192;

impl FinalResponse {
    /// Adds a header field. Line breaks in the value become spaces.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Display) -> Self {
        self.lines.reserve(TYPICAL);
        self.lines.push_str(name.as_str());
        self.lines.push_str(": ");
        let start = self.lines.len();
        // Writing to a String cannot fail; a value that fails to show itself is cut short.
        let _ = write!(self.lines, "{value}");
        if self.lines[start..].contains(['\r', '\n']) {
            let value = self.lines.split_off(start).replace(['\r', '\n'], " ");
            self.lines.push_str(&value);
        }
        self.lines.push_str("\r\n");
        self
    }

    /// Adds a Warning with the reason. Text quoted from a peer must be short.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Box<str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds a CSTA document as the body.
    #[must_use]
    pub fn content(mut self, content: impl Into<Body>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Composes the response to a request from `source` for which no state is kept (RFC 3261, section 8.2.7); `tag` must be
    /// the same for each copy of a request.
    pub(crate) fn compose_stateless(
        &self,
        out: &mut BytesMut,
        request: &Request,
        tag: &str,
        source: SocketAddr,
    ) {
        let composer = MessageWriter::answer(out, self.status, request, Some(tag), source);
        self.finish(composer.lines(&self.lines));
    }

    /// Writes the Warning and the body.
    pub(super) fn finish(&self, mut composer: MessageWriter<'_>) {
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
