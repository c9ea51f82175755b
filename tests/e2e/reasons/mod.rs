//! Why phones are not controlled: each cause is made by a simulated phone, shown with its facts, and over once it is mended.

mod commands;
mod contacts;
mod lines;
mod registrations;
mod sessions;
mod tls;

use serde_json::Value;

use crate::support::{PATIENCE, server::Server};

/// The phone as the list names it.
const LISTED: &str = "00:04:13:00:00:01";

/// Waits until the phone is listed with the reason of this code, or without one; the reason.
async fn until_reason(server: &Server, phone: &str, code: Option<&str>) -> Value {
    let mut last = Value::Null;
    let wait = async {
        loop {
            last = server.listed(phone).await;
            if !last.is_null() && last["reason"]["code"].as_str() == code {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, wait).await;
    assert!(found.is_ok(), "{phone} has not the reason {code:?}: {last}");
    last["reason"].take()
}

/// Waits until the phone is listed with this reason, whose sentence has all of these words.
async fn until_says(server: &Server, code: &str, words: &[&str]) {
    let reason = until_reason(server, LISTED, Some(code)).await;
    let detail = reason["detail"].as_str().unwrap_or_default();
    assert!(words.iter().all(|word| detail.contains(word)), "{reason}");
    let remedy = reason["remedy"].as_str().unwrap_or_default();
    assert!(remedy.ends_with('.'), "{reason}");
    let (status, page) = server.http("GET", "/metrics", "").await;
    assert_eq!(status, 200);
    let series = format!("uacsta_phones_by_reason{{reason=\"{code}\"}} 1");
    assert!(page.lines().any(|line| line == series), "{page}");
}

/// Waits until nothing keeps the phone from being controlled.
async fn until_well(server: &Server) {
    until_reason(server, LISTED, None).await;
    assert_eq!(server.listed(LISTED).await["state"], "controlled");
}
