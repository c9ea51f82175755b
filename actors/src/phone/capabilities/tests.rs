//! Tests of the providers of services.

use super::*;

fn listing(services: &[ServiceId], events: &[EventId]) -> GetCSTAFeaturesResponse {
    let services = services.iter().filter_map(|service| service.capability());
    let listed: Features = events
        .iter()
        .filter_map(|event| event.capability())
        .collect();
    GetCSTAFeaturesResponse {
        supported_services: Some(services.collect()),
        supported_events: (!events.is_empty()).then_some(listed),
    }
}

#[test]
fn the_phone_overrides_its_profile() {
    let mut phone = Capabilities::generic();
    assert_eq!(phone.phone_says(ServiceId::HoldCall), None);
    phone.features_listed(&GetCSTAFeaturesResponse::default());
    assert!(!phone.are_listed(), "an answer without lists");
    phone.features_listed(&listing(&[ServiceId::HoldCall], &[]));
    assert_eq!(phone.phone_says(ServiceId::HoldCall), Some(true));
    assert_eq!(phone.phone_says(ServiceId::RetrieveCall), Some(false));
    assert_eq!(phone.phone_says(ServiceId::ButtonPress), None, "in no list");
    assert_eq!(
        phone.phone_sends(EventId::HeldEvent),
        None,
        "no list of events"
    );
    phone.proved(ServiceId::HoldCall, false);
    phone.proved(ServiceId::HoldCall, false);
    assert_eq!(phone.phone_says(ServiceId::HoldCall), Some(false));
    phone.proved(ServiceId::HoldCall, true);
    assert_eq!(phone.phone_says(ServiceId::HoldCall), Some(true));
}

#[test]
fn the_provider_depends_on_what_an_emulation_is_made_of() {
    #[track_caller]
    fn check(rejected: &[ServiceId], service: ServiceId, expected: Provider) {
        let mut phone = Capabilities::generic();
        for rejected in rejected {
            phone.proved(*rejected, false);
        }
        assert_eq!(
            phone.provider(service),
            expected,
            "{service} without {rejected:?}"
        );
    }
    check(&[], ServiceId::MakeCall, Provider::Phone);
    check(
        &[ServiceId::MakeCall],
        ServiceId::MakeCall,
        Provider::Nobody,
    );
    check(&[], ServiceId::AlternateCall, Provider::Emulation);
    check(
        &[ServiceId::HoldCall],
        ServiceId::AlternateCall,
        Provider::Nobody,
    );
    check(
        &[ServiceId::RetrieveCall],
        ServiceId::AlternateCall,
        Provider::Nobody,
    );
    check(&[], ServiceId::ReconnectCall, Provider::Phone);
    check(
        &[ServiceId::ReconnectCall],
        ServiceId::ReconnectCall,
        Provider::Emulation,
    );
    check(
        &[ServiceId::ReconnectCall, ServiceId::ClearConnection],
        ServiceId::ReconnectCall,
        Provider::Nobody,
    );
    check(
        &[ServiceId::MakeCall],
        ServiceId::DialDigits,
        Provider::Nobody,
    );
    check(&[], ServiceId::DirectedPickupCall, Provider::Emulation);
    check(
        &[ServiceId::SnapshotDevice],
        ServiceId::SnapshotDevice,
        Provider::Emulation,
    );
    check(
        &[ServiceId::MonitorStop],
        ServiceId::MonitorStop,
        Provider::Emulation,
    );
}

#[test]
fn an_unanswered_service_is_not_asked_for_and_stays_the_phones() {
    const SNAPSHOT: ServiceId = ServiceId::SnapshotDevice;
    let mut phone = Capabilities::generic();
    let mut check = |change: fn(&mut Capabilities), is_asked: bool, provider: Provider| {
        change(&mut phone);
        assert_eq!(phone.is_worth_asking(SNAPSHOT), is_asked);
        assert_eq!(phone.provider(SNAPSHOT), provider);
    };
    check(|_| {}, true, Provider::Phone);
    check(|phone| phone.unanswered(SNAPSHOT), false, Provider::Phone);
    check(|phone| phone.unanswered(SNAPSHOT), false, Provider::Phone);
    check(|phone| phone.proved(SNAPSHOT, true), true, Provider::Phone);
    check(
        |phone| phone.proved(SNAPSHOT, false),
        false,
        Provider::Emulation,
    );
}

#[test]
fn directed_pickup_needs_the_feature_code() {
    let mut phone = Capabilities::generic();
    phone.has_pickup_code = false;
    assert_eq!(
        phone.provider(ServiceId::DirectedPickupCall),
        Provider::Nobody
    );
}

#[test]
fn features_name_what_works_whoever_provides_it() {
    #[track_caller]
    fn check(phone: &Capabilities, service: ServiceId, expected: bool) {
        assert_eq!(phone.works(service), expected, "{service}");
    }
    #[track_caller]
    fn check_event(phone: &Capabilities, event: EventId, expected: bool) {
        assert_eq!(phone.reports(event), expected, "{event}");
    }
    let mut phone = Capabilities::generic();
    check(&phone, ServiceId::RequestSystemStatus, true);
    check(&phone, ServiceId::MakeCall, true);
    check(&phone, ServiceId::AlternateCall, true);
    check(&phone, ServiceId::SingleStepConferenceCall, false);
    check_event(&phone, EventId::HeldEvent, true);
    check_event(&phone, EventId::BackInServiceEvent, true);
    phone.features_listed(&listing(
        &[ServiceId::MakeCall, ServiceId::MonitorStart],
        &[EventId::DeliveredEvent],
    ));
    check(&phone, ServiceId::AlternateCall, false);
    check(&phone, ServiceId::DialDigits, true);
    check_event(&phone, EventId::DeliveredEvent, true);
    check_event(&phone, EventId::HeldEvent, false);
    check_event(&phone, EventId::DigitsDialedEvent, true);
    check_event(&phone, EventId::MessageWaitingEvent, true);
}
