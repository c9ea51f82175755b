//! Whether a phone may be controlled: it must be bound, enabled, and have a licence permit.

use std::{sync::Arc, time::Duration};

use super::Status;
use crate::{licensing::LicencePermit, registration::PhoneBinding};

/// The conditions for a CSTA session with a phone.
pub(super) struct Admission {
    enabled: bool,
    binding: Option<Arc<PhoneBinding>>,
    permit: PermitState,
}

enum PermitState {
    /// The phone needs no permit, or the request for one is pending.
    None,
    Held(LicencePermit),
    /// No permit has been free for the phone since this time.
    Lacking(Duration),
}

/// How long calls may continue without a permit.
const GRACE: Duration = Duration::from_secs(3600);

impl Admission {
    pub(super) fn new(enabled: bool, binding: Option<Arc<PhoneBinding>>) -> Self {
        Self {
            enabled,
            binding,
            permit: PermitState::None,
        }
    }

    /// The admission of the actor's successor, which keeps the permit; the registrar sends the binding.
    pub(super) fn inherited(&mut self) -> Self {
        Self {
            enabled: self.enabled,
            binding: None,
            permit: std::mem::replace(&mut self.permit, PermitState::None),
        }
    }

    pub(super) fn binding(&self) -> Option<&Arc<PhoneBinding>> {
        self.binding.as_ref()
    }

    /// The User-Agent that the phone registered with.
    pub(super) fn user_agent(&self) -> Option<&str> {
        self.binding.as_ref()?.user_agent.as_deref()
    }

    pub(super) fn bind(&mut self, binding: Arc<PhoneBinding>) {
        self.binding = Some(binding);
    }

    pub(super) fn unbind(&mut self) -> Option<Arc<PhoneBinding>> {
        self.binding.take()
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Returns whether the value changed.
    pub(super) fn enable(&mut self, enabled: bool) -> bool {
        std::mem::replace(&mut self.enabled, enabled) != enabled
    }

    /// Whether the phone is bound and enabled; only the permit may be missing.
    pub(super) fn is_wanted(&self) -> bool {
        self.enabled && self.binding.is_some()
    }

    pub(super) fn has_permit(&self) -> bool {
        matches!(self.permit, PermitState::Held(_))
    }

    pub(super) fn grant(&mut self, permit: LicencePermit) {
        self.permit = PermitState::Held(permit);
    }

    /// No permit is free for the phone; returns whether this is a change.
    pub(super) fn deny(&mut self, now: Duration) -> bool {
        let is_news = matches!(self.permit, PermitState::None);
        if is_news {
            self.permit = PermitState::Lacking(now);
        }
        is_news
    }

    /// Releases the permit if licensing has withdrawn it; returns whether it had.
    pub(super) fn withdraw(&mut self) -> bool {
        let is_withdrawn =
            matches!(&self.permit, PermitState::Held(permit) if permit.is_withdrawn());
        if is_withdrawn {
            self.permit = PermitState::None;
        }
        is_withdrawn
    }

    /// Releases the permit, and stops waiting for one.
    pub(super) fn release_permit(&mut self) {
        self.permit = PermitState::None;
    }

    /// Whether the phone waits for a free permit.
    pub(super) fn is_unlicensed(&self) -> bool {
        matches!(self.permit, PermitState::Lacking(_))
    }

    /// Whether the grace period for calls without a licence is over.
    pub(super) fn is_grace_over(&self, now: Duration) -> bool {
        matches!(self.permit, PermitState::Lacking(since) if is_grace_over(since, now))
    }

    pub(super) fn status(&self, is_open: bool) -> Status {
        match (&self.binding, is_open) {
            (None, _) => Status::Away,
            (Some(_), false) => Status::Registered,
            (Some(_), true) => Status::Controlled,
        }
    }
}

/// Whether the calls of a phone without a permit since this time are to end.
pub(super) fn is_grace_over(since: Duration, now: Duration) -> bool {
    now >= since + GRACE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_without_a_licence_has_an_hour_of_grace() {
        let mut admission = Admission::new(true, None);
        let since = Duration::from_secs(10);
        assert!(!admission.is_unlicensed() && !admission.is_grace_over(since + GRACE));
        assert!(admission.deny(since));
        assert!(!admission.deny(since * 2), "it is known already");
        assert!(admission.is_unlicensed() && !admission.has_permit());
        for (now, expected) in [(0, false), (3599, false), (3600, true)] {
            let now = since + Duration::from_secs(now);
            assert_eq!(admission.is_grace_over(now), expected, "{now:?}");
        }
        assert!(admission.inherited().is_unlicensed());
        admission.deny(since);
        admission.release_permit();
        assert!(!admission.is_unlicensed() && !admission.withdraw());
    }

    #[test]
    fn an_unbound_or_disabled_phone_is_not_wanted() {
        let mut admission = Admission::new(false, None);
        assert!(!admission.is_wanted() && !admission.is_enabled());
        assert!(admission.enable(true) && !admission.enable(true));
        assert!(!admission.is_wanted());
        for is_open in [false, true] {
            assert_eq!(admission.status(is_open), Status::Away);
        }
    }
}
