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
    /// Whether a refresh of ours awaits its response.
    refreshing: bool,
    /// The CSeq of an INVITE of the peer's in the dialog that awaits our response.
    answering: Option<u32>,
    /// What its owner opens when the INVITE that it gave up has its final response: a phone never gets two at a time.
    next: Option<Box<Open>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Our INVITE awaits its final response.
    Inviting,
    /// The same, but the session will not open.
    GivenUp(GivenUp),
    /// Our 2xx awaits its ACK.
    Unacknowledged,
    Open,
}

/// Why an INVITE was given up before its final response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum GivenUp {
    /// The owner closed the session, and is told nothing more.
    Closed,
    /// The peer rang.
    Rang,
    /// The peer took too long.
    Silent,
}

/// The session interval where nobody names one (RFC 4028, section 4).
pub(super) const INTERVAL: Duration = Duration::from_secs(1800);

impl CstaSession {
    /// A session whose INVITE is to be sent.
    pub(super) fn inviting(open: &Open, call_id: &str, tag: &str) -> Self {
        Self {
            dialog: Dialog::uac(
                call_id,
                tag,
                &open.from,
                &open.to,
                &open.target,
                &open.routes,
            ),
            credentials: Credentials::new(open.login.clone()),
            phase: Phase::Inviting,
            refresh: SessionRefresh::new(SessionRefresh::proposed(open.interval)),
            opened: true,
            edition: open.edition,
            updates: false,
            refreshing: false,
            answering: None,
            next: None,
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
            refreshing: false,
            answering: None,
            next: None,
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

    /// Whether there is a dialog.
    pub(super) fn is_established(&self) -> bool {
        matches!(self.phase, Phase::Unacknowledged | Phase::Open)
    }

    /// Whether the session was closed, but its INVITE has no final response yet.
    pub(super) fn is_closing(&self) -> bool {
        self.phase == Phase::GivenUp(GivenUp::Closed)
    }

    /// What is opened when this session, which [is closing](Self::is_closing), is removed.
    pub(super) fn next_mut(&mut self) -> &mut Option<Box<Open>> {
        &mut self.next
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
    pub(super) fn due(&mut self, now: Duration) -> SessionEffects {
        let mut step = self.refresh.fired();
        if self.phase == Phase::Unacknowledged {
            return self.end(SessionEnd::Silent);
        }
        // RFC 3261, section 14.1: none "while another INVITE transaction is in progress in either direction".
        if self.answering.is_some() && matches!(step, Some(RefreshStep::Send(_))) {
            step = Some(self.refresh.postpone(self.opened, now));
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

    /// The peer's INVITE with this CSeq has its response.
    pub(super) fn answered(&mut self, request: &Request) {
        if let Some(waiting) = self.answering
            && *request.method() == Method::Invite
            && request
                .head()
                .cseq()
                .is_ok_and(|cseq| cseq.number == waiting)
        {
            self.answering = None;
        }
    }

    /// The session moved to another connection, which knows no request that was under way.
    pub(super) fn moved(&mut self, now: Duration) {
        self.answering = None;
        if std::mem::take(&mut self.refreshing) {
            self.refresh.postpone(self.opened, now);
        }
    }

    /// A request of the peer's arrived.
    pub(super) fn received(&mut self, request: &Request) -> PeerRequest {
        let head = request.head();
        let cseq = head.cseq().ok().map(|cseq| cseq.number);
        if cseq.is_none_or(|number| self.dialog.received(number).is_err()) {
            return self.out_of_order(request);
        }
        if matches!(request.method(), Method::Invite | Method::Update)
            && let Some(response) = self.overlapping()
        {
            return PeerRequest::Answered(response);
        }
        let response = match request.method() {
            Method::Info | Method::Invite => {
                if *request.method() == Method::Invite {
                    self.dialog.retarget(head);
                }
                match csta_body(request) {
                    Ok(Some(document)) => {
                        if *request.method() == Method::Invite {
                            self.answering = cseq;
                        }
                        return PeerRequest::ForOwner(document);
                    }
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

    /// The rejection of a refresh of the peer's that overlaps one of ours, or its own last one (RFC 3261, section 14.2; RFC
    /// 3311, section 5.2).
    fn overlapping(&self) -> Option<FinalResponse> {
        if self.refreshing {
            return Some(Status::REQUEST_PENDING.into());
        }
        self.answering?;
        // "a randomly chosen value of between 0 and 10 seconds".
        let wait = getrandom::u32().unwrap_or_default() % 11;
        Some(
            FinalResponse::from(Status::SERVER_INTERNAL_ERROR)
                .header(HeaderName::RetryAfter, wait)
                .because("the last INVITE of the dialog has no response yet"),
        )
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
        if matches!(self.phase, Phase::Inviting | Phase::GivenUp(_)) {
            // RFC 3261, section 15: a BYE needs a dialog. It is sent if the INVITE is accepted nevertheless.
            self.phase = Phase::GivenUp(GivenUp::Closed);
            return smallvec![SessionEffect::GiveUp];
        }
        let mut effects = SessionEffects::new();
        effects.push(SessionEffect::TerminateRequests);
        effects.push(SessionEffect::Send(SessionRequest::Bye));
        effects.push(SessionEffect::AbandonRequests { tell: false });
        effects.push(SessionEffect::Remove);
        effects
    }

    /// The INVITE is cancelled, since the peer `rang` or took too long.
    pub(super) fn cancelled(&mut self, rang: bool) {
        if self.phase == Phase::Inviting {
            let why = if rang { GivenUp::Rang } else { GivenUp::Silent };
            self.phase = Phase::GivenUp(why);
        }
    }

    /// The peer ended the session, or was lost. Where it may still hold the session, it is sent a BYE.
    pub(super) fn end(&self, why: SessionEnd) -> SessionEffects {
        let mut effects = SessionEffects::new();
        if why != SessionEnd::ConnectionLost {
            effects.push(SessionEffect::TerminateRequests);
        }
        if matches!(why, SessionEnd::Silent | SessionEnd::Expired) {
            effects.push(SessionEffect::Send(SessionRequest::Bye));
        }
        effects.push(SessionEffect::AbandonRequests { tell: true });
        if self.is_established() {
            effects.push(SessionEffect::Tell(SessionEventKind::Ended(why)));
            effects.push(SessionEffect::Remove);
        } else {
            let error = match why {
                SessionEnd::ConnectionLost => RequestError::ConnectionLost,
                _ => RequestError::Ended,
            };
            self.refuse(error, &mut effects);
        }
        effects
    }
}

fn allows_update(head: &Head) -> bool {
    head.list(HeaderName::Allow)
        .any(|method| method == "UPDATE")
}
