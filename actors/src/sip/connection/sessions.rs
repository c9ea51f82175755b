//! CSTA sessions: opened from either end, used and ended.

use std::{sync::Arc, time::Duration};

use actix::{Context, Recipient};
use uacsta_schema::{
    csta::Edition,
    sip::{HeaderName, Method, Request, Response, Status},
};

use super::{
    SipConnection,
    challenge::{Answering, CHALLENGES},
    request,
    send::{Purpose, RequestOutcome, is_challenge, refusal, with_csta},
};
use crate::sip::{
    dialog::{Dialog, DialogId},
    incident::Incident,
    refusals::{ALLOW, is_sips},
    responder::Accepted,
    session::{
        Body, Login, Open, RequestError, SessionEnd, SessionEvent, SessionEventKind, SessionId,
        request_system_status,
    },
    session_timer::{MIN_SE, SessionTimer},
    uas::Uas,
};

/// A session on this link.
pub(super) struct CstaSession {
    pub(super) serial: u32,
    pub(super) dialog: Dialog,
    pub(super) login: Option<Arc<Login>>,
    pub(super) challenge: Option<Box<Answering>>,
    pub(super) owner: Recipient<SessionEvent>,
    pub(super) key: u64,
    pub(super) phase: Phase,
    pub(super) timer: Option<SessionTimer>,
    /// When the session must be refreshed, or is over.
    pub(super) due: Option<Duration>,
    /// Whether we opened the dialog, and so made its Call-ID.
    pub(super) opened: bool,
    /// The edition of what we say in an INVITE.
    pub(super) edition: Edition,
    /// When its interval began.
    pub(super) renewed: Duration,
    /// How often the refresh that is due crossed a request of the peer's, or named too short an interval.
    pub(super) crossed: u8,
    /// Whether the peer takes UPDATE, which needs no body and no ACK.
    pub(super) updates: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Our INVITE waits for its answer.
    Inviting,
    /// Its owner closed it before the INVITE was answered.
    Abandoned,
    /// Our 2xx waits for its ACK.
    Unacknowledged,
    /// In use.
    Open,
}

/// The session interval where nobody names one (RFC 4028, section 4).
pub(super) const INTERVAL: Duration = Duration::from_secs(1800);

impl<U: Uas> SipConnection<U> {
    /// Opens a session with the peer.
    pub(super) fn open(&mut self, open: Open, ctx: &mut Context<Self>) {
        let serial = self.next_serial();
        let (call, tag) = (self.unguessable(), self.unguessable());
        let slot = self.sessions.vacant_key();
        let call_id = format!("{call:016x}@{}", self.endpoints.host);
        let dialog = Dialog::uac(
            &call_id,
            &format!("{slot:x}-{tag:x}"),
            &open.from,
            &open.to,
            &open.target,
        );
        self.sessions.insert(CstaSession {
            serial,
            dialog,
            login: open.login,
            challenge: None,
            owner: open.owner,
            key: open.key,
            phase: Phase::Inviting,
            timer: Some(SessionTimer {
                interval: open.interval.max(MIN_SE),
                ours: true,
                least: MIN_SE,
            }),
            due: None,
            renewed: Duration::ZERO,
            opened: true,
            edition: open.edition,
            crossed: 0,
            updates: false,
        });
        self.invite(slot, 0, ctx);
    }

    fn invite(&mut self, slot: usize, challenges: u8, ctx: &mut Context<Self>) {
        let sips = is_sips(self.sessions[slot].dialog.target());
        let contact = self.endpoints.contact(sips).to_string();
        let agent = Arc::clone(&self.endpoints.agent);
        let CstaSession { timer, edition, .. } = self.sessions[slot];
        let content = Body::Whole(request_system_status(edition));
        self.send(
            slot,
            &Method::Invite,
            Purpose::Invite {
                session: slot,
                challenges,
            },
            ctx,
            |composer, authorization| {
                let mut composer = authorization
                    .add(composer)
                    .header(HeaderName::Contact, contact)
                    .header(HeaderName::Allow, ALLOW);
                composer = composer
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::UserAgent, agent);
                if let Some(timer) = timer {
                    composer = composer
                        .header(HeaderName::SessionExpires, timer.header(true))
                        .header(HeaderName::MinSe, timer.least.as_secs());
                }
                with_csta(composer, &content);
            },
        );
    }

    /// Takes a session over that the peer's INVITE opens.
    pub(super) fn start_accepted(
        &mut self,
        request: &Request,
        accepted: Accepted,
        timer: SessionTimer,
    ) -> Result<usize, uacsta_schema::sip::HeaderError> {
        let serial = self.next_serial();
        let tag = self.unguessable();
        let slot = self.sessions.vacant_key();
        let dialog = match Dialog::uas(request, &format!("{slot:x}-{tag:x}")) {
            Ok(dialog) => dialog,
            Err(error) => {
                accepted.cancelled();
                return Err(error);
            }
        };
        self.sessions.insert(CstaSession {
            serial,
            dialog,
            login: None,
            challenge: None,
            owner: accepted.owner,
            key: accepted.key,
            phase: Phase::Unacknowledged,
            timer: Some(timer),
            due: None,
            renewed: Duration::ZERO,
            opened: false,
            edition: Edition::default(),
            crossed: 0,
            updates: allows_update(request.head()),
        });
        Ok(slot)
    }

    /// Sends a CSTA request. In a session that is over it gets its answer at once.
    pub(super) fn invoke(
        &mut self,
        id: SessionId,
        ticket: u64,
        content: Body,
        ctx: &mut Context<Self>,
    ) {
        if let Some(slot) = self.session(id) {
            self.inform(
                slot,
                content,
                |content, login| Purpose::Invoke {
                    session: slot,
                    ticket,
                    content: login.then(|| content.clone()),
                    challenges: 0,
                },
                ctx,
            );
        }
    }

    /// Sends a CSTA event. A peer that reads events and answers none is no better than one that does not read.
    pub(super) fn notify(&mut self, id: SessionId, content: Body, ctx: &mut Context<Self>) {
        if self.clients.len() >= self.limits.unanswered_events {
            if self.ending.is_none() {
                self.end_for(Incident::Unanswered, ctx);
            }
        } else if let Some(slot) = self.session(id) {
            self.inform(slot, content, |_, _| Purpose::Notify { session: slot }, ctx);
        }
    }

    fn inform(
        &mut self,
        slot: usize,
        content: Body,
        purpose: impl FnOnce(&Body, bool) -> Purpose,
        ctx: &mut Context<Self>,
    ) {
        let purpose = purpose(&content, self.sessions[slot].login.is_some());
        self.send(
            slot,
            &Method::Info,
            purpose,
            ctx,
            |composer, authorization| with_csta(authorization.add(composer), &content),
        );
    }

    /// A request of ours came to its end.
    pub(super) fn concluded(
        &mut self,
        purpose: Purpose,
        cseq: u32,
        outcome: RequestOutcome<'_>,
        ctx: &mut Context<Self>,
    ) {
        match purpose {
            Purpose::Invite {
                session,
                challenges,
            } => self.invited(session, challenges, cseq, &outcome, ctx),
            Purpose::Refresh { session } => self.refreshed(session, cseq, &outcome, ctx),
            Purpose::Notify { session } => match over(&outcome) {
                Some(why) => self.end_session(session, why, ctx),
                None => {
                    if let RequestOutcome::Response(response) = outcome
                        && !response.status().is_success()
                    {
                        tracing::debug!(peer = %self.endpoints.peer, phone = self.phone(), who = self.who(), status = response.status().code(), "event rejected by the client");
                    }
                }
            },
            Purpose::Invoke {
                session,
                ticket,
                content,
                challenges,
            } => {
                if let RequestOutcome::Response(response) = outcome
                    && is_challenge(response.status())
                    && challenges < CHALLENGES
                    && let Some(content) = content
                    && let Some(answering) = Answering::of(response)
                {
                    self.sessions[session].challenge = Some(answering);
                    let purpose = |content: &Body, _| Purpose::Invoke {
                        session,
                        ticket,
                        content: Some(content.clone()),
                        challenges: challenges + 1,
                    };
                    return self.inform(session, content, purpose, ctx);
                }
                let answer = match &outcome {
                    RequestOutcome::Response(response) if response.status().is_success() => {
                        Ok(response.body().clone())
                    }
                    refused => Err(refusal(refused)),
                };
                self.tell(session, SessionEventKind::Response { ticket, answer });
                if let Some(why) = over(&outcome) {
                    self.end_session(session, why, ctx);
                }
            }
            Purpose::Accepted | Purpose::Bye => {}
            Purpose::Request(sender) => request::conclude(sender, &outcome),
        }
    }

    fn invited(
        &mut self,
        slot: usize,
        challenges: u8,
        cseq: u32,
        outcome: &RequestOutcome<'_>,
        ctx: &mut Context<Self>,
    ) {
        match outcome {
            RequestOutcome::Response(response) if response.status().is_success() => {
                let made = self.sessions[slot].dialog.confirmed(response.head());
                if let Err(error) = made {
                    tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), who = self.who(), %error, "the 2xx to our INVITE makes no dialog; ending it");
                    self.acknowledge(slot, cseq);
                    self.bye(slot, ctx);
                    return self.uninvited(slot, RequestError::NoDialog);
                }
                let known = &mut self.sessions[slot];
                known.updates = allows_update(response.head());
                known.timer = SessionTimer::agreed(response.head());
                self.acknowledge(slot, cseq);
                if self.sessions[slot].phase == Phase::Abandoned {
                    self.bye(slot, ctx);
                    self.sessions.remove(slot);
                } else {
                    self.sessions[slot].phase = Phase::Open;
                    self.schedule(slot, ctx);
                    self.tell(slot, SessionEventKind::Opened(response.body().clone()));
                }
            }
            RequestOutcome::Response(response)
                if is_challenge(response.status())
                    && challenges < CHALLENGES
                    && self.sessions[slot].login.is_some()
                    && self.sessions[slot].phase == Phase::Inviting =>
            {
                match Answering::of(response) {
                    Some(answering) => {
                        self.sessions[slot].challenge = Some(answering);
                        self.invite(slot, challenges + 1, ctx);
                    }
                    None => self.uninvited(slot, refusal(outcome)),
                }
            }
            // RFC 4028, section 7.4: "the UAC MAY retry the request" with the Min-SE of the 422, which the retry repeats.
            RequestOutcome::Response(response)
                if response.status() == Status::SESSION_INTERVAL_TOO_SMALL
                    && challenges < CHALLENGES =>
            {
                let least = response
                    .head()
                    .min_se()
                    .map_or(INTERVAL, |seconds| Duration::from_secs(seconds.into()));
                self.sessions[slot].timer = Some(SessionTimer {
                    interval: least,
                    ours: true,
                    least,
                });
                self.invite(slot, challenges + 1, ctx);
            }
            _ => self.uninvited(slot, refusal(outcome)),
        }
    }

    fn uninvited(&mut self, slot: usize, why: RequestError) {
        if self.sessions[slot].phase == Phase::Inviting {
            self.tell(slot, SessionEventKind::Refused(why));
        }
        self.sessions.remove(slot);
    }

    pub(super) fn acknowledge(&mut self, slot: usize, cseq: u32) {
        let via = self
            .endpoints
            .via(format_args!("z9hG4bK{slot:x}-{cseq:x}-{:x}", self.random))
            .to_string();
        let known = &self.sessions[slot];
        self.transport
            .compose(|out| known.dialog.ack(out, via, cseq).end());
    }

    /// The 2xx to an INVITE came once more: so does its ACK (RFC 3261, section 13.2.2.4).
    pub(super) fn acknowledge_again(&mut self, response: &Response, cseq: u32) {
        if let Some(slot) = DialogId::of_response(response).and_then(|id| self.dialog(id)) {
            self.acknowledge(slot, cseq);
        }
    }

    /// A random number for a tag or Call-ID, which others must not guess (RFC 3261, section 19.3).
    fn unguessable(&mut self) -> u64 {
        let serial = self.next_serial();
        getrandom::u64().unwrap_or_else(|_| self.random.rotate_left(serial))
    }
}

/// Whether an outcome ends the session: 481, 408 or silence (RFC 3261, section 12.2.1.2).
pub(super) fn over(outcome: &RequestOutcome<'_>) -> Option<SessionEnd> {
    match outcome {
        RequestOutcome::Response(response)
            if response.status() == Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST =>
        {
            Some(SessionEnd::Unknown)
        }
        RequestOutcome::Response(response) if response.status() == Status::REQUEST_TIMEOUT => {
            Some(SessionEnd::Silent)
        }
        RequestOutcome::Response(_) | RequestOutcome::TooLarge => None,
        RequestOutcome::TimedOut => Some(SessionEnd::Silent),
        RequestOutcome::Unreachable => Some(SessionEnd::ConnectionLost),
    }
}

fn allows_update(head: &uacsta_schema::sip::Head) -> bool {
    head.list(HeaderName::Allow)
        .any(|method| method == "UPDATE")
}
