//! The refreshes of one session (RFC 4028): when the next is due, and what its response leads to.

use std::time::Duration;

use super::outcome::RequestOutcome;
use crate::sip::{
    session_timer::{CROSSINGS, MIN_SE, SessionTimer, after_crossing},
    transaction::LIFE,
};

/// The session timer of one session.
#[derive(Debug)]
pub(super) struct SessionRefresh {
    timer: Option<SessionTimer>,
    /// When the session must be refreshed, or ends.
    due: Option<Duration>,
    /// When the interval began.
    renewed: Duration,
    /// How often the refresh that is due crossed a request of the peer's, or proposed too short an interval.
    crossed: u8,
}

/// What a session needs after a refresh was rejected, or when its time came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RefreshStep {
    /// Send a refresh with this timer now.
    Send(SessionTimer),
    /// Nothing until this time.
    Wait(Duration),
    /// End the session: the peer did not refresh it in time.
    Expire,
}

impl SessionRefresh {
    /// `timer` is proposed in our INVITE, or granted in our 2xx.
    pub(super) fn new(timer: SessionTimer) -> Self {
        Self {
            timer: Some(timer),
            due: None,
            renewed: Duration::ZERO,
            crossed: 0,
        }
    }

    /// The session timer in our INVITE, for this interval.
    pub(super) fn proposed(interval: Duration) -> SessionTimer {
        let interval = interval.max(MIN_SE);
        SessionTimer {
            interval,
            ours: true,
            least: MIN_SE,
        }
    }

    pub(super) fn timer(&self) -> Option<SessionTimer> {
        self.timer
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Proposes at least what a 422 to our INVITE demands (RFC 4028, section 7.4).
    pub(super) fn lengthen(&mut self, least: Duration) {
        self.timer = Some(Self::lengthened(least));
    }

    fn lengthened(least: Duration) -> SessionTimer {
        SessionTimer {
            interval: least,
            ours: true,
            least,
        }
    }

    /// The peer's 2xx to a request of ours agreed to this timer, or to none.
    pub(super) fn agree(&mut self, timer: Option<SessionTimer>) {
        self.timer = timer;
        self.crossed = 0;
    }

    /// Our 2xx to a request of the peer's granted this timer.
    pub(super) fn grant(&mut self, timer: SessionTimer) {
        self.timer = Some(timer);
    }

    /// A new interval begins now; returns when the next step is due.
    pub(super) fn restart(&mut self, now: Duration) -> Option<Duration> {
        if self.timer.is_some() {
            self.renewed = now;
        }
        self.due = self.timer.map(|timer| now + timer.due());
        self.due
    }

    /// The session ends unless the ACK of our 2xx arrives within 64*T1 (RFC 3261, section 13.3.1.4).
    pub(super) fn await_ack(&mut self, now: Duration) -> Duration {
        *self.due.insert(now + LIFE)
    }

    /// The time for the next step came.
    pub(super) fn fired(&mut self) -> Option<RefreshStep> {
        self.due = None;
        let timer = self.timer?;
        Some(if timer.ours {
            RefreshStep::Send(timer)
        } else {
            RefreshStep::Expire
        })
    }

    /// The refresh that is due waits for a request of the peer's.
    pub(super) fn postpone(&mut self, made_call_id: bool, now: Duration) -> RefreshStep {
        RefreshStep::Wait(*self.due.insert(now + after_crossing(made_call_id)))
    }

    /// A refresh of ours was rejected, which leaves the session until its interval ends. `made_call_id` says that our INVITE
    /// opened the dialog.
    pub(super) fn rejected(
        &mut self,
        outcome: RequestOutcome<'_>,
        made_call_id: bool,
        now: Duration,
    ) -> Option<RefreshStep> {
        if self.crossed < CROSSINGS {
            // RFC 3261, section 14.1: a refresh that crosses a request of the peer's is sent again.
            if outcome.is_crossing() {
                self.crossed += 1;
                return Some(self.postpone(made_call_id, now));
            }
            // RFC 3261, section 14.2: one that overlaps another is sent again after the Retry-After of its 500.
            if let Some(wait) = outcome.retry_after()
                && let Some(timer) = self.timer
                && now + wait < self.renewed + timer.expiry()
            {
                self.crossed += 1;
                return Some(RefreshStep::Wait(*self.due.insert(now + wait)));
            }
            // RFC 4028, section 7.4: "the UAC MAY retry the request" with the Min-SE of the 422.
            if let Some(Some(least)) = outcome.interval_too_small() {
                self.crossed += 1;
                return Some(RefreshStep::Send(Self::lengthened(least)));
            }
        }
        let timer = self.timer.as_mut()?;
        timer.ours = false;
        let at = (self.renewed + timer.due()).max(now);
        Some(RefreshStep::Wait(*self.due.insert(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::response, *};

    const NOW: Duration = Duration::from_secs(1000);

    fn refresh(interval: u64, ours: bool) -> SessionRefresh {
        let interval = Duration::from_secs(interval);
        let mut refresh = SessionRefresh::new(SessionTimer {
            interval,
            ours,
            least: MIN_SE,
        });
        refresh.restart(NOW);
        refresh
    }

    #[test]
    fn the_refresher_refreshes_at_half_the_interval_and_the_other_end_expires() {
        for (ours, due, step) in [
            (
                true,
                150,
                RefreshStep::Send(SessionRefresh::proposed(Duration::from_secs(300))),
            ),
            (false, 268, RefreshStep::Expire),
        ] {
            let mut refresh = refresh(300, ours);
            assert_eq!(refresh.due(), Some(NOW + Duration::from_secs(due)));
            assert_eq!(refresh.fired(), Some(step));
            assert_eq!(refresh.due(), None);
        }
        let mut none = refresh(300, true);
        none.agree(None);
        assert_eq!((none.restart(NOW), none.fired()), (None, None));
    }

    #[test]
    fn a_crossed_refresh_is_sent_three_times_again_and_a_rejected_one_never() {
        let crossing = response(491, "UPDATE", "");
        let mut refresh = refresh(300, true);
        for _ in 0..CROSSINGS {
            let step = refresh.rejected(RequestOutcome::Response(&crossing), true, NOW);
            let Some(RefreshStep::Wait(at)) = step else {
                panic!("{step:?}")
            };
            assert!(at <= NOW + Duration::from_secs(4), "{at:?}");
        }
        let end = Some(RefreshStep::Wait(NOW + Duration::from_secs(268)));
        assert_eq!(
            refresh.rejected(RequestOutcome::Response(&crossing), true, NOW),
            end
        );
        assert_eq!(refresh.fired(), Some(RefreshStep::Expire));
    }

    #[test]
    fn a_422_is_answered_by_a_refresh_with_its_min_se() {
        for (lines, least) in [
            ("Min-SE: 600\r\n", Some(600)),
            ("Min-SE: 60\r\n", Some(90)),
            ("", None),
        ] {
            let too_small = response(422, "UPDATE", lines);
            let step = refresh(300, true).rejected(RequestOutcome::Response(&too_small), true, NOW);
            match (step, least) {
                (Some(RefreshStep::Send(timer)), Some(least)) => {
                    let least = Duration::from_secs(least);
                    assert_eq!(
                        (timer.interval, timer.least, timer.ours),
                        (least, least, true)
                    );
                }
                (Some(RefreshStep::Wait(_)), None) => {}
                other => panic!("{lines}: {other:?}"),
            }
        }
    }
}
