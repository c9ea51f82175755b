//! What a body is for: INFO packages, dispositions and multipart bodies (RFC 6086, section 4.2; RFC 5621).

use crate::support::{
    csta::{Call, document},
    cti_client::Session,
    fixture::MAC,
    phone::{Phone, Reaction},
    server::Server,
    sip::{CSTA, Message},
};

/// A phone that is watched, and the client's session.
async fn watched(server: &Server) -> (Phone, Session) {
    let phone = server.phone(MAC);
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    (phone, session)
}

async fn event(phone: &Phone) -> String {
    let line = phone.line();
    let call = Call::seen_by(line, "-7", line, "sip:102@pbx.example");
    call.delivered().replace("{xref}", &phone.monitored().await)
}

fn mixed(parts: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (head, text) in parts {
        body += &format!("--part\r\n{head}\r\n\r\n{text}\r\n");
    }
    body + "--part--\r\n"
}

const SIGNAL: &str =
    "Content-Type: application/csta+xml\r\nContent-Disposition: signal;handling=required";
const MIXED: &str = "multipart/mixed;boundary=\"part\"";

#[tokio::test]
async fn info_of_a_package_is_refused_with_469() {
    let server = Server::start();
    let (phone, mut session) = watched(&server).await;
    let package = |info: Message| info.with("Info-Package", "example-package");
    let info = phone.in_dialog("INFO").await.csta(event(&phone).await);
    let answer = phone.transact(&package(info)).await.expect(469);
    assert_eq!(answer.must("Recv-Info"), "");
    assert!(session.quiet());
    let ask = document("ed3", "RequestSystemStatus", "");
    let answer = session.send(|info| package(info.csta(ask)), "INFO").await;
    answer.expect(469);
}

/// RFC 3261, section 20.11: without `handling`, a body must be understood.
#[tokio::test]
async fn body_of_an_unknown_disposition_is_refused_if_it_must_be_understood() {
    let server = Server::start();
    let (phone, mut session) = watched(&server).await;
    for (disposition, status) in [
        ("x-example;handling=required", 415),
        ("x-example", 415),
        ("x-example;other=1", 415),
        ("x-example;handling=optional", 200),
        ("signal;handling=required", 200),
        ("Signal; Handling=Required", 200),
        ("signal", 200),
        ("session", 200),
        ("render", 200),
    ] {
        let disposed = |request: Message, document: String| {
            let request = request.csta(document);
            request.set("Content-Disposition", disposition)
        };
        let info = phone.in_dialog("INFO").await;
        let info = disposed(info, event(&phone).await);
        phone.transact(&info).await.expect(status);
        if status == 200 {
            session.expect("DeliveredEvent").await;
        }
        let before = phone.count("GetDoNotDisturb");
        let asked = document("ed3", "GetDoNotDisturb", "<device/>");
        let answer = session.send(|info| disposed(info, asked), "INFO").await;
        let answer = answer.expect(status);
        let reached = phone.count("GetDoNotDisturb") - before;
        assert_eq!(reached, usize::from(status == 200), "{disposition}");
        if status == 415 {
            assert_eq!(answer.must("Accept"), CSTA);
        }
    }
    // The same in an INVITE, and without the field at all, as some clients write it.
    let client = server.client().await;
    let without = |invite: Message| invite.without("Content-Disposition");
    client.invite(phone.line(), without).await.unwrap();
    let unknown = |invite: Message| invite.set("Content-Disposition", "x-example");
    let refusal = client.invite(phone.line(), unknown).await.unwrap_err();
    assert_eq!(refusal.status(), 415);
}

#[tokio::test]
async fn csta_part_of_a_multipart_body_is_read() {
    let server = Server::start();
    let (phone, mut session) = watched(&server).await;
    let event = event(&phone).await;
    let inner = format!(
        "--in\r\nContent-Type: text/plain\r\nContent-Disposition: render\r\n\r\nx\r\n--in\r\n{SIGNAL}\r\n\r\n{event}\r\n--in--"
    );
    let alternative = (
        "Content-Type: multipart/alternative;\r\n boundary=in",
        &*inner,
    );
    let sdp = ("Content-Type: application/sdp", "v=0");
    let required = (
        "Content-Type: application/sdp\r\nContent-Disposition: session;handling=required",
        "v=0",
    );
    let disposed = (
        "Content-Type: application/sdp\r\nContent-Disposition: session",
        "v=0",
    );
    let optional = (
        "Content-Type: application/sdp\r\nContent-Disposition: session;handling=optional",
        "v=0",
    );
    let csta = (SIGNAL, &*event);
    for (parts, status) in [
        (&[csta][..], 200),
        (&[sdp, csta], 200),
        (&[optional, csta], 200),
        (&[alternative], 200),
        (&[sdp], 415),
        (&[required, csta], 415),
        (&[disposed, csta], 415),
        (&[csta, csta], 415),
        (&[], 415),
    ] {
        let info = phone.in_dialog("INFO").await;
        let info = info.carrying(MIXED, mixed(parts));
        phone.transact(&info).await.expect(status);
        if status == 200 {
            session.expect("DeliveredEvent").await;
        }
    }
}

#[tokio::test]
async fn invite_and_response_may_be_multipart() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let client = server.client().await;
    let status = document("ed3", "RequestSystemStatus", "");
    let body = mixed(&[(SIGNAL, &status)]);
    let multipart = |invite: Message| invite.without("Content-Type").carrying(MIXED, body.clone());
    let session = client.invite(phone.line(), multipart).await.unwrap();
    assert_eq!(session.status(), "normal");
    let answer = document(
        "ed3",
        "GetDoNotDisturbResponse",
        "<doNotDisturbOn>true</doNotDisturbOn>",
    );
    phone.once(
        "GetDoNotDisturb",
        Reaction::Carrying(MIXED, mixed(&[(SIGNAL, &answer)])),
    );
    let response = session.ask("GetDoNotDisturb", "").await;
    assert_eq!(response.text("doNotDisturbOn"), "true");
    let refused = |invite: Message| invite.set("Content-Type", "application/sdp");
    let refusal = client.invite(phone.line(), refused).await.unwrap_err();
    assert_eq!((refusal.status(), refusal.must("Accept")), (415, CSTA));
}
