//! Events of devices (ECMA-269): digits, do not disturb, forwarding, message waiting, maintenance.

use crate::csta::{
    cause::EventCause,
    device::{DeviceId, SubjectDevice},
    enumeration::{ForwardDefault, ForwardingType},
    member::sequence,
    types::{CallOrigination, ConnectionId},
};

sequence! {
    /// Digits were sent into a call. Durations have no type.
    pub struct DigitsGeneratedEvent {
        connection: ConnectionId = "connection",
        digit_generated_list: Option<String> = "digitGeneratedList",
    }

    /// Do not disturb has changed. `callingDeviceList` has no type.
    pub struct DoNotDisturbEvent {
        device: SubjectDevice = "device",
        do_not_disturb_on: bool = "doNotDisturbOn",
        /// Calls it is for.
        call_origination: Option<CallOrigination> = "callOrigination",
    }

    /// A forwarding has changed.
    pub struct ForwardingEvent {
        device: SubjectDevice = "device",
        /// When it applies; always, where left out.
        forwarding_type: Option<ForwardingType> = "forwardingType",
        forward_status: bool = "forwardStatus",
        /// Where calls go; `forwardDN` in the services.
        forward_to: Option<DeviceId> = "forwardTo",
        /// What of it is the default.
        forward_default: Option<ForwardDefault> = "forwardDefault",
        /// Rings before it applies.
        ring_count: Option<u32> = "ringCount",
        /// Seconds of ringing before it applies.
        ring_duration: Option<u32> = "ringDuration" since Ed6,
    }

    /// A message waits, or no longer.
    pub struct MessageWaitingEvent {
        /// The device that shows it.
        target_device: SubjectDevice = "targetDevice",
        /// Where it waits.
        device_for_message: Option<DeviceId> = "deviceForMessage",
        /// Whether it waits.
        message_waiting_on: bool = "messageWaitingOn",
    }

    /// A device is in service again.
    pub struct BackInServiceEvent {
        device: SubjectDevice = "device",
        cause: Option<EventCause> = "cause",
    }

    /// A device is out of service.
    pub struct OutOfServiceEvent {
        device: SubjectDevice = "device",
        cause: Option<EventCause> = "cause",
    }
}
