//! Settings of the log that operators change while the server runs; each applies to the next line.

use std::{fs, path::Path, time::Duration};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::{
    PATIENCE,
    process::{PASSWORDS, Serving},
};

fn serving() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), PASSWORDS)
}

/// Changes settings; status and answer.
async fn set(server: &Serving, values: Value) -> (u16, Value) {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let url = format!("http://{}/api/v1/settings", server.web);
    let request = Client::new().patch(url).bearer_auth(token.trim());
    let response = request.header("If-Match", "*").json(&values).send();
    let response = response.await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn must_set(server: &Serving, values: Value) {
    let (status, answer) = set(server, values).await;
    assert_eq!(status, 200, "{answer}");
}

/// Waits until a log file of a folder has this text; the text of the file.
async fn until_in(file: &Path, text: &str) -> String {
    let read = || fs::read_to_string(file).unwrap_or_default();
    let wait = async {
        while !read().contains(text) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = timeout(PATIENCE, wait).await;
    assert!(
        waited.is_ok(),
        "{} has no {text:?}: {}",
        file.display(),
        read()
    );
    read()
}

/// Has the server write a line about a phone.
async fn registers(server: &Serving, mac: &str) {
    server
        .phone(mac, "sip:1@pbx.example")
        .register()
        .await
        .expect(200);
}

#[tokio::test]
async fn level_and_levels_of_parts_apply_at_once() {
    let server = serving();
    let debug = " DEBUG uacsta::api::answer: API request answered";
    assert!(!server.log().contains(debug));
    must_set(&server, json!({ "logs.level": "debug" })).await;
    server.until_logged(0, debug).await;
    must_set(&server, json!({ "logs.levels": ["uacsta::api=info"] })).await;
    let from = server.log().len();
    registers(&server, "000413000001").await;
    must_set(
        &server,
        json!({ "logs.levels": ["uacsta::api=debug"], "logs.level": "error" }),
    )
    .await;
    let log = server.until_logged(from, debug).await;
    assert_eq!(log.matches(debug).count(), 1, "{log}");
    let from = server.log().len();
    registers(&server, "000413000002").await;
    must_set(&server, json!({ "logs.level": null, "logs.levels": null })).await;
    registers(&server, "000413000003").await;
    let log = server.until_logged(from, "00:04:13:00:00:03").await;
    assert!(
        !log.contains("phone registered phone=00:04:13:00:00:02"),
        "{log}"
    );
}

#[tokio::test]
async fn format_folder_and_phones_apply_at_once() {
    let server = serving();
    let other = server.data().join("other");
    must_set(
        &server,
        json!({ "logs.directory": other, "logs.format": "json" }),
    )
    .await;
    registers(&server, "000413000001").await;
    let log = until_in(&other.join("uacsta.log"), "phone registered").await;
    assert!(
        log.lines().all(|line| line.starts_with("{\"timestamp\":")),
        "{log}"
    );
    assert!(!server.log().contains("phone registered"));
    must_set(&server, json!({ "logs.phones": ["000413000003"] })).await;
    for mac in ["000413000002", "000413000003"] {
        registers(&server, mac).await;
    }
    let log = until_in(&other.join("uacsta.log"), "\"phone\":\"00:04:13:00:00:03\"").await;
    assert!(!log.contains("00:04:13:00:00:02"), "{log}");
    let (status, answer) = set(&server, json!({ "logs.directory": "/proc/none" })).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(
        answer["violations"][0]["pointer"], "/logs.directory",
        "{answer}"
    );
}

#[tokio::test]
async fn size_and_number_of_files_apply_at_once() {
    let server = serving();
    let file = |name: &str| server.data().join("logs").join(name);
    for number in 1..5 {
        fs::write(file(&format!("uacsta.log.{number}")), "older\n").unwrap();
    }
    must_set(&server, json!({ "logs.keep": 3, "logs.max_size": "64KiB" })).await;
    registers(&server, "000413000002").await;
    let gone = async {
        while file("uacsta.log.3").exists() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone)
        .await
        .expect("surplus files are deleted");
    assert!(file("uacsta.log.2").exists() && !file("uacsta.log.4").exists());
    must_set(&server, json!({ "logs.level": "trace" })).await;
    let phone = server.phone("000413000001", "sip:1@pbx.example");
    phone.start().await;
    let rotated = async {
        while fs::metadata(file("uacsta.log.1")).unwrap().len() < 60_000 {
            phone.register().await.expect(200);
        }
    };
    timeout(PATIENCE, rotated)
        .await
        .expect("the file is rotated");
    assert!(fs::metadata(file("uacsta.log.1")).unwrap().len() <= 64 << 10);
}
