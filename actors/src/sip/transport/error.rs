//! Why a peer's transport delivers no further message.

use std::io;

use uacsta_schema::sip::codec::FrameError;

/// Why no further frame arrives.
#[derive(Debug)]
pub enum TransportError {
    /// The peer closed the connection.
    Closed,
    /// The peer broke the framing; some of these errors have a response to send first.
    Framing(FrameError),
    /// The operating system reported an error.
    Failed(io::Error),
    /// The peer reads too slowly, and its send buffer is full.
    Overflow,
    /// A message took too long to arrive.
    Slow,
    /// The peer has not authenticated, and the partial messages of such peers exceed their budget.
    BudgetExceeded,
    /// The peer, which has no connection to close, sent nothing for so long that it must be gone.
    Idle,
}
