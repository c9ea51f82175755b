//! Why a peer's transport delivers no further message.

use std::io;

use uacsta_schema::sip::codec::FrameError;

/// Why no further frame will come.
#[derive(Debug)]
pub enum TransportError {
    /// The peer closed the connection.
    Closed,
    /// The peer broke the framing; some of these errors have a response to send first.
    Framing(FrameError),
    /// The operating system reported an error.
    Failed(io::Error),
    /// The peer does not read what it is sent.
    Overflow,
    /// The peer does not finish a message that it began.
    Slow,
    /// The peer has not authenticated, and the budget for such peers' partial messages is used up.
    BudgetExceeded,
    /// Nothing came for so long that the peer, which has no connection to close, must be gone.
    Idle,
}
