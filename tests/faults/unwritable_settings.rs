//! Changes of settings that cannot be kept or applied: refused with the reason, and nothing has changed.

use std::{fs, net::TcpListener, path::Path};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{storage::may_mount, support::process::Serving};

/// Runs the server with one file of its data folder mounted, so that nothing can be renamed to its place.
const MOUNTED: &str = r#"touch "$1"; mount --bind "$1" "$1"; shift; exec "$@""#;
const KEY: &str = "advanced.request_timeout";

async fn ask(server: &Serving, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let url = format!("http://{}/api/v1/settings{path}", server.web);
    let mut request = Client::new().request(method, url);
    if !body.is_null() {
        request = request.json(body).header("If-Match", "*");
    }
    let answer = request.bearer_auth(token.trim()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Asks for a change that is refused, and checks that nothing has changed.
async fn refused(server: &Serving, change: Value, status: u16, why: &str) {
    let files = || names(server.data());
    let before = files();
    let (_, settings) = ask(server, Method::GET, "?limit=1000", &Value::Null).await;
    let (told, answer) = ask(server, Method::PATCH, "", &change).await;
    assert_eq!(told, status, "{answer}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains(why), "{detail}");
    let (_, now) = ask(server, Method::GET, "?limit=1000", &Value::Null).await;
    assert_eq!(now["items"], settings["items"], "{change}");
    let (_, history) = ask(server, Method::GET, "/history", &Value::Null).await;
    assert_eq!(history["total"], 0, "{history}");
    assert_eq!(files(), before, "{change}");
}

/// The files of the operators' settings with their sizes.
fn names(data: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(data).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, entry.metadata().unwrap().len())
    });
    let mut own: Vec<_> = named
        .filter(|(name, _)| name.starts_with("settings"))
        .collect();
    own.sort();
    own
}

#[tokio::test]
async fn change_that_cannot_be_kept_is_refused_and_not_in_force() {
    if !may_mount() {
        return;
    }
    for name in ["settings.toml", "settings-history.jsonl"] {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join(name).display().to_string();
        let wrapper = ["unshare", "-rm", "sh", "-c", MOUNTED, "sh", &file];
        let server = Serving::under(&wrapper, data, "");
        let why = format!("{name} cannot be written: ");
        refused(&server, json!({ KEY: 5 }), 503, &why).await;
    }
}

#[tokio::test]
async fn change_that_cannot_be_applied_is_not_kept() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let host = "cti.example";
    let change = json!({ KEY: 5, "clients.wan.tcp": taken, "clients.wan.public_host": host });
    refused(&server, change, 422, "in use").await;
    let (status, answer) = ask(&server, Method::PATCH, "", &json!({ KEY: 5 })).await;
    assert_eq!(status, 200, "{answer}");
    let kept = fs::read_to_string(server.data().join("settings.toml")).unwrap();
    assert!(kept.contains("request_timeout = 5"), "{kept}");
}
