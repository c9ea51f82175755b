//! The identifier of a phone: its MAC address, or its extension where it never sends a MAC address.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::mac::Mac;

/// The identity of a phone: the key in all lists and the `phone` field of log lines. MAC addresses sort before extensions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhoneId {
    /// The MAC address, for phones that send it.
    Mac(Mac),
    /// The extension with which the phone logs on.
    Extension(Extension),
}

/// An extension: 1 to 30 bytes of printable ASCII without spaces, quotes and URI delimiters; never a MAC address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extension {
    /// Padded with zeros, so that extensions sort as their texts do.
    octets: [u8; LONGEST],
    length: u8,
}

/// The text is neither a MAC address nor an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a phone is named by its MAC address, twelve hexadecimal digits, or by an extension of at most {LONGEST} letters and digits"
)]
pub struct PhoneIdError;

/// The maximum length of an extension, in bytes.
const LONGEST: usize = 30;

impl PhoneId {
    /// The MAC address, if known.
    #[must_use]
    pub const fn mac(self) -> Option<Mac> {
        match self {
            Self::Mac(mac) => Some(mac),
            Self::Extension(_) => None,
        }
    }

    /// The vendor part of the MAC address (OUI), if known.
    #[must_use]
    pub fn oui(self) -> Option<[u8; 3]> {
        self.mac().map(Mac::oui)
    }

    /// The identity without separators, for the user part of a URI: `000413aabbcc` or `215`.
    #[must_use]
    pub fn bare(self) -> String {
        match self {
            Self::Mac(mac) => mac.bare(),
            Self::Extension(extension) => extension.as_str().to_owned(),
        }
    }
}

impl Extension {
    /// The extension as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let octets = self.octets.get(..usize::from(self.length));
        octets
            .and_then(|octets| str::from_utf8(octets).ok())
            .unwrap_or_default()
    }
}

impl From<Mac> for PhoneId {
    fn from(mac: Mac) -> Self {
        Self::Mac(mac)
    }
}

impl FromStr for PhoneId {
    type Err = PhoneIdError;

    fn from_str(text: &str) -> Result<Self, PhoneIdError> {
        if let Ok(mac) = text.parse() {
            return Ok(Self::Mac(mac));
        }
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"'/;<>\\%#?".contains(&byte);
        if text.is_empty() || !text.bytes().all(fits) {
            return Err(PhoneIdError);
        }
        let mut octets = [0; LONGEST];
        octets
            .get_mut(..text.len())
            .ok_or(PhoneIdError)?
            .copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).map_err(|_| PhoneIdError)?;
        Ok(Self::Extension(Extension { octets, length }))
    }
}

/// Writes `00:04:13:aa:bb:cc` or `215`.
impl fmt::Display for PhoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => mac.fmt(f),
            Self::Extension(extension) => f.write_str(extension.as_str()),
        }
    }
}

impl fmt::Debug for PhoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneId({self})")
    }
}

impl Serialize for PhoneId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PhoneId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn macs_and_extensions_are_read() {
        let check = |text: &str, bare: Option<&str>, has_mac: bool| {
            let read = text.parse::<PhoneId>().ok();
            assert_eq!(read.map(PhoneId::bare).as_deref(), bare, "{text:?}");
            assert_eq!(read.and_then(PhoneId::mac).is_some(), has_mac, "{text:?}");
        };
        check("00:04:13:AA:bb:cc", Some("000413aabbcc"), true);
        check("000413112233", Some("000413112233"), true);
        check("215", Some("215"), false);
        check("+49301234567", Some("+49301234567"), false);
        check("reception.1", Some("reception.1"), false);
        check("000413aabbccd", Some("000413aabbccd"), false);
        check(&"7".repeat(30), Some(&"7".repeat(30)), false);
        check(&"7".repeat(31), None, false);
        check("", None, false);
        check("a b", None, false);
        check("a;b", None, false);
        check("../215", None, false);
        check("2\u{661}5", None, false);
    }

    #[test]
    fn extensions_sort_as_text() {
        let sorted =
            ["000413aabbcc", "12", "123", "2"].map(|text| text.parse::<PhoneId>().unwrap());
        assert!(sorted.is_sorted());
    }
}
