//! The stored entries of the phone list: every phone that ever registered.

use std::net::IpAddr;

use actix::Message;
use serde::{Deserialize, Serialize};
use uacsta_schema::{csta::Name, mac::Mac, phone_id::PhoneId};

/// An entry of the phone list. Status and calls are not stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListedPhone {
    /// The name that the phone logs on with: a MAC address, or an extension.
    #[serde(rename = "mac")]
    pub id: PhoneId,
    /// The MAC address that a phone with an extension says elsewhere in its REGISTER. Other phones may say the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Mac>,
    /// Whether the phone has logged on with `id` itself, or an operator listed it so. Earlier versions listed a phone under its
    /// hint.
    #[serde(default)]
    pub name_confirmed: bool,
    /// The maker, from the User-Agent or the MAC address.
    pub maker: String,
    /// The model, if the phone reports it.
    pub model: Option<String>,
    /// The firmware version, if the phone reports it.
    pub firmware: Option<String>,
    /// The source address of the last binding.
    pub last_address: Option<IpAddr>,
    /// The first line, or the registered identity.
    pub last_identity: Option<String>,
    /// The phone's last list of lines.
    pub lines: Vec<String>,
    /// When the last binding was created or moved to another address, in seconds since 1970-01-01T00:00:00Z.
    pub last_login: Option<u64>,
    /// Whether the phone may be controlled and monitored.
    #[serde(rename = "in_operation")]
    pub enabled: bool,
    /// When an operator listed the phone, or enabled or disabled it last, in seconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_at: Option<u64>,
    /// An operator's name of the phone, such as the person or room it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

impl ListedPhone {
    /// A phone of which nothing is known yet but its user name.
    pub fn new(id: PhoneId, enabled: bool) -> Self {
        Self {
            id,
            hint: None,
            name_confirmed: false,
            maker: String::new(),
            model: None,
            firmware: None,
            last_address: None,
            last_identity: None,
            lines: Vec::new(),
            last_login: None,
            enabled,
            switched_at: None,
            display_name: None,
        }
    }

    /// The MAC address: the phone's name, else the hint.
    pub fn hardware(&self) -> Option<Mac> {
        self.id.mac().or(self.hint)
    }

    /// The name as a MAC address, if it may be a hint under which an earlier version listed a phone with an extension.
    pub fn unconfirmed_mac(&self) -> Option<Mac> {
        self.id.mac().filter(|_| !self.name_confirmed)
    }

    /// The extensions that the entry names: the users of the lines and of the last identity.
    pub fn extensions(&self) -> impl Iterator<Item = PhoneId> {
        let named = self.lines.iter().chain(&self.last_identity);
        let phones = named.filter_map(|line| Name::of(line).user.parse::<PhoneId>().ok());
        phones.filter(|phone| phone.mac().is_none())
    }
}

/// An operator's change of an entry. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EntryChange {
    /// The new value of [`ListedPhone::enabled`].
    pub enabled: Option<bool>,
    /// The new value of [`ListedPhone::display_name`].
    pub display_name: Option<Option<String>>,
}

impl EntryChange {
    /// Changes an entry at this time, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn apply(&self, entry: &mut ListedPhone, at: u64) {
        if let Some(enabled) = self.enabled {
            entry.enabled = enabled;
            entry.switched_at = Some(at);
        }
        if let Some(name) = &self.display_name {
            entry.display_name.clone_from(name);
        }
    }
}

/// Writes entries to disk; answered when they are on disk.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct Save {
    /// Changed and new entries.
    pub listed: Vec<ListedPhone>,
    /// Phones that were removed.
    pub forgotten: Vec<PhoneId>,
}

/// The phone list cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

impl StoreError {
    /// The store has ended, because the server is stopping.
    pub(crate) fn closed() -> Self {
        Self("the phone list is closed".to_owned())
    }

    /// The disk does not answer.
    pub(crate) fn hanging() -> Self {
        Self("the disk has not answered for half a minute".to_owned())
    }
}
