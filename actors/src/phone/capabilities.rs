//! What works on a phone's lines: by its maker's profile, corrected by what the phone itself says, and what the server does for it.

use uacsta_schema::csta::{EVENTS, Features, GetCSTAFeaturesResponse, SERVICES};

use super::Phone;

/// What the phone has said of itself since it connected.
#[derive(Debug, Default)]
pub(super) struct Capabilities {
    /// Its answer to GetCSTAFeatures: the root elements of its services and events.
    told: Option<Box<[&'static str]>>,
    /// Services that it refused as not supported.
    refused: Vec<Box<str>>,
}

/// Who does a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Provider {
    /// The phone.
    Phone,
    /// The server, out of what the phone can do.
    Emulation,
    /// Nobody, as far as is known; the phone has the last word.
    Nobody,
}

impl Capabilities {
    /// The phone listed its features. An answer without lists tells nothing.
    pub(super) fn told(&mut self, response: &GetCSTAFeaturesResponse) {
        let Some(services) = &response.supported_services else {
            return;
        };
        let events = response.supported_events.as_ref();
        let roots: Vec<&'static str> = services
            .roots(SERVICES)
            .chain(events.into_iter().flat_map(|events| events.roots(EVENTS)))
            .collect();
        self.told = Some(roots.into());
    }

    /// The phone did a service, or said that it does not have it.
    pub(super) fn proved(&mut self, service: &str, supported: bool) {
        let known = self
            .refused
            .iter()
            .position(|refused| **refused == *service);
        match (known, supported) {
            (Some(at), true) => drop(self.refused.swap_remove(at)),
            (None, false) if self.refused.len() < SERVICES.len() => {
                self.refused.push(service.into());
            }
            _ => {}
        }
    }

    /// Whether the phone has listed its features.
    pub(super) fn are_told(&self) -> bool {
        self.told.is_some()
    }

    /// Whether the phone has a service by its own word; `None` if it has said nothing of it.
    fn says(&self, service: &str) -> Option<bool> {
        if self.refused.iter().any(|refused| **refused == *service) {
            return Some(false);
        }
        let told = self.told.as_ref()?;
        SERVICES
            .iter()
            .any(|known| known.root == service)
            .then(|| told.contains(&service))
    }

    fn sends(&self, event: &str) -> Option<bool> {
        let told = self.told.as_ref()?;
        let events = EVENTS.iter().any(|known| told.contains(&known.root));
        events.then(|| told.contains(&event))
    }
}

impl Phone {
    /// Who does a service at this phone's lines.
    pub(super) fn provider(&self, service: &str) -> Provider {
        if self.has(service) {
            Provider::Phone
        } else if self.profile.emulates(service) && self.can_emulate(service) {
            Provider::Emulation
        } else {
            Provider::Nobody
        }
    }

    /// Whether the phone itself does a service: by its own word, else by its maker's profile.
    pub(super) fn has(&self, service: &str) -> bool {
        self.capabilities
            .says(service)
            .unwrap_or_else(|| self.profile.has(service, self.firmware.as_deref()))
    }

    /// Whether the phone can do what the server makes the service of.
    fn can_emulate(&self, service: &str) -> bool {
        match service {
            "AlternateCall" => self.has("HoldCall") && self.has("RetrieveCall"),
            "ReconnectCall" => self.has("ClearConnection") && self.has("RetrieveCall"),
            "DirectedPickupCall" => {
                self.has("MakeCall") && !self.context.config().settings.phones.pickup.is_empty()
            }
            "DialDigits" => self.has("MakeCall"),
            "SystemRegister" => self.has("GetSwitchingFunctionDevices"),
            _ => true,
        }
    }

    /// What a client is told by GetCSTAFeatures: what works on this phone's lines, whoever does it.
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
            // If the phone turns out not to have it, the server does it.
            Provider::Phone => {
                self.capabilities.says(service) == Some(true)
                    || self.profile.lists(service, self.firmware.as_deref())
                    || (self.profile.emulates(service) && self.can_emulate(service))
            }
            Provider::Emulation => true,
            Provider::Nobody => false,
        }
    }

    /// Whether a client can count on an event: what the phone says it sends, else what comes with its services.
    pub(super) fn reports(&self, event: &str) -> bool {
        if matches!(event, "BackInServiceEvent" | "OutOfServiceEvent") {
            return self.works("MonitorStart");
        }
        let by = COMES_WITH
            .iter()
            .find_map(|(known, service)| (*known == event).then_some(*service));
        by.is_some_and(|service| self.provider(service) == Provider::Emulation)
            || self
                .capabilities
                .sends(event)
                .unwrap_or_else(|| by.is_some_and(|service| self.works(service)))
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
mod tests {
    use super::*;

    #[test]
    fn the_phone_s_own_word_counts() {
        let mut capabilities = Capabilities::default();
        assert_eq!(capabilities.says("HoldCall"), None);
        capabilities.told(&GetCSTAFeaturesResponse::default());
        assert!(
            !capabilities.are_told(),
            "an answer without lists tells nothing"
        );
        capabilities.told(&GetCSTAFeaturesResponse {
            supported_services: Some(
                Features::default().with("callControlServList", &["holdCall"]),
            ),
            supported_events: None,
        });
        assert_eq!(capabilities.says("HoldCall"), Some(true));
        assert_eq!(capabilities.says("RetrieveCall"), Some(false));
        assert_eq!(
            capabilities.says("ButtonPress"),
            None,
            "no list here knows it"
        );
        assert_eq!(capabilities.sends("HeldEvent"), None);
        capabilities.proved("HoldCall", false);
        capabilities.proved("HoldCall", false);
        assert_eq!(capabilities.says("HoldCall"), Some(false));
        capabilities.proved("HoldCall", true);
        assert_eq!(capabilities.says("HoldCall"), Some(true));
    }
}
