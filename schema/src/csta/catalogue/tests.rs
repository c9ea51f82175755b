//! Tests of the catalogue of services and events.

use super::*;

#[test]
fn root_element_determines_the_kind() {
    for (root, expected) in [
        ("MakeCall", Kind::Request(ServiceId::MakeCall)),
        ("MakeCallResponse", Kind::Response(ServiceId::MakeCall)),
        ("SystemStatus", Kind::Request(ServiceId::SystemStatus)),
        ("TransferedEvent", Kind::Event(EventId::TransferedEvent)),
        ("TransferredEvent", Kind::Unknown),
        (
            "SwitchingFunctionDevices",
            Kind::Notification(ServiceId::SwitchingFunctionDevices),
        ),
        ("SwitchingFunctionDevicesResponse", Kind::Unknown),
        (
            "SwFunctionDevicesChangedResponse",
            Kind::Response(ServiceId::SwFunctionDevicesChanged),
        ),
        ("CSTAErrorCode", Kind::Failure),
        ("makeCall", Kind::Unknown),
        ("Response", Kind::Unknown),
        ("Event", Kind::Unknown),
        ("", Kind::Unknown),
    ] {
        assert_eq!(Kind::of(root), expected, "{root}");
    }
}

#[test]
fn rows_are_found_by_name() {
    for service in ServiceId::ALL {
        assert_eq!(ServiceId::from_name(service.name()), Some(*service));
    }
    for event in EventId::ALL {
        assert_eq!(EventId::from_name(event.name()), Some(*event));
    }
}
