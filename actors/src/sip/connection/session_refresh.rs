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

    /// The timer that an INVITE of ours proposes for this interval.
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
                let at = now + after_crossing(made_call_id);
                return Some(RefreshStep::Wait(*self.due.insert(at)));
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
