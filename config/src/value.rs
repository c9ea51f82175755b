//! Addresses to listen on, sizes and times as settings write them.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An address to listen on; `""` is off, port 0 any free port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listen(Option<SocketAddr>);

impl Listen {
    /// Off.
    pub const OFF: Self = Self(None);

    /// The address, unless off.
    pub fn address(self) -> Option<SocketAddr> {
        self.0
    }

    /// Whether there is an address to listen on.
    pub fn is_on(self) -> bool {
        self.0.is_some()
    }
}

/// Reads the address of a service without TLS, which belongs on loopback: that is what a mistake is answered with.
pub(crate) fn loopback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Listen, D::Error> {
    let text = String::deserialize(deserializer)?;
    Listen::try_from(text).map_err(|wrong| de::Error::custom(wrong.replace("0.0.0.0", "127.0.0.1")))
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self(Some(address))
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::OFF);
        }
        text.parse().map(|address| Self(Some(address))).map_err(|_| {
            match text.trim_start_matches(':').parse::<u16>() {
                Ok(port) => format!("is {text:?}, but must be an IP address with a port; did you mean \"0.0.0.0:{port}\"?"),
                Err(_) => format!("is {text:?}, but must be an IP address with a port such as \"0.0.0.0:5060\" or \"[::]:5060\", or \"\" for off"),
            }
        })
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen
            .0
            .map_or_else(Self::new, |address| address.to_string())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// Whether two addresses cannot be listened on at the same time. `[::]` accepts IPv4 too.
pub fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let [mine, theirs] = [one, other].map(|address| address.ip().to_canonical());
    let covers =
        |all: IpAddr, part: IpAddr| all.is_unspecified() && (all.is_ipv6() || part.is_ipv4());
    one.port() == other.port() && (mine == theirs || covers(mine, theirs) || covers(theirs, mine))
}

/// A size in bytes, written as a number of bytes or with a binary unit: `512KiB`, `10MiB`, `1GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// A size in bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// In bytes, for bounds on memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS
            .iter()
            .find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size))
        {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The layers pass a bare number as text.
        let text = String::deserialize(deserializer)?;
        parse_size(&text).map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "is {text:?}, but must be a number of bytes or a size such as \"512KiB\", \"10MiB\" or \"1GiB\""
            ))
        })
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Seconds in the file, a [`Duration`](std::time::Duration) in the program.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }
}

/// A file or folder; empty: none.
pub(crate) mod path {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A private key in the place of its path must not appear in the error.
        if text.contains(char::is_control) || text.contains("-----BEGIN") {
            return Err(Error::custom(
                "is the secret itself, but must be the path of a file that contains it",
            ));
        }
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    }

    pub(crate) fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let path = path.as_deref().map(|path| path.display().to_string());
        serializer.serialize_str(&path.unwrap_or_default())
    }
}

/// `true` or `false`. config-rs would take numbers and words such as "yes" as well.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Boolean;

    impl de::Visitor<'_> for Boolean {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }
    }

    deserializer.deserialize_any(Boolean)
}

const UNITS: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    let unit = text.get(digits.len()..)?.trim();
    if unit.is_empty() {
        return Some(number);
    }
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, size)| number.checked_mul(*size))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("512KiB", Some(512 << 10)),
            ("10 MiB", Some(10 << 20)),
            ("1GiB", Some(1 << 30)),
            ("10MB", None),
            ("MiB", None),
            ("-1", None),
            ("", None),
            ("99999999TiB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text:?}");
        }
        assert_eq!(ByteSize::new(10 << 20).to_string(), "10MiB");
        assert_eq!(ByteSize::new(1025).to_string(), "1025");
    }

    #[test]
    fn listen() {
        for (text, shown) in [
            ("", "off"),
            ("0.0.0.0:5060", "0.0.0.0:5060"),
            ("[::1]:0", "[::1]:0"),
        ] {
            assert_eq!(
                Listen::try_from(text.to_owned()).unwrap().to_string(),
                shown
            );
        }
        for wrong in ["5060", ":5060", "0.0.0.0", "localhost:5060", "::1:5060x"] {
            assert!(Listen::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
