//! The services that profiles speak of, by the names of their requests (ECMA-323), and from when on a phone has one.

use std::borrow::Borrow;

use serde::{Deserialize, Deserializer, de};

use crate::version;

/// A service by the name of its request.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Service(String);

/// A service that the server makes out of others, where a phone does not have it.
#[derive(Clone, Debug)]
pub(crate) struct Emulated(String);

/// From when on a service is there.
#[derive(Clone, Debug)]
pub(crate) enum Since {
    Known(bool),
    Firmware(String),
}

/// The services that profiles can tell of.
const SERVICES: [&str; 42] = [
    "AlternateCall",
    "AnswerCall",
    "ButtonPress",
    "ChangeMonitorFilter",
    "ClearCall",
    "ClearConnection",
    "ConferenceCall",
    "ConsultationCall",
    "DeflectCall",
    "DialDigits",
    "DirectedPickupCall",
    "GenerateDigits",
    "GetCSTAFeatures",
    "GetDoNotDisturb",
    "GetForwarding",
    "GetLogicalDeviceInformation",
    "GetMessageWaitingIndicator",
    "GetMicrophoneMute",
    "GetPhysicalDeviceInformation",
    "GetSpeakerMute",
    "GetSpeakerVolume",
    "GetSwitchingFunctionDevices",
    "HoldCall",
    "MakeCall",
    "MonitorStart",
    "MonitorStop",
    "ReconnectCall",
    "RequestSystemStatus",
    "RetrieveCall",
    "SetDoNotDisturb",
    "SetForwarding",
    "SetMessageWaitingIndicator",
    "SetMicrophoneMute",
    "SetSpeakerMute",
    "SetSpeakerVolume",
    "SingleStepConferenceCall",
    "SingleStepTransferCall",
    "SnapshotCall",
    "SnapshotDevice",
    "SystemRegister",
    "SystemRegisterCancel",
    "TransferCall",
];

/// The services that the server can make out of others, or out of what it knows.
const EMULATED: [&str; 12] = [
    "AlternateCall",
    "DialDigits",
    "DirectedPickupCall",
    "GetLogicalDeviceInformation",
    "GetMessageWaitingIndicator",
    "GetPhysicalDeviceInformation",
    "MonitorStop",
    "ReconnectCall",
    "SetMessageWaitingIndicator",
    "SnapshotCall",
    "SnapshotDevice",
    "SystemRegister",
];

impl Emulated {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Since {
    /// Whether a phone with this firmware has the service; one whose firmware is not known may have it.
    pub(crate) fn reached(&self, firmware: Option<&str>) -> bool {
        match self {
            Self::Known(known) => *known,
            Self::Firmware(first) => {
                firmware.is_none_or(|firmware| version::reaches(firmware, first))
            }
        }
    }
}

impl Borrow<str> for Service {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if SERVICES.contains(&name.as_str()) {
            return Ok(Self(name));
        }
        Err(de::Error::custom(format!(
            "{name:?} is no service that profiles tell of; services are named by their requests, such as \"MakeCall\""
        )))
    }
}

impl<'de> Deserialize<'de> for Emulated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if EMULATED.contains(&name.as_str()) {
            return Ok(Self(name));
        }
        Err(de::Error::custom(format!(
            "{name:?} is no service that the server can make out of others; those are {}",
            EMULATED.join(", ")
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
