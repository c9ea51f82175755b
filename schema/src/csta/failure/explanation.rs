//! Explains the values of negative responses that have no constant, most of them by the pattern of their names.

/// The explanation of an error value of ECMA-323; `None` for other texts.
pub(super) fn of(value: &str) -> Option<String> {
    let exact = EXACT.iter().find(|(known, _)| *known == value);
    if let Some((_, explanation)) = exact {
        return Some((*explanation).to_owned());
    }
    let is_name = value.chars().all(|c| c.is_ascii_alphanumeric());
    if !is_name {
        return None;
    }
    PATTERNS.iter().find_map(|(start, end, before, after)| {
        let middle = value.strip_prefix(start)?.strip_suffix(end)?;
        let words = words(middle);
        (!words.is_empty()).then(|| format!("{before}{words}{after}"))
    })
}

/// Start and end of a name, and what is said before and after the words between them. The first that fits applies.
const PATTERNS: [(&str, &str, &str, &str); 12] = [
    (
        "privilegeViolationOn",
        "",
        "the right to use the ",
        " is missing",
    ),
    (
        "privilegeViolation",
        "",
        "the right to use the ",
        " is missing",
    ),
    (
        "requestIncompatibleWith",
        "",
        "the request does not fit the ",
        "",
    ),
    ("invalid", "ObjectType", "the type of the ", " is wrong"),
    (
        "invalid",
        "State",
        "the state of the ",
        " does not allow it",
    ),
    ("invalid", "", "the ", " is wrong or not known"),
    (
        "",
        "NotSupported",
        "the parameter \"",
        "\" is not supported",
    ),
    ("", "OutOfRange", "the parameter \"", "\" is out of range"),
    ("", "OutOfService", "the ", " is out of service"),
    ("", "LimitExceeded", "the limit of the ", " is reached"),
    ("", "Busy", "the ", " is busy"),
    ("", "Violated", "the ", " violates security"),
];

/// Values whose names follow no pattern.
const EXACT: [(&str, &str); 26] = [
    ("beginningOfMsg", "the message is at its beginning"),
    (
        "channelsInUseForBridgedDevices",
        "bridged devices use the channels",
    ),
    ("channelsInUseForData", "data calls use the channels"),
    (
        "conferenceResourceCannotBeSatisfied",
        "the resources for the conference are missing",
    ),
    ("connectedCallExists", "there is a connected call already"),
    ("durationExceeded", "the duration is too long"),
    ("endOfMsg", "the message is at its end"),
    ("featureAlreadySet", "the feature is set already"),
    ("generic", "no closer reason is given"),
    (
        "incorrectMsgState",
        "the state of the message does not allow it",
    ),
    (
        "invalidConnectionIDForActiveCall",
        "the connection is not that of the active call",
    ),
    ("maxDevicesExceeded", "there are too many devices"),
    ("messageIDRequired", "the ID of the message is missing"),
    ("msgSuspended", "the message is suspended"),
    ("noCallToComplete", "there is no call to complete"),
    ("noMediaChannelsAvailable", "no media channel is free"),
    ("notAbleToPlay", "the message cannot be played"),
    ("notAbleToResume", "the message cannot be resumed"),
    ("notDifferentDevices", "the devices must be different ones"),
    (
        "notSameDevice",
        "the connections are not of the same device",
    ),
    (
        "parameterTypeNotSupported",
        "the type of a parameter is not supported",
    ),
    ("routeUsedNotSupported", "the use of routes is not reported"),
    (
        "routeingTimerExpired",
        "the time for routing the call is over",
    ),
    ("securityInfoViolated", "the security information is wrong"),
    ("sequenceNumberViolated", "the sequence number is wrong"),
    ("timeStampViolated", "the time stamp is wrong"),
];

/// The words of a name in camel case; `ID` and other capitals stay together.
fn words(name: &str) -> String {
    let mut text = String::new();
    let mut chars = name.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let is_last_capital = chars.peek().is_some_and(char::is_ascii_lowercase);
        let starts_word = c.is_ascii_uppercase()
            && before.is_some_and(|before: char| before.is_ascii_lowercase() || is_last_capital);
        if starts_word {
            text.push(' ');
        }
        let is_capitals = c.is_ascii_uppercase()
            && !is_last_capital
            && (before.is_some_and(|before| before.is_ascii_uppercase()) || chars.peek().is_some());
        text.push(if is_capitals {
            c
        } else {
            c.to_ascii_lowercase()
        });
        before = Some(c);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::csta::{Category, Failure};

    #[test]
    fn names_are_explained_by_their_pattern() {
        for (value, expected) in [
            (
                "charactersToSendNotSupported",
                Some("the parameter \"characters to send\" is not supported"),
            ),
            (
                "invalidHeldCallID",
                Some("the held call ID is wrong or not known"),
            ),
            ("invalidFile", Some("the file is wrong or not known")),
            (
                "invalidObjectState",
                Some("the state of the object does not allow it"),
            ),
            (
                "privilegeViolationOnDivertingDevice",
                Some("the right to use the diverting device is missing"),
            ),
            ("toneGeneratorBusy", Some("the tone generator is busy")),
            (
                "trunkLimitExceeded",
                Some("the limit of the trunk is reached"),
            ),
            ("msgSuspended", Some("the message is suspended")),
            ("invalid", None),
            ("busy <b>Busy", None),
            ("somethingElse", None),
        ] {
            assert_eq!(of(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn every_error_of_the_schema_has_an_explanation() {
        for (edition, schema) in [
            (
                3,
                include_str!("../../../../tests/schema/csta-ed3-reconstructed.xsd"),
            ),
            (
                6,
                include_str!("../../../../tests/schema/csta-ed6-reconstructed.xsd"),
            ),
        ] {
            let mut values = 0;
            for (kind, category) in [
                ("OperationErrors", Category::Operation),
                ("SecurityErrors", Category::Security),
                ("StateIncompatibilityErrors", Category::StateIncompatibility),
                (
                    "SystemResourceAvailabilityErrors",
                    Category::SystemResourceAvailability,
                ),
                (
                    "SubscribedResourceAvailabilityErrors",
                    Category::SubscribedResourceAvailability,
                ),
                (
                    "PerformanceManagementErrors",
                    Category::PerformanceManagement,
                ),
                ("PrivateDataInfoErrors", Category::PrivateData),
            ] {
                let (_, list) = schema
                    .split_once(&format!("<xs:simpleType name=\"{kind}\">"))
                    .unwrap();
                let (list, _) = list.split_once("</xs:simpleType>").unwrap();
                for part in list.split("<xs:enumeration value=\"").skip(1) {
                    let (value, _) = part.split_once('"').unwrap();
                    let shown = Failure::new(category, value).to_string();
                    assert!(shown.ends_with(')'), "edition {edition}: {shown}");
                    values += 1;
                }
            }
            assert!(values > 200, "edition {edition}: {values}");
        }
    }
}
