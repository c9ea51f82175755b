//! The CSTA session with a phone: opened after its REGISTER, prepared, kept alive, drained, and opened again when it is lost.

use std::time::Duration;

use smallvec::{SmallVec, smallvec};
use tokio::sync::oneshot;
use uacsta_schema::csta::Edition;

use crate::{
    back_off::BackOff,
    sip::{
        session::{SessionEnd, SessionId},
        transaction::LIFE,
    },
};

/// The session machine. It decides; the phone's actor carries out its [effects](SessionEffect).
pub(super) struct PhoneSession {
    state: PhoneSessionState,
    /// Numbers the sessions, so that events of a former one are recognised.
    key: u64,
    back_off: BackOff,
    edition: Edition,
}

enum PhoneSessionState {
    /// There is no session, and none is to be opened.
    Closed,
    /// The next attempt is due at this time.
    Waiting { until: Duration },
    /// The INVITE was sent, and is given up at this time.
    Opening { until: Duration },
    /// The phone accepted; its lines are not known yet.
    Preparing { id: SessionId },
    /// In use. The time is that of the next keep-alive, unless one waits for its response.
    Open {
        id: SessionId,
        keep_alive_at: Option<Duration>,
        /// How many keep-alives the phone answered.
        keep_alives: u32,
    },
    /// It ends when the phone has responded to all requests; the sender is dropped then.
    Draining {
        id: SessionId,
        _done: oneshot::Sender<()>,
    },
}

/// What happens to the session.
#[derive(Debug)]
pub(super) enum SessionInput {
    /// The phone may be controlled: it is bound, enabled and licensed.
    Wanted,
    /// The phone may not be controlled after all.
    Unwanted,
    /// The phone accepted the INVITE; an error says why it is of no use all the same.
    Opened(SessionId, Result<Option<Edition>, String>),
    /// The phone rejected the INVITE, or did not respond.
    Rejected {
        reason: String,
        /// The phone's Retry-After.
        retry_after: Option<Duration>,
    },
    /// The phone's lines are known.
    Prepared,
    /// The phone responded to the keep-alive.
    KeptAlive,
    /// The keep-alive was not sent; the next one is due then.
    KeepAliveDeferred(Duration),
    /// The dialog continues on another connection.
    Moved(SessionId),
    /// The peer or the connection ended the session.
    Ended(SessionEnd),
    /// The server ends the session, for this reason.
    Close(Box<str>),
    /// The server ends the session and opens the next one.
    Renew(Box<str>),
    /// The server ends the session when the phone has responded to all requests; then it drops the sender.
    Drain(oneshot::Sender<()>),
    /// No request waits for the phone any more.
    Idle,
    /// The time of [`PhoneSession::next_due`] has come.
    Due,
}

/// What the phone's actor does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum SessionEffect {
    /// Sends an INVITE.
    Invite,
    /// Sends a BYE.
    Bye(SessionId),
    /// Subscribes to changes of the phone, and lists its lines.
    Prepare,
    /// Starts the monitors, and sends the requests that waited.
    Ready,
    /// Sends a keep-alive.
    KeepAlive,
    /// Asks for the calls that events may have missed: of lines with calls, or of all lines, and for the lines themselves.
    Poll { all: bool },
    /// Gives up what belonged to the session: requests that were sent, monitors, lists.
    Lost,
    /// Logs and reports that no session could be opened.
    Failed(String),
    /// Logs and reports that the session ended.
    Ended(SessionEnd),
    /// Logs that the server closed the session.
    Closed(Box<str>),
}

pub(super) type Effects = SmallVec<[SessionEffect; 2]>;

/// After so many keep-alives, the phone is asked for calls and lines that it may not have reported.
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

    /// Starts anew for a phone that was bound or enabled, in the edition of its maker's profile.
    pub(super) fn reset(&mut self, edition: Edition) {
        self.back_off = BackOff::default();
        self.edition = edition;
    }

    /// Does what an event calls for; `keep_alive` is the configured interval.
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
            SessionInput::Opened(id, Ok(edition)) => {
                self.state = PhoneSessionState::Preparing { id };
                self.edition = edition.unwrap_or(self.edition);
                smallvec![SessionEffect::Prepare]
            }
            SessionInput::Opened(id, Err(reason)) => {
                let mut effects: Effects = smallvec![SessionEffect::Bye(id)];
                effects.extend(self.fail(reason, None, now));
                effects
            }
            SessionInput::Rejected {
                reason,
                retry_after,
            } => self.fail(reason, retry_after, now),
            SessionInput::Prepared => {
                let PhoneSessionState::Preparing { id } = self.state else {
                    return smallvec![];
                };
                self.state = PhoneSessionState::Open {
                    id,
                    keep_alive_at: Some(now + keep_alive),
                    keep_alives: 0,
                };
                self.back_off.stands(now);
                smallvec![SessionEffect::Ready]
            }
            SessionInput::KeptAlive => {
                let PhoneSessionState::Open {
                    keep_alive_at,
                    keep_alives,
                    ..
                } = &mut self.state
                else {
                    return smallvec![];
                };
                *keep_alive_at = Some(now + keep_alive);
                *keep_alives = keep_alives.wrapping_add(1);
                let all = keep_alives.is_multiple_of(POLL_EVERY);
                smallvec![SessionEffect::Poll { all }]
            }
            SessionInput::KeepAliveDeferred(until) => {
                if let PhoneSessionState::Open { keep_alive_at, .. } = &mut self.state {
                    *keep_alive_at = Some(until);
                }
                smallvec![]
            }
            SessionInput::Moved(to) => {
                if let PhoneSessionState::Preparing { id }
                | PhoneSessionState::Open { id, .. }
                | PhoneSessionState::Draining { id, .. } = &mut self.state
                {
                    *id = to;
                }
                smallvec![]
            }
            // The end of the connection, which says why, follows.
            SessionInput::Ended(SessionEnd::ConnectionLost) => {
                self.state = PhoneSessionState::Closed;
                smallvec![SessionEffect::Lost]
            }
            SessionInput::Ended(why) => {
                self.back_off.lost(now);
                // 481 says that the phone holds no session: the next one is opened at once.
                let at_once = why == SessionEnd::Unknown && self.back_off.is_fresh();
                let mut effects: Effects = smallvec![SessionEffect::Lost];
                effects.extend(self.retry(at_once.then_some(Duration::ZERO), now));
                effects.push(SessionEffect::Ended(why));
                effects
            }
            SessionInput::Close(reason) => self.close(reason),
            SessionInput::Renew(reason) => {
                let mut effects = self.close(reason);
                effects.extend(self.invite(now));
                effects
            }
            SessionInput::Drain(done) => match self.id() {
                Some(id) => {
                    self.state = PhoneSessionState::Draining { id, _done: done };
                    smallvec![]
                }
                None => self.close("the server is stopping".into()),
            },
            SessionInput::Idle if matches!(self.state, PhoneSessionState::Draining { .. }) => {
                self.close("the server is stopping".into())
            }
            SessionInput::Due => self.due(now),
            SessionInput::Wanted | SessionInput::Idle => smallvec![],
        }
    }

    fn invite(&mut self, now: Duration) -> Effects {
        self.key += 1;
        // The connection responds within the 64*T1 of its transaction, unless it ended while this was on its way.
        let until = now + LIFE + LIFE / 4;
        self.state = PhoneSessionState::Opening { until };
        smallvec![SessionEffect::Invite]
    }

    fn fail(&mut self, reason: String, wait: Option<Duration>, now: Duration) -> Effects {
        let mut effects = self.retry(wait, now);
        effects.push(SessionEffect::Failed(reason));
        effects
    }

    /// Tries again after 1, 2, 4 ... 60 seconds, or after as long as the phone asks for.
    fn retry(&mut self, wait: Option<Duration>, now: Duration) -> Effects {
        let back_off = self.back_off.failed();
        // A phone may ask for a longer wait than the back-off, never for a shorter one; zero is the server's own.
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
                self.fail("the INVITE was never answered".into(), None, now)
            }
            PhoneSessionState::Waiting { .. } => self.invite(now),
            PhoneSessionState::Open { keep_alive_at, .. } => {
                *keep_alive_at = None;
                smallvec![SessionEffect::KeepAlive]
            }
            PhoneSessionState::Closed
            | PhoneSessionState::Preparing { .. }
            | PhoneSessionState::Draining { .. } => smallvec![],
        }
    }

    /// When [`SessionInput::Due`] is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        match self.state {
            PhoneSessionState::Waiting { until } | PhoneSessionState::Opening { until } => {
                Some(until)
            }
            PhoneSessionState::Open { keep_alive_at, .. } => keep_alive_at,
            PhoneSessionState::Closed
            | PhoneSessionState::Preparing { .. }
            | PhoneSessionState::Draining { .. } => None,
        }
    }

    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// The edition that the phone speaks in this session, or did in the last one.
    pub(super) fn edition(&self) -> Edition {
        self.edition
    }

    /// The session, once the phone takes requests in it.
    pub(super) fn id(&self) -> Option<SessionId> {
        match self.state {
            PhoneSessionState::Preparing { id }
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

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, PhoneSessionState::Open { .. })
    }

    /// Whether clients' requests may be sent.
    pub(super) fn serves_clients(&self) -> bool {
        matches!(
            self.state,
            PhoneSessionState::Open { .. } | PhoneSessionState::Draining { .. }
        )
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
