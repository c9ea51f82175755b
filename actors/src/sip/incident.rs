//! Incidents that a connection reports to its UAS, which counts them and decides which are logged.

use uacsta_schema::sip::{Excess, FrameError};

/// A peer exceeded a limit or violated a protocol, or the connection failed.
#[derive(Clone, Copy, Debug)]
pub enum Incident<'a> {
    /// A request was rejected with 503: too many of the peer's await their responses.
    TooManyRequests,
    /// A message was rejected: its grammar is invalid, or a dialog cannot store it.
    Malformed,
    /// The framing of the stream is invalid, which ends the connection.
    Framing(&'a FrameError),
    /// A partial message was not completed in time, which ends the connection.
    SlowMessage,
    /// Partial messages of unauthenticated peers take too much memory, which ends the connection.
    BudgetExceeded,
    /// The peer reads too slowly, which ends the connection.
    Unread,
    /// The peer responds to too few of its events, which ends the connection.
    Unanswered,
    /// Events arrived faster than the connection handled them, which ends the connection.
    EventQueueFull,
    /// The peer did not authenticate in time, which ends the connection.
    NotAuthenticated,
    /// The connection's actor panicked.
    Panicked,
}

impl Incident<'_> {
    /// The text of the log line.
    pub fn text(&self) -> &'static str {
        match self {
            Self::TooManyRequests => "request refused",
            Self::Malformed => "message refused",
            Self::Framing(FrameError::Excess { excess, .. }) => match excess {
                Excess::Head(_) => "connection ended: a message exceeds limits.message_head",
                Excess::Line(_) => "connection ended: a message exceeds limits.message_line",
                Excess::Headers(_) => "connection ended: a message exceeds limits.message_headers",
                Excess::Body(_) => "connection ended: a message exceeds limits.message_body",
            },
            Self::Framing(_) => "connection ended: received data is not SIP",
            Self::SlowMessage => "connection ended: a message took longer than limits.message_time",
            Self::BudgetExceeded => {
                "connection ended: partial messages of unauthenticated peers exceed limits.unauthenticated_memory"
            }
            Self::Unread => "connection ended: peer too slow, more than limits.client_queue unsent",
            Self::Unanswered => "connection ended: limits.client_unanswered events are unanswered",
            Self::EventQueueFull => "connection ended: client too slow, event queue full",
            Self::NotAuthenticated => {
                "connection ended: no log-on within limits.unauthenticated_time"
            }
            Self::Panicked => {
                "connection ended: its actor panicked, a fault of uacsta; please report it"
            }
        }
    }

    /// Why the connection ends, for the actors that used it.
    pub(super) fn reason(&self) -> &'static str {
        let text = self.text();
        text.strip_prefix("connection ended: ").unwrap_or(text)
    }
}
