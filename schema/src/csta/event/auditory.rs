//! Events of auditory apparatus (ECMA-269, physical device features): mute and volume.

use crate::csta::{
    device::SubjectDevice, member::sequence, service::Volume, types::MonitorCrossRefId,
};

sequence! {
    /// A microphone is mute, or no longer.
    pub struct MicrophoneMuteEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The device that it was set at.
        invoking_device: SubjectDevice = "invokingDevice",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// Whether it is mute.
        microphone_mute_on: bool = "microphoneMuteOn",
    }

    /// A loudspeaker is mute, or no longer.
    pub struct SpeakerMuteEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The device that it was set at.
        invoking_device: SubjectDevice = "invokingDevice",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// Whether it is mute.
        speaker_mute_on: bool = "speakerMuteOn",
    }

    /// A loudspeaker has become louder or softer.
    pub struct SpeakerVolumeEvent {
        /// The monitor.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The device that it was set at.
        invoking_device: SubjectDevice = "invokingDevice",
        /// Its handset, headset or speakerphone.
        auditory_apparatus: Option<String> = "auditoryApparatus",
        /// How loud it is.
        speaker_volume: Option<Volume> = "speakerVolume",
    }
}
