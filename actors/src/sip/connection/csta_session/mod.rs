//! One CSTA session of a connection: a pure state machine over its dialog, session timer and credentials.

use std::{fmt::Display, time::Duration};

use bytes::{Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};
use uacsta_schema::{
    csta::Edition,
    sip::{Head, HeaderError, HeaderName, Method, Request, Response, Status},
};

use super::{
    client_transactions::SessionPurpose,
    credentials::{Credentials, MOST_RETRIES},
    endpoints::Endpoints,
    outcome::RequestOutcome,
    session_refresh::{RefreshStep, SessionRefresh},
};
use crate::sip::{
    body::Body,
    dialog::{Dialog, DialogId, NoDialog},
    refusals::{ALLOW, csta_body, is_sips, unhandled},
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

/// What a session asks of its connection.
#[derive(Debug)]
pub(super) enum SessionEffect {
    /// Send a request in the dialog.
    Send(SessionRequest),
    /// Send the ACK of the 2xx to the INVITE with this CSeq.
    Acknowledge { cseq: u32 },
    /// Send the owner an event.
    Tell(SessionEventKind),
    /// End the client transactions of the session. `tell`: send the owner an error for each CSTA request without a response.
    AbandonRequests { tell: bool },
    /// Call [`CstaSession::due`] at this time.
    WakeAt(Duration),
    /// Log that the 2xx to our INVITE establishes no dialog.
    LogNoDialog(NoDialog),
    /// Log that the peer rejected an event.
    LogEventRejected(Status),
    /// Remove the session.
    Remove,
}

/// In the order in which they are carried out. Most events of a session have none.
pub(super) type SessionEffects = SmallVec<[SessionEffect; 2]>;

/// A request of ours in a session's dialog.
#[derive(Debug)]
pub(super) enum SessionRequest {
    /// INVITE, sent again after so many challenges or proposals of a longer interval.
    Invite { retries: u8 },
    /// UPDATE where the peer accepts it, else INVITE with the CSTA request that opened the session.
    Refresh(SessionTimer),
    /// INFO with a CSTA request.
    Invoke {
        ticket: u64,
        content: Body,
        retries: u8,
    },
    /// INFO with a CSTA event.
    Notify(Body),
    /// BYE.
    Bye,
}

/// What a request of the peer's in the dialog asks for.
#[derive(Debug)]
pub(super) enum PeerRequest {
    /// Only this response.
    Answered(FinalResponse),
    /// The owner's response to a CSTA document.
    ForOwner(Bytes),
    /// The owner's former response to the same document.
    Repeated(Bytes),
    /// The end of the session, and 200.
    Bye,
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

    /// The method of a request of ours.
    pub(super) fn method(&self, request: &SessionRequest) -> Method {
        match request {
            SessionRequest::Invite { .. } => Method::Invite,
            SessionRequest::Refresh(_) if self.updates => Method::Update,
            SessionRequest::Refresh(_) => Method::Invite,
            SessionRequest::Invoke { .. } | SessionRequest::Notify(_) => Method::Info,
            SessionRequest::Bye => Method::Bye,
        }
    }

    /// What remains of a request of ours until its response; nothing of a BYE.
    pub(super) fn purpose(&self, request: &SessionRequest) -> Option<SessionPurpose> {
        match request {
            SessionRequest::Invite { retries } => {
                Some(SessionPurpose::Invite { retries: *retries })
            }
            SessionRequest::Refresh(_) => Some(SessionPurpose::Refresh),
            SessionRequest::Invoke {
                ticket,
                content,
                retries,
            } => Some(SessionPurpose::Invoke {
                ticket: *ticket,
                content: self.credentials.can_answer().then(|| content.clone()),
                retries: *retries,
            }),
            SessionRequest::Notify(_) => Some(SessionPurpose::Notify),
            SessionRequest::Bye => None,
        }
    }

    /// Composes a request of ours, which has this method, and returns its CSeq.
    pub(super) fn compose(
        &mut self,
        out: &mut BytesMut,
        request: &SessionRequest,
        method: &Method,
        via: impl Display,
        endpoints: &Endpoints,
    ) -> u32 {
        let composer = self.dialog.request(out, method, via);
        let target = self.dialog.target();
        let composer = self.credentials.authorize(composer, method, target);
        match request {
            SessionRequest::Invite { .. } => {
                let mut composer = composer
                    .header(HeaderName::Contact, endpoints.contact(is_sips(target)))
                    .header(HeaderName::Allow, ALLOW)
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::UserAgent, &*endpoints.agent);
                if let Some(timer) = self.refresh.timer() {
                    composer = composer
                        .header(HeaderName::SessionExpires, timer.header(true))
                        .header(HeaderName::MinSe, timer.least.as_secs());
                }
                Body::request_system_status(self.edition).finish(composer);
            }
            SessionRequest::Refresh(timer) => {
                let composer = composer
                    .header(HeaderName::Contact, endpoints.contact(is_sips(target)))
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::SessionExpires, timer.header(true))
                    .header(HeaderName::MinSe, timer.least.as_secs());
                if *method == Method::Invite {
                    Body::request_system_status(self.edition).finish(composer);
                } else {
                    composer.end();
                }
            }
            SessionRequest::Invoke { content, .. } | SessionRequest::Notify(content) => {
                content.finish(composer);
            }
            SessionRequest::Bye => composer.end(),
        }
        self.dialog.local_cseq()
    }

    /// Handles the outcome of a request of ours with this CSeq.
    pub(super) fn concluded(
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
            SessionPurpose::Refresh => self.refreshed(cseq, outcome, now),
            SessionPurpose::Notify => match (outcome.session_end(), outcome.rejection()) {
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
        if self.phase == Phase::Abandoned {
            effects.push(SessionEffect::Send(SessionRequest::Bye));
            effects.push(SessionEffect::Remove);
        } else {
            self.phase = Phase::Open;
            self.schedule(now, &mut effects);
            let body = response.body().clone();
            effects.push(SessionEffect::Tell(SessionEventKind::Opened(body)));
        }
        effects
    }

    /// Our INVITE was not accepted: it is sent again with credentials or a longer interval, or there is no session.
    fn not_established(&mut self, retries: u8, outcome: RequestOutcome<'_>) -> SessionEffects {
        let again = SessionEffect::Send(SessionRequest::Invite {
            retries: retries + 1,
        });
        if retries < MOST_RETRIES {
            if let Some(challenge) = outcome.challenge()
                && self.phase == Phase::Inviting
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

    fn refuse(&self, why: RequestError, effects: &mut SessionEffects) {
        if self.phase == Phase::Inviting {
            effects.push(SessionEffect::Tell(SessionEventKind::Refused(why)));
        }
        effects.push(SessionEffect::Remove);
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
            Some(response) => Ok(response.body().clone()),
            None => Err(outcome.error()),
        };
        let response = SessionEventKind::Response { ticket, answer };
        let mut effects: SessionEffects = smallvec![SessionEffect::Tell(response)];
        if let Some(why) = outcome.session_end() {
            effects.extend(self.end(why));
        }
        effects
    }

    fn refreshed(
        &mut self,
        cseq: u32,
        outcome: RequestOutcome<'_>,
        now: Duration,
    ) -> SessionEffects {
        let mut effects = SessionEffects::new();
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

#[cfg(test)]
mod tests;
