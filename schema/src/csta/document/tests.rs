//! Tests of a CSTA document as it arrived.

#![allow(clippy::unwrap_used)]
use super::super::Limits;
use super::*;

fn read(text: &str) -> Result<Document, ReadError> {
    Document::read(Bytes::copy_from_slice(text.as_bytes()))
}

/// `NS` in the text stands for the third edition's namespace.
fn document(text: &str) -> Document {
    read(&text.replace("NS", Edition::Ed3.namespace())).unwrap()
}

#[test]
fn a_root_tells_name_kind_and_speech() {
    fn check(text: &str, name: &str, kind: Kind, edition: Option<Edition>, prefix: Option<&str>) {
        let document = document(text);
        assert_eq!((document.name(), document.kind()), (name, kind), "{text}");
        assert_eq!(
            (document.edition(), document.prefix()),
            (edition, prefix),
            "{text}"
        );
        assert_eq!(
            document.speech().edition,
            edition.unwrap_or_default(),
            "{text}"
        );
    }
    let ed3 = Some(Edition::Ed3);
    check(
        "<MonitorStop xmlns='NS'/>",
        "MonitorStop",
        Kind::Request,
        ed3,
        None,
    );
    check(
        "<c:HeldEvent xmlns:c = \"NS\" ></c:HeldEvent >",
        "HeldEvent",
        Kind::Event,
        ed3,
        Some("c"),
    );
    check(
        "<MakeCallResponse/>",
        "MakeCallResponse",
        Kind::Response,
        None,
        None,
    );
    check(
        "<CSTAErrorCode xmlns=''/>",
        "CSTAErrorCode",
        Kind::Failure,
        None,
        None,
    );
    check(
        "\u{FEFF}\r\n<?xml version=\"1.0\"?>\n\n<!-- a --><Fax xmlns='NS'/>\n<!-- b -->\n",
        "Fax",
        Kind::Unknown,
        ed3,
        None,
    );
    for edition in Edition::ALL {
        let text = format!("<SystemRegisterAbort xmlns='{}'/>", edition.namespace());
        check(
            &text,
            "SystemRegisterAbort",
            Kind::Notification,
            Some(edition),
            None,
        );
    }
}

#[test]
fn what_is_no_document_is_refused() {
    fn check(text: &str, expected: &str) {
        let error = read(text)
            .map(|document| document.name().to_owned())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    check("", "there is no element");
    check("<?xml version='1.0'?>", "there is no element");
    check("\u{FEFF}\u{FEFF}<A/>", "text outside");
    check("&amp;<A/>", "text outside");
    check("<![CDATA[a]]><A/>", "text outside");
    check("ring ring", "text outside");
    check("<A>", "not closed");
    check("<A", "not closed");
    check("<A></B>", "does not match");
    check("</A>", "without its start tag");
    check("<A/><B/>", "second root");
    check("<A/>text", "text outside");
    check("<A b='1' b='2'/>", "given twice");
    check("<A b=1/>", "not quoted");
    check("<A b/>", "no value");
    check("<A b='1'c='2'/>", "goes on");
    check("<A b='<'/>", "`<`");
    check("<A b='1", "not closed");
    check("<A b='&x;'/>", "reference");
    check("<A b='&'/>", "reference");
    check("<A>&nbsp;</A>", "reference");
    check("<A>&#0;</A>", "reference");
    check("<A>&#x+41;</A>", "reference");
    check("<A>a & b</A>", "reference");
    check("<A>]]></A>", "`]]>`");
    check("<1/>", "name");
    check("<a:/>", "name");
    check("<>", "name");
    check("<A/ >", "name");
    check("<A 1='2'/>", "name");
    check("<??><A/>", "name");
    check("<A><!-- a -- b --></A>", "comment");
    check("<A><![CDATA[</A>", "CDATA");
    check("<A><?pi</A>", "instruction");
    check("<A/><?xml version='1.0'?>", "declaration");
    check("<A/><?XML?>", "declaration");
    check("<!ELEMENT A><A/>", "declaration");
    check("<!DOCTYPE A", "document type declaration");
    check(
        "<!DOCTYPE A [<!ENTITY x 'y'>]><A>&x;</A>",
        "document type declaration",
    );
    check("<A xmlns='urn:x'/>", "\"urn:x\"");
    check("<x:A xmlns:x='urn:x'/>", "\"urn:x\"");
    check("<x:A/>", "namespace \"\"");
    check(&" ".repeat(MAX_LENGTH + 1), "longer");
}

#[test]
fn a_document_keeps_within_its_bounds() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let attributes = |number| {
        let all: String = (0..number).map(|each| format!(" a{each}=''")).collect();
        format!("<a><b{all}/></a>")
    };
    for limits in [
        Limits::default(),
        Limits {
            depth: 2,
            attributes: 1,
        },
        Limits {
            depth: 200,
            attributes: 200,
        },
    ] {
        let Limits {
            depth,
            attributes: most,
        } = limits;
        let read = |text: String| Document::read_within(text.into(), limits);
        for text in [nested(depth), attributes(most)] {
            let document = read(text).unwrap();
            // What was let in is read further, however wide the bounds were.
            assert_eq!(document.message().unwrap().name(), "a");
        }
        let deeper = read(nested(depth + 1)).unwrap_err();
        assert_eq!(deeper, ReadError::TooDeep(depth));
        let more = read(attributes(most + 1)).unwrap_err();
        assert_eq!(more, ReadError::TooManyAttributes(most));
    }
}

#[test]
fn a_request_tells_what_it_lacks() {
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(document(text).missing(), expected, "{text}");
    }
    check("<MakeCall xmlns='NS'/>", Some("calledDirectoryNumber"));
    check(
        "<c:MakeCall xmlns:c='NS'><c:calledDirectoryNumber>1</c:calledDirectoryNumber></c:MakeCall>",
        None,
    );
    check(
        "<MakeCall xmlns='NS'><a><calledDirectoryNumber/></a></MakeCall>",
        Some("calledDirectoryNumber"),
    );
    check(
        "<TransferCall xmlns='NS'><activeCall/></TransferCall>",
        Some("heldCall"),
    );
    check("<HoldCall/>", Some("callToBeHeld"));
    check("<GetDoNotDisturb xmlns='NS'/>", None);
    check("<ButtonPress xmlns='NS'/>", None);
    check("<HoldCallResponse xmlns='NS'/>", None);
}

#[test]
fn a_request_tells_every_device_that_it_addresses() {
    #[track_caller]
    fn check(text: &str, expected: &[&str], for_connection: bool) {
        let document = document(text);
        let devices: Vec<_> = document.devices().collect();
        assert_eq!(devices, expected, "{text}");
        assert_eq!(document.is_for_connection(), for_connection, "{text}");
    }
    check(
        "<TransferCall xmlns='NS'><heldCall><callID>1</callID><deviceID> a </deviceID></heldCall><activeCall><deviceID>b&amp;</deviceID></activeCall></TransferCall>",
        &["a", "b&"],
        true,
    );
    check(
        "<TransferCall xmlns='NS'><heldCall><callID>1</callID></heldCall><activeCall><deviceID/></activeCall></TransferCall>",
        &[],
        true,
    );
    check(
        "<ConsultationCall xmlns='NS'><existingCall><deviceID>a</deviceID></existingCall><consultedDevice>b</consultedDevice></ConsultationCall>",
        &["a"],
        true,
    );
    check(
        "<DirectedPickupCall xmlns='NS'><callToBePickedUp><deviceID>a</deviceID></callToBePickedUp><requestingDevice>b</requestingDevice></DirectedPickupCall>",
        &["b"],
        false,
    );
    check(
        "<ButtonPress xmlns='NS'><device>a</device></ButtonPress>",
        &["a"],
        false,
    );
    check("<MonitorStop xmlns='NS'/>", &[], false);
    check("<AlternateCallResponse xmlns='NS'/>", &[], false);
}

#[test]
fn a_cross_reference_is_found_on_the_root_only() {
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(document(text).cross_ref(), expected, "{text}");
    }
    check(
        "<HeldEvent xmlns='NS'><monitorCrossRefID>43</monitorCrossRefID></HeldEvent>",
        Some("43"),
    );
    check(
        "<HeldEvent xmlns='NS'><monitorCrossRefID>\n 27ss </monitorCrossRefID></HeldEvent>",
        Some("27ss"),
    );
    check(
        "<HeldEvent xmlns='NS'><monitorCrossRefID>a&amp;<![CDATA[<b>]]><!-- x --></monitorCrossRefID></HeldEvent>",
        Some("a&<b>"),
    );
    check(
        "<HeldEvent xmlns='NS'><a><monitorCrossRefID>43</monitorCrossRefID></a></HeldEvent>",
        None,
    );
    check(
        "<HeldEvent xmlns='NS'><v:monitorCrossRefID xmlns:v='urn:v'>43</v:monitorCrossRefID></HeldEvent>",
        None,
    );
    check(
        "<HeldEvent xmlns='NS'><monitorCrossRefID/></HeldEvent>",
        None,
    );
    check(
        "<c:HeldEvent xmlns:c='NS'><c:monitorCrossRefID>43</c:monitorCrossRefID></c:HeldEvent>",
        Some("43"),
    );
    check(
        "<c:HeldEvent xmlns:c='NS'><monitorCrossRefID>43</monitorCrossRefID></c:HeldEvent>",
        Some("43"),
    );
}

#[test]
fn a_call_control_event_tells_of_its_call() {
    fn check(text: &str, expected: Option<[&str; 5]>) {
        let document = document(text);
        let got = document.progress().map(|progress| {
            let Progress {
                call,
                device,
                local,
                calling,
                called,
            } = progress;
            let told = |member: Option<Cow<'_, str>>| member.unwrap_or_default().into_owned();
            [
                call.into_owned(),
                told(device),
                told(local),
                told(calling),
                told(called),
            ]
        });
        assert_eq!(got, expected.map(|all| all.map(str::to_owned)), "{text}");
    }
    check(
        "<HeldEvent xmlns='NS'><heldConnection><deviceID>1</deviceID><callID> 3 </callID></heldConnection><localConnectionInfo>hold</localConnectionInfo></HeldEvent>",
        Some(["3", "1", "hold", "", ""]),
    );
    check(
        "<c:DeliveredEvent xmlns:c='NS'><c:connection><c:callID>a&amp;b</c:callID></c:connection><c:callingDevice><c:deviceIdentifier>7</c:deviceIdentifier></c:callingDevice><c:calledDevice><c:notKnown/></c:calledDevice></c:DeliveredEvent>",
        Some(["a&b", "", "", "7", ""]),
    );
    check(
        "<ServiceInitiatedEvent xmlns='NS'><initiatedConnection><callID>3</callID></initiatedConnection><calledDevice><deviceIdentifier>2</deviceIdentifier></calledDevice></ServiceInitiatedEvent>",
        Some(["3", "", "", "", ""]),
    );
    check(
        "<HeldEvent xmlns='NS'><v:heldConnection xmlns:v='urn:v'><callID>3</callID></v:heldConnection></HeldEvent>",
        None,
    );
    check(
        "<HeldEvent xmlns='NS'><heldConnection><callID/></heldConnection></HeldEvent>",
        None,
    );
    check(
        "<DoNotDisturbEvent xmlns='NS'><device>1</device></DoNotDisturbEvent>",
        None,
    );
    check(
        "<HoldCall xmlns='NS'><heldConnection><callID>3</callID></heldConnection></HoldCall>",
        None,
    );
}

#[test]
fn the_addressed_device_is_found_by_service() {
    fn check(name: &str, inside: &str, expected: Option<&str>) {
        let text = format!("<{name} xmlns='NS'>{inside}</{name}>");
        assert_eq!(document(&text).device().as_deref(), expected, "{text}");
    }
    check(
        "MonitorStart",
        "<monitorObject> <deviceObject>sip:1@a</deviceObject></monitorObject>",
        Some("sip:1@a"),
    );
    check(
        "MonitorStart",
        "<monitorObject><callObject><callID>3</callID><deviceID>1</deviceID></callObject></monitorObject>",
        Some("1"),
    );
    check("MonitorStart", "<deviceObject>1</deviceObject>", None);
    check(
        "MakeCall",
        "<calledDirectoryNumber>2</calledDirectoryNumber><callingDevice>1</callingDevice>",
        Some("1"),
    );
    check(
        "AnswerCall",
        "<callToBeAnswered><deviceID>1</deviceID><callID>3</callID></callToBeAnswered>",
        Some("1"),
    );
    check(
        "TransferCall",
        "<heldCall><callID>3</callID></heldCall><activeCall><deviceID>1</deviceID></activeCall>",
        Some("1"),
    );
    check(
        "SetDoNotDisturb",
        "<device>a &lt; b</device>",
        Some("a < b"),
    );
    check(
        "SnapshotDevice",
        "<snapshotObject>1</snapshotObject>",
        Some("1"),
    );
    check(
        "SnapshotCall",
        "<snapshotObject><callID>3</callID><deviceID>1</deviceID></snapshotObject>",
        Some("1"),
    );
    check(
        "DirectedPickupCall",
        "<callToBePickedUp><deviceID>2</deviceID></callToBePickedUp><requestingDevice>1</requestingDevice>",
        Some("1"),
    );
    check(
        "GetSwitchingFunctionDevices",
        "<requestedDeviceID>1</requestedDeviceID>",
        Some("1"),
    );
    check("DoNotDisturbEvent", "<device>1</device>", None);
    check("AnswerCall", "", None);
}

#[test]
fn the_line_of_a_microsoft_client_is_private_data() {
    fn check(inside: &str, expected: Option<&str>) {
        let text = format!("<RequestSystemStatus xmlns='NS'>{inside}</RequestSystemStatus>");
        assert_eq!(
            document(&text).private_line().as_deref(),
            expected,
            "{text}"
        );
    }
    const RCC: &str = "xmlns:l='http://schemas.microsoft.com/Lcs/2005/04/RCCExtension'";
    let at = |line: &str| {
        format!("<extensions><privateData><private>{line}</private></privateData></extensions>")
    };
    check(
        &at(&format!("<l:line {RCC}>tel:12;phone-context=x</l:line>")),
        Some("tel:12;phone-context=x"),
    );
    check(&at(&format!("<l:other {RCC}>tel:12</l:other>")), None);
    check(&at("<line>tel:12</line>"), None);
    check(&format!("<l:line {RCC}>tel:12</l:line>"), None);
}
