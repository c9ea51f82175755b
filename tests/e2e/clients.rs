//! Connected clients as operators see and end them, by API and `uacsta clients`.

use serde_json::{Value, json};
use uacsta_config::Trusted;

use crate::support::{
    PATIENCE,
    fixture::{LINE, MAC},
    process::{PASSWORDS, Serving, run},
    server::Server,
};

const LIST: &str = "/api/v1/clients";

async fn clients(server: &Server) -> Vec<Value> {
    let mut list = server.get(LIST).await;
    list["items"].as_array_mut().map(std::mem::take).unwrap()
}

async fn until_connected(server: &Server, count: usize) {
    let wait = async { while clients(server).await.len() != count {} };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test]
async fn client_is_listed_with_its_sessions_monitors_and_requests() {
    let server = Server::start();
    server.phone(MAC).start().await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    session.watch(LINE).await;
    let _line = client.open(LINE).await;
    let listed = clients(&server).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let id = listed[0]["id"].as_str().unwrap();
    let mut expected = json!({
        "id": id, "user": "ecsta", "byFrontEnd": false, "address": client.wire.local.to_string(), "transport": "TCP",
        "since": listed[0]["since"], "sessions": 2, "monitors": 1, "pendingRequests": 0,
        "requests": listed[0]["requests"], "openSessions": null, "monitoredLines": null,
    });
    assert_eq!(listed[0], expected);
    assert!(listed[0]["requests"].as_u64().unwrap() >= 1, "{listed:?}");
    let mut shown = server.get(&format!("{LIST}/{id}")).await;
    assert_eq!(shown, server.get(&format!("{LIST}/ecsta")).await);
    let mut open: Vec<Value> = shown["openSessions"].take().as_array().unwrap().clone();
    open.sort_by_key(|session| session["line"].is_null());
    let of_line = json!({ "line": open[0]["line"], "phone": "00:04:13:00:00:01" });
    assert_eq!(open, [of_line, json!({ "line": null, "phone": null })]);
    assert!(
        open[0]["line"].as_str().unwrap().contains("0001"),
        "{open:?}"
    );
    assert_eq!(shown["monitoredLines"], json!(["sip:0001@pbx.example"]));
    (shown["monitoredLines"], expected["monitoredLines"]) = (Value::Null, Value::Null);
    assert_eq!(shown, expected);
    assert!(server.get(&format!("{LIST}/{id}/trace")).await["total"].as_u64() > Some(0));
    client.wire.close();
    until_connected(&server, 0).await;
}

#[tokio::test]
async fn client_that_is_ended_gets_abort_and_bye_and_others_stay() {
    let server = Server::start();
    let (ended, other) = (server.client().await, server.client().await);
    let mut session = ended.open_server().await;
    let types = "<requestTypes><systemStatus>true</systemStatus></requestTypes>";
    session.done("SystemRegister", types).await;
    let other_session = other.open_server().await;
    let mut both = clients(&server).await;
    both.retain(|client| client["address"] == ended.wire.local.to_string());
    let id = both[0]["id"].as_str().unwrap();
    let (status, body) = server.http("DELETE", &format!("{LIST}/ecsta"), "").await;
    assert_eq!(status, 409, "two have this user: {body}");
    let (status, body) = server.http("DELETE", &format!("{LIST}/{id}"), "").await;
    assert_eq!(status, 204, "{body}");
    let told = session.expect("SystemStatus").await;
    assert_eq!(told.text("systemStatus"), "disabled");
    session.expect("SystemRegisterAbort").await;
    let bye = session.incoming().await.unwrap();
    assert_eq!(bye.method(), "BYE");
    let closed = async {
        while !ended.wire.is_over() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.unwrap();
    until_connected(&server, 1).await;
    other_session.done("RequestSystemStatus", "").await;
    let (status, body) = server.http("DELETE", &format!("{LIST}/{id}"), "").await;
    assert_eq!(status, 404, "{body}");
    let audit = server.get("/api/v1/audit?operation=endClient").await;
    assert_eq!(audit["items"][1]["before"]["user"], "ecsta", "{audit}");
}

#[tokio::test]
async fn user_of_a_front_end_is_ended_alone() {
    let server = Server::with(|settings| {
        let trusted = Trusted::try_from("127.0.0.1".to_owned()).unwrap();
        settings.clients.trusted.push(trusted);
    });
    let front = server.client().await;
    let open = async |user: &str| {
        let from = format!("<sip:{user}@example.com>;tag={user}");
        let uri = format!("sip:{}", front.wire.peer);
        let opened = front.invite(&uri, |invite| invite.set("From", &from)).await;
        opened.unwrap_or_else(|refusal| panic!("{}", refusal.text()))
    };
    let (mut alice, bob) = (open("alice").await, open("bob").await);
    let (status, body) = server
        .http("DELETE", &format!("{LIST}/alice@example.com"), "")
        .await;
    assert_eq!(status, 204, "{body}");
    assert_eq!(alice.incoming().await.unwrap().method(), "BYE");
    bob.done("RequestSystemStatus", "").await;
    let listed = clients(&server).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["user"], "bob@example.com");
    assert_eq!(listed[0]["byFrontEnd"], true);
    open("alice").await.done("RequestSystemStatus", "").await;
}

#[tokio::test]
async fn clients_command_lists_shows_and_ends() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let client = server.client().await;
    let _session = client.open_server().await;
    let data = server.data().to_str().unwrap();
    let command = |arguments: &[&str]| {
        let run = run(&[&["clients", "--data", data], arguments].concat());
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    assert!(command(&[]).contains(&format!("ecsta  {}  TCP", client.wire.local)));
    assert!(command(&["show", "ecsta"]).contains("session   with the server"));
    assert_eq!(command(&["end", "ecsta"]), "client ecsta is ended\n");
    assert_eq!(command(&[]), "no client is connected\n");
}
