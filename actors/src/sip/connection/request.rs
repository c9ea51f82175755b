//! Requests of ours outside of any dialog (RFC 3261, section 8.1).

use actix::{Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use uacsta_schema::sip::{Composer, HeaderName, Method, Response};

use super::{
    SipConnection,
    send::{Purpose, RequestOutcome, refusal},
};
use crate::sip::{session::RequestError, uas::Uas};

/// Sends a request outside of any dialog, such as REGISTER. The connection adds Via, Max-Forwards and Contact.
///
/// The result is the final response, also a negative one.
#[derive(Debug, Message)]
#[rtype(result = "Result<Response, RequestError>")]
pub struct SendRequest {
    /// Any method without a dialog of its own, so not INVITE.
    pub method: Method,
    /// The Request-URI.
    pub uri: Box<str>,
    /// The user part of the Contact.
    pub contact_user: Box<str>,
    /// From, To, Call-ID and CSeq, and whatever else the method needs.
    pub headers: Vec<(HeaderName, String)>,
}

/// Receives the final response.
pub(super) type ResponseSender = oneshot::Sender<Result<Response, RequestError>>;

impl<U: Uas> Handler<SendRequest> for SipConnection<U> {
    type Result = ResponseFuture<Result<Response, RequestError>>;

    fn handle(&mut self, request: SendRequest, ctx: &mut Context<Self>) -> Self::Result {
        let (sender, response) = oneshot::channel();
        let branch = self.begin(&request.method, Purpose::Request(sender), ctx);
        let slot = branch.id.slot as usize;
        let via = self.endpoints.via(branch);
        let contact = format_args!(
            "<sip:{}@{}:{};transport={}>",
            request.contact_user,
            self.endpoints.host,
            self.endpoints.port,
            self.endpoints.uri_transport()
        );
        let sent = self.transport.request(|out| {
            let mut composer = Composer::request(out, &request.method, &request.uri)
                .header(HeaderName::Via, via)
                .header(HeaderName::MaxForwards, 70)
                .header(HeaderName::Contact, contact);
            for (name, value) in &request.headers {
                composer = composer.header(*name, value);
            }
            composer.end();
        });
        self.left(slot, sent, ctx);
        // The sender is dropped where the connection ends.
        Box::pin(async { response.await.unwrap_or(Err(RequestError::Ended)) })
    }
}

/// Passes the outcome of a request to its sender, which may have stopped waiting.
pub(super) fn conclude(sender: ResponseSender, outcome: &RequestOutcome<'_>) {
    let result = match outcome {
        RequestOutcome::Response(response) => Ok((*response).clone()),
        failed => Err(refusal(failed)),
    };
    let _ = sender.send(result);
}
