//! Who may build a support bundle, see its operation and download it.

use reqwest::Method;
use serde_json::Value;

use super::{
    routes::{Asker, ask, askers},
    served,
};

fn by<'a>(askers: &'a [Asker], who: &str) -> &'a Asker {
    askers.iter().find(|asker| asker.who == who).unwrap()
}

#[actix_web::test]
async fn bundle_is_for_who_began_it_and_for_administrators() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let askers = askers(&web).await;
    let build = |body, who| {
        ask(
            &web,
            &Method::POST,
            "/api/v1/bundles",
            body,
            by(&askers, who),
        )
    };
    let named = r#"{"phones":["000413000001"]}"#;
    assert_eq!(build(named, "operate").await.0, 403);
    assert_eq!(build("{}", "read").await.0, 403);
    for (began, statuses) in [
        ("operate", [("read", 404), ("operate", 200), ("boss", 200)]),
        ("boss", [("read", 404), ("operate", 403), ("boss", 200)]),
    ] {
        let (status, answer) = build("{}", began).await;
        assert_eq!(status, 202, "{answer}");
        let operation: Value = serde_json::from_str(&answer).unwrap();
        let id = operation["id"].as_str().unwrap();
        let (place, url) = (
            format!("/api/v1/operations/{id}"),
            format!("/api/v1/bundles/{id}"),
        );
        let state = async || {
            let (_, shown) = ask(&web, &Method::GET, &place, "", by(&askers, "boss")).await;
            serde_json::from_str::<Value>(&shown).unwrap()["state"].clone()
        };
        while state().await == "running" {}
        assert_eq!(state().await, "done");
        for (who, expected) in statuses {
            let (status, _) = ask(&web, &Method::HEAD, &url, "", by(&askers, who)).await;
            assert_eq!(status, expected, "{who} asks for the bundle of {began}");
        }
    }
}
