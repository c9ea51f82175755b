//! Events of auditory apparatus (ECMA-269, physical device features): mute and volume.

use crate::csta::{device::SubjectDevice, member::sequence, service::Volume};

sequence! {
    /// A microphone was muted or unmuted.
    pub struct MicrophoneMuteEvent {
        /// The device at which the user or client set it.
        invoking_device: SubjectDevice = "invokingDevice",
        /// The identifier of the device's handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// A loudspeaker was muted or unmuted.
    pub struct SpeakerMuteEvent {
        /// The device at which the user or client set it.
        invoking_device: SubjectDevice = "invokingDevice",
        /// The identifier of the device's handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// The volume of a loudspeaker changed.
    pub struct SpeakerVolumeEvent {
        /// The device at which the user or client set it.
        invoking_device: SubjectDevice = "invokingDevice",
        /// The identifier of the device's handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        speaker_volume: Option<Volume> = "speakerVolume",
    }
}
