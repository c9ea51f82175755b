//! Snapshot services (ECMA-269): the calls at a device and the devices in a call.

use crate::csta::{
    device::{CalledDevice, CallingDevice, DeviceId, SubjectDevice},
    element::Element,
    enumeration::{LocalConnectionState, SimpleCallState},
    error::ReadError,
    member::{Item, Member, sequence},
    types::{CallData, ConnectionId, ServiceCrossRefId},
    writer::Writer,
};

sequence! {
    /// Queries the calls at a device.
    pub struct SnapshotDevice {
        snapshot_object: DeviceId = "snapshotObject",
    }

    /// The calls at the device.
    pub struct SnapshotDeviceResponse {
        /// The list, or the cross reference of notifications with the list.
        data: Snapshot<DeviceCall> = "crossRefIDorSnapshotData",
    }

    /// A call at a device. Services permitted, media and call linkage have no type.
    pub struct DeviceCall {
        /// The call's connection at the device.
        connection: Option<ConnectionId> = "connectionIdentifier",
        /// The device at the other end.
        endpoint_device: Option<SubjectDevice> = "endpointDevice",
        /// The state of the call.
        local_call_state: Option<CallState> = "localCallState",
    }

    /// Queries the devices in a call.
    pub struct SnapshotCall {
        snapshot_object: ConnectionId = "snapshotObject",
    }

    /// The devices in the call. Media, characteristics, linkage, messages and history have no type.
    pub struct SnapshotCallResponse {
        /// The list, or the cross reference of notifications with the list.
        data: Snapshot<CallParty> = "crossRefIDorSnapshotData",
        calling_device: Option<CallingDevice> = "callingDevice",
        called_device: Option<CalledDevice> = "calledDevice",
        correlator_data: Option<CallData> = "correlatorData",
    }

    /// A device in a call. Services permitted and media have no type.
    pub struct CallParty {
        device_on_call: Option<SubjectDevice> = "deviceOnCall",
        /// The call's connection at the device.
        call_identifier: Option<ConnectionId> = "callIdentifier",
        /// The state of that connection.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
    }
}

/// The result of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Snapshot<T> {
    /// The list itself.
    Data(Vec<T>),
    /// The list follows in notifications with this cross reference.
    Follows(ServiceCrossRefId),
    /// The response contains neither.
    #[default]
    Missing,
}

impl DeviceCall {
    /// The `callID` of the connection.
    pub fn call_id(&self) -> Option<&str> {
        Some(self.connection.as_ref()?.call_id.as_ref()?.as_str())
    }
}

impl Item for DeviceCall {
    const NAME: &'static str = "snapshotDeviceResponseInfo";
}

impl Item for CallParty {
    const NAME: &'static str = "snapshotCallResponseInfo";
}

impl<T: Item> Member for Snapshot<T> {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        match element.child("serviceCrossRefID") {
            Some(reference) => ServiceCrossRefId::read(reference).map(Self::Follows),
            // Other elements in place of the items are no empty list.
            None => match element.child("snapshotData") {
                Some(data) if data.is_empty() || data.child(T::NAME).is_some() => {
                    Vec::read(data).map(Self::Data)
                }
                Some(_) | None => Ok(Self::Missing),
            },
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        match self {
            Self::Data(data) => data.write(out, "snapshotData"),
            Self::Follows(reference) => reference.write(out, "serviceCrossRefID"),
            Self::Missing => {}
        }
        out.close(name);
    }
}

/// The state of a call at a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallState {
    /// The states of the call's connections, the device's own first.
    Compound(Vec<LocalConnectionState>),
    /// The state of a call with two connections, in one word.
    Simple(SimpleCallState),
    /// The response contains no known state.
    #[default]
    Unknown,
}

impl Member for CallState {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        match element.children().first() {
            Some(choice) if choice.name == "compoundCallState" => {
                Vec::read(choice).map(Self::Compound)
            }
            Some(choice) if choice.name == "simpleCallState" => {
                SimpleCallState::read(choice).map(Self::Simple)
            }
            _ => Ok(Self::Unknown),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        match self {
            Self::Compound(states) => states.write(out, "compoundCallState"),
            Self::Simple(state) => state.write(out, "simpleCallState"),
            Self::Unknown => out.text_element("unknown", ""),
        }
        out.close(name);
    }
}
