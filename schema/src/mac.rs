//! The MAC address of a phone (EUI-48), which serves as its user name.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A MAC address, ordered by its octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The address with these octets, in transmission order.
    #[must_use]
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The six octets.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// The first three octets, which identify the vendor (OUI).
    #[must_use]
    pub const fn oui(self) -> [u8; 3] {
        let [a, b, c, ..] = self.0;
        [a, b, c]
    }

    /// The twelve hexadecimal digits, lower case, without separators: `000413aabbcc`.
    #[must_use]
    pub fn bare(self) -> String {
        let [a, b, c, d, e, f] = self.0;
        format!("{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}")
    }
}

/// Writes `00:04:13:aa:bb:cc`.
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

/// The text is not a MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a MAC address has twelve hexadecimal digits, with or without ':', '-' or '.' between them"
)]
pub struct MacError;

/// Reads twelve hexadecimal digits in any case, with at most one `:`, `-` or `.` between two digits.
impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut octets = [0_u8; 6];
        let mut digits = 0;
        let mut separated = true;
        for byte in text.bytes() {
            if matches!(byte, b':' | b'-' | b'.') {
                if separated || digits == 12 {
                    return Err(MacError);
                }
                separated = true;
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(MacError)?;
            let octet = octets.get_mut(digits / 2).ok_or(MacError)?;
            *octet = *octet << 4 | u8::try_from(digit).map_err(|_| MacError)?;
            digits += 1;
            separated = false;
        }
        if digits == 12 {
            Ok(Self(octets))
        } else {
            Err(MacError)
        }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
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
    fn common_spellings_are_read() {
        let check = |text: &str, bare: Option<&str>| {
            let read = text.parse::<Mac>().ok().map(Mac::bare);
            assert_eq!(read.as_deref(), bare, "{text:?}");
        };
        check("000413aabbcc", Some("000413aabbcc"));
        check("000413AABBCC", Some("000413aabbcc"));
        check("00:04:13:aa:bb:cc", Some("000413aabbcc"));
        check("00-04-13-AA-BB-CC", Some("000413aabbcc"));
        check("0004.13aa.bbcc", Some("000413aabbcc"));
        check("000413-aabbcc", Some("000413aabbcc"));
        check("", None);
        check("000413aabbc", None);
        check("000413aabbccd", None);
        check("000413aabbcc:", None);
        check(":000413aabbcc", None);
        check("00::0413aabbcc", None);
        check("00 0413aabbcc", None);
        check("000413aabbcg", None);
        check("sip:000413aabbcc", None);
        check("000413aabbc\u{661}", None);
    }

    #[test]
    fn display_has_colons_and_oui_identifies_vendor() {
        let mac: Mac = "000413AABBCC".parse().unwrap();
        assert_eq!(mac.to_string(), "00:04:13:aa:bb:cc");
        assert_eq!(mac.oui(), [0x00, 0x04, 0x13]);
        assert_eq!(Mac::new(mac.octets()), mac);
    }
}
