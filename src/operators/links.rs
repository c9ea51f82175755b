//! Links that begin a session once, for a browser without a password; the server keeps hashes of them only.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Identity, PasswordId,
    sessions::{key, secret},
};

/// The links that nobody has opened yet.
#[derive(Default)]
pub(super) struct Links(Mutex<HashMap<[u8; 32], Link>>);

struct Link {
    /// The operator's id.
    operator: String,
    /// The operator's password when it was made.
    password: PasswordId,
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
    pub(super) fn make(
        &self,
        operator: &Identity,
        now: Duration,
    ) -> Result<String, getrandom::Error> {
        let secret = secret::<32>()?;
        let mut links = self.lock();
        links.retain(|_, link| link.ends > now);
        if links.len() >= MOST {
            let first = links.iter().min_by_key(|(_, link)| link.ends);
            let first = first.map(|(key, _)| *key);
            first.map(|key| links.remove(&key));
        }
        let link = Link {
            operator: operator.id.clone(),
            password: operator.password,
            ends: now + LIFE,
        };
        links.insert(key(&secret), link);
        Ok(secret)
    }

    /// Spends the link with this secret: the id of its operator, and the password when it was made; `None` if there is none.
    pub(super) fn redeem(&self, secret: &str, now: Duration) -> Option<(String, PasswordId)> {
        let link = self.lock().remove(&key(secret))?;
        (link.ends > now).then_some((link.operator, link.password))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::Right, *};

    const PASSWORD: PasswordId = PasswordId::Administrator(7);

    fn anna() -> Identity {
        Identity {
            id: "anna".to_owned(),
            name: "Anna".to_owned(),
            rights: Right::Admin,
            password: PASSWORD,
        }
    }

    fn redeem(links: &Links, secret: &str, now: Duration) -> Option<String> {
        let (operator, password) = links.redeem(secret, now)?;
        assert_eq!(password, PASSWORD);
        Some(operator)
    }

    #[test]
    fn link_is_good_once_and_within_its_life() {
        let links = Links::default();
        let now = Duration::from_secs(7);
        let make = || links.make(&anna(), now).unwrap();
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
    fn links_are_bounded_and_the_first_to_end_is_dropped() {
        let links = Links::default();
        let at = |number: usize| Duration::from_millis(number as u64);
        let all: Vec<String> = (0..=MOST)
            .map(|number| links.make(&anna(), at(number)).unwrap())
            .collect();
        assert_eq!(links.lock().len(), MOST);
        assert_eq!(redeem(&links, &all[0], at(MOST)), None);
        assert!(redeem(&links, &all[1], at(MOST)).is_some());
    }
}
