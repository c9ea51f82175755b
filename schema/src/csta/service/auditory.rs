//! Auditory apparatus services (ECMA-269, physical device features): mute and volume.

use crate::csta::{
    device::DeviceId,
    element::Element,
    enumeration::VolumeStep,
    error::ReadError,
    member::{Item, Member, sequence},
    writer::Writer,
};

sequence! {
    /// Queries the mute state of microphones.
    pub struct GetMicrophoneMute {
        device: DeviceId = "device",
        /// The identifier of the handset, headset or speakerphone; all if absent.
        auditory_apparatus: Option<String> = "auditoryApparatus",
    }

    /// The mute state of microphones.
    pub struct GetMicrophoneMuteResponse {
        /// One item per microphone.
        microphone_mute_list: Option<Vec<MicrophoneMuteItem>> = "microphoneMuteList",
    }

    /// Mutes or unmutes a microphone.
    pub struct SetMicrophoneMute {
        device: DeviceId = "device",
        /// The identifier of the handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// The phone accepted the setting.
    pub struct SetMicrophoneMuteResponse {}

    /// Queries the mute state of loudspeakers.
    pub struct GetSpeakerMute {
        device: DeviceId = "device",
        /// The identifier of the handset, headset or speakerphone; all if absent.
        auditory_apparatus: Option<String> = "auditoryApparatus",
    }

    /// The mute state of loudspeakers.
    pub struct GetSpeakerMuteResponse {
        /// One item per loudspeaker.
        speaker_mute_list: Option<Vec<SpeakerMuteItem>> = "speakerMuteList",
    }

    /// Mutes or unmutes a loudspeaker.
    pub struct SetSpeakerMute {
        device: DeviceId = "device",
        /// The identifier of the handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// The phone accepted the setting.
    pub struct SetSpeakerMuteResponse {}

    /// Queries the volume of loudspeakers.
    pub struct GetSpeakerVolume {
        device: DeviceId = "device",
        /// The identifier of the handset, headset or speakerphone; all if absent.
        auditory_apparatus: Option<String> = "auditoryApparatus",
    }

    /// The volume of loudspeakers.
    pub struct GetSpeakerVolumeResponse {
        /// One item per loudspeaker.
        speaker_volume_list: Option<Vec<SpeakerVolumeItem>> = "speakerVolumeList",
    }

    /// Sets the volume of a loudspeaker.
    pub struct SetSpeakerVolume {
        device: DeviceId = "device",
        /// The identifier of the handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// The new volume.
        speaker_volume: Option<Volume> = "speakerVolume",
    }

    /// The phone accepted the setting.
    pub struct SetSpeakerVolumeResponse {}

    /// The mute state of one microphone.
    pub struct MicrophoneMuteItem {
        auditory_apparatus: Option<String> = "auditoryApparatus",
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// The mute state of one loudspeaker.
    pub struct SpeakerMuteItem {
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// The volume of one loudspeaker.
    pub struct SpeakerVolumeItem {
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// The volume in percent, 0 to 100.
        speaker_vol_abs: Option<u32> = "speakerVolAbs",
    }
}

impl Item for MicrophoneMuteItem {
    const NAME: &'static str = "microphoneMuteItem";
}

impl Item for SpeakerMuteItem {
    const NAME: &'static str = "speakerMuteItem";
}

impl Item for SpeakerVolumeItem {
    const NAME: &'static str = "speakerVolumeItem";
}

/// A volume, or a change of volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The volume in percent, 0 to 100.
    Absolute(u32),
    /// A change by one step.
    Step(VolumeStep),
}

impl Member for Volume {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        if let Some(volume) = element.child("volAbs") {
            return u32::read(volume).map(Self::Absolute);
        }
        let step = element
            .child("volInc")
            .ok_or_else(|| element.lacks("volAbs"))?;
        VolumeStep::read(step).map(Self::Step)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        match self {
            Self::Absolute(volume) => volume.write(out, "volAbs"),
            Self::Step(step) => step.write(out, "volInc"),
        }
        out.close(name);
    }
}
