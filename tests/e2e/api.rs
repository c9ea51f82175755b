//! The API over a real server: the documented examples, and the time of a page of a long list.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    PATIENCE,
    process::Serving,
    programs,
    server::{Server, http},
};

const PAGE: &str = include_str!("../../docs/api.md");

/// The documented commands, with the status and a part of each answer.
fn examples() -> Vec<(&'static str, &'static str, &'static str)> {
    let block = PAGE.split("```curl\n").nth(1).unwrap();
    let lines: Vec<&str> = block.split("```").next().unwrap().lines().collect();
    let pairs = lines.chunks(2).map(|pair| {
        let (status, part) = pair[1].split_once(' ').unwrap_or((pair[1], ""));
        (pair[0], status, part)
    });
    pairs.collect()
}

#[tokio::test]
async fn documented_requests_are_answered_as_documented() {
    if programs::find("curl", "curl").is_none() {
        return;
    }
    let server = Server::start();
    let phone = server.phone("0004130000d7");
    phone.start().await;
    phone.unregister().await.expect(200);
    let away = async { while server.listed("00:04:13:00:00:d7").await["state"] != "away" {} };
    tokio::time::timeout(PATIENCE, away).await.unwrap();
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let url = format!("http://{}", server.addresses.web.unwrap());
    let examples = examples();
    assert!(examples.len() > 6, "{examples:?}");
    for (command, status, part) in examples {
        let output = Command::new("sh")
            .args(["-c", &format!("{command} -w '\\n%{{http_code}}'")])
            .env("SERVER", &url)
            .env("TOKEN", token.trim())
            .output()
            .unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        let (body, given) = answer.rsplit_once('\n').unwrap();
        assert_eq!(given, status, "{command}: {body}");
        assert!(body.contains(part), "{command}: {body}");
    }
}

/// A data folder with so many phones in its list.
pub fn listed(phones: u32) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let entry = |number: u32| {
        let mac = format!("00:04:13:00:{:02x}:{:02x}", number / 256, number % 256);
        let entry = serde_json::json!({
            "mac": mac, "maker": "snom", "model": "D345", "firmware": null, "last_address": "192.0.2.1",
            "last_identity": null, "lines": [format!("sip:{number}@pbx.example")], "last_login": 1, "in_operation": true,
        });
        format!(
            "{}\n",
            serde_json::json!({ "mac": mac, "telephone": entry })
        )
    };
    let lines: String = (0..phones).map(entry).collect();
    std::fs::write(data.path().join("telephones.jsonl"), lines).unwrap();
    data
}

#[tokio::test]
async fn first_page_of_5000_phones_comes_within_50_ms_and_all_pages_hold_each_once() {
    const PHONES: u32 = 5_000;
    let server = Serving::start(listed(PHONES), "");
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let page = async |query: &str| -> Value {
        let path = format!("/api/v1/phones?{query}");
        let (status, body) = http(server.web, token.trim(), "GET", &path, "").await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let first = page("").await;
        fastest = fastest.min(begun.elapsed());
        assert_eq!(first["total"], PHONES);
        assert_eq!(first["items"].as_array().unwrap().len(), 100);
    }
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
    for query in [
        "limit=1000",
        "limit=1000&sort=-id",
        "limit=1000&q=pbx.EXAMPLE",
    ] {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let page = page(&format!("{query}{after}")).await;
            let items = page["items"].as_array().unwrap().iter();
            ids.extend(items.map(|phone| phone["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else {
                break;
            };
            after = format!("&after={next}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 5_000, "{query}");
    }
}
