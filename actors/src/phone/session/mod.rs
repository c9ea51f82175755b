//! The state machine of the CSTA session with a phone: open, prepare, keep alive, drain, and reopen after a loss.

mod draining;
mod effect;
mod input;
mod outlook;
mod state;

use std::time::Duration;

use smallvec::smallvec;
use uacsta_schema::csta::Edition;

use self::state::PhoneSessionState;
pub(super) use self::{
    effect::{Effects, SessionEffect},
    input::{Accepted, SessionInput, Unusable},
    outlook::Outlook,
};
use super::system_status::{OUT_OF_SERVICE, SystemState};
use crate::{
    back_off::BackOff,
    reason::{Cause, Unanswered},
    sip::{
        session::{SessionEnd, SessionId},
        transaction::LIFE,
    },
};

/// The session machine. The phone's actor carries out its [effects](SessionEffect).
pub(super) struct PhoneSession {
    state: PhoneSessionState,
    /// The number of the session, which identifies events of a former session.
    key: u64,
    back_off: BackOff,
    edition: Edition,
}

/// After this many keep-alives, the server requests the calls of all lines, and the lines.
const POLL_EVERY: u32 = 5;

impl PhoneSession {
    pub(super) fn new(edition: Edition) -> Self {
        Self {
            state: PhoneSessionState::Closed,
            key: 0,
            back_off: BackOff::default(),
            edition,
        }
    }

    /// Restarts for a phone that was bound or enabled, with the edition of its maker's profile.
    pub(super) fn reset(&mut self, edition: Edition) {
        self.back_off = BackOff::default();
        self.edition = edition;
    }

    /// Handles an input; `keep_alive` is the configured interval.
    pub(super) fn on(
        &mut self,
        input: SessionInput,
        now: Duration,
        keep_alive: Duration,
    ) -> Effects {
        match input {
            SessionInput::Wanted if self.is_closed() => self.invite(now),
            SessionInput::Unwanted => {
                self.state = PhoneSessionState::Closed;
                smallvec![]
            }
            SessionInput::Opened(id, Ok(Accepted { edition, system })) => {
                self.state = PhoneSessionState::Preparing { id, system };
                self.edition = edition.unwrap_or(self.edition);
                smallvec![SessionEffect::Prepare]
            }
            SessionInput::Opened(id, Err(Unusable { cause, outlook })) => {
                let mut effects: Effects = smallvec![SessionEffect::Bye(id)];
                effects.extend(self.fail(cause, None, outlook, now));
                effects
            }
            SessionInput::Rejected {
                cause,
                retry_after,
                outlook,
            } => self.fail(cause, retry_after, outlook, now),
            SessionInput::Prepared => {
                let PhoneSessionState::Preparing { id, system } = self.state else {
                    return smallvec![];
                };
                self.state = PhoneSessionState::Open {
                    id,
                    system,
                    keep_alive_at: Some(now + keep_alive),
                    keep_alives: 0,
                };
                self.back_off.stands(now);
                smallvec![SessionEffect::Ready]
            }
            SessionInput::KeptAlive => {
                let PhoneSessionState::Open {
                    system,
                    keep_alive_at,
                    keep_alives,
                    ..
                } = &mut self.state
                else {
                    return smallvec![];
                };
                *keep_alive_at = Some(now + keep_alive);
                if *system == SystemState::Disabled {
                    return smallvec![];
                }
                *keep_alives = keep_alives.wrapping_add(1);
                let all = keep_alives.is_multiple_of(POLL_EVERY);
                smallvec![SessionEffect::Poll { all }]
            }
            SessionInput::RegisteredAnew => {
                self.back_off = BackOff::default();
                match &mut self.state {
                    PhoneSessionState::Waiting { .. } => self.invite(now),
                    PhoneSessionState::Opening {
                        registered_anew, ..
                    } => {
                        *registered_anew = true;
                        smallvec![]
                    }
                    PhoneSessionState::Preparing { .. } | PhoneSessionState::Open { .. } => {
                        smallvec![SessionEffect::ProbeDialog]
                    }
                    _ => smallvec![],
                }
            }
            SessionInput::KeepAliveDeferred(until) => {
                if let PhoneSessionState::Open { keep_alive_at, .. } = &mut self.state {
                    *keep_alive_at = Some(until);
                }
                smallvec![]
            }
            SessionInput::Status { state, is_change } => self.system_told(state, is_change, now),
            SessionInput::Moved(to) => {
                if let PhoneSessionState::Preparing { id, .. }
                | PhoneSessionState::Open { id, .. }
                | PhoneSessionState::Draining { id, .. } = &mut self.state
                {
                    *id = to;
                }
                // The request that moved the dialog shows that the phone is there; a keep-alive may have been lost.
                if let PhoneSessionState::Open { keep_alive_at, .. } = &mut self.state {
                    *keep_alive_at = Some(now + keep_alive);
                }
                smallvec![]
            }
            // The end of the connection, which says why, follows.
            SessionInput::Ended(SessionEnd::ConnectionLost) => {
                self.state = PhoneSessionState::Closed;
                smallvec![SessionEffect::Lost]
            }
            SessionInput::Ended(why) if self.is_draining() => {
                let restarts = self.is_restarting();
                self.state = PhoneSessionState::Closed;
                let mut effects: Effects =
                    smallvec![SessionEffect::Lost, SessionEffect::Ended(why)];
                if restarts {
                    effects.extend(self.restarted(now));
                }
                effects
            }
            SessionInput::Ended(why) => {
                self.back_off.lost(now);
                // 481 means that the phone has no session: the next session is opened at once.
                let at_once = why == SessionEnd::Unknown && self.back_off.is_fresh();
                let mut effects: Effects = smallvec![SessionEffect::Lost];
                effects.extend(self.retry(
                    at_once.then_some(Duration::ZERO),
                    Outlook::Passing,
                    now,
                ));
                effects.push(SessionEffect::Ended(why));
                effects
            }
            SessionInput::Close(reason) => self.close(reason),
            SessionInput::Renew(reason) => {
                let mut effects = self.close(reason);
                effects.extend(self.invite(now));
                effects
            }
            SessionInput::Drain(done) => self.drain(false, done, now),
            SessionInput::Restart(_) if self.is_closed() || self.is_draining() => smallvec![],
            SessionInput::Restart(done) => self.drain(true, done, now),
            SessionInput::Idle if self.is_draining() => self.drained(self.is_restarting(), now),
            SessionInput::Due => self.due(now),
            SessionInput::Wanted | SessionInput::Idle => smallvec![],
        }
    }

    /// The phone told its system status; in an answer, only another status than before is a change.
    fn system_told(&mut self, told: SystemState, is_change: bool, now: Duration) -> Effects {
        match &mut self.state {
            PhoneSessionState::Preparing { id, .. } if told == SystemState::Disabled => {
                let mut effects: Effects = smallvec![SessionEffect::Bye(*id), SessionEffect::Lost];
                let cause = Cause::PhoneOutOfService(OUT_OF_SERVICE.into());
                effects.extend(self.fail(cause, None, Outlook::Passing, now));
                effects
            }
            PhoneSessionState::Preparing { system, .. } => {
                *system = told;
                smallvec![]
            }
            PhoneSessionState::Open { system, .. } => {
                let before = std::mem::replace(system, told);
                match told {
                    _ if told == before && (!is_change || told == SystemState::Disabled) => {
                        smallvec![]
                    }
                    SystemState::Disabled => {
                        smallvec![SessionEffect::MonitorsLost, SessionEffect::OutOfService]
                    }
                    _ if before == SystemState::Disabled => smallvec![SessionEffect::Ready],
                    SystemState::Enabled => {
                        smallvec![SessionEffect::MonitorsLost, SessionEffect::Ready]
                    }
                    SystemState::MessagesLost => {
                        smallvec![SessionEffect::EventsLost, SessionEffect::Poll { all: true }]
                    }
                    SystemState::Normal => smallvec![],
                }
            }
            _ => smallvec![],
        }
    }

    fn invite(&mut self, now: Duration) -> Effects {
        self.key += 1;
        // The connection responds within 64*T1, and as much for the CANCEL, unless it ended before it received the INVITE.
        let until = now + LIFE * 2 + LIFE / 4;
        self.state = PhoneSessionState::Opening {
            until,
            registered_anew: false,
        };
        smallvec![SessionEffect::Invite]
    }

    fn fail(
        &mut self,
        cause: Cause,
        wait: Option<Duration>,
        outlook: Outlook,
        now: Duration,
    ) -> Effects {
        let at_once = matches!(
            self.state,
            PhoneSessionState::Opening {
                registered_anew: true,
                ..
            }
        );
        let wait = if at_once { Some(Duration::ZERO) } else { wait };
        let mut effects = self.retry(wait, outlook, now);
        effects.push(SessionEffect::Failed(cause));
        effects
    }

    /// Tries again after 1, 2, 4 ... seconds, as the outlook allows, or after as long as the phone asks for.
    fn retry(&mut self, wait: Option<Duration>, outlook: Outlook, now: Duration) -> Effects {
        let back_off = self.back_off.failed_within(outlook.longest_wait());
        // A phone may extend the back-off, but not shorten it; zero means the server's own delay.
        let wait = wait.map_or(back_off, |wait| {
            if wait.is_zero() {
                wait
            } else {
                wait.max(back_off)
            }
        });
        if wait.is_zero() {
            return self.invite(now);
        }
        self.state = PhoneSessionState::Waiting { until: now + wait };
        smallvec![]
    }

    fn close(&mut self, reason: Box<str>) -> Effects {
        let mut effects = Effects::new();
        if self.is_coming() {
            effects.push(SessionEffect::Closed(reason));
        }
        if let Some(id) = self.id() {
            effects.push(SessionEffect::Bye(id));
        } else if let PhoneSessionState::Opening { .. } = self.state {
            effects.push(SessionEffect::Withdraw(self.key));
        }
        self.state = PhoneSessionState::Closed;
        self.key += 1;
        effects.push(SessionEffect::Lost);
        effects
    }

    fn due(&mut self, now: Duration) -> Effects {
        if self.next_due().is_none_or(|at| at > now) {
            return smallvec![];
        }
        match &mut self.state {
            PhoneSessionState::Opening { .. } => {
                let cause = Cause::NoAnswer {
                    to: Unanswered::Invite,
                    proxy: None,
                };
                let mut effects: Effects = smallvec![SessionEffect::Withdraw(self.key)];
                effects.extend(self.fail(cause, None, Outlook::Passing, now));
                effects
            }
            PhoneSessionState::Waiting { .. } => self.invite(now),
            PhoneSessionState::Open { keep_alive_at, .. } => {
                *keep_alive_at = None;
                smallvec![SessionEffect::KeepAlive]
            }
            PhoneSessionState::Draining { restarts, .. } => {
                let restarts = *restarts;
                self.drained(restarts, now)
            }
            PhoneSessionState::Closed | PhoneSessionState::Preparing { .. } => smallvec![],
        }
    }

    /// When [`SessionInput::Due`] is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        match self.state {
            PhoneSessionState::Waiting { until }
            | PhoneSessionState::Opening { until, .. }
            | PhoneSessionState::Draining { until, .. } => Some(until),
            PhoneSessionState::Open { keep_alive_at, .. } => keep_alive_at,
            PhoneSessionState::Closed | PhoneSessionState::Preparing { .. } => None,
        }
    }

    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// The edition of this session, or of the last one.
    pub(super) fn edition(&self) -> Edition {
        self.edition
    }

    /// The session's identifier, once the phone accepts requests.
    pub(super) fn id(&self) -> Option<SessionId> {
        match self.state {
            PhoneSessionState::Preparing { id, .. }
            | PhoneSessionState::Open { id, .. }
            | PhoneSessionState::Draining { id, .. } => Some(id),
            PhoneSessionState::Closed
            | PhoneSessionState::Waiting { .. }
            | PhoneSessionState::Opening { .. } => None,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, PhoneSessionState::Closed)
    }

    /// Whether the session is open, and the phone is in service.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, PhoneSessionState::Open { .. }) && !self.is_out_of_service()
    }

    /// Whether the phone says in its session that it performs no requests.
    pub(super) fn is_out_of_service(&self) -> bool {
        matches!(
            self.state,
            PhoneSessionState::Open {
                system: SystemState::Disabled,
                ..
            }
        )
    }

    /// Whether clients' requests may be sent. While the session is restarted they wait for the next one.
    pub(super) fn serves_clients(&self) -> bool {
        self.is_open() || self.is_draining() && !self.is_restarting()
    }

    /// Whether the session is open, or will be unless the phone refuses.
    pub(super) fn is_coming(&self) -> bool {
        !matches!(
            self.state,
            PhoneSessionState::Closed | PhoneSessionState::Waiting { .. }
        )
    }
}

#[cfg(test)]
mod tests;
