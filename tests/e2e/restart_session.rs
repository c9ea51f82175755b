//! The restart of a CSTA session by an operator, by API and `uacsta phones restart-session`.

use serde_json::Value;

use crate::support::{
    PATIENCE,
    csta::element,
    fixture::{LINE, MAC, call, started},
    phone::{Phone, Reaction},
    process::{PASSWORDS, Serving, run},
    server::Server,
};

const PATH: &str = "/api/v1/phones/000413000001/restartSession";

async fn restart(server: &Server) -> (u16, Value) {
    let (status, body) = server.http("POST", PATH, "").await;
    (status, serde_json::from_str(&body).unwrap())
}

/// What the phone received since it has a monitor: the CSTA service or the method of each request.
fn received_after_monitor_start(names: &[String]) -> Vec<&str> {
    let start = names.iter().position(|name| name == "MonitorStart");
    let after = names.iter().skip(start.unwrap() + 1);
    after.map(String::as_str).collect()
}

async fn names_with(phone: &Phone, last: &str, count: usize) -> Vec<String> {
    phone
        .until(last, |state| {
            let names: Vec<String> = state
                .received
                .iter()
                .map(|received| match received.service.as_str() {
                    "" => received.message.method().to_owned(),
                    service => service.to_owned(),
                })
                .collect();
            (names.iter().filter(|name| *name == last).count() == count).then_some(names)
        })
        .await
}

#[tokio::test]
async fn session_ends_in_order_and_is_opened_with_its_monitors() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    let reference = session.watch(LINE).await;
    let (status, shown) = restart(&server).await;
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["id"], "00:04:13:00:00:01");
    for event in ["OutOfServiceEvent", "BackInServiceEvent"] {
        let told = session.expect(event).await;
        assert_eq!(told.text("monitorCrossRefID"), reference, "{event}");
    }
    let names = names_with(&phone, "MonitorStart", 2).await;
    let after = received_after_monitor_start(&names);
    let opened = ["MonitorStop", "BYE", "RequestSystemStatus", "ACK"];
    assert!(after.starts_with(&opened), "{after:?}");
    assert_eq!(
        phone.until("a dialog", |state| Some(state.dialogs)).await,
        2
    );
    phone.event(&call(LINE).originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    assert_eq!(
        server.listed("00:04:13:00:00:01").await["state"],
        "controlled"
    );
    let audit = server.get("/api/v1/audit?operation=restartSession").await;
    assert_eq!(audit["items"][0]["target"], PATH, "{audit}");
}

#[tokio::test]
async fn requests_wait_for_the_next_session_of_a_phone_that_is_slow_to_end() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.once("MonitorStop", Reaction::Silence);
    let asking = async {
        phone.until_received("MonitorStop", 1).await;
        let (status, again) = restart(&server).await;
        assert_eq!(status, 409, "{again}");
        assert_eq!(again["type"], "/api/v1/problems/invalid-state");
        session
            .ask("GetDoNotDisturb", &element("device", LINE))
            .await
    };
    let ((status, shown), answer) = tokio::join!(restart(&server), asking);
    assert_eq!(status, 200, "{shown}");
    assert_eq!(answer.name(), "GetDoNotDisturbResponse", "{}", answer.raw);
    let names = names_with(&phone, "GetDoNotDisturb", 1).await;
    let after = received_after_monitor_start(&names);
    let place = |name: &str| after.iter().position(|known| *known == name);
    assert!(place("BYE") < place("GetDoNotDisturb"), "{after:?}");
}

#[tokio::test]
async fn phone_that_rang_on_the_invite_is_asked_again_at_once() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once("INVITE", Reaction::Ring);
    phone.register().await.expect(200);
    let rang =
        async { while server.listed("00:04:13:00:00:01").await["reason"]["code"] != "rings" {} };
    tokio::time::timeout(PATIENCE, rang).await.unwrap();
    // Otherwise it is left alone for an hour.
    let (status, shown) = restart(&server).await;
    assert_eq!(status, 200, "{shown}");
    phone.in_session().await;
    assert_eq!(phone.count("INVITE"), 2);
}

#[tokio::test]
async fn phone_without_a_session_is_told_with_its_reason() {
    let server = Server::start();
    let (status, unknown) = restart(&server).await;
    assert_eq!(status, 404, "{unknown}");
    let phone = started(&server).await;
    server.switch("000413000001", false).await;
    phone.until_received("BYE", 1).await;
    let (status, off) = restart(&server).await;
    assert_eq!(status, 409, "{off}");
    assert_eq!(off["type"], "/api/v1/problems/line-out-of-service");
    let detail = off["detail"].as_str().unwrap();
    assert!(
        detail.contains("An operator switched the phone off."),
        "{off}"
    );
    assert!(detail.contains("uacsta phones on"), "{off}");
    let server = server.restart(|_| {});
    server.switch("000413000001", true).await;
    let (status, away) = restart(&server).await;
    assert_eq!(status, 409, "{away}");
    let detail = away["detail"].as_str().unwrap();
    assert!(
        detail.contains("has not registered since the server started"),
        "{away}"
    );
}

#[tokio::test]
async fn command_restarts_the_session() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = server.phone(MAC, "sip:101@pbx.example");
    phone.start().await;
    let data = server.data().to_str().unwrap().to_owned();
    let command = ["phones", "restart-session", MAC, "--data", &data];
    let ran = run(&command);
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8(ran.stdout).unwrap();
    let expected = "the session with 00:04:13:00:00:01 has ended; the next one is being opened\n";
    assert_eq!(said, expected);
    phone.until_received("INVITE", 2).await;
    let logged = "session with the phone restarted by an operator";
    server.until_logged(0, logged).await;
    phone.disconnect();
    server.until_logged(0, "phone is away").await;
    let ran = run(&command);
    assert_eq!(ran.status.code(), Some(1));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(
        said.contains("the server has no session with phone"),
        "{said}"
    );
}
