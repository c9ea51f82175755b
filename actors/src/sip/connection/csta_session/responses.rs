//! What the response to a request of a session leads to, or its absence.

use std::time::Duration;

use smallvec::smallvec;
use uacsta_schema::sip::{Method, Response, Status};

use super::{
    CstaSession, GivenUp, INTERVAL, Phase, allows_update,
    effect::{SessionEffect, SessionEffects, SessionRequest},
};
use crate::sip::{
    body::{Body, received},
    connection::{
        client_transactions::SessionPurpose, credentials::MOST_RETRIES, outcome::RequestOutcome,
    },
    session::{RequestError, SessionEnd, SessionEventKind},
    session_timer::SessionTimer,
};

impl CstaSession {
    /// Handles the outcome of a request of ours with this CSeq.
    pub(in crate::sip::connection) fn concluded(
        &mut self,
        purpose: SessionPurpose,
        cseq: u32,
        outcome: RequestOutcome<'_>,
        now: Duration,
    ) -> SessionEffects {
        match purpose {
            SessionPurpose::Invite { retries } => match outcome.success() {
                Some(response) => self.established(response, cseq, now),
                None => self.not_established(retries, outcome),
            },
            SessionPurpose::Refresh { by_invite } => self.refreshed(by_invite, cseq, outcome, now),
            SessionPurpose::Notify => match (self.session_end(outcome), outcome.rejection()) {
                (Some(why), _) => self.end(why),
                (None, Some(rejection)) => {
                    smallvec![SessionEffect::LogEventRejected(rejection.status())]
                }
                (None, None) => SessionEffects::new(),
            },
            SessionPurpose::Invoke {
                ticket,
                content,
                retries,
            } => self.responded(ticket, content, retries, outcome),
        }
    }

    /// Our INVITE was accepted.
    fn established(&mut self, response: &Response, cseq: u32, now: Duration) -> SessionEffects {
        let mut effects = SessionEffects::new();
        if let Err(error) = self.dialog.confirmed(response.head()) {
            effects.push(SessionEffect::LogNoDialog(error));
            effects.push(SessionEffect::Acknowledge { cseq });
            effects.push(SessionEffect::Send(SessionRequest::Bye));
            self.refuse(RequestError::NoDialog, &mut effects);
            return effects;
        }
        self.updates = allows_update(response.head());
        self.refresh.agree(SessionTimer::agreed(response.head()));
        effects.push(SessionEffect::Acknowledge { cseq });
        if let Phase::GivenUp(_) = self.phase {
            effects.push(SessionEffect::Send(SessionRequest::Bye));
            self.refuse(RequestError::Ended, &mut effects);
        } else {
            self.phase = Phase::Open;
            self.schedule(now, &mut effects);
            let body = received(response.head(), response.body());
            effects.push(SessionEffect::Tell(SessionEventKind::Opened(body)));
        }
        effects
    }

    /// Our INVITE was not accepted: it is sent again with credentials or a longer interval, or there is no session.
    fn not_established(&mut self, retries: u8, outcome: RequestOutcome<'_>) -> SessionEffects {
        let again = SessionEffect::Send(SessionRequest::Invite {
            retries: retries + 1,
        });
        if retries < MOST_RETRIES && self.phase == Phase::Inviting {
            if let Some(challenge) = outcome.challenge()
                && self.credentials.challenged(challenge)
            {
                return smallvec![again];
            }
            // RFC 4028, section 7.4: "the UAC MAY retry the request" with the Min-SE of the 422.
            if let Some(least) = outcome.interval_too_small() {
                self.refresh.lengthen(least.unwrap_or(INTERVAL));
                return smallvec![again];
            }
        }
        let mut effects = SessionEffects::new();
        self.refuse(outcome.error(), &mut effects);
        effects
    }

    pub(super) fn refuse(&self, why: RequestError, effects: &mut SessionEffects) {
        let why = match self.phase {
            Phase::GivenUp(GivenUp::Closed) => None,
            Phase::GivenUp(GivenUp::Rang) => Some(RequestError::Rang),
            Phase::GivenUp(GivenUp::Silent) => Some(RequestError::TimedOut),
            Phase::Inviting | Phase::Unacknowledged | Phase::Open => Some(why),
        };
        effects.extend(why.map(|why| SessionEffect::Tell(SessionEventKind::Refused(why))));
        effects.push(SessionEffect::Remove);
    }

    /// Why the outcome of an INFO ends the session. A client that never answers, but reads on, keeps its session: how many
    /// INFOs it may leave unanswered is limited, and its connection shows whether it lives.
    fn session_end(&self, outcome: RequestOutcome<'_>) -> Option<SessionEnd> {
        match outcome {
            RequestOutcome::TimedOut if !self.opened => None,
            _ => outcome.session_end(),
        }
    }

    fn responded(
        &mut self,
        ticket: u64,
        content: Option<Body>,
        retries: u8,
        outcome: RequestOutcome<'_>,
    ) -> SessionEffects {
        if retries < MOST_RETRIES
            && let Some(challenge) = outcome.challenge()
            && let Some(content) = content
            && self.credentials.challenged(challenge)
        {
            return smallvec![SessionEffect::Send(SessionRequest::Invoke {
                ticket,
                content,
                retries: retries + 1,
            })];
        }
        let answer = match outcome.success() {
            Some(response) => Ok(received(response.head(), response.body())),
            None => Err(outcome.error()),
        };
        let response = SessionEventKind::Response { ticket, answer };
        let mut effects: SessionEffects = smallvec![SessionEffect::Tell(response)];
        if let Some(why) = self.session_end(outcome) {
            effects.extend(self.end(why));
        }
        effects
    }

    fn refreshed(
        &mut self,
        by_invite: bool,
        cseq: u32,
        outcome: RequestOutcome<'_>,
        now: Duration,
    ) -> SessionEffects {
        let mut effects = SessionEffects::new();
        self.refreshing = false;
        // The peer's Allow promises an UPDATE that it does not support.
        let is_unsupported = outcome.rejection().is_some_and(|response| {
            [Status::METHOD_NOT_ALLOWED, Status::NOT_IMPLEMENTED].contains(&response.status())
        });
        if !by_invite
            && is_unsupported
            && let Some(timer) = self.refresh.timer()
        {
            self.updates = false;
            return smallvec![SessionEffect::Send(SessionRequest::Refresh(timer))];
        }
        if let Some(response) = outcome.success() {
            let head = response.head();
            self.dialog.retarget(head);
            self.refresh.agree(SessionTimer::agreed(head));
            if head.cseq().is_ok_and(|cseq| cseq.method == Method::Invite) {
                effects.push(SessionEffect::Acknowledge { cseq });
            }
            self.schedule(now, &mut effects);
        } else if let Some(why) = outcome.session_end() {
            effects = self.end(why);
        } else if let Some(step) = self.refresh.rejected(outcome, self.opened, now) {
            effects = self.refresh_step(step);
        }
        effects
    }
}
