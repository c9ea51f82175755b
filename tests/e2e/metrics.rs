//! What `/metrics` says of phones, sessions and requests.

use std::{io::Write as _, process::Stdio};

use crate::support::{PATIENCE, programs, server::Server};

/// The value of a series; `None` if the page lacks it.
async fn value(server: &Server, series: &str) -> Option<f64> {
    let (status, page) = server.http("GET", "/metrics", "").await;
    assert_eq!(status, 200, "{page}");
    let mut lines = page.lines().filter_map(|line| line.rsplit_once(' '));
    lines.find(|(name, _)| *name == series)?.1.parse().ok()
}

#[tokio::test]
async fn requests_registers_and_sessions_are_measured() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    phone.in_session().await;
    phone.register().await.expect(200);
    let session = server.client().await.open_server().await;
    session.make_call(phone.line(), "102").await;
    for (series, expected) in [
        ("uacsta_phones{status=\"controlled\"}", 1.0),
        ("uacsta_sessions{side=\"phones\"}", 1.0),
        ("uacsta_sessions{side=\"clients\"}", 1.0),
        (
            "uacsta_phone_requests_total{service=\"MakeCall\",result=\"done\"}",
            1.0,
        ),
        ("uacsta_register_duration_seconds_count", 2.0),
    ] {
        assert_eq!(value(&server, series).await, Some(expected), "{series}");
    }
    let answered = value(&server, "uacsta_phone_request_duration_seconds_count").await;
    assert!(answered >= Some(1.0), "{answered:?}");
    let expiry = value(&server, "uacsta_certificate_expiry_timestamp_seconds").await;
    let now = jiff::Timestamp::now().as_second() as f64;
    assert!(expiry > Some(now), "{expiry:?}");
    session.bye().await;
    let ended =
        async { while value(&server, "uacsta_sessions{side=\"clients\"}").await != Some(0.0) {} };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("no session is counted");
}

#[tokio::test]
async fn promtool_finds_nothing_to_object_to() {
    let Some(promtool) = programs::find("promtool", "prometheus") else {
        return;
    };
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    phone.in_session().await;
    let session = server.client().await.open_server().await;
    session.make_call(phone.line(), "102").await;
    let (_, page) = server.http("GET", "/metrics", "").await;
    let mut checking = std::process::Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The page fits into the pipe, or promtool reads on.
    let mut input = checking.stdin.take().unwrap();
    input.write_all(page.as_bytes()).unwrap();
    drop(input);
    let checked = checking.wait_with_output().unwrap();
    let objections = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success() && objections.is_empty(),
        "{objections}"
    );
}
