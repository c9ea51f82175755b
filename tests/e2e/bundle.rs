//! The support bundle by the API and `uacsta bundle`: what is in it, and that no secret is.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read as _},
};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::{
    PATIENCE,
    process::{PASSWORDS, Serving, run},
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD},
};

const MAC: &str = "000413000001";
/// Passwords of an account and of an operator.
const OTHERS: [&str; 2] = ["let me call soon", "correct horse battery"];

fn serving() -> Serving {
    let [account, _] = OTHERS;
    let settings = format!(
        "{PASSWORDS}accounts = [{{ user = \"crm\", password = \"{account}\" }}]\n[logs]\nlevel = \"trace\"\n"
    );
    Serving::start(tempfile::tempdir().unwrap(), &settings)
}

async fn ask(server: &Serving, method: Method, path: &str, body: Option<Value>) -> Response {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let url = format!("http://{}{path}", server.web);
    let mut request = Client::new().request(method, url).bearer_auth(token.trim());
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

/// Builds a bundle; the operation when it is over.
async fn built(server: &Serving, phones: &[&str]) -> Value {
    let body = json!({ "phones": phones });
    let begun = ask(server, Method::POST, "/api/v1/bundles", Some(body)).await;
    assert_eq!(begun.status(), 202);
    let place = begun.headers()["Location"].to_str().unwrap().to_owned();
    let over = async {
        loop {
            let shown = ask(server, Method::GET, &place, None).await;
            let shown: Value = shown.json().await.unwrap();
            if shown["state"] != "running" {
                return shown;
            }
            sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, over).await.expect("an end in time")
}

/// The files of a zip file.
fn unzipped(octets: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(octets)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

/// All that nobody but the server may know.
fn secrets(server: &Serving) -> Vec<String> {
    let read = |name: &str| fs::read_to_string(server.data().join(name)).unwrap();
    let mut secrets = vec![PHONES_PASSWORD.to_owned(), CLIENTS_PASSWORD.to_owned()];
    secrets.extend(OTHERS.map(str::to_owned));
    secrets.push(read("cli.token").trim().to_owned());
    let generated = read("secrets.toml");
    secrets.extend(generated.split('"').skip(1).step_by(2).map(str::to_owned));
    for key in ["key.pem", "ca-key.pem"] {
        let lines = read(key);
        secrets.extend(
            lines
                .lines()
                .filter(|line| !line.starts_with("--"))
                .map(str::to_owned),
        );
    }
    // The hash of an operator's password.
    let operators = read("operators.json");
    let (_, hash) = operators.split_once("\"hash\"").expect("a hash");
    let hash = hash.split(['[', ']']).nth(1).unwrap();
    secrets.push(hash.split_whitespace().collect());
    // The hash of a token.
    let accounts = read("accounts.json");
    let (_, hash) = accounts.split_once("\"hash\": \"").expect("a hash");
    secrets.push(hash[..64].to_owned());
    assert!(
        secrets.len() > 8 && secrets.iter().all(|secret| secret.len() > 8),
        "{secrets:?}"
    );
    secrets
}

/// A token of the account that a program has used, once with right and once without.
async fn token(server: &Serving) -> String {
    let new = json!({ "name": "wall" });
    let made = ask(
        server,
        Method::POST,
        "/api/v1/accounts/crm/tokens",
        Some(new),
    )
    .await;
    let made: Value = made.json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    for (path, expected) in [("lines", 200), ("phones", 403)] {
        let url = format!("http://{}/api/v1/{path}", server.web);
        let answer = Client::new()
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected);
    }
    token.to_owned()
}

#[tokio::test]
async fn bundle_has_state_log_and_messages_but_no_secret() {
    let server = serving();
    let [_, password] = OTHERS;
    let operator = json!({ "name": "anna", "rights": "read", "password": password });
    let added = ask(&server, Method::POST, "/api/v1/operators", Some(operator)).await;
    assert_eq!(added.status(), 201);
    let session = json!({ "name": "anna", "password": password });
    let begun = ask(&server, Method::POST, "/api/v1/session", Some(session)).await;
    let cookie = begun.headers()["Set-Cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split([';', '=']).nth(1).unwrap().to_owned();
    let token = token(&server).await;
    server.phone(MAC, "sip:1@pbx.example").start().await;
    server.client().await.register().await;
    let operation = built(&server, &[MAC]).await;
    assert_eq!(operation["state"], "done", "{operation}");
    assert_eq!(operation["done"], operation["total"]);
    let url = operation["results"]["url"].as_str().unwrap();
    let answer = ask(&server, Method::GET, url, None).await;
    assert_eq!(answer.headers()["Content-Type"], "application/zip");
    let octets = answer.bytes().await.unwrap();
    assert_eq!(operation["results"]["size"], octets.len());
    let files = unzipped(&octets);
    let text = |name: &str| String::from_utf8_lossy(&files[name]).into_owned();
    for (name, expected) in [
        ("versions.json", env!("CARGO_PKG_VERSION")),
        ("status.json", "\"connectedPhones\": 1"),
        ("settings.json", "\"advanced.request_timeout\""),
        ("certificate.json", "\"fingerprint\""),
        ("metrics.txt", "uacsta_phones{"),
        ("phones.json", "\"00:04:13:00:00:01\""),
        ("messages/000413000001.txt", "-- REGISTER -"),
        ("messages/000413000001.json", "\"method\": \"REGISTER\""),
        ("messages/000413000001.pcap", "REGISTER sip:"),
        (
            "logs/uacsta.log",
            "phone registered phone=00:04:13:00:00:01",
        ),
    ] {
        assert!(text(name).contains(expected), "{name}: {}", text(name));
    }
    for secret in secrets(&server).into_iter().chain([cookie, token]) {
        for (name, content) in &files {
            let content = String::from_utf8_lossy(content);
            let dense: String = content.split_whitespace().collect();
            assert!(
                !content.contains(&secret) && !dense.contains(&secret),
                "{name} has {secret}"
            );
        }
    }
}

#[tokio::test]
async fn removed_operation_is_gone_with_its_bundle() {
    let server = serving();
    let operation = built(&server, &[]).await;
    let list: Value = ask(&server, Method::GET, "/api/v1/operations", None)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(list["items"][0], operation);
    let place = format!("/api/v1/operations/{}", operation["id"].as_str().unwrap());
    assert_eq!(
        ask(&server, Method::DELETE, &place, None).await.status(),
        204
    );
    for path in [&place, operation["results"]["url"].as_str().unwrap()] {
        assert_eq!(
            ask(&server, Method::GET, path, None).await.status(),
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn command_writes_a_bundle_for_its_owner_alone() {
    let server = serving();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fault.zip");
    let (data, path) = (server.data().to_str().unwrap(), file.to_str().unwrap());
    let output = run(&["bundle", "--data", data, "--phone", MAC, "--output", path]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), path);
    // A name that is mistyped is told.
    let wanted = "no messages of 00:04:13:00:00:01 are in the bundle: no phone ";
    assert!(said.contains(wanted), "{said}");
    let files = unzipped(&fs::read(&file).unwrap());
    assert!(files.contains_key("logs/uacsta.log"), "{:?}", files.keys());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let operations = ask(&server, Method::GET, "/api/v1/operations", None).await;
    let operations: Value = operations.json().await.unwrap();
    assert_eq!(operations["total"], 0, "{operations}");
}
