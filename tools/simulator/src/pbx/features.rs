//! Carries out CSTA requests for the features of one line (ECMA-269, clauses 21 and 22).

use uacsta_schema::csta::*;

use super::{Forwarding, LineId, Pbx};

/// The name of a line's only auditory apparatus.
const APPARATUS: &str = "handset";

pub(super) fn do_not_disturb(pbx: &Pbx, line: LineId) -> GetDoNotDisturbResponse {
    GetDoNotDisturbResponse {
        do_not_disturb_on: pbx.do_not_disturb(line),
        call_origination: None,
    }
}

pub(super) fn set_do_not_disturb(
    pbx: &mut Pbx,
    line: LineId,
    request: &SetDoNotDisturb,
) -> SetDoNotDisturbResponse {
    pbx.set_do_not_disturb(line, request.do_not_disturb_on);
    SetDoNotDisturbResponse {}
}

pub(super) fn forwarding(pbx: &Pbx, line: LineId) -> GetForwardingResponse {
    let list = pbx.forwardings(line).into_iter().map(listed);
    let forwarding_list = Some(list.collect());
    GetForwardingResponse { forwarding_list }
}

/// # Errors
/// The failure that the phone responds with.
pub(super) fn set_forwarding(
    pbx: &mut Pbx,
    line: LineId,
    request: SetForwarding,
) -> Result<SetForwardingResponse, Failure> {
    let forwarding = Forwarding {
        kind: request
            .forwarding_type
            .unwrap_or(ForwardingType::FORWARD_IMMEDIATE),
        on: request.activate_forward,
        to: request.forward_dn,
        ring_count: request.ring_count,
        ring_duration: request.ring_duration,
    };
    pbx.set_forwarding(line, forwarding)?;
    Ok(SetForwardingResponse {})
}

pub(super) fn message_waiting_indicator(
    pbx: &Pbx,
    line: LineId,
) -> GetMessageWaitingIndicatorResponse {
    GetMessageWaitingIndicatorResponse {
        message_waiting_on: pbx.message_waiting(line),
        device_for_message: None,
        lamp_is_present: Some(true),
    }
}

pub(super) fn set_message_waiting_indicator(
    pbx: &mut Pbx,
    line: LineId,
    request: &SetMessageWaitingIndicator,
) -> SetMessageWaitingIndicatorResponse {
    pbx.set_message_waiting(line, request.message_waiting_on);
    SetMessageWaitingIndicatorResponse {}
}

pub(super) fn microphone_mute(pbx: &Pbx, line: LineId) -> GetMicrophoneMuteResponse {
    let item = MicrophoneMuteItem {
        auditory_apparatus: Some(APPARATUS.to_owned()),
        microphone_mute_on: pbx.audio(line).microphone_mute,
    };
    GetMicrophoneMuteResponse {
        microphone_mute_list: Some(vec![item]),
    }
}

pub(super) fn set_microphone_mute(
    pbx: &mut Pbx,
    line: LineId,
    request: &SetMicrophoneMute,
) -> SetMicrophoneMuteResponse {
    pbx.set_audio(line, |audio| {
        audio.microphone_mute = request.microphone_mute_on;
    });
    SetMicrophoneMuteResponse {}
}

pub(super) fn speaker_mute(pbx: &Pbx, line: LineId) -> GetSpeakerMuteResponse {
    let item = SpeakerMuteItem {
        auditory_apparatus: Some(APPARATUS.to_owned()),
        speaker_mute_on: pbx.audio(line).speaker_mute,
    };
    GetSpeakerMuteResponse {
        speaker_mute_list: Some(vec![item]),
    }
}

pub(super) fn set_speaker_mute(
    pbx: &mut Pbx,
    line: LineId,
    request: &SetSpeakerMute,
) -> SetSpeakerMuteResponse {
    pbx.set_audio(line, |audio| {
        audio.speaker_mute = request.speaker_mute_on;
    });
    SetSpeakerMuteResponse {}
}

pub(super) fn speaker_volume(pbx: &Pbx, line: LineId) -> GetSpeakerVolumeResponse {
    let item = SpeakerVolumeItem {
        auditory_apparatus: Some(APPARATUS.to_owned()),
        speaker_vol_abs: Some(pbx.audio(line).volume),
    };
    GetSpeakerVolumeResponse {
        speaker_volume_list: Some(vec![item]),
    }
}

/// # Errors
/// The request names no volume.
pub(super) fn set_speaker_volume(
    pbx: &mut Pbx,
    line: LineId,
    request: &SetSpeakerVolume,
) -> Result<SetSpeakerVolumeResponse, Failure> {
    let volume = request.speaker_volume.as_ref();
    let volume = volume.ok_or(Failure::INVALID_PARAMETER_VALUE)?;
    pbx.set_audio(line, |audio| audio.set_volume(volume));
    Ok(SetSpeakerVolumeResponse {})
}

fn listed(forwarding: Forwarding) -> ForwardListItem {
    ForwardListItem {
        forwarding_type: Some(forwarding.kind),
        forward_status: forwarding.on,
        forward_dn: forwarding.to,
        forward_default: None,
        ring_count: forwarding.ring_count,
        ring_duration: forwarding.ring_duration,
    }
}
