//! The link's client transactions: requests that were sent, and what their responses lead to.

use std::time::Duration;

use actix::Context;
use bytes::BytesMut;
use smallvec::SmallVec;
use uacsta_schema::sip::{Composer, HeaderName, Method, Response, Status};

use super::{SipConnection, challenge::Authorization, serve::CSTA};
use crate::sip::{
    datagrams::{Sent, TooLarge},
    session::{Body, RequestError},
    transaction::{Effect, Effects, Event, Timer, Transport, client, invite_client},
    uas::Uas,
};

/// A request that was sent.
pub(super) struct ClientTransaction {
    serial: u32,
    machine: Machine,
    /// The request, where the transport does not repeat it by itself.
    sent: Option<Box<Sent>>,
    deadlines: SmallVec<[(Timer, Duration); 1]>,
    cseq: u32,
    pub(super) purpose: Purpose,
}

/// What a request was sent for.
pub(super) enum Purpose {
    /// Opens a session; so many challenges were answered.
    Invite { session: usize, challenges: u8 },
    /// Refreshes a session by INVITE or UPDATE.
    Refresh { session: usize },
    /// A CSTA request; the content is kept to answer a challenge.
    Invoke {
        session: usize,
        ticket: u64,
        content: Option<Body>,
        challenges: u8,
    },
    /// A CSTA event.
    Notify { session: usize },
    /// Opened or refreshed a session by an INVITE whose 2xx came: its repetitions are acknowledged.
    Accepted,
    /// Ends a session that is forgotten already.
    Bye,
    /// Logs this end on.
    Register,
}

/// What became of a request.
pub(super) enum Outcome<'a> {
    Response(&'a Response),
    TimedOut,
    Unreachable,
    /// It was not sent.
    TooLarge,
}

#[derive(Clone, Copy)]
enum Machine {
    Invite(invite_client::State),
    Other(client::State),
}

impl Machine {
    fn on(&mut self, event: Event, transport: Transport) -> Effects {
        let effects;
        match self {
            Self::Invite(state) => (*state, effects) = state.on(event, transport),
            Self::Other(state) => (*state, effects) = state.on(event, transport),
        }
        effects
    }
}

/// The names in a branch of ours: slot, serial, and what tells this link from all others.
pub(super) struct Branch {
    pub(super) slot: usize,
    serial: u32,
    random: u64,
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "z9hG4bK{:x}-{:x}-{:x}",
            self.slot, self.serial, self.random
        )
    }
}

impl Purpose {
    /// The session that the request belongs to.
    pub(super) fn session(&self) -> Option<usize> {
        match self {
            Self::Invite { session, .. }
            | Self::Refresh { session }
            | Self::Invoke { session, .. }
            | Self::Notify { session } => Some(*session),
            Self::Accepted | Self::Bye | Self::Register => None,
        }
    }
}

impl<U: Uas> SipConnection<U> {
    /// Sends a request in a session's dialog: `compose` writes what follows the CSeq.
    pub(super) fn send(
        &mut self,
        session: usize,
        method: &Method,
        purpose: Purpose,
        ctx: &mut Context<Self>,
        compose: impl FnOnce(Composer<'_>, &Authorization),
    ) {
        let branch = self.begin(method, purpose, ctx);
        let slot = branch.slot;
        let via = self.place.via(branch);
        let known = &mut self.sessions[session];
        let sent = self.wire.request(|out| {
            let composer = known.dialog.request(out, method, via);
            compose(
                composer,
                &Authorization::of(
                    &mut known.challenge,
                    known.login.as_deref(),
                    known.dialog.target(),
                    method,
                ),
            );
        });
        self.clients[slot].cseq = known.dialog.local_cseq();
        self.left(slot, sent, ctx);
    }

    /// A request has left, or is too large to: then that is what becomes of it.
    pub(super) fn left(
        &mut self,
        slot: usize,
        sent: Result<(), TooLarge>,
        ctx: &mut Context<Self>,
    ) {
        match sent {
            Ok(()) => self.clients[slot].sent = self.wire.sent(),
            Err(TooLarge { length }) => {
                tracing::warn!(peer = %self.place.peer, mac = self.mac(), length, "a request is too large for a datagram and was not sent (RFC 3261 18.1.1): let the phone use TCP");
                let ClientTransaction { purpose, cseq, .. } = self.clients.remove(slot);
                self.concluded(purpose, cseq, Outcome::TooLarge, ctx);
            }
        }
    }

    /// Starts a client transaction, whose request the caller composes with the branch.
    pub(super) fn begin(
        &mut self,
        method: &Method,
        purpose: Purpose,
        ctx: &mut Context<Self>,
    ) -> Branch {
        let serial = self.next_serial();
        let mut machine = match method {
            Method::Invite => Machine::Invite(invite_client::State::NEW),
            _ => Machine::Other(client::State::NEW),
        };
        let mut deadlines = SmallVec::new();
        let now = self.clock.now();
        for effect in machine.on(Event::Start, self.place.reliability()) {
            if let Effect::Set(timer, after) = effect {
                deadlines.push((timer, now + after));
                self.wake_at(now + after, ctx);
            }
        }
        let slot = self.clients.insert(ClientTransaction {
            serial,
            machine,
            sent: None,
            deadlines,
            cseq: 0,
            purpose,
        });
        Branch {
            slot,
            serial,
            random: self.random,
        }
    }

    /// A response arrived. One that no transaction waits for is dropped (RFC 3261 18.1.2), but for the 2xx that repeats.
    pub(super) fn response(&mut self, response: &Response, ctx: &mut Context<Self>) {
        let Some(slot) = self.transaction(response) else {
            tracing::debug!(peer = %self.place.peer, mac = self.mac(), who = self.uas.peer(), status = response.status().code(), "response to nothing that waits");
            return;
        };
        let effects = self.clients[slot]
            .machine
            .on(Event::Response(response.status()), self.place.reliability());
        self.carry_out(slot, effects, Some(response), ctx);
    }

    /// The transaction that a response answers (RFC 3261 17.1.3).
    fn transaction(&self, response: &Response) -> Option<usize> {
        let via = response.head().top_via().ok()?;
        let mut parts = via.branch()?.strip_prefix("z9hG4bK")?.split('-');
        let slot = usize::from_str_radix(parts.next()?, 16).ok()?;
        let serial = u32::from_str_radix(parts.next()?, 16).ok()?;
        let random = u64::from_str_radix(parts.next()?, 16).ok()?;
        self.clients
            .get(slot)
            .filter(|known| known.serial == serial && random == self.random)
            .map(|_| slot)
    }

    fn carry_out(
        &mut self,
        slot: usize,
        effects: Effects,
        response: Option<&Response>,
        ctx: &mut Context<Self>,
    ) {
        let mut over = false;
        let mut outcome = None;
        for effect in effects {
            match effect {
                Effect::Deliver => outcome = response.map(Outcome::Response),
                Effect::TimedOut => outcome = Some(Outcome::TimedOut),
                Effect::Unreachable => outcome = Some(Outcome::Unreachable),
                Effect::Acknowledge => {
                    if let Some(response) = response {
                        self.acknowledge_refusal(slot, response);
                    }
                }
                Effect::Set(timer, after) => {
                    let at = self.clock.now() + after;
                    self.clients[slot]
                        .deadlines
                        .retain(|(known, _)| *known != timer);
                    self.clients[slot].deadlines.push((timer, at));
                    self.wake_at(at, ctx);
                }
                Effect::Terminate => over = true,
                Effect::Transmit => {
                    if let Some(sent) = &self.clients[slot].sent {
                        self.wire.repeat(sent);
                    }
                }
            }
        }
        let cseq = self.clients[slot].cseq;
        if over {
            let transaction = self.clients.remove(slot);
            if let Some(outcome) = outcome {
                self.concluded(transaction.purpose, cseq, outcome, ctx);
            }
        } else if let Some(Outcome::Response(response)) = outcome
            && response.status().is_success()
        {
            // A 2xx to an INVITE: the transaction stays for its repetitions, each of which is acknowledged.
            let purpose = std::mem::replace(&mut self.clients[slot].purpose, Purpose::Accepted);
            self.clients[slot]
                .deadlines
                .retain(|(timer, _)| *timer == Timer::M);
            if let Purpose::Accepted = purpose {
                self.acknowledge_again(response, cseq);
            } else {
                self.concluded(purpose, cseq, Outcome::Response(response), ctx);
            }
        }
    }

    /// The ACK for a refusal has the INVITE's branch (RFC 3261 17.1.1.3).
    fn acknowledge_refusal(&mut self, slot: usize, response: &Response) {
        let known = &self.clients[slot];
        let Some(session) = known
            .purpose
            .session()
            .and_then(|session| self.sessions.get(session))
        else {
            return;
        };
        let via = self.place.via(Branch {
            slot,
            serial: known.serial,
            random: self.random,
        });
        let tag = response
            .head()
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned));
        self.wire.compose(|out: &mut BytesMut| {
            session
                .dialog
                .ack_refusal(out, via, known.cseq, tag.as_deref())
                .end();
        });
    }

    /// Fires the timers that are due; returns when the next one is.
    pub(super) fn sweep_clients(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        let due: Vec<(usize, Timer)> = self
            .clients
            .iter()
            .flat_map(|(slot, known)| {
                known
                    .deadlines
                    .iter()
                    .filter(|(_, at)| *at <= now)
                    .map(move |(timer, _)| (slot, *timer))
            })
            .collect();
        for (slot, timer) in due {
            let Some(known) = self.clients.get_mut(slot) else {
                continue;
            };
            known.deadlines.retain(|(set, _)| *set != timer);
            let effects = known
                .machine
                .on(Event::Fired(timer), self.place.reliability());
            self.carry_out(slot, effects, None, ctx);
        }
        self.clients
            .iter()
            .flat_map(|(_, known)| known.deadlines.iter().map(|(_, at)| *at))
            .min()
    }

    /// Forgets what was sent and nobody waits to see answered: a thousand sessions that end at once need not look for their own.
    pub(super) fn forget_events(&mut self) {
        self.clients
            .retain(|_, known| matches!(known.purpose, Purpose::Invoke { .. }));
    }

    /// Forgets the requests of a session that is over; each request of its owner is told.
    pub(super) fn abandon(&mut self, session: usize) -> Vec<u64> {
        let slots: Vec<usize> = self
            .clients
            .iter()
            .filter(|(_, known)| known.purpose.session() == Some(session))
            .map(|(slot, _)| slot)
            .collect();
        let mut tickets = Vec::new();
        for slot in slots {
            if let Purpose::Invoke { ticket, .. } = self.clients.remove(slot).purpose {
                tickets.push(ticket);
            }
        }
        tickets
    }
}

/// The longest wait that a peer's Retry-After is granted: one that asks for years is asked again all the same.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Why a request got no positive response.
pub(super) fn refusal(outcome: &Outcome<'_>) -> RequestError {
    match outcome {
        Outcome::Response(response) => RequestError::Refused {
            status: response.status(),
            body: response.body().clone(),
            retry_after: response
                .head()
                .get(HeaderName::RetryAfter)
                .and_then(|value| value.split([' ', ';', '(']).next())
                .and_then(|seconds| seconds.parse().ok())
                .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT)),
        },
        Outcome::TimedOut => RequestError::TimedOut,
        Outcome::Unreachable => RequestError::Ended,
        Outcome::TooLarge => RequestError::TooLarge,
    }
}

/// Whether a status asks for credentials.
pub(super) fn is_challenge(status: Status) -> bool {
    status == Status::UNAUTHORIZED || status == Status::PROXY_AUTHENTICATION_REQUIRED
}

/// Finishes a request with a CSTA document (TR/87: `Content-Disposition: signal;handling=required`).
pub(super) fn with_csta(composer: Composer<'_>, content: &Body) {
    composer
        .header(HeaderName::ContentDisposition, "signal;handling=required")
        .body_with(CSTA, content.length(), |out| content.write(out));
}
