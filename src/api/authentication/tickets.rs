//! Tickets: each opens one stream of events, for a page that can send neither a token nor the cookie.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use uacsta_actors::auth::{AuthAttempt, AuthUser};
use uacsta_config::Secret;

use super::{Keys, LogOn, Problem};
use crate::{
    api::access::session_cookie,
    operators::{hash_of_secret, random_secret},
    texts::Text,
};

/// The tickets that nobody has used yet, by the hashes of their texts.
#[derive(Default)]
pub(super) struct Tickets(Mutex<HashMap<[u8; 32], Ticket>>);

struct Ticket {
    proof: Proof,
    /// Whose it is.
    party: String,
    /// By the server's clock.
    ends: Duration,
}

/// What a request shows to say who asks; it is checked again while an answer goes on.
pub(in crate::api) enum Proof {
    Authorization(Secret),
    Cookie(Secret),
}

/// How long a ticket is good.
pub(in crate::api) const LIFE: Duration = Duration::from_secs(30);
/// The most tickets of a party; the oldest is dropped for a new one.
const MOST_OF_ONE: usize = 64;
/// The most tickets.
const MOST: usize = 4096;

impl Proof {
    /// That of a request: `Authorization` goes before the cookie.
    fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(AUTHORIZATION) {
            Some(value) => Some(Self::Authorization(value.to_str().ok()?.into())),
            None => Some(Self::Cookie(session_cookie(headers)?.into())),
        }
    }
}

impl Tickets {
    /// Makes a ticket with the rights of a log-on; returns its text.
    fn make(&self, log_on: &LogOn, proof: Proof, now: Duration) -> Result<String, Problem> {
        let text = random_secret::<32>();
        let text = text.map_err(|error| Problem::unavailable(Text::verbatim(error)))?;
        let party = log_on.party();
        let mut tickets = self.lock();
        tickets.retain(|_, ticket| ticket.ends > now);
        let own = tickets.iter().filter(|(_, ticket)| ticket.party == party);
        if own.clone().count() >= MOST_OF_ONE {
            let oldest = own.min_by_key(|(_, ticket)| ticket.ends);
            let oldest = oldest.map(|(key, _)| *key);
            oldest.map(|key| tickets.remove(&key));
        } else if tickets.len() >= MOST {
            let detail = Text::new("too-many-tickets").with("most", MOST);
            return Err(Problem::too_many(detail, LIFE.as_secs()));
        }
        let ends = now + LIFE;
        let ticket = Ticket { proof, party, ends };
        tickets.insert(hash_of_secret(&text), ticket);
        Ok(text)
    }

    /// Spends the ticket with this text; `None` if there is none.
    fn redeem(&self, text: &str, now: Duration) -> Option<Proof> {
        let ticket = self.lock().remove(&hash_of_secret(text))?;
        (ticket.ends > now).then_some(ticket.proof)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Ticket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    /// Checks again what a request has shown.
    pub(in crate::api) fn recheck_proof(&self, proof: &Proof) -> Result<LogOn, Problem> {
        match proof {
            Proof::Authorization(authorization) => self.recheck(authorization.expose()),
            Proof::Cookie(cookie) => self.recheck_cookie(cookie.expose()),
        }
    }

    /// Makes a ticket for who sent a request with these fields.
    pub(in crate::api) fn make_ticket(
        &self,
        who: &LogOn,
        headers: &HeaderMap,
    ) -> Result<String, Problem> {
        let proof = Proof::of(headers).ok_or_else(Problem::not_logged_on)?;
        self.tickets.make(who, proof, self.context.clock.now())
    }

    /// Spends a ticket; returns who made it, and by what.
    ///
    /// Tickets are exempt from the rate limit as tokens are.
    pub(in crate::api) fn redeem_ticket(
        &self,
        ticket: &str,
        address: IpAddr,
    ) -> Result<(LogOn, Proof), Problem> {
        let proof = self.tickets.redeem(ticket, self.context.clock.now());
        let log_on = proof.map(|proof| (self.recheck_proof(&proof), proof));
        if let Some((Ok(log_on), proof)) = log_on {
            return Ok((log_on, proof));
        }
        // No SIP user has a space in its name.
        let attempt = AuthAttempt::new(address, AuthUser::User("a ticket"));
        self.begin_attempt(attempt)?;
        let why = Text::new("ticket-wrong");
        Err(self.failed(attempt, address).because(why))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn make(tickets: &Tickets, name: &str, now: Duration) -> String {
        let proof = Proof::Cookie("cookie".into());
        let log_on = LogOn::administrator(name);
        tickets.make(&log_on, proof, now).unwrap()
    }

    #[test]
    fn ticket_is_good_once_and_within_its_life() {
        let tickets = Tickets::default();
        let now = Duration::from_secs(7);
        let [used, late, in_time] = [(); 3].map(|()| make(&tickets, "anna", now));
        assert!(tickets.redeem(&used, now).is_some());
        for wrong in [&*used, "other", ""] {
            assert!(tickets.redeem(wrong, now).is_none(), "{wrong}");
        }
        let end = now + LIFE;
        let last = end - Duration::from_millis(1);
        assert!(tickets.redeem(&in_time, last).is_some());
        assert!(tickets.redeem(&late, end).is_none());
    }

    #[test]
    fn tickets_are_bounded_and_nobody_loses_those_of_others() {
        let tickets = Tickets::default();
        let at = |number: usize| Duration::from_millis(number as u64);
        let other = make(&tickets, "bert", at(0));
        let own: Vec<String> = (0..=MOST_OF_ONE)
            .map(|number| make(&tickets, "anna", at(number)))
            .collect();
        assert_eq!(tickets.lock().len(), MOST_OF_ONE + 1);
        assert!(tickets.redeem(&own[0], at(99)).is_none());
        assert!(tickets.redeem(&own[1], at(99)).is_some());
        assert!(tickets.redeem(&other, at(99)).is_some());
    }
}
