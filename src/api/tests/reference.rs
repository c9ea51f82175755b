//! The reference page: complete, without scripts, and everything it names is there.

use std::collections::BTreeSet;

use reqwest::{Client, Response};
use serde_json::Value;

use super::{HttpServer, served};
use crate::api::document::Document;

async fn get(web: &HttpServer, path: &str) -> Response {
    let url = format!("http://{}{path}", web.address());
    Client::new().get(url).send().await.unwrap()
}

/// The values of an attribute.
fn values<'h>(html: &'h str, start: &str) -> BTreeSet<&'h str> {
    let parts = html.split(start).skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

#[actix_web::test]
async fn reference_page_has_every_operation_and_type_and_needs_no_script() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let answer = get(&web, "/api/v1/").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = answer.text().await.unwrap();
    for forbidden in [
        "<script",
        "<style",
        " style=",
        " onclick",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    let ids = values(&html, " id=\"");
    let links = values(&html, "href=\"#");
    let lost: Vec<_> = links.difference(&ids).collect();
    assert!(lost.is_empty(), "links to nothing: {lost:?}");
    let document: Value = serde_json::from_str(Document::new().text()).unwrap();
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    for (_, operation) in operations {
        let name = operation["operationId"].as_str().unwrap();
        assert!(links.contains(name), "{name}");
    }
    for (name, _) in document["components"]["schemas"].as_object().unwrap() {
        assert!(links.contains(&*format!("type-{name}")), "{name}");
    }
    for tag in [
        "section", "dl", "dt", "dd", "p", "ul", "li", "code", "h3", "a", "nav", "main",
    ] {
        let opened =
            html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let styles = values(&html, "rel=\"stylesheet\" href=\"");
    let styles = get(&web, styles.first().unwrap()).await;
    assert_eq!(styles.headers()["content-type"], "text/css; charset=utf-8");
    let styles = styles.text().await.unwrap();
    assert!(styles.contains("prefers-color-scheme: dark") && !styles.contains("url("));
    assert_eq!(get(&web, "/api/v1").await.url().path(), "/api/v1/");
    let posted = Client::new().post(format!("http://{}/api/v1/", web.address()));
    assert_eq!(posted.send().await.unwrap().status(), 405);
}
