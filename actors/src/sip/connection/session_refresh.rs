//! Refreshes sessions by UPDATE or INVITE, and ends those that were not refreshed in time (RFC 4028).

use std::time::Duration;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::sip::{HeaderName, Method, Request, Status};

use super::{
    SipConnection,
    send::{Purpose, RequestOutcome, with_csta},
    sessions::{Phase, over},
};
use crate::sip::{
    refusals::is_sips,
    session::{Body, SessionEnd, SessionEventKind, request_system_status},
    session_timer::{CROSSINGS, MIN_SE, SessionTimer, after_crossing},
    transaction::LIFE,
    uas::Uas,
};

impl<U: Uas> SipConnection<U> {
    /// A 2xx with this timer was sent: to the INVITE that opens the session, or to one that refreshes it.
    pub(super) fn granted(
        &mut self,
        slot: usize,
        timer: SessionTimer,
        request: &Request,
        opened: bool,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = self.sessions.get_mut(slot) else {
            return;
        };
        session.timer = Some(timer);
        if opened {
            self.tell(slot, SessionEventKind::Opened(Bytes::new()));
        } else if *request.method() == Method::Invite {
            // The re-INVITE's ACK is not waited for: the session is open either way.
            session.phase = Phase::Open;
        }
        self.schedule(slot, ctx);
    }

    /// The ACK of the 2xx that opened a session came: from now on its timer runs.
    pub(super) fn confirmed(&mut self, slot: usize, ctx: &mut Context<Self>) {
        if self.sessions[slot].phase == Phase::Unacknowledged {
            self.sessions[slot].phase = Phase::Open;
            self.schedule(slot, ctx);
        }
    }

    /// A refresh of ours came to its end.
    pub(super) fn refreshed(
        &mut self,
        slot: usize,
        cseq: u32,
        outcome: &RequestOutcome<'_>,
        ctx: &mut Context<Self>,
    ) {
        if let RequestOutcome::Response(response) = outcome
            && response.status().is_success()
        {
            let known = &mut self.sessions[slot];
            known.dialog.retarget(response.head());
            known.timer = SessionTimer::agreed(response.head());
            known.crossed = 0;
            if response
                .head()
                .cseq()
                .is_ok_and(|cseq| cseq.method == Method::Invite)
            {
                self.acknowledge(slot, cseq);
            }
            return self.schedule(slot, ctx);
        }
        match over(outcome) {
            Some(why) => self.end_session(slot, why, ctx),
            // RFC 3261, section 14.1: a refresh that crosses the peer's is tried again.
            None if is_pending(outcome) && self.sessions[slot].crossed < CROSSINGS => {
                let known = &mut self.sessions[slot];
                known.crossed += 1;
                let wait = after_crossing(known.opened);
                self.schedule_in(slot, wait, ctx);
            }
            // RFC 4028, section 7.4: "the UAC MAY retry the request" with the Min-SE of the 422.
            None if let Some(least) = too_short(outcome)
                && self.sessions[slot].crossed < CROSSINGS =>
            {
                let known = &mut self.sessions[slot];
                known.crossed += 1;
                let timer = SessionTimer {
                    interval: least,
                    ours: true,
                    least,
                };
                self.refresh(slot, timer, ctx);
            }
            // Refused, but the session lives until its end comes.
            None => {
                if let Some(timer) = self.sessions[slot].timer {
                    let last = SessionTimer {
                        ours: false,
                        ..timer
                    };
                    self.sessions[slot].timer = Some(last);
                    let at = self.sessions[slot].renewed + last.due();
                    self.schedule_in(slot, at.saturating_sub(self.clock.now()), ctx);
                }
            }
        }
    }

    /// Sets the time of the next refresh, or of the end.
    pub(super) fn schedule(&mut self, slot: usize, ctx: &mut Context<Self>) {
        let session = &self.sessions[slot];
        match (session.phase, session.timer) {
            // RFC 3261, section 13.3.1.4: without an ACK within 64*T1 the session is ended by BYE.
            (Phase::Unacknowledged, _) => self.schedule_in(slot, LIFE, ctx),
            (_, Some(timer)) => {
                self.sessions[slot].renewed = self.clock.now();
                self.schedule_in(slot, timer.due(), ctx);
            }
            (_, None) => self.sessions[slot].due = None,
        }
    }

    fn schedule_in(&mut self, slot: usize, after: Duration, ctx: &mut Context<Self>) {
        let at = self.clock.now() + after;
        self.sessions[slot].due = Some(at);
        self.wake_at(at, ctx);
    }

    /// Refreshes or ends the sessions that are due; returns when the next one is.
    pub(super) fn sweep_sessions(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        let due: Vec<usize> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.due.is_some_and(|at| at <= now))
            .map(|(slot, _)| slot)
            .collect();
        for slot in due {
            let session = &mut self.sessions[slot];
            session.due = None;
            match (session.phase, session.timer) {
                (Phase::Unacknowledged, _) => self.end_session(slot, SessionEnd::Silent, ctx),
                (_, Some(SessionTimer { ours: false, .. })) => {
                    self.end_session(slot, SessionEnd::Expired, ctx);
                }
                (_, Some(timer)) => self.refresh(slot, timer, ctx),
                (_, None) => {}
            }
        }
        self.sessions
            .iter()
            .filter_map(|(_, session)| session.due)
            .min()
    }

    /// Refreshes a session: UPDATE where the peer takes it, else INVITE with the request that opened it.
    fn refresh(&mut self, slot: usize, timer: SessionTimer, ctx: &mut Context<Self>) {
        let method = if self.sessions[slot].updates {
            Method::Update
        } else {
            Method::Invite
        };
        let edition = self.sessions[slot].edition;
        let sips = is_sips(self.sessions[slot].dialog.target());
        let contact = self.endpoints.contact(sips).to_string();
        self.send(
            slot,
            &method,
            Purpose::Refresh { session: slot },
            ctx,
            |composer, authorization| {
                let composer = authorization
                    .add(composer)
                    .header(HeaderName::Contact, contact)
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::SessionExpires, timer.header(true))
                    .header(HeaderName::MinSe, timer.least.as_secs());
                match method {
                    Method::Invite => {
                        with_csta(composer, &Body::Whole(request_system_status(edition)));
                    }
                    _ => composer.end(),
                }
            },
        );
    }
}

/// Whether the peer has a request of its own under way (491).
fn is_pending(outcome: &RequestOutcome<'_>) -> bool {
    matches!(outcome, RequestOutcome::Response(response) if response.status() == Status::REQUEST_PENDING)
}

/// The shortest interval that the peer takes, where ours is too short for it (422).
fn too_short(outcome: &RequestOutcome<'_>) -> Option<Duration> {
    match outcome {
        RequestOutcome::Response(response)
            if response.status() == Status::SESSION_INTERVAL_TOO_SMALL =>
        {
            let least = response.head().min_se()?;
            Some(Duration::from_secs(least.into()).max(MIN_SE))
        }
        _ => None,
    }
}
