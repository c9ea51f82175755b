//! The phone list: every phone that ever registered, as it is stored.

use std::net::IpAddr;

use actix::Message;
use serde::{Deserialize, Serialize};
use uacsta_schema::phone_id::PhoneId;

/// One phone of the list. What changes by the minute (status, calls) is never part of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListedPhone {
    /// Its user name: a MAC address, or an extension.
    #[serde(rename = "mac")]
    pub id: PhoneId,
    /// The maker, from the User-Agent or the MAC address.
    pub maker: String,
    /// The model, where the phone names it.
    pub model: Option<String>,
    /// The firmware, where the phone names it.
    pub firmware: Option<String>,
    /// Where its last binding came from.
    pub last_address: Option<IpAddr>,
    /// The first line that it listed last, or the identity that it logged on with.
    pub last_identity: Option<String>,
    /// The lines that it listed last.
    pub lines: Vec<String>,
    /// When its last binding was made or moved to another address, in seconds since 1970-01-01T00:00:00Z.
    pub last_login: Option<u64>,
    /// Whether an operator, or `auto_activate`, lets it be controlled and monitored.
    #[serde(rename = "in_operation")]
    pub enabled: bool,
}

/// Puts phones on disk. The answer comes when they are there.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct Save {
    /// The phones that changed, or are new.
    pub listed: Vec<ListedPhone>,
    /// Those that are on the list no more.
    pub forgotten: Vec<PhoneId>,
}

/// The phone list cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

impl StoreError {
    /// The store has ended, as it does when the server stops.
    pub(crate) fn closed() -> Self {
        Self("the phone list is closed".to_owned())
    }
}
