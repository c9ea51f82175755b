//! Call control services (ECMA-269), such as MakeCall, HoldCall and TransferCall.

use crate::csta::{
    cause::EventCause,
    device::{Destinations, DeviceId},
    enumeration::{AutoOriginate, ConsultOptions, ParticipationType},
    member::sequence,
    types::{CallData, ConnectionId, ConnectionListItem, Octets},
};

sequence! {
    /// Starts a call between two devices. Call and media characteristics, connection information and languages have no
    /// type.
    pub struct MakeCall {
        calling_device: DeviceId = "callingDevice",
        called_directory_number: DeviceId = "calledDirectoryNumber",
        account_code: Option<Octets> = "accountCode",
        /// The authorisation code of the call.
        auth_code: Option<Octets> = "authCode",
        /// Whether the phone prompts its user first; it does if absent.
        auto_originate: Option<AutoOriginate> = "autoOriginate",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
        reason: Option<EventCause> = "reason" since Ed6,
    }

    /// The phone is making the call.
    pub struct MakeCallResponse {
        /// The connection of the new call at the calling device.
        calling_device: ConnectionId = "callingDevice",
    }

    /// Answers an alerting call.
    pub struct AnswerCall {
        call_to_be_answered: ConnectionId = "callToBeAnswered",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
    }

    /// The phone is answering the call.
    pub struct AnswerCallResponse {}

    /// Removes a device from a call.
    pub struct ClearConnection {
        connection_to_be_cleared: ConnectionId = "connectionToBeCleared",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        reason: Option<EventCause> = "reason",
    }

    /// The phone is clearing the connection.
    pub struct ClearConnectionResponse {}

    /// Ends a call for all devices.
    pub struct ClearCall {
        call_to_be_cleared: ConnectionId = "callToBeCleared",
        user_data: Option<CallData> = "userData",
        reason: Option<EventCause> = "reason" since Ed6,
    }

    /// The phone is clearing the call.
    pub struct ClearCallResponse {}

    /// Puts a call on hold.
    pub struct HoldCall {
        call_to_be_held: ConnectionId = "callToBeHeld",
        /// Whether to reserve the connection for the held call.
        connection_reservation: Option<bool> = "connectionReservation",
    }

    /// The phone accepted the request.
    pub struct HoldCallResponse {}

    /// Retrieves a held call.
    pub struct RetrieveCall {
        call_to_be_retrieved: ConnectionId = "callToBeRetrieved",
    }

    /// The phone accepted the request.
    pub struct RetrieveCallResponse {}

    /// Puts the active call on hold and retrieves the held call.
    pub struct AlternateCall {
        held_call: ConnectionId = "heldCall",
        active_call: ConnectionId = "activeCall",
        /// Whether to reserve the connection for the held call.
        connection_reservation: Option<bool> = "connectionReservation",
        /// The allowed purpose of the consultation.
        consult_options: Option<ConsultOptions> = "consultOptions",
    }

    /// The phone accepted the request.
    pub struct AlternateCallResponse {}

    /// Clears the active call and retrieves the held call. The active call is the first member here.
    pub struct ReconnectCall {
        active_call: ConnectionId = "activeCall",
        held_call: ConnectionId = "heldCall",
    }

    /// The phone accepted the request.
    pub struct ReconnectCallResponse {}

    /// Puts a call on hold and calls another device. Call and media characteristics, connection information and languages
    /// have no type.
    pub struct ConsultationCall {
        /// The connection to put on hold.
        existing_call: ConnectionId = "existingCall",
        consulted_device: DeviceId = "consultedDevice",
        /// Whether to reserve the connection for the held call.
        connection_reservation: Option<bool> = "connectionReservation",
        account_code: Option<Octets> = "accountCode",
        /// The authorisation code of the call.
        auth_code: Option<Octets> = "authCode",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        /// The allowed purpose of the consultation.
        consult_options: Option<ConsultOptions> = "consultOptions",
        subject_of_call: Option<String> = "subjectOfCall",
    }

    /// The phone is making the consultation call.
    pub struct ConsultationCallResponse {
        /// The connection of the new call.
        initiated_call: ConnectionId = "initiatedCall",
    }

    /// Connects the other parties of two calls, and removes the transferring device.
    pub struct TransferCall {
        held_call: ConnectionId = "heldCall",
        active_call: ConnectionId = "activeCall",
    }

    /// The calls are merged; the transferring device has left.
    pub struct TransferCallResponse {
        /// The connection of the resulting call.
        transferred_call: ConnectionId = "transferredCall",
        connections: Option<Vec<ConnectionListItem>> = "connections",
    }

    /// Merges two calls into a conference.
    pub struct ConferenceCall {
        held_call: ConnectionId = "heldCall",
        active_call: ConnectionId = "activeCall",
    }

    /// The calls are merged into a conference.
    pub struct ConferenceCallResponse {
        /// The connection of the resulting call.
        conference_call: ConnectionId = "conferenceCall",
        connections: Option<Vec<ConnectionListItem>> = "connections",
    }

    /// Transfers a call without a consultation call. Call characteristics and languages have no type.
    pub struct SingleStepTransferCall {
        active_call: ConnectionId = "activeCall",
        /// The device to which the call is transferred.
        transferred_to: DeviceId = "transferredTo",
        account_code: Option<Octets> = "accountCode",
        /// The authorisation code of the call.
        auth_code: Option<Octets> = "authCode",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
        reason: Option<EventCause> = "reason",
    }

    /// The phone accepted the request.
    pub struct SingleStepTransferCallResponse {
        /// The connection of the resulting call.
        transferred_call: ConnectionId = "transferredCall",
        connections: Option<Vec<ConnectionListItem>> = "connections",
    }

    /// Adds a device to a call without a consultation call. Languages have no type.
    pub struct SingleStepConferenceCall {
        active_call: ConnectionId = "activeCall",
        /// The device to add.
        device_to_join: DeviceId = "deviceToJoin",
        /// The role of the added device.
        participation_type: ParticipationType = "participationType",
        account_code: Option<Octets> = "accountCode",
        /// The authorisation code of the call.
        auth_code: Option<Octets> = "authCode",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
    }

    /// The phone accepted the request.
    pub struct SingleStepConferenceCallResponse {
        /// The connection of the added device.
        conferenced_call: ConnectionId = "conferencedCall",
    }

    /// Redirects an alerting call to another device. Call characteristics and languages have no type.
    pub struct DeflectCall {
        call_to_be_diverted: ConnectionId = "callToBeDiverted",
        /// The devices to which the call is redirected.
        new_destination: Destinations = "newDestination",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
        reason: Option<EventCause> = "reason",
    }

    /// The phone accepted the request.
    pub struct DeflectCallResponse {}

    /// Answers a call that is alerting at another device.
    pub struct DirectedPickupCall {
        call_to_be_picked_up: ConnectionId = "callToBePickedUp",
        /// The device that answers the call.
        requesting_device: DeviceId = "requestingDevice",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
    }

    /// The phone accepted the request.
    pub struct DirectedPickupCallResponse {
        /// The connection at the requesting device.
        picked_call: ConnectionId = "pickedCall",
    }

    /// Dials digits for an initiated call.
    pub struct DialDigits {
        dialling_connection: ConnectionId = "diallingConnection",
        /// The digits to dial.
        dialling_sequence: DeviceId = "diallingSequence",
        correlator_data: Option<CallData> = "correlatorData",
    }

    /// The phone accepted the request.
    pub struct DialDigitsResponse {}
}
