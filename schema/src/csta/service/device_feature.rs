//! Device feature services (ECMA-269): do not disturb, forwarding, message waiting.

use crate::csta::{
    device::DeviceId,
    enumeration::ForwardingType,
    member::sequence,
    types::{CallOrigination, ForwardListItem},
};

sequence! {
    /// Asks whether calls may disturb a device.
    pub struct GetDoNotDisturb {
        device: DeviceId = "device",
    }

    /// Whether they may. `callingDeviceList` has no type.
    pub struct GetDoNotDisturbResponse {
        /// Whether the feature is on.
        do_not_disturb_on: bool = "doNotDisturbOn",
        /// Calls it is for.
        call_origination: Option<CallOrigination> = "callOrigination",
    }

    /// Has calls disturb a device or not. `callingDeviceList` has no type.
    pub struct SetDoNotDisturb {
        device: DeviceId = "device",
        /// Whether the feature is to be on.
        do_not_disturb_on: bool = "doNotDisturbOn",
        /// Calls it is for.
        call_origination: Option<CallOrigination> = "callOrigination",
    }

    /// The feature is set.
    pub struct SetDoNotDisturbResponse {}

    /// Asks where a device's calls go.
    pub struct GetForwarding {
        device: DeviceId = "device",
    }

    /// Where they go.
    pub struct GetForwardingResponse {
        /// One for each type of forwarding.
        forwarding_list: Option<Vec<ForwardListItem>> = "forwardingList",
    }

    /// Has a device's calls go elsewhere or not.
    pub struct SetForwarding {
        device: DeviceId = "device",
        /// When it applies; always, where left out.
        forwarding_type: Option<ForwardingType> = "forwardingType",
        /// Whether it is to be on.
        activate_forward: bool = "activateForward",
        /// Where calls are to go.
        forward_dn: Option<DeviceId> = "forwardDN",
        /// Rings before it applies.
        ring_count: Option<u32> = "ringCount",
        /// Seconds of ringing before it applies.
        ring_duration: Option<u32> = "ringDuration" since Ed6,
    }

    /// The forwarding is set.
    pub struct SetForwardingResponse {}

    /// Asks whether a device shows that a message waits.
    pub struct GetMessageWaitingIndicator {
        device: DeviceId = "device",
    }

    /// Whether it does.
    pub struct GetMessageWaitingIndicatorResponse {
        message_waiting_on: bool = "messageWaitingOn",
        /// Where it waits.
        device_for_message: Option<DeviceId> = "deviceForMessage",
        /// Whether the device has a lamp for it.
        lamp_is_present: Option<bool> = "lampIsPresent",
    }

    /// Has a device show that a message waits or not.
    pub struct SetMessageWaitingIndicator {
        device: DeviceId = "device",
        message_waiting_on: bool = "messageWaitingOn",
        /// Where it waits.
        device_for_message: Option<DeviceId> = "deviceForMessage",
    }

    /// The indicator is set.
    pub struct SetMessageWaitingIndicatorResponse {}
}
