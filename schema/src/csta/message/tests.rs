//! Tests of CSTA messages.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::csta::{
    device::SubjectDevice,
    service::{DeviceCall, Snapshot},
    types::ConnectionId,
};

fn read(text: &str) -> Result<Message, ReadError> {
    Document::read(Bytes::copy_from_slice(text.as_bytes()))
        .unwrap()
        .message()
}

#[test]
fn error_names_missing_or_invalid_member() {
    fn check(text: &str, expected: &str) {
        assert_eq!(read(text).unwrap_err().to_string(), expected);
    }
    check(
        "<MakeCall><callingDevice>1</callingDevice></MakeCall>",
        "MakeCall: calledDirectoryNumber is missing",
    );
    check(
        "<MonitorStart><monitorObject/></MonitorStart>",
        "monitorObject: deviceObject is missing",
    );
    check(
        "<MonitorStop><monitorCrossRefID> </monitorCrossRefID></MonitorStop>",
        "monitorCrossRefID: \"\" is not an identifier",
    );
    check(
        "<SetDoNotDisturb><device>1</device><doNotDisturbOn>yes</doNotDisturbOn></SetDoNotDisturb>",
        "doNotDisturbOn: \"yes\" is not true or false",
    );
    check(
        "<AnswerCall><callToBeAnswered><x/></callToBeAnswered></AnswerCall>",
        "callToBeAnswered: callID is missing",
    );
    check("<CSTAErrorCode/>", "CSTAErrorCode: its category is missing");
    check(
        "<CSTAErrorCode><fax/></CSTAErrorCode>",
        "CSTAErrorCode: \"fax\" is not a failure category",
    );
}

#[test]
fn vendor_elements_are_ignored() {
    let text = "<MonitorStart xmlns:v='urn:v'><v:monitorType>call</v:monitorType><v:x><monitorType>call</monitorType></v:x>\
                <monitorObject><v:deviceObject>2</v:deviceObject><deviceObject>1</deviceObject></monitorObject></MonitorStart>";
    let expected = MonitorStart {
        monitor_object: MonitorObject::Device("1".into()),
        ..MonitorStart::default()
    };
    assert_eq!(read(text), Ok(expected.into()));
}

#[test]
fn known_deviations_of_peers_are_accepted() {
    fn check(text: &str, expected: impl Into<Message>) {
        assert_eq!(read(text), Ok(expected.into()), "{text}");
    }
    // Members in any order, the device as plain text, no namespace.
    check(
        "<DoNotDisturbEvent><doNotDisturbOn>1</doNotDisturbOn><device>101</device><monitorCrossRefID> 43 </monitorCrossRefID></DoNotDisturbEvent>",
        Event::from(DoNotDisturbEvent {
            device: SubjectDevice::Device("101".into()),
            do_not_disturb_on: true,
            call_origination: None,
        })
        .reported_by("43".into()),
    );
    check(
        "<AnswerCall><callToBeAnswered><deviceID>1</deviceID><callID>-12</callID></callToBeAnswered></AnswerCall>",
        AnswerCall {
            call_to_be_answered: ConnectionId::new("-12", "1"),
            ..AnswerCall::default()
        },
    );
    for newest in ["2", "<device>2</device>"] {
        check(
            &format!(
                "<DeflectCall><callToBeDiverted><callID>1</callID></callToBeDiverted><newDestination>{newest}</newDestination></DeflectCall>"
            ),
            DeflectCall {
                call_to_be_diverted: ConnectionId {
                    call_id: Some("1".into()),
                    device_id: None,
                },
                new_destination: crate::csta::DeviceId::from("2").into(),
                ..DeflectCall::default()
            },
        );
    }
    for category in ["systemResourceAvailibility", "systemResourceAvailability"] {
        let text =
            format!("<CSTAErrorCode><{category}>deviceOutOfService</{category}></CSTAErrorCode>");
        check(&text, Failure::DEVICE_OUT_OF_SERVICE);
    }
    check(
        "<CSTAErrorCode><unspecified/></CSTAErrorCode>",
        Failure::UNSPECIFIED,
    );
    check("<ParkCall/>", Message::Unknown("ParkCall".into()));
}

#[test]
fn values_are_read_without_regard_to_case() {
    fn check(text: &str, expected: impl Into<Message>) {
        assert_eq!(read(text), Ok(expected.into()), "{text}");
    }
    for status in ["normal", "Normal", "NORMAL"] {
        check(
            &format!(
                "<RequestSystemStatusResponse><systemStatus>{status}</systemStatus></RequestSystemStatusResponse>"
            ),
            RequestSystemStatusResponse {
                system_status: crate::csta::SystemStatusValue::NORMAL,
            },
        );
    }
    for on in ["TRUE", "True", "1"] {
        check(
            &format!(
                "<GetDoNotDisturbResponse><doNotDisturbOn>{on}</doNotDisturbOn></GetDoNotDisturbResponse>"
            ),
            GetDoNotDisturbResponse {
                do_not_disturb_on: true,
                ..GetDoNotDisturbResponse::default()
            },
        );
    }
    check(
        "<CSTAErrorCode><operation>ServiceNotSupported</operation></CSTAErrorCode>",
        Failure::SERVICE_NOT_SUPPORTED,
    );
    check(
        "<CSTAErrorCode><operation>SomethingElse</operation></CSTAErrorCode>",
        Failure::new(crate::csta::Category::Operation, "SomethingElse"),
    );
}

#[test]
fn a_snapshot_without_a_list_of_calls_is_no_empty_list() {
    fn check(inner: &str, expected: &Snapshot<DeviceCall>) {
        let text = format!("<SnapshotDeviceResponse>{inner}</SnapshotDeviceResponse>");
        let Ok(Message::Response(Response::SnapshotDeviceResponse(read))) = read(&text) else {
            panic!("{text}");
        };
        assert_eq!(read.data, *expected, "{text}");
    }
    let within =
        |data: &str| format!("<crossRefIDorSnapshotData>{data}</crossRefIDorSnapshotData>");
    let empty = Snapshot::Data(Vec::new());
    check(&within("<snapshotData/>"), &empty);
    check(
        &within("<snapshotData><v:x xmlns:v='urn:v'/></snapshotData>"),
        &empty,
    );
    check(&within(""), &Snapshot::Missing);
    check("<crossRefIDorSnapshotData/>", &Snapshot::Missing);
    check(
        &within("<snapshotData><call>7</call></snapshotData>"),
        &Snapshot::Missing,
    );
    check(
        &within("<snapshotData>none</snapshotData>"),
        &Snapshot::Missing,
    );
    let unnamed = Snapshot::Data(vec![DeviceCall::default()]);
    check(
        &within("<snapshotData><snapshotDeviceResponseInfo/></snapshotData>"),
        &unnamed,
    );
}

#[test]
fn unknown_enumeration_value_survives() {
    let text = "<HeldEvent><monitorCrossRefID>1</monitorCrossRefID><heldConnection><callID>1</callID></heldConnection>\
                <holdingDevice><notKnown/></holdingDevice><cause>telepathy</cause></HeldEvent>";
    let Ok(Message::Event(reported)) = read(text) else {
        panic!("not an event")
    };
    let event = HeldEvent::try_from(reported.event).unwrap();
    assert_eq!(event.tail.cause.as_str(), "telepathy");
}

#[test]
fn response_type_follows_from_request_type() {
    fn check<S: Service>(_: &S, response: &str) {
        let Ok(Message::Response(response)) = read(response) else {
            panic!("not a response");
        };
        assert!(S::Response::try_from(response).is_ok(), "{}", S::ID);
    }
    check(&HoldCall::default(), "<HoldCallResponse/>");
    check(
        &MonitorStart::default(),
        "<MonitorStartResponse><monitorCrossRefID>1</monitorCrossRefID></MonitorStartResponse>",
    );
}

#[test]
fn relay_inserts_missing_cross_reference_of_event() {
    let event = Event::from(HeldEvent::default());
    let dialect = Dialect {
        prefix: Some("c".into()),
        ..Dialect::default()
    };
    let template = Document::read(write(&event.clone().into(), &dialect)).unwrap();
    assert_eq!(template.cross_ref(), None);
    let relayed = template.relayed(&crate::csta::Changes {
        edition: dialect.edition,
        cross_ref: Some("27ss"),
        device: None,
    });
    let reported = event.reported_by("27ss".into());
    assert_eq!(relayed, write(&reported.into(), &dialect));
}
