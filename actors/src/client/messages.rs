//! Messages to a client from the UAS of its connection.

use std::{net::SocketAddr, sync::Arc};

use actix::Message;
use bytes::Bytes;
use uacsta_schema::csta::DeviceId;

use super::{log_on::LogOn, rights::Rights, withdrawal::ChangedRights};
use crate::{registrar::ConnectedClient, sip::responder::Responder};

/// A client in log lines: its user, and the address of its connection.
#[derive(Debug)]
pub struct ClientName {
    /// Truncated.
    pub user: Box<str>,
    /// Clients of one user differ by it.
    pub peer: SocketAddr,
}

/// The user of a client, with address and rights.
pub struct ClientUser {
    /// For the log.
    pub name: Arc<ClientName>,
    /// The same for operators.
    pub connected: Arc<ConnectedClient>,
    /// How the user was authenticated.
    pub log_on: LogOn,
    /// The user's rights under the current settings.
    pub rights: Rights,
    /// The same for requests that wait for their phone.
    pub changed_rights: ChangedRights,
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
