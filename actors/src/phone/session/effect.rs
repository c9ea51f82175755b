//! What the session machine has the phone's actor do.

use smallvec::SmallVec;

use crate::{
    reason::Cause,
    sip::session::{SessionEnd, SessionId},
};

/// An action of the phone's actor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::phone) enum SessionEffect {
    /// Sends an INVITE.
    Invite,
    /// Cancels the INVITE of the session with this key, or ends the session that it opened meanwhile.
    Withdraw(u64),
    /// Sends a BYE.
    Bye(SessionId),
    /// Subscribes to changes of the phone's configuration, and lists the phone's lines.
    Prepare,
    /// Starts the monitors, and sends the queued requests.
    Ready,
    /// Sends a keep-alive.
    KeepAlive,
    /// Checks at once that the phone still has the dialog.
    ProbeDialog,
    /// Requests the calls of the lines with calls, to find missed events; `all` requests the calls of all lines, and the
    /// lines.
    Poll { all: bool },
    /// The monitors no longer run on the phone, which still has the session.
    MonitorsLost,
    /// Events may be missing: the next snapshot counts at once.
    EventsLost,
    /// Fails the waiting requests, and reports that the phone is out of service.
    OutOfService,
    /// Fails the session's sent requests, and drops its monitors and lists.
    Lost,
    /// Logs and reports that the session could not be opened.
    Failed(Cause),
    /// Logs and reports that the session ended.
    Ended(SessionEnd),
    /// Reports that the next session is being opened, as an operator asked for.
    Restarted,
    /// Logs that the server closed the session.
    Closed(Box<str>),
}

pub(in crate::phone) type Effects = SmallVec<[SessionEffect; 2]>;
