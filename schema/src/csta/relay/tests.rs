//! Tests of relayed documents.

#![allow(clippy::unwrap_used)]
use super::*;

/// Replaces `NS` by the third edition's namespace, and `N6` by the sixth's.
fn spelled(text: &str) -> String {
    text.replace("NS", Edition::Ed3.namespace())
        .replace("N6", Edition::Ed6.namespace())
}

fn check(text: &str, changes: &Changes<'_>, expected: &str) {
    let document = Document::read(Bytes::from(spelled(text))).unwrap();
    let relayed = document.relayed(changes);
    assert_eq!(std::str::from_utf8(&relayed).unwrap(), spelled(expected));
    assert_eq!(relayed.len(), document.relayed_len(changes), "{text}");
    Document::read(relayed).unwrap();
}

#[test]
fn namespace_becomes_the_receivers() {
    let to6 = Edition::Ed6.into();
    check("<A xmlns='NS'/>", &to6, "<A xmlns='N6'/>");
    check(
        "<c:A v='1' xmlns:c=\"NS\" xmlns='urn:x'/>",
        &to6,
        "<c:A v='1' xmlns:c=\"N6\" xmlns='urn:x'/>",
    );
    check("<A><b/></A>", &to6, "<A xmlns=\"N6\"><b/></A>");
    check("<A xmlns=''/>", &to6, "<A xmlns='N6'/>");
    check(
        "<A xmlns='NS'><b xmlns='NS'/></A>",
        &to6,
        "<A xmlns='N6'><b xmlns='N6'/></A>",
    );
    check(
        "<A xmlns='NS'><b>NS</b></A>",
        &to6,
        "<A xmlns='N6'><b>NS</b></A>",
    );
}

#[test]
fn cross_reference_is_replaced() {
    let changes = Changes {
        edition: Edition::Ed3,
        cross_ref: Some("a<b"),
        device: Some("never in an event"),
    };
    check(
        "<HeldEvent xmlns='NS'><monitorCrossRefID>43</monitorCrossRefID><x/></HeldEvent>",
        &changes,
        "<HeldEvent xmlns='NS'><monitorCrossRefID>a&lt;b</monitorCrossRefID><x/></HeldEvent>",
    );
    check(
        "<c:HeldEvent xmlns:c='NS'><x/></c:HeldEvent>",
        &changes,
        "<c:HeldEvent xmlns:c='NS'><c:monitorCrossRefID>a&lt;b</c:monitorCrossRefID><x/></c:HeldEvent>",
    );
    check(
        "<HeldEvent xmlns='NS'><monitorCrossRefID /></HeldEvent>",
        &changes,
        "<HeldEvent xmlns='NS'><monitorCrossRefID >a&lt;b</monitorCrossRefID></HeldEvent>",
    );
    check(
        "<HeldEvent xmlns='NS'/>",
        &changes,
        "<HeldEvent xmlns='NS'><monitorCrossRefID>a&lt;b</monitorCrossRefID></HeldEvent>",
    );
    check(
        "<MakeCallResponse xmlns='NS'/>",
        &changes,
        "<MakeCallResponse xmlns='NS'/>",
    );
}

#[test]
fn device_is_inserted_in_the_services_member() {
    fn device(name: &str, inside: &str, expected: &str) {
        let changes = Changes {
            edition: Edition::Ed3,
            cross_ref: None,
            device: Some("D&"),
        };
        let around = |inside: &str| format!("<{name} xmlns='NS'>{inside}</{name}>");
        check(&around(inside), &changes, &around(expected));
    }
    device(
        "MakeCall",
        "<callingDevice>1</callingDevice><b/>",
        "<callingDevice>D&amp;</callingDevice><b/>",
    );
    device(
        "MakeCall",
        "<b/>",
        "<callingDevice>D&amp;</callingDevice><b/>",
    );
    device(
        "MakeCall",
        "<callingDevice/>",
        "<callingDevice>D&amp;</callingDevice>",
    );
    device(
        "AnswerCall",
        "<callToBeAnswered> <callID>1</callID></callToBeAnswered>",
        "<callToBeAnswered> <callID>1</callID><deviceID>D&amp;</deviceID></callToBeAnswered>",
    );
    device(
        "AnswerCall",
        "<callToBeAnswered/>",
        "<callToBeAnswered><deviceID>D&amp;</deviceID></callToBeAnswered>",
    );
    device(
        "AnswerCall",
        "",
        "<callToBeAnswered><deviceID>D&amp;</deviceID></callToBeAnswered>",
    );
    device(
        "AnswerCall",
        "<callToBeAnswered><deviceID x='y'>1</deviceID></callToBeAnswered>",
        "<callToBeAnswered><deviceID x='y'>D&amp;</deviceID></callToBeAnswered>",
    );
    device(
        "AlternateCall",
        "<heldCall><callID>1</callID></heldCall><activeCall><callID>2</callID><deviceID>9</deviceID></activeCall>",
        "<heldCall><callID>1</callID><deviceID>D&amp;</deviceID></heldCall><activeCall><callID>2</callID><deviceID>D&amp;</deviceID></activeCall>",
    );
    device(
        "MonitorStart",
        "<monitorObject/>",
        "<monitorObject><deviceObject>D&amp;</deviceObject></monitorObject>",
    );
    device(
        "MonitorStart",
        "",
        "<monitorObject><deviceObject>D&amp;</deviceObject></monitorObject>",
    );
    device("GetSwitchingFunctionDevices", "", "");
    device(
        "RequestSystemStatus",
        "<device>1</device>",
        "<device>1</device>",
    );
}

#[test]
fn newer_members_are_removed_or_converted() {
    fn to3(name: &str, inside: &str, expected: &str) {
        let around =
            |space: &str, inside: &str| format!("<{name} xmlns='{space}'>{inside}</{name}>");
        check(
            &around("N6", inside),
            &Edition::Ed3.into(),
            &around("NS", expected),
        );
        check(
            &around("N6", inside),
            &Edition::Ed6.into(),
            &around("N6", inside),
        );
    }
    to3(
        "GetForwardingResponse",
        "<locationInfoList/>",
        "<locationInfoList/>",
    );
    to3(
        "MakeCall",
        "<callingDevice>1</callingDevice><reason>normal</reason>",
        "<callingDevice>1</callingDevice>",
    );
    to3(
        "ClearConnection",
        "<reason>normal</reason>",
        "<reason>normal</reason>",
    );
    to3(
        "MakeCall",
        "<callCharacteristics><encryptedCall>true</encryptedCall></callCharacteristics>",
        "<callCharacteristics></callCharacteristics>",
    );
    to3(
        "DeflectCall",
        "<callCharacteristics><encryptedCall>true</encryptedCall></callCharacteristics>",
        "",
    );
    to3(
        "MakeCall",
        "<callingDevice privateNumber='true' typeOfNumber='other'>1</callingDevice>",
        "<callingDevice typeOfNumber='other'>1</callingDevice>",
    );
    to3(
        "DeflectCall",
        "<newDestination> <device>2</device><device>3</device> </newDestination>",
        "<newDestination>2</newDestination>",
    );
    to3("DeflectCall", "<newDestination/>", "<newDestination/>");
    let event = "<monitorCrossRefID>1</monitorCrossRefID>";
    let changes = Edition::Ed3.into();
    check(
        &format!(
            "<HeldEvent xmlns='N6'>{event}<locationInfoList><a/></locationInfoList></HeldEvent>"
        ),
        &changes,
        &format!("<HeldEvent xmlns='NS'>{event}</HeldEvent>"),
    );
    check(
        "<c:DeflectCall xmlns:c='NS'><c:newDestination>2</c:newDestination></c:DeflectCall>",
        &Edition::Ed6.into(),
        "<c:DeflectCall xmlns:c='N6'><c:newDestination><c:device>2</c:device></c:newDestination></c:DeflectCall>",
    );
}

#[test]
fn newer_values_become_the_closest_older_value() {
    fn nearest(member: &str, value: &str, expected: &str) {
        let document = |value: &str, namespace: &str| {
            format!("<c:X xmlns:c='{namespace}'><c:a><c:{member}>{value}</c:{member}></c:a></c:X>")
        };
        for (edition, expected) in [(Edition::Ed3, expected), (Edition::Ed6, value)] {
            let namespace = if edition == Edition::Ed6 { "N6" } else { "NS" };
            check(
                &document(value, "N6"),
                &edition.into(),
                &document(expected, namespace),
            );
        }
    }
    nearest("cause", "callInterceptionBusy", "callForwardBusy");
    nearest("cause", "makeConnection", "makeCall");
    nearest("cause", "busy", "busy");
    nearest("deviceCategory", "promptInteractiveVoice", "other");
    nearest("deviceCategory", "station", "station");
    nearest(
        "systemResourceAvailibility",
        "maxDevicesExceeded",
        "resourceLimitExceeded",
    );
    check(
        "<HeldEvent xmlns='N6'><extensions><privateData><private><cause>makeConnection</cause></private></privateData></extensions></HeldEvent>",
        &Edition::Ed3.into(),
        "<HeldEvent xmlns='NS'><extensions><privateData><private><cause>makeConnection</cause></private></privateData></extensions></HeldEvent>",
    );
}

#[test]
fn insertion_precedes_removed_member() {
    let changes = Changes {
        edition: Edition::Ed3,
        cross_ref: None,
        device: Some("1"),
    };
    check(
        "<SingleStepTransferCall xmlns='N6'><callCharacteristics><encryptedCall>true</encryptedCall></callCharacteristics></SingleStepTransferCall>",
        &changes,
        "<SingleStepTransferCall xmlns='NS'><activeCall><deviceID>1</deviceID></activeCall></SingleStepTransferCall>",
    );
}

/// Namespaces in XML 1.0, sections 5 and 6.3.
#[test]
fn relayed_documents_are_namespace_well_formed() {
    let to3 = Edition::Ed3.into();
    check(
        "<A xmlns='NS' xsi:schemaLocation='NS a.xsd'><b/></A>",
        &to3,
        "<A xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns='NS' xsi:schemaLocation='NS a.xsd'><b/></A>",
    );
    check(
        "<A xmlns='NS'><v:b v:c='1'/><w:d/></A>",
        &to3,
        "<A xmlns:v=\"urn:uacsta:undeclared:v\" xmlns:w=\"urn:uacsta:undeclared:w\" xmlns='NS'><v:b v:c='1'/><w:d/></A>",
    );
    check(
        "<A><v:b/></A>",
        &to3,
        "<A xmlns=\"NS\" xmlns:v=\"urn:uacsta:undeclared:v\"><v:b/></A>",
    );
    check(
        "<A xmlns='NS' xmlns:a='urn:x' xmlns:b='urn:&#x78;' a:n='1' b:n='2' b:o='3'/>",
        &to3,
        "<A xmlns='NS' xmlns:a='urn:x' xmlns:b='urn:&#x78;' a:n='1' b:o='3'/>",
    );
    check(
        "<A xmlns='NS' xmlns:a='NS' xmlns:b='N6' a:n='1' b:n='2'/>",
        &to3,
        "<A xmlns='NS' xmlns:a='NS' xmlns:b='NS' a:n='1'/>",
    );
    check(
        "<A xmlns='NS' xml:lang='de'/>",
        &to3,
        "<A xmlns='NS' xml:lang='de'/>",
    );
}

#[test]
fn documents_that_no_declaration_mends_are_rejected() {
    for text in [
        "<A xmlns='NS' xmlns:p=''/>",
        "<A xmlns='NS' xmlns:xmlns='urn:x'/>",
        "<A xmlns='NS' xmlns:xml='urn:x'/>",
        "<A xmlns='NS' xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<A xmlns='NS'><b xmlns='http://www.w3.org/2000/xmlns/'/></A>",
        "<A xmlns='NS'><xmlns:b/></A>",
        "<A xmlns='NS'><a:a/><b:a/><c:a/><d:a/><e:a/><f:a/><g:a/><h:a/><i:a/></A>",
    ] {
        assert!(
            Document::read(Bytes::from(spelled(text))).is_err(),
            "{text}"
        );
    }
}
