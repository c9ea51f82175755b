//! The services in a maker's profile, by the names of their requests (ECMA-323), and the first firmware that has each.

use serde::{Deserialize, Deserializer, de};
use uacsta_schema::csta::ServiceId;

use crate::version;

/// A service that the server emulates where a phone lacks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Emulated(pub(crate) ServiceId);

/// Since which firmware a phone has a service.
#[derive(Clone, Debug)]
pub(crate) enum Since {
    Known(bool),
    Firmware(String),
}

impl Since {
    /// Whether a phone with this firmware has the service. One of unknown firmware counts as having it.
    pub(crate) fn reached(&self, firmware: Option<&str>) -> bool {
        match self {
            Self::Known(known) => *known,
            Self::Firmware(first) => {
                firmware.is_none_or(|firmware| version::reaches(firmware, first))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Emulated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let service = ServiceId::deserialize(deserializer)?;
        if service.made_of().is_some() {
            return Ok(Self(service));
        }
        let emulated = ServiceId::ALL
            .iter()
            .filter(|known| known.made_of().is_some());
        let names: Vec<_> = emulated.map(|known| known.name()).collect();
        Err(de::Error::custom(format!(
            "{service} cannot be emulated; these can: {}",
            names.join(", ")
        )))
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Since;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "true, false, or the first firmware that has the service, such as \"8.7.4\"",
                )
            }

            fn visit_bool<E>(self, known: bool) -> Result<Since, E> {
                Ok(Since::Known(known))
            }

            fn visit_str<E>(self, first: &str) -> Result<Since, E> {
                Ok(Since::Firmware(first.to_owned()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
