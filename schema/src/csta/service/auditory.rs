//! Auditory apparatus services (ECMA-269, physical device features): mute and volume of a phone's microphones and loudspeakers.

use crate::csta::{
    device::DeviceId,
    element::Element,
    enumeration::VolumeStep,
    error::ReadError,
    member::{Item, Member, sequence},
    writer::Writer,
};

sequence! {
    /// Asks which microphones are mute.
    pub struct GetMicrophoneMute {
        device: DeviceId = "device",
        /// Its handset, headset or speakerphone; all, where left out.
        auditory_apparatus: Option<String> = "auditoryApparatus",
    }

    /// Which microphones are mute.
    pub struct GetMicrophoneMuteResponse {
        /// One for each microphone.
        microphone_mute_list: Option<Vec<MicrophoneMuteItem>> = "microphoneMuteList",
    }

    /// Has a microphone be mute or not.
    pub struct SetMicrophoneMute {
        device: DeviceId = "device",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// The microphone is set.
    pub struct SetMicrophoneMuteResponse {}

    /// Asks which loudspeakers are mute.
    pub struct GetSpeakerMute {
        device: DeviceId = "device",
        /// Its handset, headset or speakerphone; all, where left out.
        auditory_apparatus: Option<String> = "auditoryApparatus",
    }

    /// Which loudspeakers are mute.
    pub struct GetSpeakerMuteResponse {
        /// One for each loudspeaker.
        speaker_mute_list: Option<Vec<SpeakerMuteItem>> = "speakerMuteList",
    }

    /// Has a loudspeaker be mute or not.
    pub struct SetSpeakerMute {
        device: DeviceId = "device",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// The loudspeaker is set.
    pub struct SetSpeakerMuteResponse {}

    /// Asks how loud the loudspeakers are.
    pub struct GetSpeakerVolume {
        device: DeviceId = "device",
        /// Its handset, headset or speakerphone; all, where left out.
        auditory_apparatus: Option<String> = "auditoryApparatus",
    }

    /// How loud the loudspeakers are.
    pub struct GetSpeakerVolumeResponse {
        /// One for each loudspeaker.
        speaker_volume_list: Option<Vec<SpeakerVolumeItem>> = "speakerVolumeList",
    }

    /// Makes a loudspeaker louder or softer.
    pub struct SetSpeakerVolume {
        device: DeviceId = "device",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// How loud it is to be.
        speaker_volume: Option<Volume> = "speakerVolume",
    }

    /// The loudspeaker is set.
    pub struct SetSpeakerVolumeResponse {}

    /// One microphone.
    pub struct MicrophoneMuteItem {
        auditory_apparatus: Option<String> = "auditoryApparatus",
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// One loudspeaker, mute or not.
    pub struct SpeakerMuteItem {
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// How loud one loudspeaker is.
    pub struct SpeakerVolumeItem {
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// 0 to 100.
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

/// How loud something is, or is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Volume {
    /// 0 to 100.
    Absolute(u32),
    /// One step from what it is.
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
