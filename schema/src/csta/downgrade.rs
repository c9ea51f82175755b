//! Members and values of later ECMA-323 editions, which a relay removes or replaces for peers of older editions.

use Kind::{Event, Notification, Request, Response};

use super::{
    catalogue::{EventId, Kind, ServiceId},
    edition::Edition,
};

/// A member that a later edition introduced.
#[derive(Debug)]
pub(super) struct NewerMember {
    roots: Roots,
    /// The parent element; empty for the root.
    pub(super) within: &'static str,
    pub(super) name: &'static str,
    /// The first edition with the member. Differences between the third and the sixth edition count
    /// as the sixth's: no known peer of the editions between sends these members.
    pub(super) since: Edition,
}

/// The documents that may contain a member.
#[derive(Debug)]
enum Roots {
    All,
    Events,
    Responses,
    These(&'static [Kind]),
}

/// The members of this kind of document that older editions lack.
pub(super) fn newer_members(kind: Kind) -> impl Iterator<Item = &'static NewerMember> {
    NEWER.iter().filter(move |newer| match newer.roots {
        Roots::All => true,
        Roots::Events => matches!(kind, Event(_)),
        Roots::Responses => matches!(kind, Response(_)),
        Roots::These(kinds) => kinds.contains(&kind),
    })
}

/// Replacement for a value of the sixth edition: the closest value that all editions define.
pub(super) fn older_value(member: &str, value: &str) -> Option<&'static str> {
    Some(match (member, value) {
        ("cause", "callInterception") => "redirected",
        ("cause", "callInterceptionBusy") => "callForwardBusy",
        ("cause", "callInterceptionForwarded") => "callForward",
        ("cause", "callInterceptionNoAnswer") => "callForwardNoAnswer",
        ("cause", "callInterceptionResourcesNotAvailable") => "resourcesNotAvailable",
        ("cause", "lawfulInterception") => "normal",
        ("cause", "makeConnection") => "makeCall",
        ("systemResourceAvailibility", "conferenceResourceCannotBeSatisfied") => {
            "conferenceMemberLimitExceeded"
        }
        ("systemResourceAvailibility", "maxDevicesExceeded") => "resourceLimitExceeded",
        ("systemResourceAvailibility", "startTimeOutOfRange" | "durationExceeded") => "generic",
        ("deviceCategory", "conference") => "other",
        ("deviceCategory", voice) if voice.ends_with("InteractiveVoice") => "other",
        _ => return None,
    })
}

/// Attributes of a device identifier that the sixth edition introduced.
pub(super) static NEWER_ATTRIBUTES: &[(&str, Edition)] = &[
    ("privateNumber", Edition::Ed6),
    ("privateName", Edition::Ed6),
];

const fn newer(roots: Roots, within: &'static str, name: &'static str) -> NewerMember {
    NewerMember {
        roots,
        within,
        name,
        since: Edition::Ed6,
    }
}

#[rustfmt::skip]
static NEWER: &[NewerMember] = &[
    newer(Roots::Events, "", "locationInfoList"),
    newer(Roots::These(&[Event(EventId::ServiceInitiatedEvent)]), "", "calledDevice"),
    newer(Roots::These(&[Event(EventId::CallInformationEvent), Request(ServiceId::AssociateData)]), "", "deviceInfo"),
    newer(
        Roots::These(&[Request(ServiceId::SetForwarding), Event(EventId::ForwardingEvent), Event(EventId::RingerStatusEvent)]),
        "", "ringDuration",
    ),
    newer(Roots::These(&[Response(ServiceId::GetForwarding)]), "forwardListItem", "ringDuration"),
    newer(Roots::These(&[Request(ServiceId::MakeCall), Request(ServiceId::ClearCall)]), "", "reason"),
    newer(Roots::These(&[Request(ServiceId::DeflectCall), Request(ServiceId::SingleStepTransferCall)]), "", "callCharacteristics"),
    newer(Roots::These(&[Request(ServiceId::SetDisplay)]), "", "characterSet"),
    newer(Roots::Responses, "", "callLinkageData"),
    newer(Roots::Responses, "", "callLinkageDataList"),
    newer(Roots::Responses, "", "listOfCallLinkageData"),
    newer(
        Roots::These(&[Response(ServiceId::SnapshotDevice), Notification(ServiceId::SnapshotDeviceData)]),
        "snapshotDeviceResponseInfo", "callLinkageData",
    ),
    newer(
        Roots::These(&[Response(ServiceId::SnapshotCall), Notification(ServiceId::SnapshotCallData)]),
        "snapshotCallResponseInfo", "locationInfo",
    ),
    newer(Roots::All, "callCharacteristics", "encryptedCall"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_document_has_its_own_newer_members() {
        for (kind, expected) in [
            (
                Event(EventId::DeliveredEvent),
                &["locationInfoList", "encryptedCall"][..],
            ),
            (Request(ServiceId::MakeCall), &["reason", "encryptedCall"]),
            (Request(ServiceId::HoldCall), &["encryptedCall"]),
        ] {
            let names: Vec<_> = newer_members(kind).map(|newer| newer.name).collect();
            assert_eq!(names, expected, "{kind:?}");
        }
    }
}
