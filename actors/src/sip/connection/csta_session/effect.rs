//! What a session asks of its connection, and the requests in its dialog.

use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;
use uacsta_schema::sip::Status;

use crate::sip::{
    body::Body, dialog::NoDialog, responder::FinalResponse, session::SessionEventKind,
    session_timer::SessionTimer,
};

/// What a session asks of its connection.
#[derive(Debug)]
pub(in crate::sip::connection) enum SessionEffect {
    /// Send a request in the dialog.
    Send(SessionRequest),
    /// Send the ACK of the 2xx to the INVITE with this CSeq.
    Acknowledge { cseq: u32 },
    /// Send the owner an event.
    Tell(SessionEventKind),
    /// End the client transactions of the session. `tell`: send the owner an error for each CSTA request without a response.
    AbandonRequests { tell: bool },
    /// Answer the peer's requests in the session that await a response: 487 (RFC 3261, section 15.1.2).
    TerminateRequests,
    /// Cancel the INVITE that opens the session (RFC 3261, section 9.1).
    GiveUp,
    /// Call [`super::CstaSession::due`] at this time.
    WakeAt(Duration),
    /// Log that the 2xx to our INVITE establishes no dialog.
    LogNoDialog(NoDialog),
    /// Log that the peer rejected an event.
    LogEventRejected(Status),
    /// Remove the session, and open the one that waits for its end.
    Remove,
}

/// In the order in which they are carried out. Most events of a session have none.
pub(in crate::sip::connection) type SessionEffects = SmallVec<[SessionEffect; 2]>;

/// A request of ours in a session's dialog.
#[derive(Debug)]
pub(in crate::sip::connection) enum SessionRequest {
    /// INVITE, sent again after so many challenges or proposals of a longer interval.
    Invite { retries: u8 },
    /// UPDATE where the peer accepts it, else INVITE with the CSTA request that opened the session.
    Refresh(SessionTimer),
    /// INFO with a CSTA request.
    Invoke {
        ticket: u64,
        content: Body,
        retries: u8,
    },
    /// INFO with a CSTA event.
    Notify(Body),
    /// BYE.
    Bye,
}

/// What a request of the peer's in the dialog asks for.
#[derive(Debug)]
pub(in crate::sip::connection) enum PeerRequest {
    /// Only this response.
    Answered(FinalResponse),
    /// The owner's response to a CSTA document.
    ForOwner(Bytes),
    /// The owner's former response to the same document.
    Repeated(Bytes),
    /// The end of the session, and 200.
    Bye,
}
