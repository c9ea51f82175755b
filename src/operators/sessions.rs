//! Sessions of people who logged on with a password; the server keeps hashes of their cookies only.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

/// Who is logged on.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

struct Session {
    /// The operator's id.
    operator: String,
    since: Duration,
    used: Duration,
}

/// How long a session lasts without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long a session lasts.
pub(crate) const LIFE: Duration = Duration::from_secs(12 * 3600);
/// The most sessions; the one that was not used for the longest time ends for a new one.
const MOST: usize = 1000;

impl Session {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.used) > IDLE || now.saturating_sub(self.since) > LIFE
    }
}

impl Sessions {
    /// Begins a session of an operator, and returns its cookie.
    ///
    /// # Errors
    /// No random numbers.
    pub fn begin(&self, operator: &str, now: Duration) -> Result<String, getrandom::Error> {
        let cookie = secret::<32>()?;
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.used);
            let oldest = oldest.map(|(key, _)| *key);
            oldest.map(|key| sessions.remove(&key));
        }
        let session = Session {
            operator: operator.to_owned(),
            since: now,
            used: now,
        };
        sessions.insert(key(&cookie), session);
        Ok(cookie)
    }

    /// The operator whose session has this cookie; the session is in use now.
    pub fn operator(&self, cookie: &str, now: Duration) -> Option<String> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&key(cookie))?;
        if session.is_over(now) {
            sessions.remove(&key(cookie));
            return None;
        }
        session.used = now;
        Some(session.operator.clone())
    }

    /// The same, without being a use of the session.
    pub fn holder(&self, cookie: &str, now: Duration) -> Option<String> {
        let sessions = self.lock();
        let session = sessions.get(&key(cookie))?;
        (!session.is_over(now)).then(|| session.operator.clone())
    }

    /// Ends the session with this cookie.
    pub fn end(&self, cookie: &str) {
        self.lock().remove(&key(cookie));
    }

    /// Ends all sessions of an operator.
    pub fn end_all_of(&self, operator: &str) {
        self.lock()
            .retain(|_, session| session.operator != operator);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

/// A random text of so many octets.
pub(super) fn secret<const OCTETS: usize>() -> Result<String, getrandom::Error> {
    let mut octets = [0; OCTETS];
    getrandom::fill(&mut octets)?;
    Ok(BASE64URL_NOPAD.encode(&octets))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn session_ends_when_idle_too_old_or_ended() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let sessions = Sessions::default();
        let begin = || sessions.begin("anna", minutes(0)).unwrap();
        let (idle, busy, ended) = (begin(), begin(), begin());
        sessions.end(&ended);
        assert_eq!(sessions.operator(&ended, minutes(1)), None);
        assert_eq!(sessions.operator("other", minutes(1)), None);
        for tens in 0..=72 {
            let operator = sessions.operator(&busy, minutes(10 * tens));
            assert_eq!(operator.as_deref(), Some("anna"), "{tens}");
        }
        assert_eq!(sessions.operator(&busy, minutes(721)), None);
        assert_eq!(sessions.operator(&idle, minutes(31)), None);
        let last = sessions.begin("anna", minutes(800)).unwrap();
        sessions.end_all_of("anna");
        assert_eq!(sessions.operator(&last, minutes(800)), None);
    }

    #[test]
    fn most_sessions_are_kept_and_the_longest_unused_ends() {
        let sessions = Sessions::default();
        let at = |number: usize| Duration::from_millis(number as u64);
        let all: Vec<String> = (0..=MOST)
            .map(|number| sessions.begin("anna", at(number)).unwrap())
            .collect();
        assert_eq!(sessions.operator(&all[0], at(MOST)), None);
        assert!(sessions.operator(&all[1], at(MOST)).is_some());
        assert_eq!(sessions.lock().len(), MOST);
    }
}
