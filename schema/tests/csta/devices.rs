//! Examples of messages about devices, their loudspeakers and microphones, and external networks.

use uacsta_schema::csta::*;

use crate::messages::{connection, reported};

const DEVICE: &str = "sip:101@pbx.example";

/// One example each, with every typed member.
pub(crate) fn full() -> Vec<Message> {
    let handset = || Some("handset".to_owned());
    let volume = || Some(Volume::Absolute(60));
    vec![
        GetLogicalDeviceInformation {
            device: DEVICE.into(),
        }
        .into(),
        logical(),
        GetPhysicalDeviceInformation {
            device: DEVICE.into(),
        }
        .into(),
        physical(),
        GetMicrophoneMute {
            device: DEVICE.into(),
            auditory_apparatus: handset(),
        }
        .into(),
        GetMicrophoneMuteResponse {
            microphone_mute_list: Some(vec![
                MicrophoneMuteItem {
                    auditory_apparatus: handset(),
                    microphone_mute_on: true,
                },
                MicrophoneMuteItem::default(),
            ]),
        }
        .into(),
        SetMicrophoneMute {
            device: DEVICE.into(),
            auditory_apparatus: handset(),
            microphone_mute_on: true,
        }
        .into(),
        SetMicrophoneMuteResponse {}.into(),
        GetSpeakerMute {
            device: DEVICE.into(),
            auditory_apparatus: None,
        }
        .into(),
        GetSpeakerMuteResponse {
            speaker_mute_list: Some(vec![SpeakerMuteItem {
                auditory_apparatus: handset(),
                speaker_mute_on: true,
            }]),
        }
        .into(),
        SetSpeakerMute {
            device: DEVICE.into(),
            auditory_apparatus: handset(),
            speaker_mute_on: true,
        }
        .into(),
        SetSpeakerMuteResponse {}.into(),
        GetSpeakerVolume {
            device: DEVICE.into(),
            auditory_apparatus: handset(),
        }
        .into(),
        GetSpeakerVolumeResponse {
            speaker_volume_list: Some(vec![SpeakerVolumeItem {
                auditory_apparatus: handset(),
                speaker_vol_abs: Some(100),
            }]),
        }
        .into(),
        SetSpeakerVolume {
            device: DEVICE.into(),
            auditory_apparatus: handset(),
            speaker_volume: volume(),
        }
        .into(),
        SetSpeakerVolume {
            device: DEVICE.into(),
            speaker_volume: Some(Volume::Step(VolumeStep::DECREMENT)),
            ..SetSpeakerVolume::default()
        }
        .into(),
        SetSpeakerVolumeResponse {}.into(),
        reported(MicrophoneMuteEvent {
            invoking_device: device(),
            auditory_apparatus: handset(),
            microphone_mute_on: true,
        }),
        reported(SpeakerMuteEvent {
            invoking_device: device(),
            auditory_apparatus: handset(),
            speaker_mute_on: true,
        }),
        reported(SpeakerVolumeEvent {
            invoking_device: device(),
            auditory_apparatus: handset(),
            speaker_volume: volume(),
        }),
        reported(NetworkCapabilitiesChangedEvent {
            outbound_connection: connection(),
            network_interface_used: device(),
            called_device: device(),
            progress_indicator: Some(ProgressIndicator {
                progress_location: ProgressLocation::TRANSIT_NETWORK,
                progress_description: ProgressDescription::QSIG,
            }),
            local_connection_info: Some(LocalConnectionState::CONNECTED),
            correlator_data: None,
            user_data: None,
            network_capability: Some(NetworkCapability {
                network_type: NetworkType::ISDN_PUBLIC,
            }),
            cause: EventCause::NORMAL,
        }),
    ]
}

fn device() -> SubjectDevice {
    SubjectDevice::Device(DEVICE.into())
}

fn logical() -> Message {
    let devices = || Some(DeviceIds(vec!["102".into(), "103".into()]));
    GetLogicalDeviceInformationResponse {
        device_category: Some(DeviceCategory::STATION),
        named_device_types: Some(NamedDeviceTypes::LINE),
        short_form_device_id: Some("101".into()),
        has_physical_element: true,
        acd_models: Some(AcdModels {
            visible: Some(false),
            hidden: Some(true),
        }),
        appearance_addressable: false,
        appearance_type: AppearanceType::BASIC_BRIDGED,
        appearance_list: Some(vec![Appearance("1".to_owned()), Appearance("2".to_owned())]),
        other_physical_device_list: devices(),
        associated_group_list: devices(),
        max_callbacks: Some(0),
        max_auto_answer_rings: Some(3),
        max_active_calls: Some(1),
        max_held_calls: Some(4),
        max_fwd_settings: Some(4),
        max_devices_in_conf: Some(3),
        device_on_device_monitor_filter: Some(MonitorFilter::leaving_out(&[EventId::QueuedEvent])),
        log_dev_serv_list: Some(
            Features::default()
                .with("callControlServList", &["answerCall", "makeCall"])
                .with("logicalServList", &["getDoNotDisturb"]),
        ),
        log_dev_evts_list: Some(Features::default().with("callControlEvtsList", &["delivered"])),
    }
    .into()
}

fn physical() -> Message {
    GetPhysicalDeviceInformationResponse {
        device_category: DeviceCategory::STATION,
        named_device_types: Some(NamedDeviceTypes::STATION),
        has_logical_element: true,
        other_logical_device_list: Some(DeviceIds(vec!["102".into()])),
        device_model_name: Some("D785".to_owned()),
        device_on_device_monitor_filter: Some(MonitorFilter::leaving_out(&[
            EventId::LampModeEvent,
        ])),
        max_displays: Some(1),
        max_buttons: Some(24),
        max_lamps: Some(1),
        max_ring_patterns: Some(10),
        phys_dev_serv_list: Some(FeatureNames(vec!["setMicrophoneMute".to_owned()])),
        phys_dev_evts_list: Some(FeatureNames(vec!["microphoneMute".to_owned()])),
    }
    .into()
}
