//! Call associated services (ECMA-269): GenerateDigits.

use crate::csta::{enumeration::DigitMode, member::sequence, types::ConnectionId};

sequence! {
    /// Sends digits into a call.
    pub struct GenerateDigits {
        /// Where they are sent.
        connection_to_send_digits: ConnectionId = "connectionToSendDigits",
        /// How they are sent.
        digit_mode: Option<DigitMode> = "digitMode",
        /// The digits: `0` to `9`, `*`, `#`, `A` to `D`, and `,` for a pause.
        characters_to_send: String = "charactersToSend",
        /// Milliseconds of each tone.
        tone_duration: Option<u32> = "toneDuration",
        /// Pulses a second.
        pulse_rate: Option<u32> = "pulseRate",
        /// Milliseconds of each pause.
        pause_duration: Option<u32> = "pauseDuration",
    }

    /// The digits are sent.
    pub struct GenerateDigitsResponse {}
}
