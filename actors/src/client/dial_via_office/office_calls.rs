//! A client's calls via the office: each a MakeCall from the user's own number, which belongs to no desk phone.

use actix::{Actor, Addr};
use uacsta_schema::csta::{CallEventTail, DeviceId, Event, FailedEvent, LocalConnectionState};

use super::{DialFailed, DialRequest, actor::DialViaOffice};
use crate::{
    client::requests::CstaRequest,
    sip::{responder::Responder, session::SessionId},
};

/// How many calls via the office one client may have at a time.
const CALLS: usize = 8;

/// A MakeCall from the user's own number, while the line of the desk phone is looked up.
pub(in crate::client) struct PendingDial {
    /// The session's name on the connection.
    pub(in crate::client) session: SessionId,
    /// The user's own number.
    pub(in crate::client) user: DeviceId,
    pub(in crate::client) destination: DeviceId,
    pub(in crate::client) request: CstaRequest,
}

/// The calls via the office that a client has started.
#[derive(Default)]
pub(in crate::client) struct OfficeCalls(Vec<Addr<DialViaOffice>>);

impl OfficeCalls {
    /// Whether another call may start.
    pub(in crate::client) fn have_room(&mut self) -> bool {
        self.0.retain(Addr::connected);
        self.0.len() < CALLS
    }

    pub(in crate::client) fn start(&mut self, request: DialRequest, reply: Responder) {
        self.0.push(DialViaOffice::new(request, reply).start());
    }
}

impl DialFailed {
    /// The event that reports the failure to monitors of the line.
    pub(in crate::client) fn event(&self) -> Event {
        FailedEvent {
            failed_connection: self.connection.clone(),
            failing_device: self.called.clone().into(),
            calling_device: self.line.entry.device.clone().into(),
            called_device: self.called.clone().into(),
            tail: CallEventTail {
                local_connection_info: Some(LocalConnectionState::NULL),
                cause: self.cause.clone(),
                ..CallEventTail::default()
            },
            ..FailedEvent::default()
        }
        .into()
    }
}
