//! Services that need no call: capabilities, system status, monitors, and the settings of the line, which keep their values.

use uacsta_schema::csta::*;

use super::subject::Subject;
use uacsta_connect::CommandError as Stop;

/// What was changed would disturb: a setting is only set where its value is known.
const UNKNOWN: &str = "its present value is not known, and it is only set to that";

/// Tries them.
pub(super) fn try_all(subject: &mut Subject<'_>) -> Result<(), Stop> {
    subject.ask(RequestSystemStatus::default())?;
    subject.ask(GetCSTAFeatures {})?;
    subject.ask(GetSwitchingFunctionDevices::default())?;
    let device = subject.line().clone();
    subject.ask(GetLogicalDeviceInformation {
        device: device.clone(),
    })?;
    subject.ask(GetPhysicalDeviceInformation { device })?;
    registration(subject)?;
    monitor(subject)?;
    do_not_disturb(subject)?;
    forwarding(subject)?;
    message_waiting(subject)?;
    mute(subject)?;
    volume(subject)
}

/// A phone that keeps one registration at a time loses the server's by this, so that it gets another in the end.
fn registration(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let register = || SystemRegister {
        request_types: RequestTypes {
            switching_function_devices_changed: Some(true),
            ..RequestTypes::default()
        },
        requested_status_filter: None,
    };
    if let Some(registered) = subject.ask(register())? {
        subject.ask(SystemRegisterCancel {
            sys_stat_register_id: registered.sys_stat_register_id,
        })?;
        subject.ask(register())?;
    } else {
        subject.ask(SystemRegisterCancel {
            sys_stat_register_id: "0".into(),
        })?;
    }
    Ok(())
}

fn monitor(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let started = subject.ask(MonitorStart {
        monitor_object: MonitorObject::Device(subject.line().clone()),
        ..MonitorStart::default()
    })?;
    // A phone that starts none still shows whether it knows the others.
    let reference = started.map_or_else(|| "0".into(), |started| started.monitor_cross_ref_id);
    subject.ask(ChangeMonitorFilter {
        monitor_cross_ref_id: reference.clone(),
        requested_filter_list: MonitorFilter::default(),
    })?;
    subject.ask(MonitorStop {
        monitor_cross_ref_id: reference,
    })?;
    Ok(())
}

fn do_not_disturb(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let device = subject.line().clone();
    let Some(now) = subject.ask(GetDoNotDisturb {
        device: device.clone(),
    })?
    else {
        subject.leave_out("SetDoNotDisturb", UNKNOWN);
        return Ok(());
    };
    subject.ask(SetDoNotDisturb {
        device,
        do_not_disturb_on: now.do_not_disturb_on,
        call_origination: now.call_origination,
    })?;
    Ok(())
}

fn forwarding(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let device = subject.line().clone();
    let Some(now) = subject.ask(GetForwarding {
        device: device.clone(),
    })?
    else {
        subject.leave_out("SetForwarding", UNKNOWN);
        return Ok(());
    };
    let list = now.forwarding_list.unwrap_or_default();
    // A phone that lists none has none that is on.
    let first = list.into_iter().next().unwrap_or_default();
    subject.ask(SetForwarding {
        device,
        forwarding_type: first.forwarding_type,
        activate_forward: first.forward_status,
        forward_dn: first.forward_dn,
        ring_count: first.ring_count,
        ring_duration: first.ring_duration,
    })?;
    Ok(())
}

fn message_waiting(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let device = subject.line().clone();
    let Some(now) = subject.ask(GetMessageWaitingIndicator {
        device: device.clone(),
    })?
    else {
        subject.leave_out("SetMessageWaitingIndicator", UNKNOWN);
        return Ok(());
    };
    subject.ask(SetMessageWaitingIndicator {
        device,
        message_waiting_on: now.message_waiting_on,
        device_for_message: now.device_for_message,
    })?;
    Ok(())
}

fn mute(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let device = subject.line().clone();
    let now = subject.ask(GetMicrophoneMute {
        device: device.clone(),
        auditory_apparatus: None,
    })?;
    let now = now.and_then(|now| now.microphone_mute_list?.into_iter().next());
    match now {
        None => subject.leave_out("SetMicrophoneMute", UNKNOWN),
        Some(now) => {
            subject.ask(SetMicrophoneMute {
                device: device.clone(),
                auditory_apparatus: now.auditory_apparatus,
                microphone_mute_on: now.microphone_mute_on,
            })?;
        }
    }
    let now = subject.ask(GetSpeakerMute {
        device: device.clone(),
        auditory_apparatus: None,
    })?;
    let now = now.and_then(|now| now.speaker_mute_list?.into_iter().next());
    match now {
        None => subject.leave_out("SetSpeakerMute", UNKNOWN),
        Some(now) => {
            subject.ask(SetSpeakerMute {
                device,
                auditory_apparatus: now.auditory_apparatus,
                speaker_mute_on: now.speaker_mute_on,
            })?;
        }
    }
    Ok(())
}

fn volume(subject: &mut Subject<'_>) -> Result<(), Stop> {
    let device = subject.line().clone();
    let now = subject.ask(GetSpeakerVolume {
        device: device.clone(),
        auditory_apparatus: None,
    })?;
    let now = now.and_then(|now| now.speaker_volume_list?.into_iter().next());
    let Some((now, volume)) =
        now.and_then(|now| Some((now.auditory_apparatus, now.speaker_vol_abs?)))
    else {
        subject.leave_out("SetSpeakerVolume", UNKNOWN);
        return Ok(());
    };
    subject.ask(SetSpeakerVolume {
        device,
        auditory_apparatus: now,
        speaker_volume: Some(Volume::Absolute(volume)),
    })?;
    Ok(())
}
