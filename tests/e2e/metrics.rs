//! What `/metrics` says of phones, sessions and requests.

use std::{fs, io::Write as _, process::Stdio};

use crate::support::{
    PATIENCE,
    process::{PASSWORDS, Serving},
    programs,
    server::{Server, http},
};

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

#[cfg(target_os = "linux")]
#[tokio::test]
async fn version_and_figures_of_the_process_are_shown() {
    let now = || jiff::Timestamp::now().as_millisecond() as f64 / 1e3;
    let before = now();
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let started = now();
    let process = format!("/proc/{}", server.id());
    let read = |file: &str| fs::read_to_string(format!("{process}/{file}")).unwrap();
    // User and system time in hundredths of a second (proc_pid_stat(5)).
    let processor_time = || {
        let stat = read("stat");
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / 100.0
    };
    let used = processor_time();
    let (status, page) = http(server.web, "", "GET", "/metrics", "").await;
    assert_eq!(status, 200, "{page}");
    let value = |series: &str| {
        let mut lines = page.lines().filter_map(|line| line.rsplit_once(' '));
        let found = lines.find(|(name, _)| *name == series);
        let (_, value) = found.unwrap_or_else(|| panic!("{series} is not in {page}"));
        value.parse::<f64>().unwrap()
    };
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    assert_eq!(value(&format!("uacsta_build_info{{{version}}}")), 1.0);
    // Connections may have ended, and ticks not been counted, meanwhile.
    let open = fs::read_dir(format!("{process}/fd")).unwrap().count() as f64;
    let limits = read("limits");
    let limit = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let limit: f64 = limit
        .unwrap()
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse()
        .unwrap();
    for (series, range) in [
        ("process_open_fds", open - 4.0..=open + 4.0),
        ("process_max_fds", limit..=limit),
        (
            "process_cpu_seconds_total",
            used - 0.05..=processor_time() + 0.05,
        ),
        ("process_start_time_seconds", before - 0.1..=started + 0.1),
        ("process_resident_memory_bytes", 1e6..=1e9),
    ] {
        assert!(
            range.contains(&value(series)),
            "{series}: {} is not in {range:?}",
            value(series)
        );
    }
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
