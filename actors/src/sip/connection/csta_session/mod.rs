//! One CSTA session of a connection: a pure state machine over its dialog, session timer and credentials.

mod effect;
mod request;
mod responses;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use smallvec::smallvec;
use uacsta_schema::{
    csta::Edition,
    sip::{Head, HeaderError, HeaderName, Method, Request, Status},
};

pub(super) use self::effect::{PeerRequest, SessionEffect, SessionEffects, SessionRequest};
use super::{
    credentials::Credentials,
    session_refresh::{RefreshStep, SessionRefresh},
};
use crate::sip::{
    dialog::{Dialog, DialogId},
    refusals::{csta_body, unhandled},
    responder::FinalResponse,
    session::{Open, RequestError, SessionEnd, SessionEventKind},
    session_timer::SessionTimer,
};

/// A session. Its methods return what the connection must do.
pub(super) struct CstaSession {
    dialog: Dialog,
    credentials: Credentials,
    phase: Phase,
    refresh: SessionRefresh,
    /// Whether we opened the dialog, and so made its Call-ID.
    opened: bool,
    /// The edition of the CSTA documents in our INVITEs.
    edition: Edition,
    /// Whether the peer accepts UPDATE, which needs no body and no ACK.
    updates: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Our INVITE awaits its final response.
    Inviting,
    /// The owner closed the session before the INVITE was answered.
    Abandoned,
    /// Our 2xx awaits its ACK.
    Unacknowledged,
    Open,
}

/// The session interval where nobody names one (RFC 4028, section 4).
pub(super) const INTERVAL: Duration = Duration::from_secs(1800);

impl CstaSession {
    /// A session whose INVITE is to be sent.
    pub(super) fn inviting(open: &Open, call_id: &str, tag: &str) -> Self {
        Self {
            dialog: Dialog::uac(call_id, tag, &open.from, &open.to, &open.target),
            credentials: Credentials::new(open.login.clone()),
            phase: Phase::Inviting,
            refresh: SessionRefresh::new(SessionRefresh::proposed(open.interval)),
            opened: true,
            edition: open.edition,
            updates: false,
        }
    }

    /// A session that our 2xx to an INVITE starts.
    pub(super) fn accepted(
        invite: &Request,
        tag: &str,
        timer: SessionTimer,
    ) -> Result<Self, HeaderError> {
        Ok(Self {
            dialog: Dialog::uas(invite, tag)?,
            credentials: Credentials::new(None),
            phase: Phase::Unacknowledged,
            refresh: SessionRefresh::new(timer),
            opened: false,
            edition: Edition::default(),
            updates: allows_update(invite.head()),
        })
    }

    pub(super) fn is_in(&self, id: DialogId<'_>) -> bool {
        self.dialog.is(id.call_id, id.local_tag, id.remote_tag)
    }

    pub(super) fn local_tag(&self) -> &str {
        self.dialog.local_tag()
    }

    pub(super) fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    pub(super) fn interval(&self) -> Option<Duration> {
        Some(self.refresh.timer()?.interval)
    }

    /// When [`Self::due`] must be called.
    pub(super) fn due_at(&self) -> Option<Duration> {
        self.refresh.due()
    }

    fn refresh_step(&self, step: RefreshStep) -> SessionEffects {
        match step {
            RefreshStep::Send(timer) => {
                smallvec![SessionEffect::Send(SessionRequest::Refresh(timer))]
            }
            RefreshStep::Wait(at) => smallvec![SessionEffect::WakeAt(at)],
            RefreshStep::Expire => self.end(SessionEnd::Expired),
        }
    }

    /// The time of [`Self::due_at`] came.
    pub(super) fn due(&mut self) -> SessionEffects {
        let step = self.refresh.fired();
        if self.phase == Phase::Unacknowledged {
            return self.end(SessionEnd::Silent);
        }
        step.map_or_else(SessionEffects::new, |step| self.refresh_step(step))
    }

    fn schedule(&mut self, now: Duration, effects: &mut SessionEffects) {
        let at = if self.phase == Phase::Unacknowledged {
            Some(self.refresh.await_ack(now))
        } else {
            self.refresh.restart(now)
        };
        effects.extend(at.map(SessionEffect::WakeAt));
    }

    /// Our 2xx was sent with this timer: to the INVITE that `opens` the session, or to a refresh.
    pub(super) fn granted(
        &mut self,
        timer: SessionTimer,
        method: &Method,
        opens: bool,
        now: Duration,
    ) -> SessionEffects {
        let mut effects = SessionEffects::new();
        self.refresh.grant(timer);
        if opens {
            effects.push(SessionEffect::Tell(SessionEventKind::Opened(Bytes::new())));
        } else if *method == Method::Invite {
            // The ACK of a re-INVITE is not awaited: the session is open without it.
            self.phase = Phase::Open;
        }
        self.schedule(now, &mut effects);
        effects
    }

    /// The ACK of the 2xx that opened the session arrived: its timer starts.
    pub(super) fn acknowledged(&mut self, now: Duration) -> SessionEffects {
        let mut effects = SessionEffects::new();
        if self.phase == Phase::Unacknowledged {
            self.phase = Phase::Open;
            self.schedule(now, &mut effects);
        }
        effects
    }

    /// A request of the peer's arrived.
    pub(super) fn received(&mut self, request: &Request) -> PeerRequest {
        let head = request.head();
        let in_order = head
            .cseq()
            .is_ok_and(|cseq| self.dialog.received(cseq.number).is_ok());
        if !in_order {
            return self.out_of_order(request);
        }
        let response = match request.method() {
            Method::Info | Method::Invite => {
                if *request.method() == Method::Invite {
                    self.dialog.retarget(head);
                }
                match csta_body(request) {
                    Ok(Some(document)) => return PeerRequest::ForOwner(document),
                    Ok(None) => Status::OK.into(),
                    Err(response) => response,
                }
            }
            Method::Update => {
                self.dialog.retarget(head);
                Status::OK.into()
            }
            Method::Bye => return PeerRequest::Bye,
            method => unhandled(method, true),
        };
        PeerRequest::Answered(response)
    }

    /// A CSeq that is not above the last one is out of order: 500 (RFC 3261, section 12.2.2). Some phones retransmit INFO on a
    /// stream, against RFC 3261, section 17.1.2.2, when the first copy has its response and left no transaction.
    fn out_of_order(&self, request: &Request) -> PeerRequest {
        let cseq = request.head().cseq();
        if *request.method() == Method::Info
            && cseq.is_ok_and(|cseq| self.dialog.repeats(cseq.number))
            && let Ok(Some(document)) = csta_body(request)
        {
            return PeerRequest::Repeated(document);
        }
        PeerRequest::Answered(
            FinalResponse::from(Status::SERVER_INTERNAL_ERROR)
                .because("this CSeq is not above the last one of the dialog"),
        )
    }

    /// The owner closes the session.
    pub(super) fn close(&mut self) -> SessionEffects {
        if self.phase == Phase::Inviting {
            // RFC 3261, section 15: a BYE needs a dialog. It is sent when the INVITE is answered.
            self.phase = Phase::Abandoned;
            return SessionEffects::new();
        }
        let mut effects = SessionEffects::new();
        effects.push(SessionEffect::Send(SessionRequest::Bye));
        effects.push(SessionEffect::AbandonRequests { tell: false });
        effects.push(SessionEffect::Remove);
        effects
    }

    /// The peer ended the session, or was lost. Where it may still hold the session, it is sent a BYE.
    pub(super) fn end(&self, why: SessionEnd) -> SessionEffects {
        let mut effects = SessionEffects::new();
        if matches!(why, SessionEnd::Silent | SessionEnd::Expired) {
            effects.push(SessionEffect::Send(SessionRequest::Bye));
        }
        effects.push(SessionEffect::AbandonRequests { tell: true });
        let last = match self.phase {
            Phase::Inviting => Some(SessionEventKind::Refused(RequestError::Ended)),
            Phase::Abandoned => None,
            Phase::Unacknowledged | Phase::Open => Some(SessionEventKind::Ended(why)),
        };
        effects.extend(last.map(SessionEffect::Tell));
        effects.push(SessionEffect::Remove);
        effects
    }
}

fn allows_update(head: &Head) -> bool {
    head.list(HeaderName::Allow)
        .any(|method| method == "UPDATE")
}
