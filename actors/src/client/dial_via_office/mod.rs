//! Dials via the office: the desk phone calls the user's own number, consults the destination, and connects the two.
//!
//! The desk phone performs MakeCall, ConsultationCall when the user answers, and TransferCall when the destination does
//! (ECMA-269, section 17). Whatever fails on the way clears the calls again.

use std::{sync::Arc, time::Duration};

use actix::{Message, Recipient};
use uacsta_schema::csta::{ConnectionId, DeviceId, Dialect, EventCause};

use crate::{client::ClientName, registrar::Line, sip::session::SessionId};

mod actor;
mod machine;
mod office_calls;
mod state;

pub(super) use office_calls::{OfficeCalls, PendingDial};

/// A requested call, and the client that requests it.
pub(super) struct DialRequest {
    /// The client, for the log.
    pub(super) client: Arc<ClientName>,
    /// The client's session with the request.
    pub(super) session: SessionId,
    /// The desk phone's line.
    pub(super) line: Line,
    /// The user's own number.
    pub(super) user: DeviceId,
    pub(super) destination: DeviceId,
    /// The client's edition and spelling.
    pub(super) dialect: Dialect,
    /// The server's cross reference of the line's monitor.
    pub(super) cross_ref: Arc<str>,
    /// How long the line's monitor may take to start.
    pub(super) timeout: Duration,
    /// Receives the failure if the client's MakeCall already has a response.
    pub(super) failed: Recipient<DialFailed>,
}

/// A call via the office failed, and its calls at the desk phone are cleared.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct DialFailed {
    pub(super) line: Line,
    /// The connection of the call that failed.
    pub(super) connection: ConnectionId,
    pub(super) called: DeviceId,
    pub(super) cause: EventCause,
}
