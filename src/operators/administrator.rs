//! The administrator of the settings, `admin`, whose password is `web.password`.

use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use subtle::ConstantTimeEq as _;
use uacsta_config::Secret;

use super::PasswordId;

/// The id and name of the administrator.
pub const ADMIN: &str = "admin";

/// The administrator's password.
#[derive(Default)]
pub(super) struct Administrator {
    password: ArcSwapOption<(Secret, PasswordId)>,
    /// How many passwords there were.
    count: AtomicU64,
}

impl Administrator {
    /// Sets the password. One that is there already stays the same.
    pub(super) fn set_password(&self, password: &Secret) {
        let former = self.password.load();
        if former.as_ref().is_some_and(|former| former.0 == *password) {
            return;
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let new = (password.clone(), PasswordId::Administrator(number));
        self.password.store(Some(new.into()));
    }

    pub(super) fn password_id(&self) -> Option<PasswordId> {
        self.password.load().as_ref().map(|password| password.1)
    }

    /// The password's id if the given one is right. Compares in constant time.
    pub(super) fn verify(&self, given: &str) -> Option<PasswordId> {
        let password = self.password.load();
        let (password, id) = &**password.as_ref()?;
        let is_same = password.expose().as_bytes().ct_eq(given.as_bytes());
        (!password.is_empty() && bool::from(is_same)).then_some(*id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn password_that_is_set_again_has_the_same_id_until_another_one_is_set() {
        let admin = Administrator::default();
        assert_eq!((admin.password_id(), admin.verify("")), (None, None));
        admin.set_password(&"first".into());
        let first = admin.verify("first").unwrap();
        admin.set_password(&"first".into());
        assert_eq!(admin.password_id(), Some(first));
        admin.set_password(&"second".into());
        assert_eq!(admin.verify("first"), None);
        admin.set_password(&"first".into());
        assert_ne!(admin.verify("first").unwrap(), first);
        admin.set_password(&"".into());
        assert_eq!(admin.verify(""), None);
    }
}
