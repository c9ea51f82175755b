//! Identifiers and small types that services and events share (ECMA-269).

use super::{
    device::{DeviceId, Endpoint},
    element::Element,
    enumeration::{ForwardDefault, ForwardingType, LocalConnectionState},
    error::ReadError,
    member::{Item, Member, identifiers, sequence},
    writer::Writer,
};

identifiers! {
    /// A call: opaque text, never a number.
    pub struct CallId;
    /// A monitor, named by the side that monitors.
    pub struct MonitorCrossRefId;
    /// A registration for system status.
    pub struct SysStatRegisterId;
    /// An answer that follows in notifications.
    pub struct ServiceCrossRefId;
}

/// A connection: a call at a device (ECMA-269, connection identifier).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// The call.
    pub call_id: Option<CallId>,
    /// The device, perhaps by an identifier that holds for this call only.
    pub device_id: Option<DeviceId>,
}

impl ConnectionId {
    /// The connection of `call` at `device`.
    pub fn new(call: impl Into<CallId>, device: impl Into<DeviceId>) -> Self {
        Self {
            call_id: Some(call.into()),
            device_id: Some(device.into()),
        }
    }
}

impl Member for ConnectionId {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let connection = Self {
            call_id: element.member("callID")?,
            device_id: element.member("deviceID")?,
        };
        match connection {
            Self {
                call_id: None,
                device_id: None,
            } => Err(element.lacks("callID")),
            some => Ok(some),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        self.call_id.write(out, "callID");
        self.device_id.write(out, "deviceID");
        out.close(name);
    }
}

/// Octets that stand in documents in hexadecimal, such as an account code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Octets(pub Vec<u8>);

impl Member for Octets {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let digits = element.text().as_bytes();
        let value = |digit: &u8| char::from(*digit).to_digit(16).map(|value| value as u8);
        let octet = |pair: &[u8]| match pair {
            [high, low] => Some(value(high)? << 4 | value(low)?),
            _ => None,
        };
        match digits.chunks(2).map(octet).collect() {
            Some(octets) => Ok(Self(octets)),
            None => Err(element.malformed("an even number of hexadecimal digits")),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
        let text: String = self
            .0
            .iter()
            .flat_map(|octet| [digit(octet >> 4), digit(*octet)])
            .collect();
        out.text_element(name, &text);
    }
}

/// Data that a call carries along: `correlatorData` or `userData`.
///
/// Only the form as octets has a type; a maker's private form reads as no octets, and passes a relay as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CallData(pub Octets);

impl Member for CallData {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        element
            .child("string")
            .map_or_else(|| Ok(Octets::default()), Octets::read)
            .map(Self)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        self.0.write(out, "string");
        out.close(name);
    }
}

sequence! {
    /// A connection as it is after a transfer or conference. `resultingConnectionInfo` has no type.
    pub struct ConnectionListItem {
        /// The connection from now on.
        new_connection: Option<ConnectionId> = "newConnection",
        /// The connection that it comes from.
        old_connection: Option<ConnectionId> = "oldConnection",
        /// The party at it.
        endpoint: Option<Endpoint> = "endpoint",
        /// The network interface that stands for the party.
        associated_nid: Option<Endpoint> = "associatedNID",
    }

    /// One forwarding of a device.
    pub struct ForwardListItem {
        /// When it applies; always, where left out.
        forwarding_type: Option<ForwardingType> = "forwardingType",
        forward_status: bool = "forwardStatus",
        /// Where calls go.
        forward_dn: Option<DeviceId> = "forwardDN",
        /// What of it is the default.
        forward_default: Option<ForwardDefault> = "forwardDefault",
        /// Rings before it applies.
        ring_count: Option<u32> = "ringCount",
        /// Seconds of ringing before it applies.
        ring_duration: Option<u32> = "ringDuration" since Ed6,
    }

    /// Which calls a do-not-disturb is for.
    pub struct CallOrigination {
        /// Calls from within.
        internal: bool = "internal",
        /// Calls from without.
        external: Option<bool> = "external",
    }
}

impl Item for ConnectionListItem {
    const NAME: &'static str = "connectionListItem";
}

impl Item for ForwardListItem {
    const NAME: &'static str = "forwardListItem";
}

impl Item for LocalConnectionState {
    const NAME: &'static str = "localConnectionState";
}
