//! Events of auditory apparatus (ECMA-269, physical device features): mute and volume.

use crate::csta::{device::SubjectDevice, member::sequence, service::Volume};

sequence! {
    /// A microphone is mute, or no longer.
    pub struct MicrophoneMuteEvent {
        /// The device that it was set at.
        invoking_device: SubjectDevice = "invokingDevice",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// A loudspeaker is mute, or no longer.
    pub struct SpeakerMuteEvent {
        /// The device that it was set at.
        invoking_device: SubjectDevice = "invokingDevice",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// A loudspeaker has become louder or softer.
    pub struct SpeakerVolumeEvent {
        /// The device that it was set at.
        invoking_device: SubjectDevice = "invokingDevice",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_volume: Option<Volume> = "speakerVolume",
    }
}
