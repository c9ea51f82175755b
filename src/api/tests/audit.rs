//! What the audit log has of requests over a socket: who, from where, before and after, and of floods little.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{HttpServer, served};

fn request(web: &HttpServer, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("http://{}{path}", web.address()))
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// The entries of a query, the latest first.
async fn audit(web: &HttpServer, query: &str) -> Vec<Value> {
    let request = request(web, Method::GET, &format!("/api/v1/audit?{query}"));
    let answer = request.bearer_auth("token").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut list: Value = answer.json().await.unwrap();
    list["items"].as_array_mut().map(std::mem::take).unwrap()
}

#[actix_web::test]
async fn change_is_audited_with_who_from_where_before_after_and_request_id() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let change = request(&web, Method::PATCH, "/api/v1/phones/000413000001");
    let change = change
        .bearer_auth("token")
        .json(&json!({ "inOperation": false }));
    // No proxy is trusted: the client forged it.
    let change = change.header("X-Forwarded-For", "203.0.113.7");
    let answer = change.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let id = answer.headers()["request-id"].to_str().unwrap();
    let entries = audit(&web, "operation=changePhone").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = &entries[0];
    for (member, expected) in [
        ("who", json!("cli.token")),
        ("from", json!("127.0.0.1")),
        ("target", json!("/api/v1/phones/000413000001")),
        ("before", json!({ "inOperation": true })),
        ("after", json!({ "inOperation": false })),
        ("outcome", json!("done")),
        ("status", json!(200)),
        ("requestId", json!(id)),
    ] {
        assert_eq!(entry[member], expected, "{member}: {entry}");
    }
    for query in [
        "who=CLI.token",
        "q=inoperation",
        "since=2026-01-01T00:00:00Z",
    ] {
        assert_eq!(audit(&web, query).await.len(), 1, "{query}");
    }
    for query in ["who=anna", "q=nonsense", "until=2020-01-01T00:00:00Z"] {
        assert!(audit(&web, query).await.is_empty(), "{query}");
    }
}

#[actix_web::test]
async fn flood_of_refused_requests_is_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for _ in 0..30 {
        let wrong = request(&web, Method::DELETE, "/api/v1/licenses/7").bearer_auth("wrong");
        assert!([401, 429].contains(&status(wrong).await));
        let foreign = request(&web, Method::GET, "/api/v1/phones").bearer_auth("token");
        assert_eq!(status(foreign.header("Host", "evil.example")).await, 421);
        let log_on = request(&web, Method::POST, "/api/v1/session");
        let log_on = log_on.json(&json!({ "name": "my password", "password": "wrong" }));
        assert!([401, 429].contains(&status(log_on).await));
    }
    let entries = audit(&web, "").await;
    let of = |status: u64, operation: Value| {
        let is_of = |entry: &&Value| entry["status"] == status && entry["operation"] == operation;
        entries.iter().filter(is_of).count()
    };
    assert_eq!(of(401, json!("removeLicense")), 1, "{entries:?}");
    assert_eq!(of(421, json!("listPhones")), 1, "{entries:?}");
    assert_eq!(of(401, json!("logOn")), 1, "{entries:?}");
    assert!(entries.len() <= 5, "{entries:?}");
    let text = json!(entries).to_string();
    assert!(!text.contains("my password"), "typed as the name: {text}");
}

#[actix_web::test]
async fn texts_of_requests_stay_within_their_entry() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let name = "anna\n{\"id\":1}\u{1b}[2J";
    let new = json!({ "name": name, "rights": "read", "password": "correct horse" });
    let add = request(&web, Method::POST, "/api/v1/operators").bearer_auth("token");
    assert_eq!(status(add.json(&new)).await, 422);
    let long = format!("/api/v1/phones/{}", "x%0A".repeat(2000));
    let remove = request(&web, Method::DELETE, &long).bearer_auth("token");
    assert_eq!(status(remove).await, 404);
    let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.len() < 4096 && !text.contains('\u{1b}'), "{text}");
    assert_eq!(audit(&web, "").await.len(), 2);
}
