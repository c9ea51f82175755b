//! Call control events (ECMA-269): what becomes of a call, seen from a monitor.
//!
//! Of the tail that they share, services permitted, call and media characteristics, connection information, network
//! and associated devices, linkage, messages, languages, history and location have no type: they pass a relay as they are.

use crate::csta::{
    cause::EventCause,
    device::{CalledDevice, CallingDevice, DeviceId, RedirectionDevice, SubjectDevice},
    enumeration::LocalConnectionState,
    member::sequence,
    types::{CallData, ConnectionId, ConnectionListItem, MonitorCrossRefId},
};

sequence! {
    /// A device is off hook, or prompts its user.
    pub struct ServiceInitiatedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The new connection.
        initiated_connection: ConnectionId = "initiatedConnection",
        /// The device.
        initiating_device: SubjectDevice = "initiatingDevice",
        /// Who is to be called.
        called_device: Option<CalledDevice> = "calledDevice" since Ed6,
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device has dialled digits.
    pub struct DigitsDialedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        dialing_connection: ConnectionId = "dialingConnection",
        /// The device.
        dialing_device: SubjectDevice = "dialingDevice",
        /// The digits.
        dialing_sequence: DeviceId = "dialingSequence",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device has sent a call.
    pub struct OriginatedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        originated_connection: ConnectionId = "originatedConnection",
        /// Who calls.
        calling_device: SubjectDevice = "callingDevice",
        /// Who is called.
        called_device: CalledDevice = "calledDevice",
        /// The device that it calls from, where that is another.
        originating_device: Option<DeviceId> = "originatingDevice",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device is asked whether it takes a call.
    pub struct OfferedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        offered_connection: ConnectionId = "offeredConnection",
        /// The device.
        offered_device: SubjectDevice = "offeredDevice",
        /// Who calls.
        calling_device: CallingDevice = "callingDevice",
        /// Who is called.
        called_device: CalledDevice = "calledDevice",
        /// Where the call was redirected from last.
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device alerts.
    pub struct DeliveredEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection that alerts.
        connection: ConnectionId = "connection",
        /// The device.
        alerting_device: SubjectDevice = "alertingDevice",
        /// Who calls.
        calling_device: CallingDevice = "callingDevice",
        /// Who is called.
        called_device: CalledDevice = "calledDevice",
        /// Where the call was redirected from last.
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device has answered. Its `originatinNIDConnection` is spelled so.
    pub struct EstablishedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        established_connection: ConnectionId = "establishedConnection",
        /// The device.
        answering_device: SubjectDevice = "answeringDevice",
        /// Who calls.
        calling_device: CallingDevice = "callingDevice",
        /// Who is called.
        called_device: CalledDevice = "calledDevice",
        /// Where the call was redirected from last.
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatinNIDConnection",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device holds a call.
    pub struct HeldEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        held_connection: ConnectionId = "heldConnection",
        /// The device.
        holding_device: SubjectDevice = "holdingDevice",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device has retrieved a call.
    pub struct RetrievedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        retrieved_connection: ConnectionId = "retrievedConnection",
        /// The device.
        retrieving_device: SubjectDevice = "retrievingDevice",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A call has left a device for another.
    pub struct DivertedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection that has ended.
        connection: ConnectionId = "connection",
        /// The device that it has left.
        diverting_device: SubjectDevice = "divertingDevice",
        /// Where it goes.
        new_destination: SubjectDevice = "newDestination",
        /// Who calls.
        calling_device: Option<CallingDevice> = "callingDevice",
        /// Who is called.
        called_device: Option<CalledDevice> = "calledDevice",
        /// Where the call was redirected from last.
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A call cannot go on; the cause tells why.
    pub struct FailedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        failed_connection: ConnectionId = "failedConnection",
        /// The device.
        failing_device: SubjectDevice = "failingDevice",
        /// Who calls.
        calling_device: CallingDevice = "callingDevice",
        /// Who is called.
        called_device: CalledDevice = "calledDevice",
        /// Where the call was redirected from last.
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A call waits in a queue.
    pub struct QueuedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection.
        queued_connection: ConnectionId = "queuedConnection",
        /// The queue.
        queue: SubjectDevice = "queue",
        /// Who calls.
        calling_device: CallingDevice = "callingDevice",
        /// Who is called.
        called_device: CalledDevice = "calledDevice",
        /// Where the call was redirected from last.
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// Calls in the queue.
        number_queued: Option<u32> = "numberQueued",
        /// Calls that are before it.
        calls_in_front: Option<u32> = "callsInFront",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A device has left a call. Charging information has no type.
    pub struct ConnectionClearedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The connection that has ended.
        dropped_connection: ConnectionId = "droppedConnection",
        /// The device.
        releasing_device: SubjectDevice = "releasingDevice",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A call has ended.
    pub struct CallClearedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The call.
        cleared_call: ConnectionId = "clearedCall",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A call has been transferred. The element is spelled with one r. Charging information has no type.
    pub struct TransferedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The held call, or the only one.
        primary_old_call: ConnectionId = "primaryOldCall",
        /// The active call.
        secondary_old_call: Option<ConnectionId> = "secondaryOldCall",
        /// Who has transferred.
        transferring_device: SubjectDevice = "transferringDevice",
        /// Where the call goes.
        transferred_to_device: SubjectDevice = "transferredToDevice",
        /// What became of the connections.
        transferred_connections: Vec<ConnectionListItem> = "transferredConnections",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }

    /// A call has become a conference.
    pub struct ConferencedEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The held call, or the only one.
        primary_old_call: ConnectionId = "primaryOldCall",
        /// The active call.
        secondary_old_call: Option<ConnectionId> = "secondaryOldCall",
        /// Who has made it one.
        conferencing_device: SubjectDevice = "conferencingDevice",
        /// Who was added.
        added_party: SubjectDevice = "addedParty",
        /// What became of the connections.
        conference_connections: Vec<ConnectionListItem> = "conferenceConnections",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        /// Data that goes with the call.
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party.
        user_data: Option<CallData> = "userData",
        /// Why.
        cause: EventCause = "cause",
    }
}
