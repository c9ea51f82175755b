//! Members and values that younger editions of ECMA-323 have added, which a peer that speaks an older one must not be sent.

use super::edition::Edition;

/// A member that came with a later edition.
#[derive(Debug)]
pub(super) struct Newer {
    /// Which roots have it.
    root: Roots,
    /// Its parent; empty: the root itself.
    pub(super) within: &'static str,
    pub(super) name: &'static str,
    /// The first edition that has it. What differs between the third and the sixth is taken
    /// as the sixth's: of the editions between, no peer is known to send these members.
    pub(super) since: Edition,
}

#[derive(Debug)]
enum Roots {
    All,
    Events,
    Responses,
    Named(&'static [&'static str]),
}

/// The members to look out for in the document `root`.
pub(super) fn newer_in(root: &str) -> impl Iterator<Item = &'static Newer> {
    let (event, response) = (root.ends_with("Event"), root.ends_with("Response"));
    NEWER.iter().filter(move |newer| match newer.root {
        Roots::All => true,
        Roots::Events => event,
        Roots::Responses => response,
        Roots::Named(names) => names.contains(&root),
    })
}

/// The value nearest in meaning that all editions have, for a value that came with the sixth.
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

/// Attributes of a device identifier that came with the sixth edition.
pub(super) static NEWER_ATTRIBUTES: &[(&str, Edition)] = &[
    ("privateNumber", Edition::Ed6),
    ("privateName", Edition::Ed6),
];

const fn newer(root: Roots, within: &'static str, name: &'static str) -> Newer {
    Newer {
        root,
        within,
        name,
        since: Edition::Ed6,
    }
}

static NEWER: &[Newer] = &[
    newer(Roots::Events, "", "locationInfoList"),
    newer(Roots::Named(&["ServiceInitiatedEvent"]), "", "calledDevice"),
    newer(
        Roots::Named(&["CallInformationEvent", "AssociateData"]),
        "",
        "deviceInfo",
    ),
    newer(
        Roots::Named(&["SetForwarding", "ForwardingEvent", "RingerStatusEvent"]),
        "",
        "ringDuration",
    ),
    newer(
        Roots::Named(&["GetForwardingResponse"]),
        "forwardListItem",
        "ringDuration",
    ),
    newer(Roots::Named(&["MakeCall", "ClearCall"]), "", "reason"),
    newer(
        Roots::Named(&["DeflectCall", "SingleStepTransferCall"]),
        "",
        "callCharacteristics",
    ),
    newer(Roots::Named(&["SetDisplay"]), "", "characterSet"),
    newer(Roots::Responses, "", "callLinkageData"),
    newer(Roots::Responses, "", "callLinkageDataList"),
    newer(Roots::Responses, "", "listOfCallLinkageData"),
    newer(
        Roots::Named(&["SnapshotDeviceResponse", "SnapshotDeviceData"]),
        "snapshotDeviceResponseInfo",
        "callLinkageData",
    ),
    newer(
        Roots::Named(&["SnapshotCallResponse", "SnapshotCallData"]),
        "snapshotCallResponseInfo",
        "locationInfo",
    ),
    newer(Roots::All, "callCharacteristics", "encryptedCall"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_root_is_watched_for_its_own() {
        for (root, expected) in [
            ("DeliveredEvent", &["locationInfoList", "encryptedCall"][..]),
            ("MakeCall", &["reason", "encryptedCall"]),
            ("HoldCall", &["encryptedCall"]),
        ] {
            let names: Vec<_> = newer_in(root).map(|newer| newer.name).collect();
            assert_eq!(names, expected, "{root}");
        }
    }
}
