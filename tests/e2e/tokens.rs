//! Tokens of programs: which lines they show, and what is kept of them.

use serde_json::{Value, json};

use crate::support::server::Server;

/// A program: an account with rights, and a token of it.
struct Program {
    id: String,
    token: String,
}

impl Program {
    /// Its tokens' path.
    fn tokens(&self) -> String {
        format!("/api/v1/accounts/{}/tokens", self.id)
    }

    /// The JSON answer to a GET with its token.
    async fn get(&self, server: &Server, path: &str) -> (u16, Value) {
        let (status, body) = server.http_as(&self.token, "GET", path, "").await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

async fn post(server: &Server, path: &str, body: Value) -> Value {
    let (status, answer) = server.http("POST", path, &body.to_string()).await;
    assert_eq!(status, 201, "{path}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

/// A program that may see these lines.
async fn program(server: &Server, lines: &[&str]) -> Program {
    let rights = json!([{ "level": "status", "lines": lines }]);
    let new = json!({ "user": "wall", "password": "let it show", "rights": rights });
    let account = post(server, "/api/v1/accounts", new).await;
    let id = account["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/accounts/{id}/tokens");
    let made = post(server, &path, json!({ "name": "the wall" })).await;
    let token = made["token"].as_str().unwrap().to_owned();
    Program { id, token }
}

#[tokio::test]
async fn program_sees_the_lines_of_its_account_alone() {
    let server = Server::start();
    for mac in ["000413000001", "000413000002", "000413000003"] {
        server.phone(mac).start().await;
    }
    let program = program(&server, &["0001", "sip:0003@pbx.example"]).await;
    let (status, list) = program.get(&server, "/api/v1/lines").await;
    let items = list["items"].as_array().unwrap().iter();
    let numbers: Vec<_> = items.map(|line| line["number"].clone()).collect();
    assert_eq!((status, json!(numbers)), (200, json!(["0001", "0003"])));
    assert_eq!(list["total"], 2);
    for (path, expected) in [
        ("/api/v1/lines/0001", 200),
        ("/api/v1/lines/0002", 404),
        ("/api/v1/lines/9999", 404),
        ("/api/v1/status", 403),
        ("/api/v1/phones", 403),
        ("/api/v1/nothing", 404),
    ] {
        let (status, told) = program.get(&server, path).await;
        assert_eq!(status, expected, "{path}: {told}");
    }
}

#[tokio::test]
async fn hidden_line_of_the_same_number_is_not_disclosed() {
    let server = Server::start();
    for (mac, line) in [
        ("000413000001", "sip:500@a.example"),
        ("000413000002", "sip:500@b.example"),
        ("000413000003", "sip:501@pbx.example"),
        ("000413000004", "sip:501@pbx.example"),
    ] {
        let phone = server.phone_as(mac, |setup| setup.identities = vec![line.to_owned()]);
        phone.start().await;
    }
    let ambiguous = server.http("GET", "/api/v1/lines/500", "").await;
    assert_eq!(ambiguous.0, 409, "{}", ambiguous.1);
    let program = program(&server, &["sip:500@a.example"]).await;
    let (status, line) = program.get(&server, "/api/v1/lines/500").await;
    assert_eq!((status, &line["id"]), (200, &json!("sip:500@a.example")));
    let (status, told) = program.get(&server, "/api/v1/lines/501").await;
    assert_eq!(status, 404, "{told}");
}

#[tokio::test]
async fn token_ends_with_its_account() {
    let server = Server::start();
    server.phone("000413000001").start().await;
    let program = program(&server, &["0002"]).await;
    assert_eq!(program.get(&server, "/api/v1/lines").await.1["total"], 0);
    let path = format!("/api/v1/accounts/{}", program.id);
    assert_eq!(server.http("DELETE", &path, "").await.0, 204);
    assert_eq!(program.get(&server, "/api/v1/lines").await.0, 401);
}

#[tokio::test]
async fn use_of_a_token_is_shown_and_survives_a_restart() {
    let server = Server::start();
    let program = program(&server, &["*"]).await;
    let before = server.get(&program.tokens()).await;
    assert_eq!(before["items"][0]["lastUsedAt"], Value::Null);
    program.get(&server, "/api/v1/lines").await;
    let shown = server.get(&program.tokens()).await;
    let token = &shown["items"][0];
    assert_eq!(token["lastUsedFrom"], "127.0.0.1", "{token}");
    let minute = token["lastUsedAt"].as_str().unwrap();
    assert!(minute.ends_with(":00.000Z"), "{minute}");
    let server = server.restart(|_| {});
    assert_eq!(server.get(&program.tokens()).await, shown);
    assert_eq!(program.get(&server, "/api/v1/lines").await.0, 200);
}

#[tokio::test]
async fn token_is_kept_and_shown_without_its_secret() {
    let server = Server::start();
    let program = program(&server, &["*"]).await;
    let (start, secret) = program.token.split_at(program.token.len() - 43);
    assert!(start.starts_with("uac_") && start.ends_with('_'), "{start}");
    let kept = std::fs::read_to_string(server.data().join("accounts.json")).unwrap();
    let (_, shown) = server.http("GET", &program.tokens(), "").await;
    for text in [kept, shown] {
        assert!(
            text.contains("the wall") && !text.contains(secret),
            "{text}"
        );
    }
}

#[tokio::test]
async fn account_of_the_settings_has_tokens_that_end_with_it() {
    let account = uacsta_config::Account {
        user: "board".to_owned(),
        password: "let it show".into(),
        lines: Vec::new(),
        control: false,
        numbers: Vec::new(),
    };
    let server = Server::with(|settings| settings.clients.accounts.push(account));
    let path = "/api/v1/accounts/board/tokens";
    let made = post(&server, path, json!({ "name": "the wall" })).await;
    let token = made["token"].as_str().unwrap();
    let lines = async |server: &Server| server.http_as(token, "GET", "/api/v1/lines", "").await.0;
    assert_eq!(lines(&server).await, 200);
    let server = server.restart(|settings| settings.clients.accounts.clear());
    assert_eq!(lines(&server).await, 401);
    // Another account of that name is another account.
    let new = json!({ "user": "board", "password": "let it show", "rights": [] });
    post(&server, "/api/v1/accounts", new).await;
    assert_eq!(lines(&server).await, 401);
}

#[tokio::test]
async fn end_of_a_token_is_a_time_in_the_future() {
    let server = Server::start();
    let path = "/api/v1/accounts/ecsta/tokens";
    for (end, pointer) in [
        (json!("2001-01-01T00:00:00Z"), "/endsAt"),
        (json!("tomorrow"), "/endsAt"),
        (json!(7), "/endsAt"),
    ] {
        let body = json!({ "name": "x", "endsAt": end }).to_string();
        let (status, told) = server.http("POST", path, &body).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        let named = &told["violations"][0]["pointer"];
        assert_eq!((status, named), (422, &json!(pointer)), "{end}: {told}");
    }
    let end = "2096-02-29T12:00:00.000Z";
    let made = post(&server, path, json!({ "name": "x", "endsAt": end })).await;
    assert_eq!(made["endsAt"], end);
}
