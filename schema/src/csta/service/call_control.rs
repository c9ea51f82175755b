//! Call control services (ECMA-269): making, answering, holding, transferring and ending calls.

use crate::csta::{
    cause::EventCause,
    device::{Destinations, DeviceId},
    enumeration::{AutoOriginate, ConsultOptions, ParticipationType},
    member::sequence,
    types::{CallData, ConnectionId, ConnectionListItem, Octets},
};

sequence! {
    /// Calls a device from another (ECMA-269, Make Call). Call and media characteristics, connection information and languages have no type.
    pub struct MakeCall {
        calling_device: DeviceId = "callingDevice",
        called_directory_number: DeviceId = "calledDirectoryNumber",
        account_code: Option<Octets> = "accountCode",
        /// What authorises the call.
        auth_code: Option<Octets> = "authCode",
        /// Whether the phone prompts first, which it does where this is left out.
        auto_originate: Option<AutoOriginate> = "autoOriginate",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
        reason: Option<EventCause> = "reason" since Ed6,
    }

    /// The call is being made.
    pub struct MakeCallResponse {
        /// The connection of the new call at the calling device.
        calling_device: ConnectionId = "callingDevice",
    }

    /// Answers a call that alerts.
    pub struct AnswerCall {
        call_to_be_answered: ConnectionId = "callToBeAnswered",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
    }

    /// The call is being answered.
    pub struct AnswerCallResponse {}

    /// Takes a device out of a call.
    pub struct ClearConnection {
        connection_to_be_cleared: ConnectionId = "connectionToBeCleared",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        reason: Option<EventCause> = "reason",
    }

    /// The connection is being cleared.
    pub struct ClearConnectionResponse {}

    /// Ends a call for all devices.
    pub struct ClearCall {
        call_to_be_cleared: ConnectionId = "callToBeCleared",
        user_data: Option<CallData> = "userData",
        reason: Option<EventCause> = "reason" since Ed6,
    }

    /// The call is being cleared.
    pub struct ClearCallResponse {}

    /// Holds a call.
    pub struct HoldCall {
        call_to_be_held: ConnectionId = "callToBeHeld",
        /// Whether the connection is kept for the held call.
        connection_reservation: Option<bool> = "connectionReservation",
    }

    /// The call is held.
    pub struct HoldCallResponse {}

    /// Retrieves a held call.
    pub struct RetrieveCall {
        call_to_be_retrieved: ConnectionId = "callToBeRetrieved",
    }

    /// The call is retrieved.
    pub struct RetrieveCallResponse {}

    /// Holds the active call and retrieves the held one.
    pub struct AlternateCall {
        held_call: ConnectionId = "heldCall",
        active_call: ConnectionId = "activeCall",
        /// Whether the connection is kept for the held call.
        connection_reservation: Option<bool> = "connectionReservation",
        /// What the consultation may lead to.
        consult_options: Option<ConsultOptions> = "consultOptions",
    }

    /// The calls have changed places.
    pub struct AlternateCallResponse {}

    /// Clears the active call and retrieves the held one. The active call comes first here.
    pub struct ReconnectCall {
        active_call: ConnectionId = "activeCall",
        held_call: ConnectionId = "heldCall",
    }

    /// The held call is retrieved.
    pub struct ReconnectCallResponse {}

    /// Holds a call and calls another device. Call and media characteristics, connection information and languages have no type.
    pub struct ConsultationCall {
        /// The connection to hold.
        existing_call: ConnectionId = "existingCall",
        consulted_device: DeviceId = "consultedDevice",
        /// Whether the connection is kept for the held call.
        connection_reservation: Option<bool> = "connectionReservation",
        account_code: Option<Octets> = "accountCode",
        /// What authorises the call.
        auth_code: Option<Octets> = "authCode",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        /// What the consultation may lead to.
        consult_options: Option<ConsultOptions> = "consultOptions",
        subject_of_call: Option<String> = "subjectOfCall",
    }

    /// The consultation is being made.
    pub struct ConsultationCallResponse {
        /// The connection of the new call.
        initiated_call: ConnectionId = "initiatedCall",
    }

    /// Connects the other parties of two calls with each other.
    pub struct TransferCall {
        held_call: ConnectionId = "heldCall",
        active_call: ConnectionId = "activeCall",
    }

    /// The parties are connected.
    pub struct TransferCallResponse {
        /// The call that they are in.
        transferred_call: ConnectionId = "transferredCall",
        connections: Option<Vec<ConnectionListItem>> = "connections",
    }

    /// Puts the parties of two calls into one.
    pub struct ConferenceCall {
        held_call: ConnectionId = "heldCall",
        active_call: ConnectionId = "activeCall",
    }

    /// The parties are in one call.
    pub struct ConferenceCallResponse {
        /// The call that they are in.
        conference_call: ConnectionId = "conferenceCall",
        connections: Option<Vec<ConnectionListItem>> = "connections",
    }

    /// Transfers a call without consulting. Call characteristics and languages have no type.
    pub struct SingleStepTransferCall {
        active_call: ConnectionId = "activeCall",
        /// Where the call goes.
        transferred_to: DeviceId = "transferredTo",
        account_code: Option<Octets> = "accountCode",
        /// What authorises the call.
        auth_code: Option<Octets> = "authCode",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
        reason: Option<EventCause> = "reason",
    }

    /// The call is transferred.
    pub struct SingleStepTransferCallResponse {
        /// The call from now on.
        transferred_call: ConnectionId = "transferredCall",
        connections: Option<Vec<ConnectionListItem>> = "connections",
    }

    /// Adds a device to a call without consulting. Languages have no type.
    pub struct SingleStepConferenceCall {
        active_call: ConnectionId = "activeCall",
        /// The device to add.
        device_to_join: DeviceId = "deviceToJoin",
        /// How it takes part.
        participation_type: ParticipationType = "participationType",
        account_code: Option<Octets> = "accountCode",
        /// What authorises the call.
        auth_code: Option<Octets> = "authCode",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
    }

    /// The device is added.
    pub struct SingleStepConferenceCallResponse {
        /// The connection of the added device.
        conferenced_call: ConnectionId = "conferencedCall",
    }

    /// Sends a call that alerts elsewhere. Call characteristics and languages have no type.
    pub struct DeflectCall {
        call_to_be_diverted: ConnectionId = "callToBeDiverted",
        /// Where it goes.
        new_destination: Destinations = "newDestination",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        subject_of_call: Option<String> = "subjectOfCall",
        reason: Option<EventCause> = "reason",
    }

    /// The call is sent on.
    pub struct DeflectCallResponse {}

    /// Answers a call that alerts at another device.
    pub struct DirectedPickupCall {
        call_to_be_picked_up: ConnectionId = "callToBePickedUp",
        /// The device that answers.
        requesting_device: DeviceId = "requestingDevice",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
    }

    /// The call is picked up.
    pub struct DirectedPickupCallResponse {
        /// Its connection at the device that has answered.
        picked_call: ConnectionId = "pickedCall",
    }

    /// Dials for a call that waits for digits.
    pub struct DialDigits {
        dialling_connection: ConnectionId = "diallingConnection",
        /// What to dial.
        dialling_sequence: DeviceId = "diallingSequence",
        correlator_data: Option<CallData> = "correlatorData",
    }

    /// The digits are dialled.
    pub struct DialDigitsResponse {}
}
