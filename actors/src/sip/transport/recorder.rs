//! The recorder of a connection's messages, which the server may attach.

use uacsta_schema::sip::Head;

/// Records the messages of one connection.
pub trait MessageRecorder {
    /// A message arrived, valid or not.
    fn received(&self, head: &Head, body: &[u8]);

    /// A message is sent, also once more.
    fn sent(&self, message: &[u8]);

    /// The client that a message concerns, for the trace; `None` on a connection of phones.
    fn client(&self, head: &Head, is_received: bool) -> Option<String>;
}
