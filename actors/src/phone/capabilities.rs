//! Who provides a service at a phone's lines: what the phone says of itself, what its maker's profile says, what the server emulates.

use std::sync::Arc;

use uacsta_config::Profile;
use uacsta_schema::{
    csta::{EVENTS, Edition, Features, GetCSTAFeaturesResponse, SERVICES},
    phone_id::PhoneId,
};

use super::ProfileEntry;
use crate::context::RuntimeConfig;

/// The capabilities of one phone.
pub(super) struct Capabilities {
    profile: Arc<Profile>,
    firmware: Option<String>,
    /// Whether `phones.pickup` is set, the feature code that emulates DirectedPickupCall.
    has_pickup_code: bool,
    /// The root elements of the services and events in the phone's answer to GetCSTAFeatures.
    listed: Option<Box<[&'static str]>>,
    /// Services that the phone rejected as not supported.
    rejected: Vec<Box<str>>,
}

/// Who provides a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Provider {
    Phone,
    /// The server, from other services of the phone or from what it knows of it.
    Emulation,
    /// Nobody, as far as is known. The request still goes to the phone, which decides.
    Nobody,
}

impl Capabilities {
    pub(super) fn new(config: &RuntimeConfig, phone: PhoneId, user_agent: Option<&str>) -> Self {
        let profile = config.profiles.recognise(phone.oui(), user_agent);
        Self {
            firmware: profile.describe(user_agent).firmware,
            profile,
            has_pickup_code: !config.settings.phones.pickup.is_empty(),
            listed: None,
            rejected: Vec::new(),
        }
    }

    /// Applies a new configuration; what the phone said of itself stays.
    pub(super) fn reconfigure(
        &mut self,
        config: &RuntimeConfig,
        phone: PhoneId,
        user_agent: Option<&str>,
    ) {
        *self = Self {
            listed: self.listed.take(),
            rejected: std::mem::take(&mut self.rejected),
            ..Self::new(config, phone, user_agent)
        };
    }

    /// The edition that is spoken to the phone until it speaks another.
    pub(super) fn edition(&self) -> Edition {
        // Editions of ECMA-323 are counted from the second.
        let number = usize::from(self.profile.edition).saturating_sub(2);
        Edition::ALL.get(number).copied().unwrap_or_default()
    }

    /// Whether the phone takes one request at a time.
    pub(super) fn is_serial(&self) -> bool {
        self.profile.serial
    }

    /// The maker and model, as far as the User-Agent names them.
    pub(super) fn model(&self, user_agent: Option<&str>) -> Option<String> {
        let described = self.profile.describe(user_agent);
        let name = [described.maker, described.model.unwrap_or_default()].join(" ");
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// What the maker's profile says of a service, whatever the phone says.
    pub(super) fn profile_entry(&self, service: &str) -> ProfileEntry {
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
        let roots: Vec<&'static str> = services
            .roots(SERVICES)
            .chain(events.into_iter().flat_map(|events| events.roots(EVENTS)))
            .collect();
        self.listed = Some(roots.into());
    }

    /// Whether the phone has listed its features.
    pub(super) fn are_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// The phone provided a service, or rejected it as not supported.
    pub(super) fn proved(&mut self, service: &str, supported: bool) {
        let known = self.rejected.iter().position(|known| **known == *service);
        match (known, supported) {
            (Some(at), true) => drop(self.rejected.swap_remove(at)),
            (None, false) if self.rejected.len() < SERVICES.len() => {
                self.rejected.push(service.into());
            }
            _ => {}
        }
    }

    /// Who provides a service at this phone's lines.
    pub(super) fn provider(&self, service: &str) -> Provider {
        if self.has(service) {
            Provider::Phone
        } else if self.can_emulate(service) {
            Provider::Emulation
        } else {
            Provider::Nobody
        }
    }

    /// Whether the phone itself provides a service: by its own word, else by its maker's profile.
    pub(super) fn has(&self, service: &str) -> bool {
        self.phone_says(service)
            .unwrap_or_else(|| self.profile.has(service, self.firmware.as_deref()))
    }

    /// What works on this phone's lines, whoever provides it: the response to GetCSTAFeatures.
    pub(super) fn features(&self) -> GetCSTAFeaturesResponse {
        GetCSTAFeaturesResponse {
            supported_services: Some(Features::of(SERVICES, |service| self.works(service))),
            supported_events: Some(Features::of(EVENTS, |event| self.reports(event))),
        }
    }

    /// Whether a client can count on a service.
    pub(super) fn works(&self, service: &str) -> bool {
        if SERVERS.contains(&service) {
            return true;
        }
        match self.provider(service) {
            // If the phone turns out to lack it, the server emulates it.
            Provider::Phone => {
                self.phone_says(service) == Some(true)
                    || self.profile.lists(service, self.firmware.as_deref())
                    || self.can_emulate(service)
            }
            Provider::Emulation => true,
            Provider::Nobody => false,
        }
    }

    /// Whether a client can count on an event: by the phone's own list, else by the service that the event comes with.
    pub(super) fn reports(&self, event: &str) -> bool {
        if matches!(event, "BackInServiceEvent" | "OutOfServiceEvent") {
            return self.works("MonitorStart");
        }
        let by = COMES_WITH
            .iter()
            .find_map(|(known, service)| (*known == event).then_some(*service));
        by.is_some_and(|service| self.provider(service) == Provider::Emulation)
            || self
                .phone_sends(event)
                .unwrap_or_else(|| by.is_some_and(|service| self.works(service)))
    }

    /// Whether the server may emulate a service, and the phone provides the services that it is made of.
    fn can_emulate(&self, service: &str) -> bool {
        self.profile.emulates(service)
            && match service {
                "AlternateCall" => self.has("HoldCall") && self.has("RetrieveCall"),
                "ReconnectCall" => self.has("ClearConnection") && self.has("RetrieveCall"),
                "DirectedPickupCall" => self.has("MakeCall") && self.has_pickup_code,
                "DialDigits" => self.has("MakeCall"),
                "SystemRegister" => self.has("GetSwitchingFunctionDevices"),
                _ => true,
            }
    }

    /// Whether the phone has a service by its own word; `None` if it has said nothing of it.
    fn phone_says(&self, service: &str) -> Option<bool> {
        if self.rejected.iter().any(|rejected| **rejected == *service) {
            return Some(false);
        }
        let listed = self.listed.as_ref()?;
        SERVICES
            .iter()
            .any(|known| known.root == service)
            .then(|| listed.contains(&service))
    }

    /// Whether the phone sends an event by its own list; `None` if it listed no events.
    fn phone_sends(&self, event: &str) -> Option<bool> {
        let listed = self.listed.as_ref()?;
        let events = EVENTS.iter().any(|known| listed.contains(&known.root));
        events.then(|| listed.contains(&event))
    }
}

/// Services that the server answers itself, whatever the phone can do.
const SERVERS: [&str; 10] = [
    "SystemRegister",
    "SystemRegisterAbort",
    "SystemRegisterCancel",
    "SwFunctionDevicesChanged",
    "GetCSTAFeatures",
    "GetSwitchingFunctionDevices",
    "SwitchingFunctionDevices",
    "RequestSystemStatus",
    "SystemStatus",
    "ChangeMonitorFilter",
];

/// The events that a phone sends if it has a service, where it does not say so itself.
const COMES_WITH: [(&str, &str); 19] = [
    ("ServiceInitiatedEvent", "MonitorStart"),
    ("OriginatedEvent", "MonitorStart"),
    ("DeliveredEvent", "MonitorStart"),
    ("EstablishedEvent", "MonitorStart"),
    ("FailedEvent", "MonitorStart"),
    ("ConnectionClearedEvent", "MonitorStart"),
    ("HeldEvent", "HoldCall"),
    ("RetrievedEvent", "RetrieveCall"),
    ("DivertedEvent", "DeflectCall"),
    ("ConferencedEvent", "ConferenceCall"),
    ("TransferedEvent", "TransferCall"),
    ("DigitsDialedEvent", "DialDigits"),
    ("DigitsGeneratedEvent", "GenerateDigits"),
    ("MessageWaitingEvent", "SetMessageWaitingIndicator"),
    ("MicrophoneMuteEvent", "SetMicrophoneMute"),
    ("SpeakerMuteEvent", "SetSpeakerMute"),
    ("SpeakerVolumeEvent", "SetSpeakerVolume"),
    ("DoNotDisturbEvent", "SetDoNotDisturb"),
    ("ForwardingEvent", "SetForwarding"),
];

#[cfg(test)]
impl Capabilities {
    /// A phone of no known maker: its profile emulates all that the server can.
    pub(super) fn generic() -> Self {
        Self {
            profile: uacsta_config::Profiles::shipped().recognise(None, None),
            firmware: None,
            has_pickup_code: true,
            listed: None,
            rejected: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(services: &[&str], events: &[&str]) -> GetCSTAFeaturesResponse {
        GetCSTAFeaturesResponse {
            supported_services: Some(Features::of(SERVICES, |name| services.contains(&name))),
            supported_events: (!events.is_empty())
                .then(|| Features::of(EVENTS, |name| events.contains(&name))),
        }
    }

    #[test]
    fn the_phone_overrides_its_profile() {
        let mut phone = Capabilities::generic();
        assert_eq!(phone.phone_says("HoldCall"), None);
        phone.features_listed(&GetCSTAFeaturesResponse::default());
        assert!(!phone.are_listed(), "an answer without lists");
        phone.features_listed(&listing(&["HoldCall"], &[]));
        assert_eq!(phone.phone_says("HoldCall"), Some(true));
        assert_eq!(phone.phone_says("RetrieveCall"), Some(false));
        assert_eq!(phone.phone_says("ButtonPress"), None, "in no list");
        assert_eq!(phone.phone_sends("HeldEvent"), None, "no list of events");
        phone.proved("HoldCall", false);
        phone.proved("HoldCall", false);
        assert_eq!(phone.phone_says("HoldCall"), Some(false));
        phone.proved("HoldCall", true);
        assert_eq!(phone.phone_says("HoldCall"), Some(true));
    }

    #[test]
    fn the_provider_depends_on_what_an_emulation_is_made_of() {
        #[track_caller]
        fn check(rejected: &[&str], service: &str, expected: Provider) {
            let mut phone = Capabilities::generic();
            for rejected in rejected {
                phone.proved(rejected, false);
            }
            assert_eq!(
                phone.provider(service),
                expected,
                "{service} without {rejected:?}"
            );
        }
        check(&[], "MakeCall", Provider::Phone);
        check(&["MakeCall"], "MakeCall", Provider::Nobody);
        check(&[], "AlternateCall", Provider::Emulation);
        check(&["HoldCall"], "AlternateCall", Provider::Nobody);
        check(&["RetrieveCall"], "AlternateCall", Provider::Nobody);
        check(&[], "ReconnectCall", Provider::Phone);
        check(&["ReconnectCall"], "ReconnectCall", Provider::Emulation);
        check(
            &["ReconnectCall", "ClearConnection"],
            "ReconnectCall",
            Provider::Nobody,
        );
        check(&["MakeCall"], "DialDigits", Provider::Nobody);
        check(&[], "DirectedPickupCall", Provider::Emulation);
        check(&["SnapshotDevice"], "SnapshotDevice", Provider::Emulation);
        check(&["MonitorStop"], "MonitorStop", Provider::Emulation);
    }

    #[test]
    fn directed_pickup_needs_the_feature_code() {
        let mut phone = Capabilities::generic();
        phone.has_pickup_code = false;
        assert_eq!(phone.provider("DirectedPickupCall"), Provider::Nobody);
    }

    #[test]
    fn features_name_what_works_whoever_provides_it() {
        #[track_caller]
        fn check(phone: &Capabilities, name: &str, expected: bool) {
            let works = if name.ends_with("Event") {
                phone.reports(name)
            } else {
                phone.works(name)
            };
            assert_eq!(works, expected, "{name}");
        }
        let mut phone = Capabilities::generic();
        check(&phone, "RequestSystemStatus", true);
        check(&phone, "MakeCall", true);
        check(&phone, "AlternateCall", true);
        check(&phone, "SingleStepConferenceCall", false);
        check(&phone, "HeldEvent", true);
        check(&phone, "BackInServiceEvent", true);
        phone.features_listed(&listing(&["MakeCall", "MonitorStart"], &["DeliveredEvent"]));
        check(&phone, "AlternateCall", false);
        check(&phone, "DialDigits", true);
        check(&phone, "DeliveredEvent", true);
        check(&phone, "HeldEvent", false);
        check(&phone, "DigitsDialedEvent", true);
        check(&phone, "MessageWaitingEvent", true);
    }
}
