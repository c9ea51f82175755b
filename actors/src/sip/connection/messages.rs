//! Messages to a connection itself, rather than to one of its sessions.

use actix::Message;
use uacsta_schema::sip::{HeaderName, Method, Response};

use crate::sip::session::RequestError;

/// Ends the connection after sending what is queued.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Shut {
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Events arrived faster than the connection handled them. The connection ends, since its peer must not miss an event.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Overrun;

/// Sends a request outside dialogs, such as REGISTER. The connection adds Via, Max-Forwards and Contact.
///
/// The result is the final response, also a negative one.
#[derive(Debug, Message)]
#[rtype(result = "Result<Response, RequestError>")]
pub struct SendRequest {
    /// Any method that opens no dialog, so not INVITE.
    pub method: Method,
    /// The Request-URI.
    pub uri: Box<str>,
    /// The user part of the Contact.
    pub contact_user: Box<str>,
    /// From, To, Call-ID, CSeq and any further header fields.
    pub headers: Vec<(HeaderName, String)>,
}
