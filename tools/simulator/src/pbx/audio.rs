//! The handset audio of a line: mute and volume (ECMA-269, physical device features).

use uacsta_schema::csta::{Volume, VolumeStep};

use super::{LineEvent, LineId, Pbx};

/// Audio settings of a handset.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audio {
    /// Microphone muted.
    pub microphone_mute: bool,
    /// Speaker muted.
    pub speaker_mute: bool,
    /// 0 to 100.
    pub volume: u32,
}

/// Change of the volume by one step.
const STEP: u32 = 10;

impl Default for Audio {
    fn default() -> Self {
        Self {
            microphone_mute: false,
            speaker_mute: false,
            volume: 50,
        }
    }
}

impl Audio {
    /// Sets the volume, limited to 100.
    pub fn set_volume(&mut self, volume: &Volume) {
        self.volume = match volume {
            Volume::Absolute(volume) => *volume,
            Volume::Step(step) if *step == VolumeStep::DECREMENT => {
                self.volume.saturating_sub(STEP)
            }
            Volume::Step(_) => self.volume + STEP,
        }
        .min(100);
    }
}

impl Pbx {
    /// A line's audio settings.
    pub fn audio(&self, line: LineId) -> &Audio {
        &self.lines[line.0].audio
    }

    /// Changes a line's audio settings and reports the changes.
    pub fn set_audio(&mut self, line: LineId, set: impl FnOnce(&mut Audio)) {
        let before = self.lines[line.0].audio.clone();
        set(&mut self.lines[line.0].audio);
        let now = &self.lines[line.0].audio;
        let mut events = Vec::new();
        if before.microphone_mute != now.microphone_mute {
            events.push(LineEvent::MicrophoneMute(now.microphone_mute));
        }
        if before.speaker_mute != now.speaker_mute {
            events.push(LineEvent::SpeakerMute(now.speaker_mute));
        }
        if before.volume != now.volume {
            events.push(LineEvent::SpeakerVolume(now.volume));
        }
        let events = events.into_iter().map(|event| (line, event));
        self.events.extend(events);
    }
}

#[cfg(test)]
mod tests {
    use uacsta_schema::csta::DeviceId;

    use super::*;

    #[test]
    fn what_has_changed_is_reported() {
        let mut pbx = Pbx::default();
        let line = pbx.add(DeviceId::from("sip:215@pbx"), "{serial}");
        let loud = |steps: i32| {
            move |audio: &mut Audio| {
                for _ in 0..steps {
                    audio.set_volume(&Volume::Step(VolumeStep::INCREMENT));
                }
            }
        };
        pbx.set_audio(line, |audio| audio.microphone_mute = true);
        pbx.set_audio(line, loud(0));
        pbx.set_audio(line, loud(7));
        let told: Vec<LineEvent> = pbx
            .take_events()
            .into_iter()
            .map(|(_, event)| event)
            .collect();
        assert_eq!(
            told,
            [
                LineEvent::MicrophoneMute(true),
                LineEvent::SpeakerVolume(100)
            ]
        );
    }
}
