//! Requests to the API that are sent twice, and too many of them.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::support::{
    process::{Serving, run},
    server::{Server, counted},
};

/// A POST with an `Idempotency-Key`, by the command line's token.
async fn post(server: &Server, path: &str, key: &str, body: &Value) -> Response {
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let url = format!("http://{}/api/v1{path}", server.addresses.web.unwrap());
    let request = Client::new().post(url).bearer_auth(token.trim());
    let request = request.header("Idempotency-Key", key).json(body);
    request.send().await.unwrap()
}

fn is_replayed(response: &Response) -> bool {
    response.headers().contains_key("idempotency-replayed")
}

#[tokio::test]
async fn post_that_is_repeated_with_its_key_is_carried_out_once() {
    let server = Server::start();
    let body = json!({ "id": "00:04:13:00:00:09" });
    let first = post(&server, "/phones", "one", &body).await;
    assert!(!is_replayed(&first) && first.status() == 201);
    let place = first.headers()["location"].clone();
    let added = first.text().await.unwrap();
    let again = post(&server, "/phones", "one", &body).await;
    assert!(is_replayed(&again) && again.status() == 201);
    assert_eq!(again.headers()["location"], place);
    assert_eq!(again.text().await.unwrap(), added);
    let other = post(&server, "/phones", "two", &body).await;
    assert_eq!(other.status(), 409, "it is listed");
    let problem: Value = other.json().await.unwrap();
    let again = post(&server, "/phones", "two", &body).await;
    assert!(is_replayed(&again) && again.status() == 409);
    let repeated: Value = again.json().await.unwrap();
    assert_eq!(repeated["detail"], problem["detail"]);
    for (path, body) in [
        ("/phones", json!({ "id": "00:04:13:00:00:08" })),
        ("/bundles", body),
    ] {
        let reused = post(&server, path, "one", &body).await;
        assert_eq!(reused.status(), 422, "{path}");
        let problem: Value = reused.json().await.unwrap();
        assert_eq!(problem["type"], "/api/v1/problems/key-reused");
    }
    let audit = server.get("/api/v1/audit?operation=addPhone").await;
    let done = audit["items"].as_array().unwrap().iter();
    let done = done.filter(|entry| entry["status"] == 201);
    assert_eq!(done.count(), 1, "{audit}");
    let long = post(&server, "/phones", &"x".repeat(256), &json!({})).await;
    assert_eq!(long.status(), 422);
}

#[tokio::test]
async fn key_belongs_to_its_log_on() {
    let server = Server::start();
    let body = json!({ "phones": [] });
    assert_eq!(post(&server, "/bundles", "one", &body).await.status(), 202);
    let new = json!({ "name": "anna", "rights": "admin", "password": "correct horse" });
    assert_eq!(post(&server, "/operators", "new", &new).await.status(), 201);
    let origin = format!("http://{}", server.addresses.web.unwrap());
    let log_on = json!({ "name": "anna", "password": "correct horse" });
    let mut answers = Vec::new();
    for _ in 0..2 {
        let session = Client::new().post(format!("{origin}/api/v1/session"));
        let session = session.header("Idempotency-Key", "log on").json(&log_on);
        let session = session.send().await.unwrap();
        assert!(!is_replayed(&session), "a cookie is not kept");
        let cookie = session.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let own = Client::new().post(format!("{origin}/api/v1/phones"));
        let own = own.header("Cookie", cookie).header("Origin", &origin);
        let own = own.header("Idempotency-Key", "one");
        let own = own.json(&json!({ "id": "00:04:13:00:00:09" }));
        let own = own.send().await.unwrap();
        assert_eq!(own.status(), 201);
        answers.push(is_replayed(&own));
    }
    assert_eq!(answers, [false, true]);
}

#[tokio::test]
async fn script_of_commands_waits_where_it_asks_too_often() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start_as(folder, "", |command| {
        command.env("UACSTA__LIMITS__API_REQUESTS", "2");
    });
    let data = server.data().to_str().unwrap();
    for _ in 0..12 {
        let status = run(&["phones", "--data", data]);
        let said = String::from_utf8_lossy(&status.stderr);
        assert_eq!(status.status.code(), Some(0), "{said}");
    }
    let name = "uacsta_api_requests_refused_total{limit=\"limits.api_requests\"}";
    assert!(server.metric(name).await > 0);
}

#[tokio::test]
async fn log_on_that_asks_too_often_gets_429_and_others_do_not() {
    let server = Server::with(|settings| settings.limits.api_requests = 1);
    let address = server.addresses.web.unwrap();
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let ask = async || {
        let url = format!("http://{address}/api/v1/status");
        let request = Client::new().get(url).bearer_auth(token.trim());
        request.send().await.unwrap()
    };
    let first = ask().await;
    assert_eq!(first.headers()["ratelimit-policy"], "\"requests\";q=4;w=4");
    assert_eq!(first.headers()["ratelimit"], "\"requests\";r=3;t=1");
    let refused = loop {
        let answer = ask().await;
        if answer.status() != 200 {
            break answer;
        }
    };
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(refused.headers().contains_key("ratelimit"));
    let name = "uacsta_api_requests_refused_total{limit=\"limits.api_requests\"}";
    assert_eq!(counted(address, name).await, 1);
    let session = server.http("POST", "/api/v1/session", "{}").await;
    assert_eq!(session.0, 422, "a log-on is not limited: {session:?}");
}
