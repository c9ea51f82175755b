//! Determines the provider of each service: the phone by its own list or its maker's profile, or the server's emulation.

use std::sync::Arc;

use uacsta_config::Profile;
use uacsta_schema::{
    csta::{Capability, Edition, EventId, Features, GetCSTAFeaturesResponse, ServiceId},
    mac::Mac,
};

use super::ProfileEntry;
use crate::context::RuntimeConfig;

/// The capabilities of one phone.
pub(super) struct Capabilities {
    profile: Arc<Profile>,
    firmware: Option<String>,
    /// Whether `phones.pickup`, the feature code that emulates DirectedPickupCall, is set.
    has_pickup_code: bool,
    /// The phone's answer to GetCSTAFeatures.
    listed: Option<Listed>,
    /// Services that the phone rejected as not supported.
    rejected: Vec<ServiceId>,
    /// Services that the server asked for itself, and the phone did not answer.
    unanswered: Vec<ServiceId>,
}

/// The services and events that a phone lists. An empty list of events counts as no list.
struct Listed {
    services: Box<[ServiceId]>,
    events: Box<[EventId]>,
}

/// The provider of a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Provider {
    Phone,
    /// The server, with other services of the phone or with its own data.
    Emulation,
    /// No known provider. The request still goes to the phone, which decides.
    Nobody,
}

impl Capabilities {
    pub(super) fn new(config: &RuntimeConfig, mac: Option<Mac>, user_agent: Option<&str>) -> Self {
        let profile = config.profiles.recognise(mac.map(Mac::oui), user_agent);
        Self {
            firmware: profile.describe(user_agent).firmware,
            profile,
            has_pickup_code: !config.settings.phones.pickup.is_empty(),
            listed: None,
            rejected: Vec::new(),
            unanswered: Vec::new(),
        }
    }

    /// Applies a new configuration; the phone's own lists stay.
    pub(super) fn reconfigure(
        &mut self,
        config: &RuntimeConfig,
        mac: Option<Mac>,
        user_agent: Option<&str>,
    ) {
        *self = Self {
            listed: self.listed.take(),
            rejected: std::mem::take(&mut self.rejected),
            unanswered: std::mem::take(&mut self.unanswered),
            ..Self::new(config, mac, user_agent)
        };
    }

    /// The edition for requests to the phone until the phone uses another one.
    pub(super) fn edition(&self) -> Edition {
        // Editions of ECMA-323 are counted from the second.
        let number = usize::from(self.profile.edition).saturating_sub(2);
        Edition::ALL.get(number).copied().unwrap_or_default()
    }

    /// Whether the phone accepts only one request at a time.
    pub(super) fn is_serial(&self) -> bool {
        self.profile.serial
    }

    /// The maker and model, as far as the User-Agent names them.
    pub(super) fn model(&self, user_agent: Option<&str>) -> Option<String> {
        let described = self.profile.describe(user_agent);
        let name = [described.maker, described.model.unwrap_or_default()].join(" ");
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// The profile's entry for a service, regardless of the phone's own list.
    pub(super) fn profile_entry(&self, service: ServiceId) -> ProfileEntry {
        ProfileEntry {
            has: self.profile.has(service, self.firmware.as_deref()),
            since: self.profile.since(service).map(str::to_owned),
            emulated: self.profile.emulates(service),
        }
    }

    /// The phone answered GetCSTAFeatures. An answer without lists changes nothing.
    pub(super) fn features_listed(&mut self, response: &GetCSTAFeaturesResponse) {
        let Some(services) = &response.supported_services else {
            return;
        };
        let events = response.supported_events.as_ref();
        self.listed = Some(Listed {
            services: services.services().collect(),
            events: events.into_iter().flat_map(Features::events).collect(),
        });
    }

    /// Whether the phone has listed its features.
    pub(super) fn are_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// The phone provided a service, or rejected it as not supported.
    pub(super) fn proved(&mut self, service: ServiceId, supported: bool) {
        self.rejected.retain(|rejected| *rejected != service);
        self.unanswered.retain(|unanswered| *unanswered != service);
        if !supported {
            self.rejected.push(service);
        }
    }

    /// The phone did not answer a request of the server's own. That does not show that the phone lacks the service, but
    /// repeating the request would delay others by one timeout each time.
    pub(super) fn unanswered(&mut self, service: ServiceId) {
        if !self.unanswered.contains(&service) {
            self.unanswered.push(service);
        }
    }

    /// Whether the server asks the phone for a service by itself.
    pub(super) fn is_worth_asking(&self, service: ServiceId) -> bool {
        self.has(service) && !self.unanswered.contains(&service)
    }

    /// Who provides a service at this phone's lines.
    pub(super) fn provider(&self, service: ServiceId) -> Provider {
        if self.has(service) {
            Provider::Phone
        } else if self.can_emulate(service) {
            Provider::Emulation
        } else {
            Provider::Nobody
        }
    }

    /// Whether the phone itself provides a service: by its own list, else by its maker's profile.
    pub(super) fn has(&self, service: ServiceId) -> bool {
        self.phone_says(service)
            .unwrap_or_else(|| self.profile.has(service, self.firmware.as_deref()))
    }

    /// The response to GetCSTAFeatures: the services and events that work on this phone's lines, whoever provides them.
    pub(super) fn features(&self) -> GetCSTAFeaturesResponse {
        let (services, events) = self.listed();
        GetCSTAFeaturesResponse {
            supported_services: Some(services.collect()),
            supported_events: Some(events.collect()),
        }
    }

    /// The services and events that a client can rely on, as in capability lists.
    pub(super) fn listed(
        &self,
    ) -> (
        impl Iterator<Item = Capability>,
        impl Iterator<Item = Capability>,
    ) {
        let services = ServiceId::ALL
            .iter()
            .filter(|service| self.works(**service));
        let events = EventId::ALL.iter().filter(|event| self.reports(**event));
        (
            services.filter_map(|service| service.capability()),
            events.filter_map(|event| event.capability()),
        )
    }

    /// Whether a client can count on a service.
    pub(super) fn works(&self, service: ServiceId) -> bool {
        if service.is_by_server() {
            return true;
        }
        match self.provider(service) {
            // If the phone rejects the service, the server emulates it.
            Provider::Phone => {
                self.phone_says(service) == Some(true)
                    || self.profile.lists(service, self.firmware.as_deref())
                    || self.can_emulate(service)
            }
            Provider::Emulation => true,
            Provider::Nobody => false,
        }
    }

    /// Whether a client can rely on an event: by the phone's own list, else by the service that causes the event.
    pub(super) fn reports(&self, event: EventId) -> bool {
        let by = event.comes_with();
        if matches!(
            event,
            EventId::BackInServiceEvent | EventId::OutOfServiceEvent
        ) {
            return by.is_some_and(|service| self.works(service));
        }
        by.is_some_and(|service| self.provider(service) == Provider::Emulation)
            || self
                .phone_sends(event)
                .unwrap_or_else(|| by.is_some_and(|service| self.works(service)))
    }

    /// Whether the server may emulate a service, and the phone provides the required services.
    fn can_emulate(&self, service: ServiceId) -> bool {
        self.profile.emulates(service)
            && (service != ServiceId::DirectedPickupCall || self.has_pickup_code)
            && service
                .made_of()
                .is_some_and(|parts| parts.iter().all(|part| self.has(*part)))
    }

    /// Whether the phone provides a service by its own list; `None` without a list.
    fn phone_says(&self, service: ServiceId) -> Option<bool> {
        if self.rejected.contains(&service) {
            return Some(false);
        }
        let listed = self.listed.as_ref()?;
        service
            .capability()
            .map(|_| listed.services.contains(&service))
    }

    /// Whether the phone sends an event by its own list; `None` if the phone listed no events.
    fn phone_sends(&self, event: EventId) -> Option<bool> {
        let events = &self.listed.as_ref()?.events;
        (!events.is_empty()).then(|| events.contains(&event))
    }
}

#[cfg(test)]
impl Capabilities {
    /// A phone of an unknown maker, whose profile allows the server to emulate every service.
    pub(super) fn generic() -> Self {
        Self {
            profile: uacsta_config::Profiles::shipped().recognise(None, None),
            firmware: None,
            has_pickup_code: true,
            listed: None,
            rejected: Vec::new(),
            unanswered: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
