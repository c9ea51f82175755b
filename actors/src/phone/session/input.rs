//! The inputs of the session machine.

use std::time::Duration;

use tokio::sync::oneshot;
use uacsta_schema::csta::Edition;

use super::Outlook;
use crate::{
    phone::system_status::SystemState,
    reason::Cause,
    sip::session::{SessionEnd, SessionId},
};

/// An input of the session machine.
#[derive(Debug)]
pub(in crate::phone) enum SessionInput {
    /// The phone may be controlled: it is bound, enabled and licensed.
    Wanted,
    /// The phone may not be controlled after all.
    Unwanted,
    /// The phone accepted the INVITE; an error says why the session is unusable.
    Opened(SessionId, Result<Accepted, Unusable>),
    /// The phone rejected the INVITE, or did not respond.
    Rejected {
        cause: Cause,
        /// The phone's Retry-After.
        retry_after: Option<Duration>,
        outlook: Outlook,
    },
    /// The phone told its system status.
    Status {
        state: SystemState,
        /// Whether the phone told it unasked, which is a change even if it is the same as before.
        is_change: bool,
    },
    /// The phone's lines are known.
    Prepared,
    /// The phone responded to the keep-alive.
    KeptAlive,
    /// The phone registered anew on the same connection, as after a reboot behind a proxy.
    RegisteredAnew,
    /// The keep-alive was not sent; the next one is due then.
    KeepAliveDeferred(Duration),
    /// The dialog continues on another connection.
    Moved(SessionId),
    /// The peer or the connection ended the session.
    Ended(SessionEnd),
    /// The server ends the session, for this reason.
    Close(Box<str>),
    /// The server ends the session and opens the next one.
    Renew(Box<str>),
    /// The server ends the session when the phone has responded to all requests, and drops the sender.
    Drain(oneshot::Sender<()>),
    /// As [`Self::Drain`], and opens the next session at once. Without an open session the next attempt is made at once.
    Restart(oneshot::Sender<()>),
    /// No request waits for the phone any more.
    Idle,
    /// The time of [`PhoneSession::next_due`](super::PhoneSession::next_due) has come.
    Due,
}

/// What the phone answered to the INVITE.
#[derive(Debug)]
pub(in crate::phone) struct Accepted {
    /// The edition that the phone speaks, if it tells one.
    pub(in crate::phone) edition: Option<Edition>,
    pub(in crate::phone) system: SystemState,
}

/// Why a session that the phone accepted is unusable.
#[derive(Debug)]
pub(in crate::phone) struct Unusable {
    pub(in crate::phone) cause: Cause,
    pub(in crate::phone) outlook: Outlook,
}
