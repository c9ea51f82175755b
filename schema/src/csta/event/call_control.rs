//! Call control events (ECMA-269, section 17.2).

use super::CallEventTail;
use crate::csta::{
    device::{CalledDevice, CallingDevice, DeviceId, RedirectionDevice, SubjectDevice},
    member::sequence,
    types::{ConnectionId, ConnectionListItem},
};

sequence! {
    /// A device went off hook, or prompts its user to do so.
    pub struct ServiceInitiatedEvent {
        initiated_connection: ConnectionId = "initiatedConnection",
        initiating_device: SubjectDevice = "initiatingDevice",
        /// The device to call.
        called_device: Option<CalledDevice> = "calledDevice" since Ed6,
        tail: CallEventTail = flattened,
    }

    /// A device dialled digits.
    pub struct DigitsDialedEvent {
        dialing_connection: ConnectionId = "dialingConnection",
        dialing_device: SubjectDevice = "dialingDevice",
        dialing_sequence: DeviceId = "dialingSequence",
        tail: CallEventTail = flattened,
    }

    /// A device started a call.
    pub struct OriginatedEvent {
        originated_connection: ConnectionId = "originatedConnection",
        calling_device: SubjectDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        /// The originating device, if it differs from the calling device.
        originating_device: Option<DeviceId> = "originatingDevice",
        tail: CallEventTail = flattened,
    }

    /// A call is offered to a device, which may accept or reject it.
    pub struct OfferedEvent {
        offered_connection: ConnectionId = "offeredConnection",
        offered_device: SubjectDevice = "offeredDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface through which the call arrived.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A device alerts.
    pub struct DeliveredEvent {
        connection: ConnectionId = "connection",
        alerting_device: SubjectDevice = "alertingDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface through which the call arrived.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A device answered a call. `originatinNIDConnection` is the spelling of ECMA-323.
    pub struct EstablishedEvent {
        established_connection: ConnectionId = "establishedConnection",
        answering_device: SubjectDevice = "answeringDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface through which the call arrived.
        originating_nid_connection: Option<ConnectionId> = "originatinNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A device put a call on hold.
    pub struct HeldEvent {
        held_connection: ConnectionId = "heldConnection",
        holding_device: SubjectDevice = "holdingDevice",
        tail: CallEventTail = flattened,
    }

    /// A device retrieved a held call.
    pub struct RetrievedEvent {
        retrieved_connection: ConnectionId = "retrievedConnection",
        retrieving_device: SubjectDevice = "retrievingDevice",
        tail: CallEventTail = flattened,
    }

    /// A call was diverted from one device to another.
    pub struct DivertedEvent {
        connection: ConnectionId = "connection",
        /// The device that the call left.
        diverting_device: SubjectDevice = "divertingDevice",
        /// The device to which the call was diverted.
        new_destination: SubjectDevice = "newDestination",
        calling_device: Option<CallingDevice> = "callingDevice",
        called_device: Option<CalledDevice> = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        tail: CallEventTail = flattened,
    }

    /// A call failed; the cause gives the reason.
    pub struct FailedEvent {
        failed_connection: ConnectionId = "failedConnection",
        failing_device: SubjectDevice = "failingDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface through which the call arrived.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A call entered a queue.
    pub struct QueuedEvent {
        queued_connection: ConnectionId = "queuedConnection",
        queue: SubjectDevice = "queue",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        number_queued: Option<u32> = "numberQueued",
        /// The number of calls ahead in the queue.
        calls_in_front: Option<u32> = "callsInFront",
        tail: CallEventTail = flattened,
    }

    /// A device left a call. Charging information has no type.
    pub struct ConnectionClearedEvent {
        dropped_connection: ConnectionId = "droppedConnection",
        releasing_device: SubjectDevice = "releasingDevice",
        tail: CallEventTail = flattened,
    }

    /// A call ended for all devices.
    pub struct CallClearedEvent {
        cleared_call: ConnectionId = "clearedCall",
        tail: CallEventTail = flattened,
    }

    /// A call was transferred. ECMA-323 spells the element with one r. Charging information has no type.
    pub struct TransferedEvent {
        /// The held call, or the only call.
        primary_old_call: ConnectionId = "primaryOldCall",
        secondary_old_call: Option<ConnectionId> = "secondaryOldCall",
        /// The device that transferred the call.
        transferring_device: SubjectDevice = "transferringDevice",
        /// The device to which the call was transferred.
        transferred_to_device: SubjectDevice = "transferredToDevice",
        transferred_connections: Vec<ConnectionListItem> = "transferredConnections",
        tail: CallEventTail = flattened,
    }

    /// A call became a conference.
    pub struct ConferencedEvent {
        /// The held call, or the only call.
        primary_old_call: ConnectionId = "primaryOldCall",
        secondary_old_call: Option<ConnectionId> = "secondaryOldCall",
        /// The device that started the conference.
        conferencing_device: SubjectDevice = "conferencingDevice",
        /// The device that was added.
        added_party: SubjectDevice = "addedParty",
        conference_connections: Vec<ConnectionListItem> = "conferenceConnections",
        tail: CallEventTail = flattened,
    }
}
