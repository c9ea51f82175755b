//! Accounts that operators make while the server runs: what their clients may do, and when that ends.

use serde_json::{Value, json};

use crate::support::{PATIENCE, csta::element, cti_client::CtiClient, server::Server};

const PASSWORD: &str = "let the crm dial";

/// Adds the account `crm` with these rights; its id.
async fn add(server: &Server, rights: Value) -> String {
    let new = json!({ "user": "crm", "password": PASSWORD, "rights": rights });
    let (status, body) = server
        .http("POST", "/api/v1/accounts", &new.to_string())
        .await;
    assert_eq!(status, 201, "{body}");
    let made: Value = serde_json::from_str(&body).unwrap();
    made["id"].as_str().unwrap().to_owned()
}

/// Sends a change of an account with `If-Match: *`, by the program's own way.
async fn change(server: &Server, id: &str, change: &Value) -> (u16, Value) {
    let url = format!(
        "http://{}/api/v1/accounts/{id}",
        server.addresses.web.unwrap()
    );
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let request = reqwest::Client::new().patch(url).bearer_auth(token.trim());
    let answer = request.header("If-Match", "*").json(change).send().await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn crm(server: &Server) -> CtiClient {
    server
        .client_as(|setup| {
            setup.account.user = "crm".to_owned();
            setup.account.password = PASSWORD.to_owned();
        })
        .await
}

fn denied() -> (String, String) {
    let value = "privilegeViolationSpecifiedDevice";
    ("operation".to_owned(), value.to_owned())
}

/// The two lines, and what an account may do with them.
fn of_each(first: &str, second: &str) -> Value {
    json!([{ "level": first, "lines": ["0001"] }, { "level": second, "lines": ["0002"] }])
}

#[tokio::test]
async fn added_account_logs_on_at_once_and_after_a_restart() {
    let server = Server::start();
    server.phone("000413000001").start().await;
    let right = json!([{ "level": "control", "lines": ["*"] }]);
    let id = add(&server, right).await;
    let session = crm(&server).await.open("sip:0001@pbx.example").await;
    session.make_call("sip:0001@pbx.example", "300").await;
    let kept = std::fs::read_to_string(server.data().join("accounts.json")).unwrap();
    assert!(kept.contains("{HA1}") && !kept.contains(PASSWORD), "{kept}");
    let server = server.restart(|_| {});
    server.phone("000413000001").start().await;
    crm(&server).await.open("sip:0001@pbx.example").await;
    let shown = server.get(&format!("/api/v1/accounts/{id}")).await;
    assert_eq!(
        (&shown["user"], &shown["locked"]),
        (&json!("crm"), &json!(false))
    );
}

#[cfg(unix)]
#[tokio::test]
async fn accounts_are_readable_by_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start();
    add(&server, json!([])).await;
    let file = server.data().join("accounts.json");
    let mode = file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
}

#[tokio::test]
async fn level_of_each_line_decides_what_a_client_may_do() {
    let server = Server::start();
    for mac in ["000413000001", "000413000002", "000413000003"] {
        server.phone(mac).start().await;
    }
    add(&server, of_each("control", "watch")).await;
    let mut session = crm(&server).await.open_server().await;
    let device = |line: &str| element("device", &format!("sip:{line}@pbx.example"));
    let call = |line: &str| {
        element("callingDevice", &format!("sip:{line}@pbx.example"))
            + &element("calledDirectoryNumber", "300")
    };
    session.make_call("sip:0001@pbx.example", "300").await;
    session.done("GetDoNotDisturb", &device("0002")).await;
    session.watch("sip:0002@pbx.example").await;
    assert_eq!(session.refused("MakeCall", &call("0002")).await, denied());
    for (service, inner) in [
        ("GetDoNotDisturb", device("0003")),
        ("MakeCall", call("0003")),
    ] {
        assert_eq!(
            session.refused(service, &inner).await,
            denied(),
            "{service}"
        );
    }
}

#[tokio::test]
async fn line_with_the_level_status_is_listed_and_neither_watched_nor_controlled() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    add(&server, json!([{ "level": "status", "lines": ["0001"] }])).await;
    let mut session = crm(&server).await.open_server().await;
    session.done("GetSwitchingFunctionDevices", "").await;
    let listed = session.expect("SwitchingFunctionDevices").await;
    assert!(
        listed.raw.contains("sip:0001@pbx.example"),
        "{}",
        listed.raw
    );
    let line = "sip:0001@pbx.example";
    let object = format!(
        "<monitorObject>{}</monitorObject>",
        element("deviceObject", line)
    );
    assert_eq!(session.refused("MonitorStart", &object).await, denied());
    let device = element("device", line);
    assert_eq!(session.refused("GetDoNotDisturb", &device).await, denied());
    assert_eq!(phone.count("GetDoNotDisturb"), 0);
}

#[tokio::test]
async fn monitor_ends_with_the_right_to_watch_and_the_session_stays() {
    let server = Server::start();
    server.phone("000413000001").start().await;
    server.phone("000413000002").start().await;
    let id = add(&server, of_each("watch", "control")).await;
    let mut session = crm(&server).await.open_server().await;
    let reference = session.watch("sip:0001@pbx.example").await;
    let less = json!({ "rights": of_each("status", "control") });
    let (status, changed) = change(&server, &id, &less).await;
    assert_eq!((status, &changed["rights"]), (200, &less["rights"]));
    let stopped = session.expect("MonitorStop").await;
    assert_eq!(stopped.text("monitorCrossRefID"), reference);
    session.make_call("sip:0002@pbx.example", "300").await;
}

#[tokio::test]
async fn sessions_end_when_the_account_is_removed_and_it_logs_on_no_more() {
    let server = Server::start();
    server.phone("000413000001").start().await;
    let id = add(&server, json!([{ "level": "control", "lines": ["0001"] }])).await;
    let client = crm(&server).await;
    let mut session = client.open("sip:0001@pbx.example").await;
    let path = format!("/api/v1/accounts/{id}");
    assert_eq!(server.http("DELETE", &path, "").await.0, 204);
    assert_eq!(session.incoming().await.unwrap().method(), "BYE");
    let ended = async { while session.incoming().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    let again = crm(&server).await.register().await;
    assert_eq!(again.status(), 401);
    assert_eq!(server.http("GET", &path, "").await.0, 404);
}

#[tokio::test]
async fn new_password_replaces_the_former_one() {
    let server = Server::start();
    let id = add(&server, json!([])).await;
    let (status, _) = change(&server, &id, &json!({ "password": "another password" })).await;
    assert_eq!(status, 200);
    assert_eq!(crm(&server).await.register().await.status(), 401);
    let client = server.client_as(|setup| {
        setup.account.user = "crm".to_owned();
        setup.account.password = "another password".to_owned();
    });
    assert_eq!(client.await.register().await.status(), 200);
}

#[tokio::test]
async fn account_of_the_settings_is_shown_and_changed_there_alone() {
    let server = Server::with(|settings| {
        settings.clients.accounts.push(uacsta_config::Account {
            user: "board".to_owned(),
            password: PASSWORD.into(),
            lines: vec!["215".to_owned()],
            control: false,
            numbers: Vec::new(),
        });
    });
    let list = server.get("/api/v1/accounts?source=settings").await;
    let users: Vec<_> = list["items"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&users[0]["user"], &users[1]["user"]),
        (&json!("board"), &json!("ecsta"))
    );
    let expected = json!([{ "level": "watch", "lines": ["215"] }]);
    assert_eq!(
        (&users[0]["rights"], &users[0]["locked"]),
        (&expected, &json!(true))
    );
    let (status, problem) = change(&server, "board", &json!({ "rights": [] })).await;
    let told = problem["detail"].as_str().unwrap();
    assert!(
        status == 409 && told.contains("clients.accounts"),
        "{problem}"
    );
    for taken in ["board", "BOARD", "ecsta"] {
        let new = json!({ "user": taken, "password": PASSWORD, "rights": [] });
        let (status, body) = server
            .http("POST", "/api/v1/accounts", &new.to_string())
            .await;
        assert_eq!(status, 409, "{body}");
    }
}

#[tokio::test]
async fn wrong_members_of_an_account_are_refused_by_name() {
    let server = Server::start();
    let new = |changed: &str, value: Value| {
        let mut new = json!({ "user": "crm", "password": PASSWORD, "rights": [] });
        new[changed] = value;
        new.to_string()
    };
    let lines = |lines: Value| json!([{ "level": "watch", "lines": lines }]);
    for (body, pointer) in [
        (new("user", json!("")), "/user"),
        (new("user", json!("a:b")), "/user"),
        (new("user", json!("a\"b")), "/user"),
        (new("password", json!("too short")), "/password"),
        (new("rights", lines(json!([]))), "/rights/0/lines"),
        (new("rights", lines(json!(["2 15"]))), "/rights/0/lines"),
        (
            new("rights", lines(json!(["group:sales"]))),
            "/rights/0/lines",
        ),
        (
            new("rights", json!([{ "level": "own", "lines": ["*"] }])),
            "/rights/0/level",
        ),
        (new("numbers", json!(["none"])), "/numbers"),
        (new("journal", json!(true)), "/journal"),
    ] {
        let (status, told) = server.http("POST", "/api/v1/accounts", &body).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        let named = &told["violations"][0]["pointer"];
        assert_eq!((status, named), (422, &json!(pointer)), "{body}: {told}");
    }
    let all = server.get("/api/v1/accounts").await;
    assert_eq!(all["total"], 1, "{all}");
}
