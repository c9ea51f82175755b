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
    /// The identifier of a call: opaque text, never a number.
    pub struct CallId = text_element;
    /// The cross reference of a monitor, chosen by the side that monitors.
    pub struct MonitorCrossRefId = text_element;
    /// The identifier of a system status registration.
    pub struct SysStatRegisterId = text_element;
    /// The cross reference of a response whose data follows in notifications.
    pub struct ServiceCrossRefId = text_element;
}

/// A connection identifier: a call at a device (ECMA-269, connection identifier).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// The call of the connection.
    pub call_id: Option<CallId>,
    /// The device, possibly by a dynamic identifier, valid for this call only.
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

/// Bytes, hexadecimal in documents, such as an account code.
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

/// Application data of a call: `correlatorData` or `userData`.
///
/// Only the octet form has a type. A vendor's private form reads as empty; a relay passes it on unchanged.
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
    /// A connection after a transfer or conference. `resultingConnectionInfo` has no type.
    pub struct ConnectionListItem {
        /// The new connection.
        new_connection: Option<ConnectionId> = "newConnection",
        /// The connection before the transfer or conference.
        old_connection: Option<ConnectionId> = "oldConnection",
        /// The party at the connection.
        endpoint: Option<Endpoint> = "endpoint",
        /// The network interface that represents the party.
        associated_nid: Option<Endpoint> = "associatedNID",
    }

    /// One forwarding of a device.
    pub struct ForwardListItem {
        /// The condition; unconditional if absent.
        forwarding_type: Option<ForwardingType> = "forwardingType",
        forward_status: bool = "forwardStatus",
        /// The destination of forwarded calls.
        forward_dn: Option<DeviceId> = "forwardDN",
        /// The parts that are the switching function's defaults.
        forward_default: Option<ForwardDefault> = "forwardDefault",
        /// The number of rings before it applies.
        ring_count: Option<u32> = "ringCount",
        /// The ringing time before it applies, in seconds.
        ring_duration: Option<u32> = "ringDuration" since Ed6,
    }

    /// The calls to which do not disturb applies.
    pub struct CallOrigination {
        /// Calls from inside the switching domain.
        internal: bool = "internal",
        /// Calls from outside the switching domain.
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
