//! Editions of ECMA-323, and the edition, namespace prefix and device name that a peer uses.

use std::sync::Arc;

use super::DeviceId;

/// An edition of ECMA-323, identified by the namespace of its schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// Second edition; its namespace is at `www.ecma.ch`.
    Ed2,
    /// Third edition; the default, since all known phones and clients support it.
    #[default]
    Ed3,
    /// Fourth edition.
    Ed4,
    /// Fifth edition.
    Ed5,
    /// Sixth edition.
    Ed6,
}

impl Edition {
    /// All editions, oldest first.
    pub const ALL: [Self; 5] = [Self::Ed2, Self::Ed3, Self::Ed4, Self::Ed5, Self::Ed6];

    /// 2 to 6.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 2
    }

    /// The namespace of this edition's schema.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Ed2 => "http://www.ecma.ch/standards/ecma-323/csta/ed2",
            Self::Ed3 => "http://www.ecma-international.org/standards/ecma-323/csta/ed3",
            Self::Ed4 => "http://www.ecma-international.org/standards/ecma-323/csta/ed4",
            Self::Ed5 => "http://www.ecma-international.org/standards/ecma-323/csta/ed5",
            Self::Ed6 => "http://www.ecma-international.org/standards/ecma-323/csta/ed6",
        }
    }

    /// The edition with the namespace `uri`; `None` for any other namespace.
    pub fn from_namespace(uri: &str) -> Option<Self> {
        // The last character selects the candidate, so that one comparison suffices.
        let edition = match uri.as_bytes().last()? {
            b'2' => Self::Ed2,
            b'3' => Self::Ed3,
            b'4' => Self::Ed4,
            b'5' => Self::Ed5,
            b'6' => Self::Ed6,
            _ => return None,
        };
        (edition.namespace() == uri).then_some(edition)
    }
}

/// The edition and namespace prefix that a peer uses, and in which the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// The edition of its documents.
    pub edition: Edition,
    /// The namespace prefix of its elements; `None` for the default namespace.
    pub prefix: Option<Box<str>>,
    /// The name of a device that the server writes for this peer; `None`: the device's own.
    pub own_name: Option<Arc<OwnName>>,
}

/// A peer's name of a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnName {
    device: DeviceId,
    name: DeviceId,
}

impl OwnName {
    /// A name of `device`; `None` if it is the device's own.
    pub fn new(device: &DeviceId, name: &DeviceId) -> Option<Arc<Self>> {
        let (device, name) = (device.clone(), name.clone());
        (device != name).then(|| Arc::new(Self { device, name }))
    }

    /// The peer's name, if `text` names the device.
    pub(super) fn of(&self, text: &str) -> Option<&str> {
        self.device.names(text).then_some(self.name.as_str())
    }
}

impl From<Edition> for Dialect {
    fn from(edition: Edition) -> Self {
        Self {
            edition,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_identifies_edition() {
        for edition in Edition::ALL {
            assert_eq!(Edition::from_namespace(edition.namespace()), Some(edition));
        }
        for other in [
            "",
            "urn:x",
            "http://www.ecma-international.org/standards/ecma-323/csta/ed7",
        ] {
            assert_eq!(Edition::from_namespace(other), None, "{other}");
        }
        assert!(Edition::Ed2 < Edition::Ed6);
        assert_eq!(Dialect::default(), Dialect::from(Edition::Ed3));
    }
}
