//! The language of answers: by Accept-Language, named in the head.

use reqwest::{Client, Method, Response};
use serde_json::Value;

use super::{HttpServer, served};

async fn get(web: &HttpServer, path: &str, accepted: Option<&str>) -> Response {
    let url = format!("http://{}{path}", web.address());
    let mut request = Client::new().get(url).bearer_auth("token");
    if let Some(accepted) = accepted {
        request = request.header("accept-language", accepted);
    }
    request.send().await.unwrap()
}

fn field<'r>(answer: &'r Response, name: &str) -> Option<&'r str> {
    answer.headers().get(name)?.to_str().ok()
}

/// The body of an answer in this language.
async fn body(answer: Response, language: &str) -> Value {
    assert_eq!(field(&answer, "content-language"), Some(language));
    assert_eq!(field(&answer, "vary"), Some("accept-language"));
    answer.json().await.unwrap()
}

#[actix_web::test]
async fn refusal_is_in_the_language_that_the_request_prefers() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let (client, phone) = ("/api/v1/clients/ecsta", "/api/v1/phones?colour=red&limit=0");
    for (path, accepted, language, title, detail) in [
        (
            client,
            None,
            "en",
            "Not found",
            "no client ecsta is connected; ",
        ),
        (
            client,
            Some("fr"),
            "en",
            "Not found",
            "no client ecsta is connected; ",
        ),
        (
            client,
            Some("de-DE,en;q=0.5"),
            "de",
            "Nicht gefunden",
            "Kein Client ecsta ist verbunden; ",
        ),
        (
            phone,
            Some("de"),
            "de",
            "Ungültig",
            "colour: Unbekannter Parameter; bekannt sind ",
        ),
        (
            "/api/v1/events",
            Some("de"),
            "de",
            "Ungültig",
            "topics: Nennen Sie Themen, durch Kommas getrennt: ",
        ),
        (
            "/nowhere",
            Some("de"),
            "de",
            "Nicht gefunden",
            "Diese Seite gibt es nicht",
        ),
    ] {
        let answer = get(&web, path, accepted).await;
        let problem = body(answer, language).await;
        assert_eq!(problem["title"], title, "{path} {accepted:?}: {problem}");
        let told = problem["detail"].as_str().unwrap();
        assert!(told.starts_with(detail), "{path} {accepted:?}: {problem}");
    }
}

#[actix_web::test]
async fn wrong_members_are_named_in_the_language_that_the_request_prefers() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let url = format!("http://{}/api/v1/accounts/x/tokens", web.address());
    for (body, pointer, detail) in [
        ("{}", "/name", "Das Element fehlt"),
        (
            r#"{"name": "wall", "user": "x"}"#,
            "/user",
            "Unbekanntes Element; bekannt sind name, endsAt",
        ),
        (r#"{"name": 1}"#, "/name", "Falscher Wert (invalid type: "),
    ] {
        let request = Client::new().post(&url).bearer_auth("token");
        let request = request.header("accept-language", "de");
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let problem: Value = request.send().await.unwrap().json().await.unwrap();
        let violation = &problem["violations"][0];
        assert_eq!(violation["pointer"], pointer, "{body}: {problem}");
        let told = violation["detail"].as_str().unwrap();
        assert!(told.starts_with(detail), "{body}: {problem}");
    }
}

#[actix_web::test]
async fn name_that_cannot_be_shown_is_refused_in_the_language_that_the_request_prefers() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for (method, path) in [
        (Method::PATCH, "/api/v1/phones/000413000001"),
        (Method::POST, "/api/v1/phones"),
    ] {
        let url = format!("http://{}{path}", web.address());
        let request = Client::new()
            .request(method.clone(), url)
            .bearer_auth("token");
        let mut new = serde_json::json!({ "displayName": "a\u{1b}[2J" });
        if method == Method::POST {
            new["id"] = "00:04:13:00:00:01".into();
        }
        let request = request.header("accept-language", "de").json(&new);
        let problem: Value = request.send().await.unwrap().json().await.unwrap();
        let violation = &problem["violations"][0];
        assert_eq!(violation["pointer"], "/displayName", "{problem}");
        let told = violation["detail"].as_str().unwrap();
        assert!(told.contains("keine Steuerzeichen"), "{problem}");
    }
}

#[actix_web::test]
async fn audit_log_is_in_english_for_all_who_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let url = format!("http://{}/api/v1/clients/ecsta", web.address());
    let request = Client::new().delete(url).bearer_auth("token");
    let answer = request
        .header("accept-language", "de")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    let entries = get(&web, "/api/v1/audit", Some("de")).await;
    let entries: Value = entries.json().await.unwrap();
    let detail = entries["items"][0]["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("no client ecsta is connected"),
        "{entries}"
    );
}

#[actix_web::test]
async fn kinds_of_problems_have_texts_in_each_language_and_tags_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut tags = Vec::new();
    for kind in crate::api::problem::Kind::ALL {
        let path = format!("/api/v1/problems/{}", kind.name);
        for language in ["en", "de"] {
            let answer = get(&web, &path, Some(language)).await;
            tags.extend(field(&answer, "etag").map(str::to_owned));
            let kind = body(answer, language).await;
            assert!(
                kind["description"].as_str().unwrap().ends_with('.'),
                "{kind}"
            );
        }
    }
    let all = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!((all, tags.len()), (30, 30));
}

#[actix_web::test]
async fn reason_is_in_the_language_that_the_request_prefers() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let phone = "/api/v1/phones/000413000001";
    let mut tags = Vec::new();
    for (accepted, language, detail, remedy) in [
        (
            None,
            "en",
            "The phone is listed, but has never registered.",
            "Enter the server's address",
        ),
        (
            Some("de"),
            "de",
            "Das Telefon steht in der Liste, hat sich aber noch nie angemeldet.",
            "Tragen Sie am Telefon die Adresse des Servers",
        ),
    ] {
        let answer = get(&web, phone, accepted).await;
        tags.extend(field(&answer, "etag").map(str::to_owned));
        let shown = body(answer, language).await;
        let list = body(get(&web, "/api/v1/phones", accepted).await, language).await;
        assert_eq!(list["items"][0], shown);
        let reason = &shown["reason"];
        assert_eq!(reason["code"], "neverRegistered");
        assert_eq!(reason["detail"], detail);
        assert!(
            reason["remedy"].as_str().unwrap().starts_with(remedy),
            "{reason}"
        );
    }
    assert_ne!(tags[0], tags[1]);
    // A tag is good for the language that it was read in.
    for (tag, status) in [(&tags[0], 412), (&tags[1], 200)] {
        let url = format!("http://{}{phone}", web.address());
        let change = Client::new()
            .patch(url)
            .bearer_auth("token")
            .header("accept-language", "de")
            .header("if-match", tag)
            .json(&serde_json::json!({ "inOperation": true }));
        assert_eq!(change.send().await.unwrap().status(), status);
    }
}

#[actix_web::test]
async fn answers_with_warnings_are_in_the_language_that_the_request_prefers() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for path in ["status", "licenses", "certificate", "operations", "lines"] {
        let answer = get(&web, &format!("/api/v1/{path}"), Some("de")).await;
        body(answer, "de").await;
    }
}

#[actix_web::test]
async fn answer_that_is_the_same_in_all_languages_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let answer = get(&web, "/api/v1/sessions", Some("de")).await;
    assert_eq!(field(&answer, "content-language"), None);
    assert_eq!(field(&answer, "vary"), None);
}
