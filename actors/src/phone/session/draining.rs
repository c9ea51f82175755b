//! The end of a session by the server, in good order: for the end of the service, or for a restart of the session.

use std::time::Duration;

use smallvec::smallvec;
use tokio::sync::oneshot;

use super::{Effects, PhoneSession, SessionEffect, state::PhoneSessionState};
use crate::{back_off::BackOff, phone::messages::RETIRE_TIME};

impl PhoneSession {
    /// Ends the session when the phone has responded to all requests, within [`RETIRE_TIME`].
    pub(super) fn drain(
        &mut self,
        restarts: bool,
        done: oneshot::Sender<()>,
        now: Duration,
    ) -> Effects {
        let Some(id) = self.id() else {
            return self.drained(restarts, now);
        };
        self.state = PhoneSessionState::Draining {
            id,
            until: now + RETIRE_TIME,
            restarts,
            _done: done,
        };
        smallvec![]
    }

    pub(super) fn drained(&mut self, restarts: bool, now: Duration) -> Effects {
        if !restarts {
            return self.close("the service is stopping".into());
        }
        let mut effects = self.close("restarted by an operator".into());
        effects.extend(self.restarted(now));
        effects
    }

    /// Opens the next session, whatever happened before.
    pub(super) fn restarted(&mut self, now: Duration) -> Effects {
        self.back_off = BackOff::default();
        let mut effects = self.invite(now);
        effects.push(SessionEffect::Restarted);
        effects
    }

    /// Whether the server ends the session.
    pub(in crate::phone) fn is_draining(&self) -> bool {
        matches!(self.state, PhoneSessionState::Draining { .. })
    }

    /// Whether the server ends the session, and opens the next one at once.
    pub(in crate::phone) fn is_restarting(&self) -> bool {
        matches!(
            self.state,
            PhoneSessionState::Draining { restarts: true, .. }
        )
    }
}
