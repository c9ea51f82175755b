//! Requests under way when their session ends: each gets a final response before the BYE (RFC 3261, section 15.1.2).

use crate::support::{
    csta::element,
    cti_client::{CtiClient, Session},
    phone::{Phone, Reaction},
    process::{PASSWORDS, Serving},
    sip::Message,
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

#[tokio::test]
async fn request_under_way_is_answered_before_the_bye_of_a_removed_account() {
    let account = "[[clients.accounts]]\nuser = \"anna\"\npassword = \"let anna dial\"\n";
    let with = format!("{PASSWORDS}{account}");
    let server = Serving::start(tempfile::tempdir().unwrap(), &with);
    let phone = silent_phone(&server).await;
    let client = CtiClient::at(server.clients, "anna", "let anna dial").await;
    let mut session = client.open(LINE).await;
    let mut answers = asked(&session, &phone).await;
    server.reload(PASSWORDS).await;
    let bye = session.incoming().await.expect("a BYE");
    assert_eq!(bye.method(), "BYE", "{}", bye.text());
    // What is read in order was sent in order.
    let answer = answers.try_recv().expect("an answer before the BYE");
    answer.expect(487);
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
