//! The states of the session machine.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::{phone::system_status::SystemState, sip::session::SessionId};

/// The state of the session with a phone.
pub(super) enum PhoneSessionState {
    /// No session is open or wanted.
    Closed,
    /// The next attempt is due at this time.
    Waiting { until: Duration },
    /// The INVITE was sent, and fails at this time.
    Opening {
        until: Duration,
        /// Whether the phone registered anew meanwhile: if the INVITE fails, the next one is sent at once.
        registered_anew: bool,
    },
    /// The phone accepted the INVITE; the server does not know the phone's lines yet.
    Preparing { id: SessionId, system: SystemState },
    /// In use. `keep_alive_at` is `None` while a keep-alive has no response.
    Open {
        id: SessionId,
        system: SystemState,
        keep_alive_at: Option<Duration>,
        /// How many keep-alives the phone answered.
        keep_alives: u32,
    },
    /// The session ends when the phone has responded to all requests, and drops the sender.
    Draining {
        id: SessionId,
        /// When the session ends all the same.
        until: Duration,
        /// Whether the next session is opened at once.
        restarts: bool,
        _done: oneshot::Sender<()>,
    },
}
