//! Trusted front ends of clients, by address, network or name in their certificate.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

/// A front end that is not challenged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Trusted {
    /// By source address.
    Network(Network),
    /// By a DNS name in its certificate.
    Name(String),
}

/// An address or a network (RFC 4632): `10.1.2.3`, `10.1.0.0/16`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether it contains an address. An IPv4-mapped address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (ours.to_bits() ^ theirs.to_bits()).leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                (ours.to_bits() ^ theirs.to_bits()).leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        // A prefix of 0 would trust every peer.
        (1..=bits)
            .contains(&prefix)
            .then_some(Self { address, prefix })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl From<Trusted> for String {
    fn from(trusted: Trusted) -> Self {
        trusted.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| {
            format!(
                "is {text:?}, but must be an address (\"10.1.2.3\") or a network (\"10.1.0.0/16\", a prefix of 1 or more)"
            )
        })
    }
}

impl TryFrom<String> for Trusted {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(network) = Network::parse(&text) {
            return Ok(Self::Network(network));
        }
        let is_name = text.contains(|c: char| c.is_ascii_alphabetic())
            && !text.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.'));
        if is_name {
            return Ok(Self::Name(text.to_ascii_lowercase()));
        }
        Err(format!(
            "is {text:?}, but must be an address (\"10.1.2.3\"), a network (\"10.1.0.0/16\", a prefix of 1 or more) or the name in a certificate (\"ocs.example.com\")"
        ))
    }
}

/// `10.1.0.0/16`; a single address has a prefix of its full length.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn contains(setting: &str, address: &str, expected: bool) {
        let Trusted::Network(network) = Trusted::try_from(setting.to_owned()).unwrap() else {
            panic!("{setting} is no network");
        };
        assert_eq!(
            network.contains(address.parse().unwrap()),
            expected,
            "{setting} {address}"
        );
    }

    #[test]
    fn rfc_4632_a_network_contains_what_shares_its_prefix() {
        contains("10.1.2.3", "10.1.2.3", true);
        contains("10.1.2.3", "10.1.2.4", false);
        contains("10.1.2.3", "::ffff:10.1.2.3", true);
        contains("10.1.0.0/16", "10.1.255.1", true);
        contains("10.1.0.0/16", "10.2.0.1", false);
        contains("128.0.0.0/1", "200.1.1.1", true);
        contains("2001:db8::/32", "2001:db8:1::1", true);
        contains("2001:db8::/32", "2001:db9::1", false);
        contains("2001:db8::/32", "10.1.2.3", false);
    }

    #[test]
    fn what_is_neither_is_explained() {
        let check = |setting: &str, expected: Option<&str>| {
            let trusted = Trusted::try_from(setting.to_owned());
            let shown = trusted.as_ref().map(Trusted::to_string).ok();
            assert_eq!(shown.as_deref(), expected, "{setting}");
            if let Err(what) = trusted {
                assert!(
                    what.starts_with(&format!("is {setting:?}, but must be ")),
                    "{what}"
                );
            }
        };
        check("OCS.example.com", Some("ocs.example.com"));
        check("10.1.2.3", Some("10.1.2.3/32"));
        check("::1", Some("::1/128"));
        check("0.0.0.0/0", None);
        check("10.0.0.0/33", None);
        check("10.0.0", None);
        check("*.example.com", None);
        check("", None);
        Network::try_from("10.1.0.0/16".to_owned()).unwrap();
        let what = Network::try_from("ocs.example.com".to_owned()).unwrap_err();
        assert!(what.ends_with("a prefix of 1 or more)"), "{what}");
    }
}
