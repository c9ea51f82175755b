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

impl Api<'_> {
    /// Status and ETag of the answer.
    async fn ask(&self, method: Method, path: &str, tag: &str, body: &Value) -> (u16, String) {
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
        (answer.status().as_u16(), tag)
    }

    async fn tag(&self, path: &str) -> String {
        let (status, tag) = self.ask(Method::GET, path, "", &Value::Null).await;
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
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let (server, token) = (&server, token.trim().to_owned());
    let api = Api { server, token };
    for (path, new) in added() {
        let (status, _) = api.ask(Method::POST, path, "", &new).await;
        assert_eq!(status, 201, "{path}");
    }
    for (path, changes) in changes() {
        for change in &changes {
            let before = api.tag(path).await;
            let patch = || api.ask(Method::PATCH, path, &before, change);
            let ((one, first), (other, second)) = tokio::join!(patch(), patch());
            assert_eq!([one.min(other), one.max(other)], [200, 412], "{path}");
            let now = api.tag(path).await;
            let told = if one == 412 { first } else { second };
            assert_eq!(told, now, "{path}");
        }
        if path == "/settings" {
            continue;
        }
        for (tag, status) in [("\"x\"", 412), (&*api.tag(path).await, 204)] {
            let (told, _) = api.ask(Method::DELETE, path, tag, &Value::Null).await;
            assert_eq!(told, status, "{path}");
        }
    }
}
