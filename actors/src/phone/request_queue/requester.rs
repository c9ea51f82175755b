//! Whom a request to the phone is for, and what that allows when its session ends.

use std::time::Duration;

use tokio::sync::oneshot;
use uacsta_schema::csta::{DeviceId, Dialect, Document, MonitorCrossRefId};

use crate::{
    monitor::Mark, phone::client_request::EmulatedRequest, refusal::Refusal,
    sip::responder::Responder,
};

/// The sender of a request, which determines how the response is used.
pub(in crate::phone) enum Requester {
    /// A client.
    Client { reply: Responder, dialect: Dialect },
    /// An operator, who probes the phone.
    Operator(oneshot::Sender<Result<Document, Refusal>>),
    /// The server: subscribes to changes of the phone's configuration.
    SystemRegister,
    /// The server: lists the phone's lines.
    Lines,
    /// The server: checks that the phone still responds.
    KeepAlive,
    /// The server: checks that a phone which registered anew still has the dialog.
    DialogProbe,
    /// The server: starts the monitor of a line.
    MonitorStart(DeviceId),
    /// The server: stops a monitor of a line.
    MonitorStop {
        line: DeviceId,
        cross_ref: MonitorCrossRefId,
    },
    /// The server: compares the calls of a line with the calls that its events reported until the mark.
    Snapshot { line: DeviceId, asked: Mark },
    /// A client, for GetCSTAFeatures, which the server completes.
    Features { reply: Responder, dialect: Dialect },
    /// A client, for a service that the server emulates with several requests.
    Emulation(Box<EmulatedRequest>),
    /// The server: rolls back an emulated service whose client already has a response.
    Rollback,
}

impl Requester {
    /// Whether to repeat a request after a 481, which proves that the phone did not perform the request.
    pub(super) fn may_repeat(&self) -> bool {
        match self {
            Self::Client { .. } | Self::Features { .. } => true,
            Self::Emulation(request) => request.step.is_first(),
            _ => false,
        }
    }

    /// Whether to repeat a request whose session moved to another connection before the response: it does the same twice as
    /// once.
    pub(super) fn is_idempotent(&self) -> bool {
        matches!(
            self,
            Self::SystemRegister
                | Self::Lines
                | Self::KeepAlive
                | Self::MonitorStop { .. }
                | Self::Snapshot { .. }
        )
    }

    /// Whether the client lost the right to a request of which the phone has performed no part.
    pub(in crate::phone) fn is_withdrawn(&self) -> bool {
        match self {
            Self::Client { reply, .. } => reply.is_withdrawn(),
            Self::Emulation(request) => {
                request.step.is_first() && request.client.responder.is_withdrawn()
            }
            _ => false,
        }
    }

    /// Whether a client or an operator waits for the response.
    pub(super) fn is_of_others(&self) -> bool {
        matches!(
            self,
            Self::Client { .. } | Self::Operator(_) | Self::Features { .. } | Self::Emulation(_)
        )
    }

    /// Limits the time of the further steps of an emulated service.
    pub(super) fn limit(&mut self, until: Duration) {
        if let Self::Emulation(request) = self {
            request.client.deadline = request.client.deadline.min(until);
        }
    }

    /// Whether an unsent request waits for the next session: that of a client or an operator, unless it continues an emulation.
    pub(super) fn is_for_others(&self) -> bool {
        matches!(self, Self::Operator(_)) || self.may_repeat()
    }

    /// Whether a request never expires in the queue. An unsent keep-alive does not show that the phone is silent, and an
    /// unsent MonitorStop would leave the monitor running.
    pub(super) fn is_unhurried(&self) -> bool {
        matches!(self, Self::KeepAlive | Self::MonitorStop { .. })
    }
}
