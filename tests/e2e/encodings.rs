//! Documents in every encoding and with every namespace mistake that phones and clients were seen to send.

use std::{io::Write, process::Command};

use crate::support::{
    PATIENCE,
    csta::{Call, Document, element, namespace},
    fixture::MAC,
    phone::{Phone, Reaction},
    programs,
    server::Server,
    sip::Message,
    wire::{Wire, final_of},
};

const CSTA: &str = "application/csta+xml";
const LATIN1: &str = "application/csta+xml;charset=ISO-8859-1";
const UTF8: &str = "application/csta+xml; charset=\"utf-8\"";

/// Sends an INFO with these octets as its body; the final response.
async fn send_octets(wire: &Wire, info: Message, content_type: &str, octets: &[u8]) -> Message {
    let mut answer = wire.expecting(&info);
    wire.send_bytes(info.octets(content_type, octets));
    final_of(&mut answer).await.unwrap()
}

/// An XML declaration with this encoding, then the document's root.
fn declaring(encoding: &str, document: &str) -> String {
    let root = document.split_once("?>").map_or(document, |(_, root)| root);
    format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{root}")
}

/// A DeliveredEvent of a call from this caller, after this XML declaration.
async fn delivered(phone: &Phone, declaration: &str, caller: &str) -> String {
    let line = phone.line();
    let call = Call::seen_by(line, "-7", line, &format!("sip:{caller}@pbx.example"));
    let event = call.delivered().replace("{xref}", &phone.monitored().await);
    let root = event.split_once("?>").map_or(&*event, |(_, root)| root);
    format!("{declaration}{root}")
}

fn utf16(text: &str, mark: &str) -> Vec<u8> {
    let text = format!("{mark}{text}");
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Each character as one octet of windows-1252.
fn narrow(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| match character {
            '\u{20ac}' => 0x80,
            other => u8::try_from(u32::from(other)).unwrap(),
        })
        .collect()
}

/// RFC 7303, section 3.2: byte order mark, then charset, then declaration; XML 1.0, section 4.3.3: UTF-16.
#[tokio::test]
async fn events_are_heard_in_every_encoding() {
    type Encode = fn(&str) -> Vec<u8>;
    let utf8: Encode = |text| text.as_bytes().to_vec();
    let with_mark: Encode = |text| utf16(text, "\u{FEFF}");
    let without_mark: Encode = |text| utf16(text, "");
    let rows: [(&str, &str, Encode, &str); 11] = [
        (CSTA, "", utf8, "J\u{f6}rg"),
        (LATIN1, "", narrow, "J\u{f6}rg"),
        (UTF8, "ISO-8859-1", utf8, "J\u{f6}rg"),
        (CSTA, "UTF-16", with_mark, "J\u{f6}rg"),
        (CSTA, "UTF-16", without_mark, "J\u{f6}rg"),
        (CSTA, "utf-16", utf8, "J\u{f6}rg"),
        (CSTA, "utf8", utf8, "J\u{f6}rg"),
        (CSTA, "windows-1252", narrow, "J\u{f6}rg \u{20ac}"),
        (CSTA, "windows-1252", narrow, "Joe"),
        (CSTA, "UTF-8", narrow, "J\u{f6}rg"),
        (CSTA, "", narrow, "J\u{f6}rg"),
    ];
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let wire = phone.wire().await;
    for (content_type, declared, encode, caller) in rows {
        let declaration = match declared {
            "" => String::new(),
            name => format!("<?xml version=\"1.0\" encoding=\"{name}\"?>"),
        };
        let octets = encode(&delivered(&phone, &declaration, caller).await);
        let info = phone.in_dialog("INFO").await;
        send_octets(&wire, info, content_type, &octets)
            .await
            .expect(200);
        let event = session.expect("DeliveredEvent").await;
        let expected = format!(">sip:{caller}@pbx.example<");
        assert!(
            event.raw.contains(&expected),
            "{content_type}, declared {declared:?}: {}",
            event.raw
        );
    }
}

#[tokio::test]
async fn request_in_utf16_reaches_the_phone_in_utf8_and_is_answered() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let client = server.client().await;
    let session = client.open(phone.line()).await;
    let request = declaring("UTF-16", &client.document("GetDoNotDisturb", "<device/>"));
    let (info, octets) = (session.next("INFO"), utf16(&request, "\u{FEFF}"));
    let answer = send_octets(&client.wire, info, CSTA, &octets).await;
    let asked = phone.until_received("GetDoNotDisturb", 1).await;
    assert_eq!(asked.document().text("device"), phone.line());
    let response = Document::read(&answer.expect(200).body);
    assert_eq!(response.name(), "GetDoNotDisturbResponse");
    assert_eq!(response.text("doNotDisturbOn"), "false");
}

/// A text with this name as a phone sends it: the media type, the declared encoding, and the octets.
fn spellings(document: &str) -> [(&'static str, Vec<u8>); 3] {
    [
        (LATIN1, narrow(&declaring("UTF-8", document))),
        (UTF8, declaring("ISO-8859-1", document).into_bytes()),
        (CSTA, utf16(&declaring("UTF-16", document), "\u{FEFF}")),
    ]
}

#[tokio::test]
async fn answers_of_a_phone_are_read_in_every_encoding() {
    const NAME: &str = "sip:J\u{f6}rg@pbx.example";
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let session = server.client().await.open(phone.line()).await;
    let item = "<forwardingType>forwardNoAns</forwardingType><forwardStatus>true</forwardStatus>"
        .to_owned()
        + &element("forwardDN", NAME);
    let list =
        format!("<forwardingList><forwardListItem>{item}</forwardListItem></forwardingList>");
    for (kind, octets) in spellings(&phone.document("GetForwardingResponse", &list)) {
        phone.once("GetForwarding", Reaction::Octets(kind, octets));
        let response = session.done("GetForwarding", "<device/>").await;
        let forwarded = response.text("forwardingList/forwardListItem/forwardDN");
        assert_eq!(forwarded, NAME, "{kind}");
    }
}

/// Waits until the phone list says so of a phone.
async fn until_listed(server: &Server, id: &str, key: &str, text: &str) {
    let wait = async { while !server.listed(id).await[key].to_string().contains(text) {} };
    let in_time = tokio::time::timeout(PATIENCE, wait).await;
    assert!(in_time.is_ok(), "{key} of {id} never has {text:?}");
}

#[tokio::test]
async fn status_and_lines_of_a_phone_are_read_in_every_encoding() {
    const NAME: &str = "sip:J\u{f6}rg@pbx.example";
    let server = Server::start();
    for row in 0..3 {
        let phone = server.phone(&format!("00041300010{row}"));
        let id = format!("00:04:13:00:01:0{row}");
        let status = "<systemStatus>disabled</systemStatus><!--J\u{f6}rg-->";
        let device = element("deviceID", NAME) + &element("deviceCategory", "station");
        let list = element("serviceCrossRefID", "s1")
            + "<segmentID>1</segmentID><lastSegment>true</lastSegment>"
            + &format!("<deviceList><device>{device}</device></deviceList>");
        let [(kind, status), (_, list)] = [
            phone.document("RequestSystemStatusResponse", status),
            phone.document("SwitchingFunctionDevices", &list),
        ]
        .map(|document| spellings(&document)[row].clone());
        phone.once("INVITE", Reaction::Octets(kind, status));
        phone.register().await.expect(200);
        until_listed(&server, &id, "reason", "disabled").await;
        let reference = element("serviceCrossRefID", "s1");
        let follows = phone.document("GetSwitchingFunctionDevicesResponse", &reference);
        phone.once("GetSwitchingFunctionDevices", Reaction::Document(follows));
        phone.until_received("GetSwitchingFunctionDevices", 1).await;
        let (wire, info) = (phone.wire().await, phone.in_dialog("INFO").await);
        send_octets(&wire, info, kind, &list).await.expect(200);
        until_listed(&server, &id, "lines", NAME).await;
    }
}

/// Namespaces in XML 1.0, sections 5 to 7; xmllint judges.
#[tokio::test]
async fn mended_events_are_namespace_well_formed() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let root = "<DeliveredEvent";
    let private = "<extensions><privateData><private><v:colour>red</v:colour></private></privateData></extensions>";
    for (place, inserted) in [
        (root, " xsi:schemaLocation=\"urn:a a.xsd\""),
        ("</cause>", private),
        (
            root,
            " xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:n=\"1\" b:n=\"2\"",
        ),
    ] {
        let event = delivered(&phone, "", "Joe").await;
        let spoilt = event
            .replacen(place, &format!("{place}{inserted}"), 1)
            .replace("</DeliveredEvent>", "<!--deviation--></DeliveredEvent>");
        phone.info(&spoilt).await.expect(200);
        let heard = session.expect("DeliveredEvent").await;
        assert_eq!(complaints(&heard.raw), "", "{}", heard.raw);
    }
}

#[tokio::test]
async fn mended_requests_are_namespace_well_formed() {
    let server = Server::start();
    for (row, edition) in ["ed2", "ed3", "ed5", "ed6"].into_iter().enumerate() {
        let phone = server.phone_as(&format!("00041300020{row}"), |setup| {
            setup.edition = edition;
        });
        phone.start().await;
        let session = server.client().await.open(phone.line()).await;
        let space = namespace("ed3");
        let private = |inner: &str| {
            format!(
                "<c:extensions><c:privateData><c:private>{inner}</c:private></c:privateData></c:extensions>"
            )
        };
        let colour = private("<v:colour>red</v:colour>");
        for (attributes, inner) in [
            ("", &*colour),
            (" xmlns:v=\"urn:v\"", &*colour),
            (" xsi:schemaLocation=\"urn:a a.xsd\"", ""),
            (
                " xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:n=\"1\" b:n=\"2\"",
                "",
            ),
            (
                " xmlns:v=\"urn:v\"",
                &*private("<colour xmlns=\"urn:w\" v:n=\"1\"/>"),
            ),
        ] {
            let request = format!(
                "<c:GetDoNotDisturb xmlns:c=\"{space}\"{attributes}><c:device/>{inner}<!--deviation--></c:GetDoNotDisturb>"
            );
            let count = phone.count("GetDoNotDisturb") + 1;
            session.info(&*request).await.expect(200);
            let asked = phone.until_received("GetDoNotDisturb", count).await;
            let document = asked.document();
            assert_eq!(complaints(&document.raw), "", "{}", document.raw);
            assert!(
                inner.is_empty() || document.raw.contains("colour"),
                "{}",
                document.raw
            );
        }
    }
}

/// The complaints of xmllint about a document.
fn complaints(document: &str) -> String {
    if programs::find("xmllint", "libxml2-utils").is_none() {
        return String::new();
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(document.as_bytes()).unwrap();
    let checked = Command::new("xmllint")
        .arg("--noout")
        .arg(file.path())
        .output()
        .unwrap();
    String::from_utf8(checked.stderr).unwrap()
}
