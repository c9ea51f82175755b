//! Links that begin a session once, for a browser without a password; the server keeps hashes of them only.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::sessions::{key, secret};

/// The links that nobody has opened yet.
#[derive(Default)]
pub struct Links(Mutex<HashMap<[u8; 32], Link>>);

struct Link {
    /// The operator's id.
    operator: String,
    /// By the server's clock.
    ends: Duration,
}

/// How long a link is good.
pub const LIFE: Duration = Duration::from_secs(600);
/// The most links; the one that ends first is dropped for a new one.
const MOST: usize = 16;

impl Links {
    /// Makes a link for an operator, and returns its secret.
    ///
    /// # Errors
    /// No random numbers.
    pub fn make(&self, operator: &str, now: Duration) -> Result<String, getrandom::Error> {
        let secret = secret::<32>()?;
        let mut links = self.lock();
        links.retain(|_, link| link.ends > now);
        if links.len() >= MOST {
            let first = links.iter().min_by_key(|(_, link)| link.ends);
            let first = first.map(|(key, _)| *key);
            first.map(|key| links.remove(&key));
        }
        let link = Link {
            operator: operator.to_owned(),
            ends: now + LIFE,
        };
        links.insert(key(&secret), link);
        Ok(secret)
    }

    /// Spends the link with this secret on `begin`, which gets the operator; `None` if there is none. It is not ended meanwhile.
    pub fn redeem<R>(
        &self,
        secret: &str,
        now: Duration,
        begin: impl FnOnce(&str) -> R,
    ) -> Option<R> {
        let mut links = self.lock();
        let link = links.remove(&key(secret))?;
        (link.ends > now).then(|| begin(&link.operator))
    }

    /// Ends all links of an operator.
    pub fn end_all_of(&self, operator: &str) {
        self.lock().retain(|_, link| link.operator != operator);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn redeem(links: &Links, secret: &str, now: Duration) -> Option<String> {
        links.redeem(secret, now, str::to_owned)
    }

    #[test]
    fn link_is_good_once_and_within_its_life() {
        let links = Links::default();
        let now = Duration::from_secs(7);
        let make = || links.make("anna", now).unwrap();
        let (used, late, in_time) = (make(), make(), make());
        assert_eq!(redeem(&links, &used, now).as_deref(), Some("anna"));
        assert_eq!(redeem(&links, &used, now), None);
        assert_eq!(redeem(&links, "other", now), None);
        assert_eq!(redeem(&links, "", now), None);
        let end = now + LIFE;
        let last = end - Duration::from_millis(1);
        assert_eq!(redeem(&links, &in_time, last).as_deref(), Some("anna"));
        assert_eq!(redeem(&links, &late, end), None);
    }

    #[test]
    fn links_are_bounded_and_end_with_their_operator() {
        let links = Links::default();
        let at = |number: usize| Duration::from_millis(number as u64);
        let all: Vec<String> = (0..=MOST)
            .map(|number| links.make("anna", at(number)).unwrap())
            .collect();
        assert_eq!(links.lock().len(), MOST);
        assert_eq!(redeem(&links, &all[0], at(MOST)), None);
        let other = links.make("bert", at(MOST)).unwrap();
        links.end_all_of("anna");
        assert_eq!(redeem(&links, &all[MOST], at(MOST)), None);
        assert_eq!(redeem(&links, &other, at(MOST)).as_deref(), Some("bert"));
    }
}
