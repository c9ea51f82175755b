//! Tests of the index of a document: members, devices, cross references, calls.

use super::*;

#[test]
fn missing_mandatory_member_is_found() {
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
fn all_calls_and_devices_of_connections_are_found() {
    #[track_caller]
    fn check(text: &str, calls: &[&str], devices: &[&str]) {
        let told = document(text).connections();
        let calls: Vec<CallId> = calls.iter().map(|call| (*call).into()).collect();
        let devices: Vec<DeviceId> = devices.iter().map(|device| (*device).into()).collect();
        assert_eq!(told, (calls, devices), "{text}");
    }
    check(
        "<TransferCall xmlns='NS'><heldCall><callID>1</callID><deviceID> a </deviceID></heldCall><activeCall><deviceID>b&amp;</deviceID></activeCall></TransferCall>",
        &["1"],
        &["a", "b&"],
    );
    check(
        "<JoinCall xmlns='NS'><activeCall><callID>1</callID><deviceID>a</deviceID></activeCall><joiningDevice>b</joiningDevice></JoinCall>",
        &["1"],
        &["a"],
    );
    check(
        "<DirectedPickupCall xmlns='NS'><callToBePickedUp><callID>1</callID><callID><![CDATA[2]]></callID><deviceID/></callToBePickedUp><requestingDevice>b</requestingDevice></DirectedPickupCall>",
        &["1", "2"],
        &[],
    );
    check(
        "<HoldCall xmlns='NS'><callToBeHeld><callID>1</callID></callToBeHeld><callToBeHeld><callID>2</callID></callToBeHeld></HoldCall>",
        &["1", "2"],
        &[],
    );
    check(
        "<MakeCall xmlns='NS'><callingDevice>a</callingDevice></MakeCall>",
        &[],
        &[],
    );
    check(
        "<HoldCallResponse xmlns='NS'><callToBeHeld><callID>1</callID></callToBeHeld></HoldCallResponse>",
        &[],
        &[],
    );
}

#[test]
fn all_addressed_devices_are_found() {
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
fn cross_reference_is_a_child_of_the_root() {
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
fn call_control_event_has_a_summary() {
    fn check(text: &str, expected: Option<[&str; 5]>) {
        let document = document(text);
        let got = document.call_summary().map(|summary| {
            let CallEventSummary {
                call,
                device,
                local,
                calling,
                called,
            } = summary;
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
fn addressed_device_depends_on_the_service() {
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
fn line_of_a_microsoft_client_is_private_data() {
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
