//! Call control events (ECMA-269, section 17.2).

use super::CallEventTail;
use crate::csta::{
    device::{CalledDevice, CallingDevice, DeviceId, RedirectionDevice, SubjectDevice},
    member::sequence,
    types::{ConnectionId, ConnectionListItem},
};

sequence! {
    /// A device is off hook, or prompts its user.
    pub struct ServiceInitiatedEvent {
        initiated_connection: ConnectionId = "initiatedConnection",
        initiating_device: SubjectDevice = "initiatingDevice",
        /// Who is to be called.
        called_device: Option<CalledDevice> = "calledDevice" since Ed6,
        tail: CallEventTail = flattened,
    }

    /// A device has dialled digits.
    pub struct DigitsDialedEvent {
        dialing_connection: ConnectionId = "dialingConnection",
        dialing_device: SubjectDevice = "dialingDevice",
        dialing_sequence: DeviceId = "dialingSequence",
        tail: CallEventTail = flattened,
    }

    /// A device has sent a call.
    pub struct OriginatedEvent {
        originated_connection: ConnectionId = "originatedConnection",
        calling_device: SubjectDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        /// The device that it calls from, where that is another.
        originating_device: Option<DeviceId> = "originatingDevice",
        tail: CallEventTail = flattened,
    }

    /// A device is asked whether it takes a call.
    pub struct OfferedEvent {
        offered_connection: ConnectionId = "offeredConnection",
        offered_device: SubjectDevice = "offeredDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
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
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A device has answered. Its `originatinNIDConnection` is spelled so.
    pub struct EstablishedEvent {
        established_connection: ConnectionId = "establishedConnection",
        answering_device: SubjectDevice = "answeringDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatinNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A device holds a call.
    pub struct HeldEvent {
        held_connection: ConnectionId = "heldConnection",
        holding_device: SubjectDevice = "holdingDevice",
        tail: CallEventTail = flattened,
    }

    /// A device has retrieved a call.
    pub struct RetrievedEvent {
        retrieved_connection: ConnectionId = "retrievedConnection",
        retrieving_device: SubjectDevice = "retrievingDevice",
        tail: CallEventTail = flattened,
    }

    /// A call has left a device for another.
    pub struct DivertedEvent {
        connection: ConnectionId = "connection",
        /// The device that it has left.
        diverting_device: SubjectDevice = "divertingDevice",
        /// Where it goes.
        new_destination: SubjectDevice = "newDestination",
        calling_device: Option<CallingDevice> = "callingDevice",
        called_device: Option<CalledDevice> = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        tail: CallEventTail = flattened,
    }

    /// A call cannot go on; the cause tells why.
    pub struct FailedEvent {
        failed_connection: ConnectionId = "failedConnection",
        failing_device: SubjectDevice = "failingDevice",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// A call waits in a queue.
    pub struct QueuedEvent {
        queued_connection: ConnectionId = "queuedConnection",
        queue: SubjectDevice = "queue",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        number_queued: Option<u32> = "numberQueued",
        /// Calls that are before it.
        calls_in_front: Option<u32> = "callsInFront",
        tail: CallEventTail = flattened,
    }

    /// A device has left a call. Charging information has no type.
    pub struct ConnectionClearedEvent {
        dropped_connection: ConnectionId = "droppedConnection",
        releasing_device: SubjectDevice = "releasingDevice",
        tail: CallEventTail = flattened,
    }

    /// A call has ended.
    pub struct CallClearedEvent {
        cleared_call: ConnectionId = "clearedCall",
        tail: CallEventTail = flattened,
    }

    /// A call has been transferred. The element is spelled with one r. Charging information has no type.
    pub struct TransferedEvent {
        /// The held call, or the only one.
        primary_old_call: ConnectionId = "primaryOldCall",
        secondary_old_call: Option<ConnectionId> = "secondaryOldCall",
        /// Who has transferred.
        transferring_device: SubjectDevice = "transferringDevice",
        /// Where the call goes.
        transferred_to_device: SubjectDevice = "transferredToDevice",
        transferred_connections: Vec<ConnectionListItem> = "transferredConnections",
        tail: CallEventTail = flattened,
    }

    /// A call has become a conference.
    pub struct ConferencedEvent {
        /// The held call, or the only one.
        primary_old_call: ConnectionId = "primaryOldCall",
        secondary_old_call: Option<ConnectionId> = "secondaryOldCall",
        /// Who has made it one.
        conferencing_device: SubjectDevice = "conferencingDevice",
        /// Who was added.
        added_party: SubjectDevice = "addedParty",
        conference_connections: Vec<ConnectionListItem> = "conferenceConnections",
        tail: CallEventTail = flattened,
    }
}
