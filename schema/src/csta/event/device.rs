//! Events of devices (ECMA-269): digits, do not disturb, forwarding, message waiting, maintenance.

use crate::csta::{
    cause::EventCause,
    device::{DeviceId, SubjectDevice},
    enumeration::{ForwardDefault, ForwardingType},
    member::sequence,
    types::{CallOrigination, ConnectionId},
};

sequence! {
    /// A device sent digits into a call. Durations have no type.
    pub struct DigitsGeneratedEvent {
        connection: ConnectionId = "connection",
        digit_generated_list: Option<String> = "digitGeneratedList",
    }

    /// Do not disturb changed. `callingDeviceList` has no type.
    pub struct DoNotDisturbEvent {
        device: SubjectDevice = "device",
        do_not_disturb_on: bool = "doNotDisturbOn",
        /// The calls to which it applies.
        call_origination: Option<CallOrigination> = "callOrigination",
    }

    /// A forwarding changed.
    pub struct ForwardingEvent {
        device: SubjectDevice = "device",
        /// The condition; unconditional if absent.
        forwarding_type: Option<ForwardingType> = "forwardingType",
        forward_status: bool = "forwardStatus",
        /// The destination; the services call it `forwardDN`.
        forward_to: Option<DeviceId> = "forwardTo",
        /// The parts that are the switching function's defaults.
        forward_default: Option<ForwardDefault> = "forwardDefault",
        /// The number of rings before it applies.
        ring_count: Option<u32> = "ringCount",
        /// The ringing time before it applies, in seconds.
        ring_duration: Option<u32> = "ringDuration" since Ed6,
    }

    /// The message waiting indicator changed.
    pub struct MessageWaitingEvent {
        /// The device with the indicator.
        target_device: SubjectDevice = "targetDevice",
        /// The device that stores the message.
        device_for_message: Option<DeviceId> = "deviceForMessage",
        /// Whether messages are waiting.
        message_waiting_on: bool = "messageWaitingOn",
    }

    /// A device returned to service.
    pub struct BackInServiceEvent {
        device: SubjectDevice = "device",
        cause: Option<EventCause> = "cause",
    }

    /// A device went out of service.
    pub struct OutOfServiceEvent {
        device: SubjectDevice = "device",
        cause: Option<EventCause> = "cause",
    }
}
