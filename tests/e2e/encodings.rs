//! Documents in every encoding and with every namespace mistake that phones and clients were seen to send.

use std::{io::Write, process::Command};

use crate::support::{
    csta::Call,
    fixture::MAC,
    phone::Phone,
    programs,
    server::Server,
    sip::Message,
    wire::{Wire, final_of},
};

/// Sends an INFO with these octets as its body; the final response.
async fn send_octets(wire: &Wire, info: Message, content_type: &str, octets: &[u8]) -> Message {
    let info = info
        .set("Content-Type", content_type)
        .set("Content-Length", octets.len());
    let mut answer = wire.expecting(&info);
    let head = String::from_utf8(info.bytes()).unwrap();
    let head = head.replace("Content-Length: 0\r\n", "");
    wire.send_bytes([head.as_bytes(), octets].concat());
    final_of(&mut answer).await.unwrap()
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
    const CSTA: &str = "application/csta+xml";
    type Encode = fn(&str) -> Vec<u8>;
    let utf8: Encode = |text| text.as_bytes().to_vec();
    let with_mark: Encode = |text| utf16(text, "\u{FEFF}");
    let without_mark: Encode = |text| utf16(text, "");
    let latin1 = "application/csta+xml;charset=ISO-8859-1";
    let rows: [(&str, &str, Encode, &str); 11] = [
        (CSTA, "", utf8, "J\u{f6}rg"),
        (latin1, "", narrow, "J\u{f6}rg"),
        (
            "application/csta+xml; charset=\"utf-8\"",
            "ISO-8859-1",
            utf8,
            "J\u{f6}rg",
        ),
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
async fn request_in_utf16_reaches_the_phone_in_utf8() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let client = server.client().await;
    let session = client.open(phone.line()).await;
    let request = client.document("GetDoNotDisturb", "<device/>");
    let root = request.split_once("?>").map_or(&*request, |(_, root)| root);
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{root}");
    let info = session.next("INFO");
    send_octets(
        &client.wire,
        info,
        "application/csta+xml",
        &utf16(&declared, "\u{FEFF}"),
    )
    .await
    .expect(200);
    phone.until_received("GetDoNotDisturb", 1).await;
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
