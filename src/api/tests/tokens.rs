//! Programs with tokens of an account: what is counted and written of them, and when their streams end.

use actix_web::{HttpRequest, http::header::AUTHORIZATION, test::TestRequest};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use uacsta_actors::counters::Counter;

use super::{HttpServer, served};
use crate::api::access::{LogOn, still_logged_on};

const TOKENS: &str = "accounts/ecsta/tokens";

async fn ask(web: &HttpServer, method: Method, token: &str, path: &str, body: Value) -> Response {
    let url = format!("http://{}/api/v1/{path}", web.address());
    let request = Client::new().request(method, url).bearer_auth(token);
    request.json(&body).send().await.unwrap()
}

/// Makes a token of the account `ecsta`; its id and text.
async fn token(web: &HttpServer, name: &str) -> (String, String) {
    let made = ask(web, Method::POST, "token", TOKENS, json!({ "name": name })).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

/// A request that is being answered.
fn request(web: &HttpServer, token: &str) -> HttpRequest {
    TestRequest::default()
        .app_data(web.keys.clone())
        .insert_header((AUTHORIZATION, format!("Bearer {token}")))
        .to_http_request()
}

#[actix_web::test]
async fn audit_names_account_and_token() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let (_, token) = token(&web, "wall display").await;
    let refused = ask(&web, Method::GET, &token, "phones", Value::Null).await;
    assert_eq!(refused.status(), 403);
    let audit = ["audit.jsonl", "audit.refused.jsonl"];
    let text = audit.map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
    let [made, refused] = text;
    assert!(made.contains(r#""name":"wall display""#), "{made}");
    let who = r#""who":"ecsta (token wall display)""#;
    assert!(refused.contains(who), "{refused}");
    assert!(!made.contains(&token) && !refused.contains(&token));
}

#[actix_web::test]
async fn tokens_of_an_account_share_rate_and_keys_with_each_other_alone() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let (_, one) = token(&web, "one").await;
    let (_, other) = token(&web, "other").await;
    let party = |token: &str| still_logged_on(&request(&web, token)).unwrap().party();
    assert_eq!(party(&one), party(&other));
    // An operator may have the same name.
    assert_ne!(party(&one), LogOn::administrator("ecsta").party());
}

#[actix_web::test]
async fn open_streams_of_a_revoked_token_end_and_count_as_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let (id, token) = token(&web, "one").await;
    let request = request(&web, &token);
    let log_on = still_logged_on(&request).unwrap();
    assert_eq!(log_on.name, "ecsta (token one)");
    let list = ask(&web, Method::GET, "token", TOKENS, Value::Null).await;
    let list: Value = list.json().await.unwrap();
    assert_eq!(list["items"][0]["lastUsedAt"], Value::Null, "{list}");
    let path = format!("{TOKENS}/{id}");
    let revoked = ask(&web, Method::DELETE, "token", &path, Value::Null).await;
    assert_eq!(revoked.status(), 204);
    assert!(still_logged_on(&request).is_none());
    let counters = &web.keys.context().counters;
    assert_eq!(counters.total(Counter::FailedLogOn), 0);
}
