//! Passwords, or their hashes; never displayed.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A password, or the hashes of user, realm and password (HA1, RFC 7616, section 3.4.2). Debug, display and serialized forms show `***`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// The prefix of hashes: `{HA1}MD5=<32 digits>,SHA-256=<64 digits>`, one of them or both.
const HASHED: &str = "{HA1}";

impl Secret {
    /// The hashes of a password in hexadecimal digits, by algorithm name.
    pub fn hashed<'h>(hashes: impl IntoIterator<Item = (&'h str, &'h str)>) -> Self {
        let hashes = hashes
            .into_iter()
            .map(|(name, hash)| format!("{name}={hash}"));
        Self(format!("{HASHED}{}", hashes.collect::<Vec<_>>().join(",")))
    }

    /// The password or hashes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether no password is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is hashes instead of the password.
    pub fn is_hashed(&self) -> bool {
        self.0.starts_with(HASHED)
    }

    /// The hash of an algorithm, if it is hashes.
    pub fn hash(&self, algorithm: &str) -> Option<&str> {
        self.hashes()
            .find_map(|(name, hash)| name.eq_ignore_ascii_case(algorithm).then_some(hash))
    }

    /// Whether it is valid hashes: of known algorithms and their length.
    pub(crate) fn is_sound(&self) -> bool {
        let mut hashes = self.hashes().peekable();
        hashes.peek().is_some()
            && hashes.all(|(name, hash)| {
                let length = match name {
                    "MD5" => 32,
                    "SHA-256" => 64,
                    _ => return false,
                };
                hash.len() == length
                    && hash
                        .bytes()
                        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
            })
    }

    fn hashes(&self) -> impl Iterator<Item = (&str, &str)> {
        let hashes = self.0.strip_prefix(HASHED).unwrap_or_default();
        hashes
            .split(',')
            .filter(|hash| !hash.is_empty())
            .map(|hash| hash.split_once('=').unwrap_or((hash, "")))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// `***`, or an empty string if no password is set.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { "***" })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_told_from_passwords() {
        let (md5, sha) = ("0123456789abcdef".repeat(2), "0123456789abcdef".repeat(4));
        let both = Secret::hashed([("MD5", md5.as_str()), ("SHA-256", sha.as_str())]);
        assert!(both.is_hashed() && both.is_sound());
        assert_eq!(both.hash("md5"), Some(md5.as_str()));
        assert_eq!(both.hash("SHA-256"), Some(sha.as_str()));
        for (text, hashed, sound) in [
            ("let me dial".to_owned(), false, false),
            ("{HA1}".to_owned(), true, false),
            (format!("{{HA1}}MD5={md5}"), true, true),
            (format!("{{HA1}}SHA-256={md5}"), true, false),
            (format!("{{HA1}}MD5={}", md5.to_uppercase()), true, false),
            (format!("{{HA1}}SHA-1={md5}"), true, false),
            ("{HA1}MD5".to_owned(), true, false),
        ] {
            let secret = Secret::from(text);
            assert_eq!(
                (secret.is_hashed(), secret.is_sound()),
                (hashed, sound),
                "{}",
                secret.expose()
            );
            assert_eq!(format!("{secret:?} {secret}"), "*** ***");
        }
    }
}
