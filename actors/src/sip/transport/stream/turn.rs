//! Limits the frames that a connection delivers before other actors get their turn.

/// The frames of the current turn, and our requests without a response.
#[derive(Debug, Default)]
pub(super) struct Turn {
    frames: u8,
    /// Responses to our requests that were delivered in addition to the frames.
    responses: u16,
    /// Our requests without a response yet.
    unanswered: u32,
    /// Whether the connection is polled again in this turn, so that sending need not wake it.
    polled: bool,
}

/// The maximum number of frames in a turn.
const FRAMES: u8 = 8;
/// The maximum number of responses in addition to the frames. A thousand phones may send events to one client in a turn; at
/// only eight responses a turn, more and more responses would appear to be missing.
const RESPONSES: u16 = 4096;

impl Turn {
    pub(super) fn is_full(&self) -> bool {
        self.frames >= FRAMES
    }

    /// Whether a response may be delivered in addition to the frames; at most one per request.
    pub(super) fn takes_response(&self) -> bool {
        self.unanswered > 0 && self.responses < RESPONSES
    }

    pub(super) fn frame_delivered(&mut self) {
        self.frames += 1;
        self.polled = true;
    }

    /// A response was delivered beside the frames.
    pub(super) fn response_delivered(&mut self) {
        self.responses += 1;
    }

    pub(super) fn request_composed(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// A response arrived, whether or not it is to a request of ours.
    pub(super) fn response_arrived(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    pub(super) fn is_polled(&self) -> bool {
        self.polled
    }

    /// The turn is over.
    pub(super) fn end(&mut self) {
        (self.frames, self.responses, self.polled) = (0, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_takes_as_many_responses_as_requests_were_sent() {
        let mut turn = Turn::default();
        assert!(!turn.takes_response());
        turn.request_composed();
        turn.request_composed();
        turn.response_arrived();
        assert!(turn.takes_response());
        turn.response_arrived();
        turn.response_arrived();
        assert!(!turn.takes_response());
        for _ in 0..2 * RESPONSES {
            turn.request_composed();
        }
        for _ in 0..RESPONSES {
            assert!(turn.takes_response());
            turn.response_delivered();
        }
        assert!(!turn.takes_response());
        turn.end();
        assert!(turn.takes_response());
    }

    #[test]
    fn a_turn_is_full_after_its_frames_and_needs_a_wake_up_once_it_ended() {
        let mut turn = Turn::default();
        assert!(!turn.is_polled());
        for _ in 0..FRAMES {
            assert!(!turn.is_full());
            turn.frame_delivered();
            assert!(turn.is_polled());
        }
        assert!(turn.is_full());
        turn.end();
        assert!(!turn.is_full() && !turn.is_polled());
    }
}
