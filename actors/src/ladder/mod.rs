//! The ladder: the last SIP messages of each phone and client, kept in memory for fault finding.
//!
//! Each thread keeps the messages of its connections in rings, so that recording takes no lock. [`Ladder`] asks all
//! threads and merges what they have.

mod ladders;
mod log;
mod message;
mod recorder;
mod rings;
mod summary;
mod thread;

pub use ladders::Ladder;
pub use message::{Direction, Party, Path, RecordedMessage};
pub use recorder::{ConnectionRecorder, FindParty};
pub use summary::{CstaSummary, Start, Summary};
pub use thread::Followed;
