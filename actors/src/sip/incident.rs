//! What a connection reports to its UAS, which counts it and decides whether the log mentions it.

use uacsta_schema::sip::{Excess, FrameError};

/// A peer passed a limit or broke a protocol, or serving it failed.
#[derive(Clone, Copy, Debug)]
pub enum Incident<'a> {
    /// A request was refused with 503: too many of the peer's wait.
    TooManyRequests,
    /// A message was refused: its grammar is broken, or a dialog cannot keep what it names.
    Malformed,
    /// The framing of the stream is broken, which ends the connection.
    Framing(&'a FrameError),
    /// A partial message was not completed in time, which ends the connection.
    SlowMessage,
    /// Partial messages of unauthenticated peers take too much memory, which ends the connection.
    BudgetExceeded,
    /// The peer reads too slowly what it is sent, which ends the connection.
    Unread,
    /// The peer responds to too few of its events, which ends the connection.
    Unanswered,
    /// Events came faster than the connection's thread handled them, which ends the connection.
    EventQueueFull,
    /// Nobody authenticated in time, which ends the connection.
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
            Self::Framing(_) => "connection ended: what arrived is not SIP",
            Self::SlowMessage => "connection ended: a message took longer than limits.message_time",
            Self::BudgetExceeded => {
                "connection ended: partial messages of unauthenticated peers exceed limits.unauthenticated_memory"
            }
            Self::Unread => {
                "connection ended: the peer leaves more than limits.client_queue unread"
            }
            Self::Unanswered => {
                "connection ended: the peer leaves limits.client_unanswered events unanswered"
            }
            Self::EventQueueFull => "connection ended: client too slow, event queue full",
            Self::NotAuthenticated => {
                "connection ended: nobody logged on within limits.unauthenticated_time"
            }
            Self::Panicked => {
                "connection ended: serving it failed, which is a fault of uacsta; please report it"
            }
        }
    }

    /// Why the connection ends, for those who used it.
    pub(super) fn reason(&self) -> &'static str {
        let text = self.text();
        text.strip_prefix("connection ended: ").unwrap_or(text)
    }
}
