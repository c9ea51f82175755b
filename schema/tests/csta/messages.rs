//! Examples of each typed message.

use uacsta_schema::csta::*;

const DEVICE: &str = "sip:101@pbx.example";

pub(crate) fn connection() -> ConnectionId {
    ConnectionId::new("0_7f&3", DEVICE)
}

fn device() -> SubjectDevice {
    SubjectDevice::Device(DEVICE.into())
}

fn data() -> Option<CallData> {
    Some(CallData(Octets(vec![0x00, 0xA5, 0xFF])))
}

fn items() -> Vec<ConnectionListItem> {
    vec![
        ConnectionListItem {
            new_connection: Some(connection()),
            old_connection: Some(connection()),
            endpoint: Some(Endpoint(device())),
            associated_nid: Some(Endpoint(SubjectDevice::NotKnown)),
        },
        ConnectionListItem {
            new_connection: Some(connection()),
            ..ConnectionListItem::default()
        },
    ]
}

/// One example each, with every typed member.
pub(crate) fn full() -> Vec<Message> {
    let monitor = || MonitorCrossRefId::from("27ss");
    let status = || SysStatRegisterId::from("43");
    let filter = || {
        MonitorFilter::leaving_out(&[
            EventId::HeldEvent,
            EventId::TransferedEvent,
            EventId::ForwardingEvent,
            EventId::BackInServiceEvent,
        ])
    };
    let state = || Some(LocalConnectionState::CONNECTED);
    let last = || RedirectionDevice::NumberDialed("103".into());
    let forward = || ForwardListItem {
        forwarding_type: Some(ForwardingType::FORWARD_NO_ANS),
        forward_status: true,
        forward_dn: Some("104".into()),
        forward_default: Some(ForwardDefault::FORWARD_DN),
        ring_count: Some(3),
        ring_duration: Some(20),
    };
    vec![
        RequestSystemStatus {
            sys_stat_register_id: Some(status()),
        }
        .into(),
        RequestSystemStatusResponse {
            system_status: SystemStatusValue::NORMAL,
        }
        .into(),
        SystemStatus {
            sys_stat_register_id: Some(status()),
            system_status: SystemStatusValue::NORMAL,
        }
        .into(),
        SystemStatusResponse {}.into(),
        SystemRegister {
            request_types: RequestTypes {
                system_status: Some(true),
                switching_function_devices_changed: Some(true),
                ..RequestTypes::default()
            },
            requested_status_filter: Some(StatusFilter {
                message_lost: Some(true),
                ..StatusFilter::default()
            }),
        }
        .into(),
        SystemRegisterResponse {
            sys_stat_register_id: status(),
            actual_status_filter: Some(StatusFilter {
                message_lost: Some(true),
                ..StatusFilter::default()
            }),
        }
        .into(),
        SystemRegisterCancel {
            sys_stat_register_id: status(),
        }
        .into(),
        SystemRegisterCancelResponse {}.into(),
        GetCSTAFeatures {}.into(),
        GetCSTAFeaturesResponse {
            supported_services: Some(
                Features::default().with("callControlServList", &["answerCall", "makeCall"]),
            ),
            supported_events: Some(
                Features::default().with("callControlEvtsList", &["delivered", "established"]),
            ),
        }
        .into(),
        GetSwitchingFunctionDevices {
            requested_device_id: Some(DEVICE.into()),
            requested_device_category: Some(RequestedDeviceCategory::STATION),
        }
        .into(),
        GetSwitchingFunctionDevicesResponse {
            service_cross_ref_id: "7".into(),
        }
        .into(),
        MonitorStart {
            monitor_object: MonitorObject::Device(DEVICE.into()),
            requested_monitor_filter: Some(filter()),
            monitor_type: Some(MonitorType::DEVICE),
        }
        .into(),
        MonitorStartResponse {
            monitor_cross_ref_id: monitor(),
            actual_monitor_filter: Some(filter()),
            monitor_existing_calls: Some(true),
        }
        .into(),
        MonitorStop {
            monitor_cross_ref_id: monitor(),
        }
        .into(),
        MonitorStopResponse {}.into(),
        ChangeMonitorFilter {
            monitor_cross_ref_id: monitor(),
            requested_filter_list: filter(),
        }
        .into(),
        ChangeMonitorFilterResponse {
            actual_filter_list: Some(filter()),
        }
        .into(),
        SnapshotDevice {
            snapshot_object: DEVICE.into(),
        }
        .into(),
        SnapshotDeviceResponse {
            data: Snapshot::Data(vec![
                DeviceCall {
                    connection: Some(connection()),
                    endpoint_device: Some(device()),
                    local_call_state: Some(CallState::Compound(vec![
                        LocalConnectionState::CONNECTED,
                        LocalConnectionState::HOLD,
                    ])),
                },
                DeviceCall {
                    connection: Some(connection()),
                    local_call_state: Some(CallState::Simple(SimpleCallState::CALL_DELIVERED)),
                    ..DeviceCall::default()
                },
                DeviceCall {
                    local_call_state: Some(CallState::Unknown),
                    ..DeviceCall::default()
                },
            ]),
        }
        .into(),
        SnapshotCall {
            snapshot_object: connection(),
        }
        .into(),
        SnapshotCallResponse {
            data: Snapshot::Data(vec![CallParty {
                device_on_call: Some(device()),
                call_identifier: Some(connection()),
                local_connection_info: state(),
            }]),
            calling_device: Some(SubjectDevice::NotKnown),
            called_device: Some(device()),
            correlator_data: data(),
        }
        .into(),
        MakeCall {
            calling_device: DEVICE.into(),
            called_directory_number: DEVICE.into(),
            account_code: Some(Octets(b"4711".to_vec())),
            auth_code: Some(Octets(b"4711".to_vec())),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            correlator_data: data(),
            user_data: data(),
            subject_of_call: Some("5 < 6 & 7".to_owned()),
            reason: Some(EventCause::NEW_CALL),
        }
        .into(),
        MakeCallResponse {
            calling_device: connection(),
        }
        .into(),
        AnswerCall {
            call_to_be_answered: connection(),
            correlator_data: data(),
            user_data: data(),
        }
        .into(),
        AnswerCallResponse {}.into(),
        ClearConnection {
            connection_to_be_cleared: connection(),
            correlator_data: data(),
            user_data: data(),
            reason: Some(EventCause::NEW_CALL),
        }
        .into(),
        ClearConnectionResponse {}.into(),
        ClearCall {
            call_to_be_cleared: connection(),
            user_data: data(),
            reason: Some(EventCause::NEW_CALL),
        }
        .into(),
        ClearCallResponse {}.into(),
        HoldCall {
            call_to_be_held: connection(),
            connection_reservation: Some(true),
        }
        .into(),
        HoldCallResponse {}.into(),
        RetrieveCall {
            call_to_be_retrieved: connection(),
        }
        .into(),
        RetrieveCallResponse {}.into(),
        AlternateCall {
            held_call: connection(),
            active_call: connection(),
            connection_reservation: Some(true),
            consult_options: Some(ConsultOptions::TRANSFER_ONLY),
        }
        .into(),
        AlternateCallResponse {}.into(),
        ReconnectCall {
            active_call: connection(),
            held_call: connection(),
        }
        .into(),
        ReconnectCallResponse {}.into(),
        ConsultationCall {
            existing_call: connection(),
            consulted_device: DEVICE.into(),
            connection_reservation: Some(true),
            account_code: Some(Octets(b"4711".to_vec())),
            auth_code: Some(Octets(b"4711".to_vec())),
            correlator_data: data(),
            user_data: data(),
            consult_options: Some(ConsultOptions::TRANSFER_ONLY),
            subject_of_call: Some("5 < 6 & 7".to_owned()),
        }
        .into(),
        ConsultationCallResponse {
            initiated_call: connection(),
        }
        .into(),
        TransferCall {
            held_call: connection(),
            active_call: connection(),
        }
        .into(),
        TransferCallResponse {
            transferred_call: connection(),
            connections: Some(items()),
        }
        .into(),
        ConferenceCall {
            held_call: connection(),
            active_call: connection(),
        }
        .into(),
        ConferenceCallResponse {
            conference_call: connection(),
            connections: Some(items()),
        }
        .into(),
        SingleStepTransferCall {
            active_call: connection(),
            transferred_to: DEVICE.into(),
            account_code: Some(Octets(b"4711".to_vec())),
            auth_code: Some(Octets(b"4711".to_vec())),
            correlator_data: data(),
            user_data: data(),
            subject_of_call: Some("5 < 6 & 7".to_owned()),
            reason: Some(EventCause::NEW_CALL),
        }
        .into(),
        SingleStepTransferCallResponse {
            transferred_call: connection(),
            connections: Some(items()),
        }
        .into(),
        SingleStepConferenceCall {
            active_call: connection(),
            device_to_join: DEVICE.into(),
            participation_type: ParticipationType::SILENT,
            account_code: Some(Octets(b"4711".to_vec())),
            auth_code: Some(Octets(b"4711".to_vec())),
            correlator_data: data(),
            user_data: data(),
            subject_of_call: Some("5 < 6 & 7".to_owned()),
        }
        .into(),
        SingleStepConferenceCallResponse {
            conferenced_call: connection(),
        }
        .into(),
        DeflectCall {
            call_to_be_diverted: connection(),
            new_destination: Destinations::from(DeviceId::from("102")),
            correlator_data: data(),
            user_data: data(),
            subject_of_call: Some("5 < 6 & 7".to_owned()),
            reason: Some(EventCause::NEW_CALL),
        }
        .into(),
        DeflectCallResponse {}.into(),
        DirectedPickupCall {
            call_to_be_picked_up: connection(),
            requesting_device: DEVICE.into(),
            correlator_data: data(),
            user_data: data(),
        }
        .into(),
        DirectedPickupCallResponse {
            picked_call: connection(),
        }
        .into(),
        DialDigits {
            dialling_connection: connection(),
            dialling_sequence: DEVICE.into(),
            correlator_data: data(),
        }
        .into(),
        DialDigitsResponse {}.into(),
        GenerateDigits {
            connection_to_send_digits: connection(),
            digit_mode: Some(DigitMode::DTMF),
            characters_to_send: "5 < 6 & 7".to_owned(),
            tone_duration: Some(7),
            pulse_rate: Some(7),
            pause_duration: Some(7),
        }
        .into(),
        GenerateDigitsResponse {}.into(),
        GetDoNotDisturb {
            device: DEVICE.into(),
        }
        .into(),
        GetDoNotDisturbResponse {
            do_not_disturb_on: true,
            call_origination: Some(CallOrigination {
                internal: true,
                external: Some(false),
            }),
        }
        .into(),
        SetDoNotDisturb {
            device: DEVICE.into(),
            do_not_disturb_on: true,
            call_origination: Some(CallOrigination {
                internal: true,
                external: Some(false),
            }),
        }
        .into(),
        SetDoNotDisturbResponse {}.into(),
        GetForwarding {
            device: DEVICE.into(),
        }
        .into(),
        GetForwardingResponse {
            forwarding_list: Some(vec![forward()]),
        }
        .into(),
        SetForwarding {
            device: DEVICE.into(),
            forwarding_type: Some(ForwardingType::FORWARD_BUSY),
            activate_forward: true,
            forward_dn: Some(DEVICE.into()),
            ring_count: Some(7),
            ring_duration: Some(7),
        }
        .into(),
        SetForwardingResponse {}.into(),
        GetMessageWaitingIndicator {
            device: DEVICE.into(),
        }
        .into(),
        GetMessageWaitingIndicatorResponse {
            message_waiting_on: true,
            device_for_message: Some(DEVICE.into()),
            lamp_is_present: Some(true),
        }
        .into(),
        SetMessageWaitingIndicator {
            device: DEVICE.into(),
            message_waiting_on: true,
            device_for_message: Some(DEVICE.into()),
        }
        .into(),
        SetMessageWaitingIndicatorResponse {}.into(),
        reported(ServiceInitiatedEvent {
            initiated_connection: connection(),
            initiating_device: device(),
            called_device: Some(device()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                cause: EventCause::NEW_CALL,
                ..CallEventTail::default()
            },
        }),
        reported(DigitsDialedEvent {
            dialing_connection: connection(),
            dialing_device: device(),
            dialing_sequence: DEVICE.into(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                cause: EventCause::NEW_CALL,
                ..CallEventTail::default()
            },
        }),
        reported(OriginatedEvent {
            originated_connection: connection(),
            calling_device: device(),
            called_device: device(),
            originating_device: Some(DEVICE.into()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                cause: EventCause::NEW_CALL,
                ..CallEventTail::default()
            },
        }),
        reported(NetworkReachedEvent {
            outbound_connection: connection(),
            network_interface_used: device(),
            calling_device: SubjectDevice::NotKnown,
            called_device: device(),
            last_redirection_device: last(),
            originating_nid_connection: Some(connection()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(OfferedEvent {
            offered_connection: connection(),
            offered_device: device(),
            calling_device: SubjectDevice::NotKnown,
            called_device: device(),
            last_redirection_device: last(),
            originating_nid_connection: Some(connection()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(DeliveredEvent {
            connection: connection(),
            alerting_device: device(),
            calling_device: SubjectDevice::NotKnown,
            called_device: device(),
            last_redirection_device: last(),
            originating_nid_connection: Some(connection()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(EstablishedEvent {
            established_connection: connection(),
            answering_device: device(),
            calling_device: SubjectDevice::NotKnown,
            called_device: device(),
            last_redirection_device: last(),
            originating_nid_connection: Some(connection()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(HeldEvent {
            held_connection: connection(),
            holding_device: device(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                cause: EventCause::NEW_CALL,
                ..CallEventTail::default()
            },
        }),
        reported(RetrievedEvent {
            retrieved_connection: connection(),
            retrieving_device: device(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                cause: EventCause::NEW_CALL,
                ..CallEventTail::default()
            },
        }),
        reported(DivertedEvent {
            connection: connection(),
            diverting_device: device(),
            new_destination: device(),
            calling_device: Some(SubjectDevice::NotKnown),
            called_device: Some(device()),
            last_redirection_device: last(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(FailedEvent {
            failed_connection: connection(),
            failing_device: device(),
            calling_device: SubjectDevice::NotKnown,
            called_device: device(),
            last_redirection_device: last(),
            originating_nid_connection: Some(connection()),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(QueuedEvent {
            queued_connection: connection(),
            queue: device(),
            calling_device: SubjectDevice::NotKnown,
            called_device: device(),
            last_redirection_device: last(),
            number_queued: Some(7),
            calls_in_front: Some(7),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(ConnectionClearedEvent {
            dropped_connection: connection(),
            releasing_device: device(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(CallClearedEvent {
            cleared_call: connection(),
            tail: CallEventTail {
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
                ..CallEventTail::default()
            },
        }),
        reported(TransferedEvent {
            primary_old_call: connection(),
            secondary_old_call: Some(connection()),
            transferring_device: device(),
            transferred_to_device: device(),
            transferred_connections: items(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(ConferencedEvent {
            primary_old_call: connection(),
            secondary_old_call: Some(connection()),
            conferencing_device: device(),
            added_party: device(),
            conference_connections: items(),
            tail: CallEventTail {
                local_connection_info: state(),
                correlator_data: data(),
                user_data: data(),
                cause: EventCause::NEW_CALL,
            },
        }),
        reported(DigitsGeneratedEvent {
            connection: connection(),
            digit_generated_list: Some("5 < 6 & 7".to_owned()),
        }),
        reported(DoNotDisturbEvent {
            device: device(),
            do_not_disturb_on: true,
            call_origination: Some(CallOrigination {
                internal: true,
                external: Some(false),
            }),
        }),
        reported(ForwardingEvent {
            device: device(),
            forwarding_type: Some(ForwardingType::FORWARD_BUSY),
            forward_status: true,
            forward_to: Some(DEVICE.into()),
            forward_default: Some(ForwardDefault::FORWARD_DN),
            ring_count: Some(7),
            ring_duration: Some(7),
        }),
        reported(MessageWaitingEvent {
            target_device: device(),
            device_for_message: Some(DEVICE.into()),
            message_waiting_on: true,
        }),
        reported(BackInServiceEvent {
            device: device(),
            cause: Some(EventCause::NEW_CALL),
        }),
        reported(OutOfServiceEvent {
            device: device(),
            cause: Some(EventCause::NEW_CALL),
        }),
        SwitchingFunctionDevices {
            service_cross_ref_id: "7".into(),
            segment_id: Some(7),
            last_segment: true,
            device_list: vec![ListedDevice {
                device_id: Some(DEVICE.into()),
                device_category: Some(DeviceCategory::STATION),
                named_device_types: Some(NamedDeviceTypes::LINE),
                device_model_name: Some("D385".to_owned()),
                nid_group: Some("9".into()),
            }],
        }
        .into(),
        SwFunctionDevicesChanged {
            sys_stat_register_id: Some(status()),
        }
        .into(),
        SystemRegisterAbort {
            sys_stat_register_id: Some(status()),
        }
        .into(),
        Failure::INVALID_DEVICE_ID.into(),
        Failure::DEVICE_OUT_OF_SERVICE.into(),
        Failure::NO_HELD_CALL.into(),
        Failure::OBJECT_MONITOR_LIMIT_EXCEEDED.into(),
        Failure::PERFORMANCE_LIMIT_EXCEEDED.into(),
        Failure::SECURITY_GENERIC.into(),
        Failure::PRIVATE_DATA_ERROR.into(),
        Failure::UNSPECIFIED.into(),
        Failure::new(Category::PrivateErrorCode, "-7").into(),
    ]
}

/// Examples with few optional members, and with the choices that `full` omits.
pub(crate) fn bare() -> Vec<Message> {
    let monitor_object = MonitorObject::Call(connection());
    vec![
        RequestSystemStatus::default().into(),
        MonitorStart {
            monitor_object,
            ..MonitorStart::default()
        }
        .into(),
        MakeCall {
            calling_device: "1".into(),
            called_directory_number: "2".into(),
            ..MakeCall::default()
        }
        .into(),
        AnswerCall {
            call_to_be_answered: ConnectionId {
                call_id: None,
                device_id: Some("1".into()),
            },
            ..AnswerCall::default()
        }
        .into(),
        SnapshotDeviceResponse {
            data: Snapshot::Follows("7".into()),
        }
        .into(),
        SnapshotDeviceResponse {
            data: Snapshot::Data(Vec::new()),
        }
        .into(),
        SnapshotCallResponse {
            data: Snapshot::Follows("7".into()),
            ..SnapshotCallResponse::default()
        }
        .into(),
        GetForwardingResponse::default().into(),
        SwitchingFunctionDevices {
            service_cross_ref_id: "7".into(),
            last_segment: true,
            ..SwitchingFunctionDevices::default()
        }
        .into(),
        reported(DeliveredEvent {
            connection: connection(),
            ..DeliveredEvent::default()
        }),
        reported(TransferedEvent {
            primary_old_call: connection(),
            transferred_connections: items(),
            ..TransferedEvent::default()
        }),
        reported(BackInServiceEvent {
            device: SubjectDevice::Restricted,
            cause: None,
        }),
    ]
}

pub(crate) fn reported(event: impl Into<Event>) -> Message {
    event.into().reported_by("27ss".into()).into()
}
