//! The handset of a line: mute and volume (ECMA-269, physical device features).

use uacsta_schema::csta::{Volume, VolumeStep};

use super::{Exchange, LineId, Notice};

/// How a handset is set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Apparatus {
    /// Whether nobody hears the user.
    pub microphone_mute: bool,
    /// Whether the user hears nobody.
    pub speaker_mute: bool,
    /// How loud it is, 0 to 100.
    pub volume: u32,
}

/// How much one step changes the volume.
const STEP: u32 = 10;

impl Default for Apparatus {
    fn default() -> Self {
        Self {
            microphone_mute: false,
            speaker_mute: false,
            volume: 50,
        }
    }
}

impl Apparatus {
    /// Makes it as loud as is asked, or as it can be.
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

impl Exchange {
    /// How a line's handset is set.
    pub fn apparatus(&self, line: LineId) -> &Apparatus {
        &self.lines[line.0].apparatus
    }

    /// Sets a line's handset, and has it report what has changed.
    pub fn set_apparatus(&mut self, line: LineId, set: impl FnOnce(&mut Apparatus)) {
        let before = self.lines[line.0].apparatus.clone();
        set(&mut self.lines[line.0].apparatus);
        let now = &self.lines[line.0].apparatus;
        let mut told = Vec::new();
        if before.microphone_mute != now.microphone_mute {
            told.push(Notice::MicrophoneMute(now.microphone_mute));
        }
        if before.speaker_mute != now.speaker_mute {
            told.push(Notice::SpeakerMute(now.speaker_mute));
        }
        if before.volume != now.volume {
            told.push(Notice::SpeakerVolume(now.volume));
        }
        let told = told.into_iter().map(|notice| (line, notice));
        self.notices.extend(told);
    }
}

#[cfg(test)]
mod tests {
    use uacsta_schema::csta::DeviceId;

    use super::*;

    #[test]
    fn what_has_changed_is_reported() {
        let mut exchange = Exchange::default();
        let line = exchange.add(DeviceId::from("sip:215@pbx"), "{serial}");
        let loud = |steps: i32| {
            move |apparatus: &mut Apparatus| {
                for _ in 0..steps {
                    apparatus.set_volume(&Volume::Step(VolumeStep::INCREMENT));
                }
            }
        };
        exchange.set_apparatus(line, |apparatus| apparatus.microphone_mute = true);
        exchange.set_apparatus(line, loud(0));
        exchange.set_apparatus(line, loud(7));
        let told: Vec<Notice> = exchange
            .take_notices()
            .into_iter()
            .map(|(_, notice)| notice)
            .collect();
        assert_eq!(
            told,
            [Notice::MicrophoneMute(true), Notice::SpeakerVolume(100)]
        );
    }
}
