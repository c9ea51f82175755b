//! Device feature services (ECMA-269): do not disturb, forwarding, message waiting.

use crate::csta::{
    device::DeviceId,
    enumeration::ForwardingType,
    member::sequence,
    types::{CallOrigination, ForwardListItem},
};

sequence! {
    /// Queries do not disturb at a device.
    pub struct GetDoNotDisturb {
        device: DeviceId = "device",
    }

    /// The state of do not disturb. `callingDeviceList` has no type.
    pub struct GetDoNotDisturbResponse {
        /// Whether the feature is on.
        do_not_disturb_on: bool = "doNotDisturbOn",
        /// The calls to which it applies.
        call_origination: Option<CallOrigination> = "callOrigination",
    }

    /// Turns do not disturb on or off. `callingDeviceList` has no type.
    pub struct SetDoNotDisturb {
        device: DeviceId = "device",
        /// Whether to turn the feature on.
        do_not_disturb_on: bool = "doNotDisturbOn",
        /// The calls to which it applies.
        call_origination: Option<CallOrigination> = "callOrigination",
    }

    /// The phone accepted the setting.
    pub struct SetDoNotDisturbResponse {}

    /// Queries the forwardings of a device.
    pub struct GetForwarding {
        device: DeviceId = "device",
    }

    /// The forwardings of the device.
    pub struct GetForwardingResponse {
        /// One item per type of forwarding.
        forwarding_list: Option<Vec<ForwardListItem>> = "forwardingList",
    }

    /// Turns a forwarding on or off.
    pub struct SetForwarding {
        device: DeviceId = "device",
        /// The condition; unconditional if absent.
        forwarding_type: Option<ForwardingType> = "forwardingType",
        /// Whether to turn the forwarding on.
        activate_forward: bool = "activateForward",
        /// The destination of forwarded calls.
        forward_dn: Option<DeviceId> = "forwardDN",
        /// The number of rings before it applies.
        ring_count: Option<u32> = "ringCount",
        /// The ringing time before it applies, in seconds.
        ring_duration: Option<u32> = "ringDuration" since Ed6,
    }

    /// The phone accepted the setting.
    pub struct SetForwardingResponse {}

    /// Queries the message waiting indicator of a device.
    pub struct GetMessageWaitingIndicator {
        device: DeviceId = "device",
    }

    /// The state of the message waiting indicator.
    pub struct GetMessageWaitingIndicatorResponse {
        message_waiting_on: bool = "messageWaitingOn",
        /// The device that stores the message.
        device_for_message: Option<DeviceId> = "deviceForMessage",
        /// Whether the device has a lamp as indicator.
        lamp_is_present: Option<bool> = "lampIsPresent",
    }

    /// Turns the message waiting indicator on or off.
    pub struct SetMessageWaitingIndicator {
        device: DeviceId = "device",
        message_waiting_on: bool = "messageWaitingOn",
        /// The device that stores the message.
        device_for_message: Option<DeviceId> = "deviceForMessage",
    }

    /// The phone accepted the setting.
    pub struct SetMessageWaitingIndicatorResponse {}
}
