//! What the UAS of a connection tells the clients that logged on over it.

use std::net::IpAddr;

use actix::Message;
use bytes::Bytes;
use uacsta_schema::csta::DeviceId;

use super::rights::{LogOn, Rights};
use crate::sip::responder::Responder;

/// Who a client is.
pub struct ClientUser {
    /// User and address, for the log.
    pub name: Box<str>,
    /// The peer's address.
    pub address: IpAddr,
    /// How the user logged on.
    pub log_on: LogOn,
    /// The user's rights by the present settings.
    pub rights: Rights,
}

/// Opens a session.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenSession {
    /// The line in the SIP header fields; `None` for a session with the server.
    pub line: Option<DeviceId>,
    /// The URI in the From, for the log.
    pub user: Box<str>,
    /// The CSTA document in the INVITE.
    pub content: Option<Bytes>,
    /// Responds to the INVITE.
    pub reply: Responder,
}

/// The client's connection ended, or another user logged on over it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ClientDisconnected {
    /// Why, for the log.
    pub reason: Box<str>,
}
