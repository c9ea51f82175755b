//! Call associated services (ECMA-269): GenerateDigits.

use crate::csta::{enumeration::DigitMode, member::sequence, types::ConnectionId};

sequence! {
    /// Sends digits into a call.
    pub struct GenerateDigits {
        /// The connection into which the digits are sent.
        connection_to_send_digits: ConnectionId = "connectionToSendDigits",
        /// The signalling: tones or pulses.
        digit_mode: Option<DigitMode> = "digitMode",
        /// The digits: `0` to `9`, `*`, `#`, `A` to `D`, and `,` for a pause.
        characters_to_send: String = "charactersToSend",
        /// The duration of each tone, in milliseconds.
        tone_duration: Option<u32> = "toneDuration",
        /// The pulse rate, in pulses per second.
        pulse_rate: Option<u32> = "pulseRate",
        /// The duration of each pause, in milliseconds.
        pause_duration: Option<u32> = "pauseDuration",
    }

    /// The phone accepted the request.
    pub struct GenerateDigitsResponse {}
}
