//! Tries the services that need no call: capabilities, system status, monitors, and line settings, which keep their values.

use uacsta_connect::CommandError;
use uacsta_schema::csta::*;

use super::device_under_test::DeviceUnderTest;

/// Reason for skipping a Set service: a setting is only set to its present value.
const UNKNOWN: &str = "its present value is unknown, and it is only set to that";

/// Tries them all.
pub(super) async fn try_all(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    dut.probe(RequestSystemStatus::default()).await?;
    dut.probe(GetCSTAFeatures {}).await?;
    dut.probe(GetSwitchingFunctionDevices::default()).await?;
    let device = dut.line().clone();
    dut.probe(GetLogicalDeviceInformation {
        device: device.clone(),
    })
    .await?;
    dut.probe(GetPhysicalDeviceInformation { device }).await?;
    registration(dut).await?;
    monitor(dut).await?;
    do_not_disturb(dut).await?;
    forwarding(dut).await?;
    message_waiting(dut).await?;
    mute(dut).await?;
    volume(dut).await
}

/// A phone that keeps only one registration loses the server's here, so the last step registers again.
async fn registration(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let register = || SystemRegister {
        request_types: RequestTypes {
            switching_function_devices_changed: Some(true),
            ..RequestTypes::default()
        },
        requested_status_filter: None,
    };
    if let Some(registered) = dut.probe(register()).await? {
        dut.probe(SystemRegisterCancel {
            sys_stat_register_id: registered.sys_stat_register_id,
        })
        .await?;
        dut.probe(register()).await?;
    } else {
        dut.probe(SystemRegisterCancel {
            sys_stat_register_id: "0".into(),
        })
        .await?;
    }
    Ok(())
}

async fn monitor(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let started = dut
        .probe(MonitorStart {
            monitor_object: MonitorObject::Device(dut.line().clone()),
            ..MonitorStart::default()
        })
        .await?;
    dut.unfinished.monitor = started
        .as_ref()
        .map(|started| started.monitor_cross_ref_id.clone());
    // Without a monitor the phone still shows whether it knows the other services.
    let reference = started.map_or_else(|| "0".into(), |started| started.monitor_cross_ref_id);
    dut.probe(ChangeMonitorFilter {
        monitor_cross_ref_id: reference.clone(),
        requested_filter_list: MonitorFilter::default(),
    })
    .await?;
    dut.probe(MonitorStop {
        monitor_cross_ref_id: reference,
    })
    .await?;
    dut.unfinished.monitor = None;
    Ok(())
}

async fn do_not_disturb(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let device = dut.line().clone();
    let Some(now) = dut
        .probe(GetDoNotDisturb {
            device: device.clone(),
        })
        .await?
    else {
        dut.skip(ServiceId::SetDoNotDisturb, UNKNOWN);
        return Ok(());
    };
    dut.probe(SetDoNotDisturb {
        device,
        do_not_disturb_on: now.do_not_disturb_on,
        call_origination: now.call_origination,
    })
    .await?;
    Ok(())
}

async fn forwarding(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let device = dut.line().clone();
    let Some(now) = dut
        .probe(GetForwarding {
            device: device.clone(),
        })
        .await?
    else {
        dut.skip(ServiceId::SetForwarding, UNKNOWN);
        return Ok(());
    };
    let list = now.forwarding_list.unwrap_or_default();
    // A phone that lists no forwarding has none active.
    let first = list.into_iter().next().unwrap_or_default();
    dut.probe(SetForwarding {
        device,
        forwarding_type: first.forwarding_type,
        activate_forward: first.forward_status,
        forward_dn: first.forward_dn,
        ring_count: first.ring_count,
        ring_duration: first.ring_duration,
    })
    .await?;
    Ok(())
}

async fn message_waiting(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let device = dut.line().clone();
    let Some(now) = dut
        .probe(GetMessageWaitingIndicator {
            device: device.clone(),
        })
        .await?
    else {
        dut.skip(ServiceId::SetMessageWaitingIndicator, UNKNOWN);
        return Ok(());
    };
    dut.probe(SetMessageWaitingIndicator {
        device,
        message_waiting_on: now.message_waiting_on,
        device_for_message: now.device_for_message,
    })
    .await?;
    Ok(())
}

async fn mute(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let device = dut.line().clone();
    let now = dut
        .probe(GetMicrophoneMute {
            device: device.clone(),
            auditory_apparatus: None,
        })
        .await?;
    let now = now.and_then(|now| now.microphone_mute_list?.into_iter().next());
    match now {
        None => dut.skip(ServiceId::SetMicrophoneMute, UNKNOWN),
        Some(now) => {
            dut.probe(SetMicrophoneMute {
                device: device.clone(),
                auditory_apparatus: now.auditory_apparatus,
                microphone_mute_on: now.microphone_mute_on,
            })
            .await?;
        }
    }
    let now = dut
        .probe(GetSpeakerMute {
            device: device.clone(),
            auditory_apparatus: None,
        })
        .await?;
    let now = now.and_then(|now| now.speaker_mute_list?.into_iter().next());
    match now {
        None => dut.skip(ServiceId::SetSpeakerMute, UNKNOWN),
        Some(now) => {
            dut.probe(SetSpeakerMute {
                device,
                auditory_apparatus: now.auditory_apparatus,
                speaker_mute_on: now.speaker_mute_on,
            })
            .await?;
        }
    }
    Ok(())
}

async fn volume(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    let device = dut.line().clone();
    let now = dut
        .probe(GetSpeakerVolume {
            device: device.clone(),
            auditory_apparatus: None,
        })
        .await?;
    let now = now.and_then(|now| now.speaker_volume_list?.into_iter().next());
    let Some((now, volume)) =
        now.and_then(|now| Some((now.auditory_apparatus, now.speaker_vol_abs?)))
    else {
        dut.skip(ServiceId::SetSpeakerVolume, UNKNOWN);
        return Ok(());
    };
    dut.probe(SetSpeakerVolume {
        device,
        auditory_apparatus: now,
        speaker_volume: Some(Volume::Absolute(volume)),
    })
    .await?;
    Ok(())
}
