//! Requests under way when their session ends: each gets a final response before the BYE (RFC 3261, section 15.1.2).

use crate::support::{
    csta::{document, element},
    cti_client::{CtiClient, Session},
    dialog::Dialog,
    digest::Account,
    line::{Line, request},
    phone::{Phone, Reaction},
    process::{PASSWORDS, Serving},
    server::{CLIENTS_PASSWORD, http},
    sip::{Frame, Message, unique},
};
use tokio::sync::mpsc::UnboundedReceiver;

const MAC: &str = "000413000001";
const LINE: &str = "sip:101@pbx.example";

async fn silent_phone(server: &Serving) -> Phone {
    let phone = server.phone(MAC, LINE);
    phone.always("GetForwarding", Reaction::Silence);
    phone.start().await;
    phone
}

/// Asks the phone, which has the request then.
async fn asked(session: &Session, phone: &Phone) -> UnboundedReceiver<Message> {
    let answers = session.begin("GetForwarding", &element("device", LINE));
    phone.until_received("GetForwarding", 1).await;
    answers
}

/// Opens a session on a bare connection, which keeps the order of what arrives, and sends these requests in it.
async fn ordered(server: &Serving, account: &Account, services: &[&str]) -> Line {
    let mut line = Line::to(server.clients).await;
    line.log_on(account).await.expect(200);
    let invite = request("INVITE", &account.user)
        .set("To", format!("<{LINE}>"))
        .with("Contact", "<sip:anna@127.0.0.1:9;transport=tcp>")
        .csta(document("ed3", "RequestSystemStatus", ""));
    let invite = Message {
        start: format!("INVITE {LINE} SIP/2.0"),
        ..invite
    };
    let answer = line.ask(&invite).await.expect(200);
    let mut dialog = Dialog::calling(&invite, &answer);
    let via = || format!("SIP/2.0/TCP 127.0.0.1:9;branch={}", unique("z9hG4bK"));
    line.write(dialog.request("ACK", via()).bytes()).await;
    for service in services {
        let asked = document("ed3", service, &element("device", LINE));
        let info = dialog.request("INFO", via()).csta(asked);
        line.write(info.bytes()).await;
    }
    line
}

/// What arrives until the connection ends: status or method, and the method in CSeq.
async fn rest_of(mut line: Line) -> Vec<String> {
    let mut rest = Vec::new();
    while let Some(frame) = line.frame().await {
        if let Frame::Message(message) = frame {
            let (_, of) = message.must("CSeq").split_once(' ').unwrap();
            rest.push(match message.status() {
                0 => message.method().to_owned(),
                status => format!("{status} {of}"),
            });
        }
    }
    rest
}

#[tokio::test]
async fn request_under_way_is_answered_before_the_bye_of_a_removed_account() {
    let entry = "[[clients.accounts]]\nuser = \"anna\"\npassword = \"let anna dial\"\n";
    let with = format!("{PASSWORDS}{entry}");
    let server = Serving::start(tempfile::tempdir().unwrap(), &with);
    let phone = silent_phone(&server).await;
    let account = Account::new("anna", "let anna dial");
    let client = CtiClient::at(server.clients, "anna", "let anna dial").await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    let line = ordered(&server, &account, &["GetForwarding"]).await;
    phone.until_received("GetForwarding", 1).await;
    server.reload(PASSWORDS).await;
    assert_eq!(rest_of(line).await, ["487 INFO", "BYE"]);
    // The phone, which is still busy, is told to stop the monitor at once, and keeps its session.
    phone.until_received("MonitorStop", 1).await;
    assert_eq!(phone.count("BYE"), 0);
}

/// An operator removes an account of the API, or ends a client.
#[tokio::test]
async fn request_under_way_is_answered_before_the_bye_of_what_an_operator_ended() {
    const USER: &str = "crm";
    const PASSWORD: &str = "let the crm dial";
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let ask = async |method, path: &str, body| {
        let path = format!("/api/v1/{path}");
        http(server.web, token.trim(), method, &path, body).await
    };
    let phone = silent_phone(&server).await;
    let account = Account::new(USER, PASSWORD);
    let new = format!(
        r#"{{"user": "{USER}", "password": "{PASSWORD}", "rights": [{{"level": "control", "lines": ["*"]}}]}}"#
    );
    let (status, body) = ask("POST", "accounts", &new).await;
    assert_eq!(status, 201, "{body}");
    for (number, path) in (1..).zip(["clients/crm", "accounts/crm"]) {
        let line = ordered(&server, &account, &["GetForwarding"]).await;
        phone.until_received("GetForwarding", number).await;
        let ended = async {
            let (status, body) = ask("DELETE", path, "").await;
            assert_eq!(status, 204, "{path}: {body}");
        };
        let (rest, ()) = tokio::join!(rest_of(line), ended);
        assert_eq!(rest, ["487 INFO", "BYE"], "{path}");
        // The phone, which never answers, is free for the next request.
        phone.reboot();
        phone.start().await;
    }
}

#[tokio::test]
async fn requests_under_way_are_answered_before_the_bye_of_a_shutdown() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = silent_phone(&server).await;
    let account = Account::new("ecsta", CLIENTS_PASSWORD);
    let both = ["GetForwarding", "GetForwarding"];
    let line = ordered(&server, &account, &both).await;
    // The second waits for the first.
    phone.until_received("GetForwarding", 1).await;
    let ended = tokio::task::spawn_blocking(move || server.signal("TERM"));
    assert_eq!(rest_of(line).await, ["200 INFO", "200 INFO", "BYE"]);
    assert_eq!(ended.await.unwrap(), Some(0));
    phone.until_received("BYE", 1).await;
}

#[tokio::test]
async fn request_under_way_is_answered_when_the_client_ends_its_session() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = silent_phone(&server).await;
    let client = server.client().await;
    let session = client.open(LINE).await;
    let mut answers = asked(&session, &phone).await;
    session.bye().await;
    let answer = answers.try_recv().expect("an answer before that to BYE");
    answer.expect(487);
}
