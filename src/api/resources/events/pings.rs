//! When a WebSocket is pinged, and when its client is given up.

use std::time::Duration;

use tokio::time::Instant;

/// The pings of a WebSocket.
pub(super) struct Pings {
    due: Instant,
    unanswered: u32,
}

/// What is due.
#[derive(Debug, PartialEq)]
pub(super) enum Due {
    Ping,
    /// The client has left its pings unanswered.
    Close,
}

/// The time between two pings.
const INTERVAL: Duration = Duration::from_secs(15);
/// How many pings a client may leave unanswered.
const MOST: u32 = 2;

impl Pings {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            due: now + INTERVAL,
            unanswered: 0,
        }
    }

    /// When [`Self::next`] is to be called.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// What is to be done now.
    pub(super) fn next(&mut self, now: Instant) -> Due {
        if self.unanswered >= MOST {
            return Due::Close;
        }
        self.unanswered += 1;
        self.due = now + INTERVAL;
        Due::Ping
    }

    /// The client has sent a pong.
    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_that_answers_none_of_two_pings_is_given_up() {
        for (answers, expected) in [
            (&[false, false][..], Due::Close),
            (&[true, false], Due::Ping),
            (&[false, true], Due::Ping),
            (&[true, true, true, false, false], Due::Close),
        ] {
            let begun = Instant::now();
            let mut pings = Pings::new(begun);
            for (number, answers) in (1..).zip(answers) {
                let now = begun + number * INTERVAL;
                assert_eq!(pings.due(), now);
                assert_eq!(pings.next(now), Due::Ping, "{number}");
                if *answers {
                    pings.answered();
                }
            }
            assert_eq!(pings.next(pings.due()), expected, "{answers:?}");
        }
    }
}
