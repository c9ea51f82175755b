//! Sessions of people who logged on with a password; the server keeps hashes of their cookies only.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use super::{Identity, PasswordId};

/// Who is logged on.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

/// A session. Its times are those of the server's clock.
#[derive(Clone, Debug)]
pub struct Session {
    /// Names the session, and is no secret.
    pub id: String,
    /// The operator's id.
    pub operator: String,
    /// The password that the operator had when it began.
    pub password: PasswordId,
    /// When it began.
    pub since: Duration,
    /// When it was last used.
    pub used: Duration,
    /// From where it was begun.
    pub from: Origin,
}

/// From where a session is begun.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The address, behind proxies that the settings trust.
    pub address: IpAddr,
    /// The program's User-Agent; its first characters are kept.
    pub agent: Option<String>,
}

/// How long a session lasts without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long a session lasts.
pub(crate) const LIFE: Duration = Duration::from_secs(12 * 3600);
/// The most sessions; the one that was not used for the longest time ends for a new one.
const MOST: usize = 1000;
/// The most sessions of one operator, so that nobody ends those of others by logging on again and again.
const MOST_OF_ONE: usize = 16;
/// The most characters of a User-Agent.
const AGENT: usize = 200;

impl Session {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.used) > IDLE || now.saturating_sub(self.since) > LIFE
    }
}

impl Sessions {
    /// Begins a session of an operator, and returns its cookie. Others that `is_good` refuses end.
    ///
    /// # Errors
    /// No random numbers.
    pub(super) fn begin(
        &self,
        operator: &Identity,
        from: Origin,
        now: Duration,
        is_good: impl Fn(&Session) -> bool,
    ) -> Result<String, getrandom::Error> {
        let (cookie, id) = (secret::<32>()?, secret::<6>()?);
        let agent = from.agent.map(|agent| {
            let shown = agent.chars().filter(|c| !c.is_control());
            shown.take(AGENT).collect()
        });
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now) && is_good(session));
        let own = |session: &Session| session.operator == operator.id;
        if sessions.values().filter(|session| own(session)).count() >= MOST_OF_ONE {
            end_longest_unused(&mut sessions, own);
        } else if sessions.len() >= MOST {
            end_longest_unused(&mut sessions, |_| true);
        }
        let session = Session {
            id,
            operator: operator.id.clone(),
            password: operator.password,
            since: now,
            used: now,
            from: Origin { agent, ..from },
        };
        sessions.insert(key(&cookie), session);
        Ok(cookie)
    }

    /// The session that has this cookie; with `is_use` it is in use now.
    pub(super) fn find(&self, cookie: &str, now: Duration, is_use: bool) -> Option<Session> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&key(cookie))?;
        if session.is_over(now) {
            sessions.remove(&key(cookie));
            return None;
        }
        if is_use {
            session.used = now;
        }
        Some(session.clone())
    }

    /// All sessions. Those that `is_good` refuses end.
    pub(super) fn all(&self, now: Duration, is_good: impl Fn(&Session) -> bool) -> Vec<Session> {
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now) && is_good(session));
        sessions.values().cloned().collect()
    }

    /// Ends the session with this id; `None` if there is none.
    pub(super) fn end_by_id(&self, id: &str) -> Option<Session> {
        let mut sessions = self.lock();
        let mut all = sessions.iter();
        let (key, _) = all.find(|(_, session)| session.id == id)?;
        let key = *key;
        sessions.remove(&key)
    }

    /// Ends the session with this cookie.
    pub(super) fn end(&self, cookie: &str) {
        self.lock().remove(&key(cookie));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_longest_unused(
    sessions: &mut HashMap<[u8; 32], Session>,
    is_one: impl Fn(&Session) -> bool,
) {
    let some = sessions.iter().filter(|(_, session)| is_one(session));
    let oldest = some.min_by_key(|(_, session)| session.used);
    let oldest = oldest.map(|(key, _)| *key);
    oldest.map(|key| sessions.remove(&key));
}

/// Under what a secret is kept.
pub(crate) fn key(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A random text of so many octets.
pub(crate) fn secret<const OCTETS: usize>() -> Result<String, getrandom::Error> {
    let mut octets = [0; OCTETS];
    getrandom::fill(&mut octets)?;
    Ok(BASE64URL_NOPAD.encode(&octets))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::Right, *};

    fn home() -> Origin {
        Origin {
            address: [127, 0, 0, 1].into(),
            agent: None,
        }
    }

    fn operator(id: &str) -> Identity {
        Identity {
            id: id.to_owned(),
            name: id.to_owned(),
            rights: Right::Read,
            password: PasswordId::Administrator(7),
        }
    }

    fn begin(sessions: &Sessions, id: &str, from: Origin, now: Duration) -> String {
        let begun = sessions.begin(&operator(id), from, now, |_| true);
        begun.unwrap()
    }

    /// Uses a session, and returns its operator.
    fn used(sessions: &Sessions, cookie: &str, now: Duration) -> Option<String> {
        let session = sessions.find(cookie, now, true);
        session.map(|session| session.operator)
    }

    #[test]
    fn sessions_are_listed_without_their_cookie_and_end_by_their_id() {
        let sessions = Sessions::default();
        let now = Duration::ZERO;
        let agent = Some(format!("Browser\n{}", "x".repeat(1000)));
        let cookie = begin(&sessions, "anna", Origin { agent, ..home() }, now);
        begin(&sessions, "bert", home(), now);
        let all = sessions.all(now, |_| true);
        let anna = all.iter().find(|session| session.operator == "anna");
        let anna = anna.unwrap();
        let agent = anna.from.agent.as_deref().unwrap();
        assert!(agent.starts_with("Browserxxx") && agent.len() == AGENT);
        assert!(!format!("{all:?}").contains(&cookie));
        assert_eq!(sessions.end_by_id(&anna.id).unwrap().operator, "anna");
        assert!(sessions.end_by_id(&anna.id).is_none());
        assert_eq!(used(&sessions, &cookie, now), None);
        assert_eq!(sessions.all(now, |_| true).len(), 1);
        assert!(sessions.all(LIFE * 2, |_| true).is_empty());
    }

    #[test]
    fn session_ends_when_idle_too_old_or_ended() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let sessions = Sessions::default();
        let begun = || begin(&sessions, "anna", home(), minutes(0));
        let (idle, busy, ended) = (begun(), begun(), begun());
        sessions.end(&ended);
        assert_eq!(used(&sessions, &ended, minutes(1)), None);
        assert_eq!(used(&sessions, "other", minutes(1)), None);
        for tens in 0..=72 {
            let operator = used(&sessions, &busy, minutes(10 * tens));
            assert_eq!(operator.as_deref(), Some("anna"), "{tens}");
        }
        assert_eq!(used(&sessions, &busy, minutes(721)), None);
        assert_eq!(used(&sessions, &idle, minutes(31)), None);
        let last = begin(&sessions, "anna", home(), minutes(800));
        assert!(sessions.all(minutes(800), |_| false).is_empty());
        assert_eq!(used(&sessions, &last, minutes(800)), None);
    }

    #[test]
    fn most_sessions_are_kept_and_the_longest_unused_ends() {
        let sessions = Sessions::default();
        let at = |number: usize| Duration::from_millis(number as u64);
        let begun = |number: usize| {
            let operator = format!("operator {number}");
            begin(&sessions, &operator, home(), at(number))
        };
        let all: Vec<String> = (0..=MOST).map(begun).collect();
        assert_eq!(used(&sessions, &all[0], at(MOST)), None);
        assert!(used(&sessions, &all[1], at(MOST)).is_some());
        assert_eq!(sessions.lock().len(), MOST);
    }

    #[test]
    fn operator_with_most_sessions_loses_the_own_longest_unused() {
        let sessions = Sessions::default();
        let at = |number: usize| Duration::from_millis(number as u64);
        let other = begin(&sessions, "bert", home(), at(0));
        let all: Vec<String> = (0..=MOST_OF_ONE)
            .map(|number| begin(&sessions, "anna", home(), at(number)))
            .collect();
        let now = at(MOST_OF_ONE);
        assert_eq!(used(&sessions, &all[0], now), None);
        assert!(used(&sessions, &all[1], now).is_some());
        assert!(used(&sessions, &other, now).is_some());
    }
}
