//! A recorded message: whose it is, when, and between which addresses it travelled.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use uacsta_schema::{phone_id::PhoneId, sip::Transport};

use crate::sip::secrets;

/// A peer whose messages are kept together, whatever connection they travel on.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Party {
    /// A phone, by its name in REGISTER.
    Phone(PhoneId),
    /// A client, by its user as log lines show it.
    Client(Arc<str>),
}

/// The direction of a message, as the server sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the peer.
    Received,
    /// To the peer.
    Sent,
}

/// The addresses of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Path {
    /// The server's address, of the same family as `peer`.
    pub local: SocketAddr,
    /// The peer's address; behind a front end, the one in its PROXY header.
    pub peer: SocketAddr,
    /// UDP, TCP or TLS.
    pub transport: Transport,
}

/// A message as it was received or sent.
#[derive(Clone)]
pub struct RecordedMessage {
    /// When, since 1970-01-01T00:00:00Z, by the clock at that time.
    pub at: Duration,
    /// Who sent it.
    pub direction: Direction,
    /// Between which addresses.
    pub path: Arc<Path>,
    /// The length of the message in octets, of which more may not be kept.
    pub length: usize,
    /// With secrets, so it must not be read but by [`Self::masked`].
    pub(super) octets: Bytes,
}

impl RecordedMessage {
    /// A message of which all is kept.
    pub fn new(at: Duration, direction: Direction, path: Arc<Path>, octets: Bytes) -> Self {
        Self {
            at,
            direction,
            path,
            length: octets.len(),
            octets,
        }
    }

    /// The octets that are kept, with digest responses, other credentials and passwords replaced by asterisks. The length stays.
    #[must_use]
    pub fn masked(&self) -> Vec<u8> {
        let mut octets = self.octets.to_vec();
        secrets::mask(&mut octets);
        octets
    }

    /// Whether only the start of the message is kept.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.octets.len() < self.length
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => phone.fmt(f),
            Self::Client(user) => f.write_str(user),
        }
    }
}

/// Prints no content, which holds secrets.
impl fmt::Debug for RecordedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedMessage")
            .field("at", &self.at)
            .field("direction", &self.direction)
            .field("path", &self.path)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
