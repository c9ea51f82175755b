//! Changes of one resource at the same time: each is made to the state that `If-Match` names, or not at all.

use std::fs;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::process::Serving;

const PASSWORD: &str = "seven quiet lamps";

/// What the command line may ask of a server.
struct Api<'s> {
    server: &'s Serving,
    token: String,
}

/// Status, ETag and body of an answer.
type Answer = (u16, String, Value);

impl<'s> Api<'s> {
    fn of(server: &'s Serving) -> Self {
        let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
        let token = token.trim().to_owned();
        Self { server, token }
    }

    async fn ask(&self, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
        let url = format!("http://{}/api/v1{path}", self.server.web);
        let mut request = Client::new().request(method, url).bearer_auth(&self.token);
        if !tag.is_empty() {
            request = request.header("If-Match", tag);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let tag = answer.headers().get("etag");
        let tag = tag.map_or("", |tag| tag.to_str().unwrap()).to_owned();
        let status = answer.status().as_u16();
        (status, tag, answer.json().await.unwrap_or_default())
    }

    /// Adds an operator, an account and a phone.
    async fn add(&self) {
        for (path, new) in added() {
            let (status, _, told) = self.ask(Method::POST, path, "", &new).await;
            assert_eq!(status, 201, "{path}: {told}");
        }
    }

    async fn tag(&self, path: &str) -> String {
        let (status, tag, _) = self.ask(Method::GET, path, "", &Value::Null).await;
        assert_eq!(status, 200, "{path}");
        tag
    }
}

/// An operator, an account and a phone: where they are added, and how.
fn added() -> [(&'static str, Value); 3] {
    let rights = json!([{ "level": "watch", "lines": ["*"] }]);
    [
        (
            "/operators",
            json!({ "name": "Anna", "rights": "read", "password": PASSWORD }),
        ),
        (
            "/accounts",
            json!({ "user": "board", "rights": rights, "password": PASSWORD }),
        ),
        ("/phones", json!({ "id": "000413000001" })),
    ]
}

/// Two changes of each, one after the other.
fn changes() -> [(&'static str, [Value; 2]); 4] {
    let of = |member: &str, values: [Value; 2]| values.map(|value| json!({ member: value }));
    let seconds = [json!(6), json!(7)];
    [
        (
            "/operators/Anna",
            of("rights", [json!("admin"), json!("operate")]),
        ),
        (
            "/accounts/board",
            of("numbers", [json!(["215"]), json!(["216"])]),
        ),
        (
            "/phones/000413000001",
            of("inOperation", [json!(false), json!(true)]),
        ),
        ("/settings", of("advanced.request_timeout", seconds)),
    ]
}

#[tokio::test]
async fn one_of_two_changes_of_the_same_state_is_refused() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let api = Api::of(&server);
    api.add().await;
    for (path, changes) in changes() {
        for change in &changes {
            let before = api.tag(path).await;
            let patch = || api.ask(Method::PATCH, path, &before, change);
            let (one, other) = tokio::join!(patch(), patch());
            let (made, refused) = if one.0 == 412 {
                (other, one)
            } else {
                (one, other)
            };
            assert_eq!((made.0, refused.0), (200, 412), "{path}");
            assert_eq!(refused.1, api.tag(path).await, "{path}");
            let changed = &refused.2["changed"];
            if path.starts_with("/phones") {
                assert_eq!(*changed, Value::Null);
                continue;
            }
            assert_eq!(changed["by"], "cli.token", "{path}: {changed}");
            assert!(changed["at"].is_string(), "{path}: {changed}");
        }
        if path == "/settings" {
            continue;
        }
        for (tag, status) in [("\"x\"", 412), (&*api.tag(path).await, 204)] {
            let (told, ..) = api.ask(Method::DELETE, path, tag, &Value::Null).await;
            assert_eq!(told, status, "{path}");
        }
    }
}

/// What is stored says who changed it; of settings that is known until the server is started again.
#[tokio::test]
async fn refusal_says_who_changed_what_is_stored_also_after_a_restart() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let api = Api::of(&server);
    api.add().await;
    // What nobody has changed was changed by nobody.
    for (path, [change, _]) in changes() {
        let (status, _, told) = api.ask(Method::PATCH, path, "\"x\"", &change).await;
        assert_eq!((status, &told["changed"]), (412, &Value::Null), "{path}");
        let (status, ..) = api.ask(Method::PATCH, path, "*", &change).await;
        assert_eq!(status, 200, "{path}");
    }
    let server = Serving::start(server.kill(), "");
    let api = Api::of(&server);
    for (path, [change, _]) in changes() {
        let (status, _, told) = api.ask(Method::PATCH, path, "\"x\"", &change).await;
        let changed = &told["changed"];
        let is_stored = ["/operators", "/accounts"];
        let is_stored = is_stored.iter().any(|kind| path.starts_with(kind));
        assert_eq!((status, changed.is_object()), (412, is_stored), "{path}");
        if is_stored {
            let (_, _, shown) = api.ask(Method::GET, path, "", &Value::Null).await;
            assert_eq!(shown["changedBy"], changed["by"], "{shown}");
            assert_eq!(shown["changedAt"], changed["at"], "{shown}");
        }
    }
}
