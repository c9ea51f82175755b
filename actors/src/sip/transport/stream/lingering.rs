//! The end of a connection whose peer is still sending.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::Io;

/// The longest time that a peer has to close its side.
const LINGER: Duration = Duration::from_millis(500);

/// Discards what the peer still sends until it closes its side, for [`LINGER`] at most.
///
/// A socket that is closed while octets of the peer are unread, or on their way, resets the connection (RFC 9293, section
/// 3.10.7.4), and a peer whose write fails does not read the BYE that was sent before.
pub(super) async fn linger(mut io: Box<dyn Io>) {
    let mut discarded = [0; 1024];
    let closed = async { while io.read(&mut discarded).await.is_ok_and(|octets| octets > 0) {} };
    let _ = tokio::time::timeout(LINGER, closed).await;
}
