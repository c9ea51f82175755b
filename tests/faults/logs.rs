//! Faults of the log: an unread standard error, a full disk, and peers that cause many lines.

use std::{fs, io::Read as _, os::unix::fs::symlink, sync::Arc, time::Instant};

use tokio::time::timeout;

use crate::support::{
    PATIENCE,
    csta::document,
    datagrams::Weather,
    digest::Account,
    line::{Line, register, request},
    phone::{Phone, Setup},
    process::{PASSWORDS, Serving, run},
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD, http},
};

fn phone(server: &Serving) -> Phone {
    server.phone("000413c60001", "sip:1@pbx.example")
}

/// What a phone sends amiss is logged each time.
async fn errs(line: &mut Line, times: usize) {
    for _ in 0..times {
        let request = register("000413c60002").set("CSeq", "none REGISTER");
        line.ask(&request).await.expect(400);
    }
}

async fn logged_on(server: &Serving) -> Line {
    let mut line = Line::to(server.phones).await;
    let account = Account::new("000413c60002", "let me ring");
    line.log_on(&account).await.expect(200);
    line
}

#[tokio::test]
async fn unread_standard_error_does_not_block() {
    // It is a pipe, of which a test reads nothing.
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let mut line = logged_on(&server).await;
    let known = phone(&server);
    known.start().await;
    // Some 200 kB, where a pipe holds 64.
    timeout(4 * PATIENCE, errs(&mut line, 1_000))
        .await
        .expect("a server that goes on");
    known.register().await.expect(200);
    let (status, page) = http(server.web, "", "GET", "/healthz", "").await;
    assert_eq!(status, 200, "{page}");
    let ending = tokio::task::spawn_blocking(move || server.end());
    let log = timeout(4 * PATIENCE, ending).await.unwrap().unwrap();
    assert_eq!(log.matches("message refused").count(), 1_000);
}

/// What a terminal would obey (C1, DEL) or read in another order (bidirectional marks).
const OBEYED: [char; 4] = ['\u{9b}', '\u{7f}', '\u{202e}', '\u{2066}'];

/// A phone and a client send such characters where the server logs and lists them.
async fn send_controls(server: &Serving, user: &str) {
    let hostile: String = OBEYED.iter().collect();
    let mut setup = Setup::new(server.phones, user, PHONES_PASSWORD, "sip:1@pbx.example");
    setup.user_agent = format!("snomD345/10.1{hostile}");
    Phone::new(setup, Arc::default())
        .register()
        .await
        .expect(200);
    let before = server.log().len();
    let client = server.client().await;
    client.register().await;
    let invite = client
        .outside("INVITE", "sip:1@127.0.0.1", "c1", "f1", 1)
        .with("To", "<sip:1@127.0.0.1>")
        .carrying(&format!("text/{hostile}"), "x");
    client.wire.transact(&invite).await.unwrap().expect(415);
    server.until_logged(before, "session refused").await;
}

#[tokio::test]
async fn controls_of_peers_are_escaped_wherever_they_are_shown() {
    let logs =
        |format: &str| format!("{PASSWORDS}[logs]\nlevel = \"trace\"\nformat = \"{format}\"\n");
    let mut server = Serving::start(tempfile::tempdir().unwrap(), &logs("text"));
    let mut stderr = server.take_stderr();
    send_controls(&server, "000413c60001").await;
    server.reload(&logs("json")).await;
    send_controls(&server, "000413c60002").await;
    let shown = tokio::task::spawn_blocking(move || {
        let data = server.data().to_str().unwrap().to_owned();
        let arguments = ["phones", "--data", &data, "--json"];
        let [json, table] = [&arguments[..], &arguments[..3]]
            .map(|arguments| String::from_utf8(run(arguments).stdout).unwrap());
        let log = server.end();
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        [log, said, json, table]
    });
    for text in shown.await.unwrap() {
        assert_eq!(text.find(OBEYED), None, "{text}");
        assert!(text.contains("9b"), "{text}");
    }
}

/// The values of a field in the traced lines that contain this text.
fn traced(log: &str, field: &str, text: &str) -> Vec<String> {
    let value_of = |line: &str| {
        let (_, rest) = line.split_once(&format!(" {field}="))?;
        rest.split(' ').next().map(str::to_owned)
    };
    let lines = log
        .lines()
        .filter(|line| line.contains("direction=") && line.contains(text));
    lines
        .map(|line| value_of(line).unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn traced_messages_name_the_phone_that_they_concern() {
    let udp = PASSWORDS.replace("[phones]", "[phones]\nudp = \"127.0.0.1:0\"");
    let settings = format!("{udp}[logs]\nlevel = \"trace\"\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    // One connection, as an edge proxy carries several phones.
    let mut line = Line::to(server.phones).await;
    let users = ["000413c60001", "000413c60002"];
    for user in users {
        line.log_on(&Account::new(user, PHONES_PASSWORD))
            .await
            .expect(200);
    }
    server.until_logged(0, "INVITE sip:000413c60002").await;
    // A third one on UDP, where the first REGISTER is answered without a connection.
    let address = server.listens("phones.udp").unwrap();
    let mut setup = Setup::new(
        address,
        "000413c60003",
        PHONES_PASSWORD,
        "sip:3@pbx.example",
    );
    setup.udp = Some(Weather::Fair);
    Phone::new(setup, Arc::default()).start().await;
    let log = tokio::task::spawn_blocking(move || server.end())
        .await
        .unwrap();
    let [one, two, three] = [1, 2, 3].map(|last| format!("00:04:13:c6:00:0{last}"));
    let phones = |text: &str| traced(&log, "phone", text);
    let registers = [&one, &one, &two, &two, &three, &three];
    assert_eq!(
        phones("REGISTER sip:").iter().collect::<Vec<_>>(),
        registers,
        "{log}"
    );
    assert_eq!(phones("401 Unauthorized"), [&*one, &two, &three], "{log}");
    let mut invited = phones("INVITE sip:");
    invited.dedup();
    assert_eq!(invited, [&*one, &two, &three], "{log}");
}

#[tokio::test]
async fn traced_messages_name_client_and_peer() {
    let settings = format!("{PASSWORDS}[logs]\nlevel = \"trace\"\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let mut client = Line::to(server.clients).await;
    let mut phone = Line::to(server.phones).await;
    let address = |line: &mut Line| line.stream().local_addr().unwrap().to_string();
    let (one, two) = (address(&mut client), address(&mut phone));
    let user = Account::new("ecsta", CLIENTS_PASSWORD);
    client.log_on(&user).await.expect(200);
    let user = Account::new("000413c60001", PHONES_PASSWORD);
    phone.log_on(&user).await.expect(200);
    let log = tokio::task::spawn_blocking(move || server.end())
        .await
        .unwrap();
    let (register, challenge) = ("REGISTER sip:", "401 Unauthorized");
    let peers = traced(&log, "peer", register);
    assert_eq!(peers, [&*one, &one, &two, &two], "{log}");
    assert_eq!(traced(&log, "peer", challenge), [one, two], "{log}");
    let clients = traced(&log, "client", register);
    assert_eq!(clients, ["ecsta", "ecsta", "", ""], "{log}");
    assert_eq!(traced(&log, "client", challenge), ["ecsta", ""], "{log}");
}

/// RFC 3261, section 12.2.2: a request with a lower CSeq is rejected, which only an operator who looks closer wants to see.
#[tokio::test]
async fn rejected_request_in_a_dialog_is_logged_at_debug() {
    for (level, is_logged) in [("debug", true), ("info", false)] {
        let settings = format!("{PASSWORDS}[logs]\nlevel = \"{level}\"\n");
        let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
        let phone = phone(&server);
        phone.start().await;
        let early = phone.in_dialog("INFO").await;
        phone
            .info(&phone.document("BackInServiceEvent", ""))
            .await
            .expect(200);
        phone.transact(&early).await.expect(500);
        let log = server.end();
        let line = log.lines().find(|line| line.contains("request rejected"));
        assert_eq!(line.is_some(), is_logged, "{log}");
        let cseq = early.must("CSeq");
        for field in [
            "phone=00:04:13:c6:00:01 ",
            "status=500 ",
            "method=INFO ",
            &format!("cseq=\"{cseq}\" "),
        ] {
            assert!(
                line.is_none_or(|line| line.contains(field)),
                "{field}: {log}"
            );
        }
    }
}

#[tokio::test]
async fn phone_filter_logs_what_it_hides() {
    let filtered = format!("{PASSWORDS}[logs]\nphones = [\"0004-13c6-0001\"]\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let from = server.log().len();
    server.reload(&filtered).await;
    let line = server.until_logged(from, "logs.phones is set").await;
    assert!(line.contains("phones=00:04:13:c6:00:01"), "{line}");
}

#[tokio::test]
async fn refused_client_does_not_hide_a_refused_phone_of_its_address() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let wrong = |user: &str| Account::new(user, "a guess");
    let mut client = Line::to(server.clients).await;
    client.log_on(&wrong("ecsta")).await.expect(401);
    let mut phone = Line::to(server.phones).await;
    phone.log_on(&wrong("000413c60001")).await.expect(401);
    let log = server
        .until_logged(0, "log-on refused phone=00:04:13:c6:00:01")
        .await;
    assert!(log.contains("client log-on refused"), "{log}");
}

#[tokio::test]
async fn unanswered_challenge_hints_at_md5() {
    let limits = format!("{PASSWORDS}[limits]\nunauthenticated_time = 1\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &limits);
    let mut line = Line::to(server.phones).await;
    line.ask(&register("000413c60001")).await.expect(401);
    let log = server.until_logged(0, "no log-on within").await;
    assert!(log.contains("advanced.digest = [\\\"MD5\\\"]"), "{log}");
}

#[tokio::test]
async fn last_lines_on_standard_error_are_flushed_at_exit() {
    let mut server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let mut stderr = server.take_stderr();
    let mut line = logged_on(&server).await;
    errs(&mut line, 20).await;
    tokio::task::spawn_blocking(move || server.end())
        .await
        .unwrap();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("message refused").count(), 20, "{said}");
}

#[tokio::test]
async fn log_lines_about_strangers_are_limited_to_one_a_minute() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let known = phone(&server);
    known.start().await;
    let before = server.log().len();
    let mut line = Line::to(server.phones).await;
    let nobody = "x".repeat(15_000);
    for _ in 0..300 {
        let nameless = register("a").set("To", format!("<sip:{nobody}@127.0.0.1>"));
        line.ask(&nameless).await.expect(403);
        let broken = register("a").set("CSeq", "none REGISTER");
        line.ask(&broken).await.expect(400);
    }
    for _ in 0..50 {
        let mut line = Line::to(server.phones).await;
        line.write("GET / HTTP/1.1\r\n\r\n").await;
        while line.frame().await.is_some() {}
    }
    known.register().await.expect(200);
    for (name, times) in [
        ("uacsta_registers_refused_total", 300),
        ("uacsta_messages_malformed_total", 300),
        ("uacsta_framing_errors_total", 50),
    ] {
        assert_eq!(server.metric(name).await, times, "{name}");
    }
    let log = server.end();
    let new = &log[before..];
    for (what, times) in [
        ("REGISTER refused", 1),
        ("message refused", 1),
        ("is not SIP", 1),
    ] {
        // A machine that is slow enough begins another minute.
        let said = new.matches(what).count();
        assert!((times..times + 3).contains(&said), "{what}: {new}");
    }
    let longest = new.lines().map(str::len).max();
    assert!(longest.is_some_and(|longest| longest < 600), "{longest:?}");
}

#[tokio::test]
async fn log_lines_about_slow_guessing_are_limited_to_one_a_minute() {
    // So many failures are those of somebody who waits long enough between them to be held back never.
    let settings = format!("{PASSWORDS}[limits]\nfailed_log_ons = 1000\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    for (number, address) in [server.phones, server.clients].into_iter().enumerate() {
        let mut line = Line::to(address).await;
        for guess in 0..50 {
            let user = format!("0004130{number}{guess:04}");
            let wrong = Account::new(&user, "let me in");
            line.log_on(&wrong).await.expect(401);
        }
    }
    for _ in 0..50 {
        let (status, _) = http(server.web, "token", "GET", "/api/v1/phones", "").await;
        assert_eq!(status, 401);
        let (status, _) = http(server.web, "", "GET", "/ HTTP/1.1\r\nno header\r\n", "").await;
        assert_eq!(status, 400);
    }
    let failed = server.metric("uacsta_log_ons_failed_total").await;
    assert_eq!(failed, 150);
    let log = server.end();
    assert!(!log.contains("actix_http"), "{log}");
    for what in [
        " log-on refused phone=00:04:13:0",
        "client log-on refused",
        "API log-on failed",
    ] {
        // A machine that is slow enough begins another minute.
        let said = log.matches(what).count();
        assert!((1..4).contains(&said), "{what}: {log}");
    }
}

#[tokio::test]
async fn overlong_name_is_truncated_in_the_response() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let mut line = Line::to(server.clients).await;
    let account = Account::new("ecsta", "let me dial");
    line.log_on(&account).await.expect(200);
    let root = "Root".repeat(4_000);
    let invite = request("INVITE", "ecsta")
        .with("Contact", "<sip:ecsta@127.0.0.1:9>")
        .csta(document("ed3", &root, ""));
    let answer = line.ask(&invite).await.expect(400);
    let text = answer.text();
    assert!(text.contains("not with RootRoot"), "{text}");
    assert!(text.len() < 1_000, "{} octets", text.len());
}

#[tokio::test]
async fn full_disk_does_not_block_and_lost_log_lines_are_counted() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let file = server.data().join("logs/uacsta.log");
    let known = phone(&server);
    known.start().await;
    assert_eq!(lost(&server).await, 0);
    fs::remove_file(&file).unwrap();
    // What is written there finds no room (ENOSPC), as on a disk that is full.
    symlink("/dev/full", &file).unwrap();
    comes_until(&known, "no line is lost", async || {
        lost(&server).await >= 10
    })
    .await;
    fs::remove_file(&file).unwrap();
    goes_on(server, &known, 0, "No space left").await;
}

/// Runs the server with a folder for its log that, once there is a file `now`, may only be read, until there is a file `back`.
const READ_ONLY: &str = r#"d=$1; shift; mkdir "$d/other"
until_there() { i=0; while [ ! -e "$d/$1" ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.1; done; }
(until_there now; mount --bind "$d/other" "$d/logs" && mount -o remount,bind,ro "$d/logs" && touch "$d/done"
until_there back; umount "$d/logs") > /dev/null 2>&1 < /dev/null & exec "$@""#;

#[tokio::test]
async fn read_only_log_folder_does_not_block_and_is_reported_once() {
    if !super::storage::may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", &folder];
    let server = Serving::under(&wrapper, data, PASSWORDS);
    let known = phone(&server);
    known.start().await;
    assert_eq!(lost(&server).await, 0);
    fs::write(server.data().join("now"), "").unwrap();
    let done = server.data().join("done");
    comes_until(&known, "no line is lost", async || {
        done.exists() && lost(&server).await >= 10
    })
    .await;
    let (status, _) = http(server.web, "", "GET", "/readyz", "").await;
    assert_eq!(status, 200);
    let before = server.log().len();
    fs::write(server.data().join("back"), "").unwrap();
    goes_on(server, &known, before, "Read-only").await;
}

async fn lost(server: &Serving) -> u64 {
    server.metric("uacsta_log_lines_lost_total").await
}

/// The phone comes again and again, which writes a line each time, until that is so.
async fn comes_until(phone: &Phone, otherwise: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{otherwise}");
        phone.reboot();
        phone.start().await;
    }
}

/// The log goes on behind what it had before, and standard error has told once why lines were lost.
async fn goes_on(mut server: Serving, phone: &Phone, before: usize, why: &str) {
    comes_until(phone, "the log does not go on", async || {
        let log = server.log();
        log.get(before..)
            .is_some_and(|new| new.contains("phone registered"))
    })
    .await;
    let mut said = String::new();
    let mut stderr = server.take_stderr();
    drop(server);
    stderr.read_to_string(&mut said).unwrap();
    // Once a minute, and the test's patience ends within one.
    let told = said.matches(&format!("are lost: {why}")).count();
    assert_eq!(told, 1, "{said}");
}
