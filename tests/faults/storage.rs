//! Faults of the phone list's disk: copies during writes, a full or read-only disk, a large list.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::support::{
    PATIENCE,
    digest::Account,
    line::{Line, challenge, register},
    phone::Phone,
    process::{Serving, finish, on_free_ports, program},
    programs,
    server::{PHONES_PASSWORD, http},
};

const SETTINGS: &str = "[phones]\npassword = \"let me ring\"\n";

fn phone(server: &Serving, mac: &str) -> Phone {
    server.phone(mac, "sip:1@pbx.example")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target);
        } else if path.exists() {
            // A file that is gone meanwhile was a temporary one.
            let _ = fs::copy(&path, &target);
        }
    }
}

fn with_colons(bare: &str) -> String {
    let octets: Vec<&str> = bare
        .as_bytes()
        .chunks(2)
        .map(|two| str::from_utf8(two).unwrap())
        .collect();
    octets.join(":")
}

#[tokio::test]
async fn copy_during_writes_contains_everything_acknowledged() {
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    let adding = |number: usize| {
        let mac = format!("000413c3{number:04x}");
        let phone = phone(&server, &mac);
        async move {
            phone.try_register().await.unwrap().expect(200);
            phone.disconnect();
            with_colons(&mac)
        }
    };
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        for number in 0..10 {
            acknowledged.push(adding(round * 20 + number).await);
        }
        let due = acknowledged.clone();
        let image = tempfile::tempdir().unwrap();
        let (from, to) = (server.data().to_owned(), image.path().to_owned());
        let copying = tokio::task::spawn_blocking(move || copy(&from, &to));
        // It goes on writing while the copy is taken.
        let mut number = 10;
        while !copying.is_finished() || number == 10 {
            acknowledged.push(adding(round * 20 + number).await);
            number += 1;
        }
        copying.await.unwrap();
        let restored = Serving::start(image, SETTINGS);
        let listed = restored.list().await;
        for mac in &due {
            assert!(
                listed.contains(mac),
                "copy {round} of {} lacks {mac}",
                due.len()
            );
        }
    }
}

/// Runs the server with its data on a disk of 2 MB of its own, beside which its log lies.
pub(crate) const SMALL_DISK: &str = r#"d=$1; shift; mkdir -p "$d/logs"; mount --bind "$d/logs" /mnt; c=$(cat "$d/uacsta.toml")
mount -t tmpfs -o size=2m tmpfs "$d" && mkdir "$d/logs" && mount --bind /mnt "$d/logs" && printf '%s\n' "$c" > "$d/uacsta.toml" && exec "$@""#;

/// Whether a process may have mounts of its own here; otherwise the test is skipped.
pub(crate) fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "true"])
        .stderr(Stdio::null())
        .status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        programs::skipped("unshare -rm is not permitted");
    }
    may
}

/// The folder as the server sees it, which alone has the mount.
pub(crate) fn mounted_by(server: &Serving, folder: &str) -> PathBuf {
    Path::new("/proc")
        .join(server.id().to_string())
        .join("root")
        .join(folder.trim_start_matches('/'))
}

/// Fills the small disk with one file, and returns its path.
pub(crate) fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let full = fs::write(&filler, vec![0; 4 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    filler
}

/// Adds phones to a full disk until one is refused: the last pages of the list have room for some.
async fn first_refused(server: &Serving) -> Phone {
    let mut unknown = phone(server, "000413c40002");
    for number in 3..500 {
        let answer = unknown.register().await;
        if answer.status() == 503 {
            assert_eq!(answer.must("Retry-After"), "60");
            let log = server.until_logged(0, "new phone refused").await;
            let refused = with_colons(&unknown.setup().user);
            let registered = format!("phone registered phone={refused}");
            assert!(!log.contains(&registered), "{log}");
            return unknown;
        }
        answer.expect(200);
        unknown.reboot();
        unknown = phone(server, &format!("000413c4{number:04x}"));
    }
    panic!("every phone was listed");
}

#[tokio::test]
async fn full_disk_serves_listed_phones_and_defers_new_ones() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", &folder];
    let server = Serving::under(&wrapper, data, SETTINGS);
    let disk = mounted_by(&server, &folder);
    let token = fs::read_to_string(disk.join("cli.token")).unwrap();
    let list = async || {
        http(server.web, token.trim(), "GET", "/api/v1/phones", "")
            .await
            .1
    };
    let listed = phone(&server, "000413c40001");
    listed.start().await;

    let filler = fill(&disk);
    let unknown = first_refused(&server).await;
    let refused = with_colons(&unknown.setup().user);
    assert!(!list().await.contains(&refused), "{refused}");
    // A listed phone reconnects, which changes its entry. An entry being written is unsaved for a moment; a failed one stays so.
    let stays_unsaved = async || {
        for _ in 0..40 {
            if !list().await.contains("\"unsaved\":true") {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        true
    };
    for attempt in 1.. {
        listed.reboot();
        listed.start().await;
        if stays_unsaved().await {
            break;
        }
        assert!(attempt < 50, "{}", list().await);
    }
    let open = async |path| http(server.web, "", "GET", path, "").await;
    let (status, body) = open("/readyz").await;
    assert!(status == 200 && body.contains("\"warning\""), "{body}");
    let (_, page) = open("/metrics").await;
    assert!(page.contains("\nuacsta_telephones_unsaved 1\n"), "{page}");

    fs::remove_file(&filler).unwrap();
    let begun = Instant::now();
    while list().await.contains("\"unsaved\":true") {
        assert!(begun.elapsed() < PATIENCE, "{}", list().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(open("/readyz").await.1, r#"{"status":"ready"}"#);
    unknown.start().await;
    let after = list().await;
    assert!(
        after.contains("00:04:13:c4:00:02") && after.contains("\"controlled\""),
        "{after}"
    );
}

#[tokio::test]
async fn phone_that_an_operator_adds_on_a_full_disk_is_refused_and_not_listed() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", &folder];
    let mut server = Serving::under(&wrapper, data, SETTINGS);
    let mut stderr = server.take_stderr();
    let disk = mounted_by(&server, &folder);
    let token = fs::read_to_string(disk.join("cli.token")).unwrap();
    let ask = async |method, path, body| http(server.web, token.trim(), method, path, body).await;
    let filler = fill(&disk);
    first_refused(&server).await;
    let (path, added) = ("/api/v1/phones", r#"{"id":"00:04:13:c4:ff:ff"}"#);
    let (status, body) = ask("POST", path, added).await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("No space left"), "{body}");
    let (status, body) = ask("GET", "/api/v1/phones/000413c4ffff", "").await;
    assert_eq!(status, 404, "{body}");

    fs::remove_file(&filler).unwrap();
    let (status, body) = ask("POST", path, added).await;
    assert!(
        status == 201 && body.contains("neverRegistered"),
        "{status} {body}"
    );
    let (status, body) = ask("POST", path, added).await;
    assert_eq!(status, 409, "{body}");

    drop(server);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    let told = said.matches("ERROR the phone list cannot be written");
    assert_eq!(told.count(), 1, "{said}");
}

/// Sends two REGISTERs of one phone at once, the second as a refresh of the first; the status of each.
async fn pipelined(server: &Serving, mac: &str) -> [u16; 2] {
    let mut line = Line::to(server.phones).await;
    let account = Account::new(mac, PHONES_PASSWORD);
    let first = register(mac);
    let offer = challenge(&line.ask(&first).await);
    let mut both = Vec::new();
    for count in 1..3 {
        let proof = offer.answer("REGISTER", "sip:127.0.0.1", &account, count);
        let request = register(mac)
            .set("Call-ID", first.must("Call-ID"))
            .set("CSeq", format!("{} REGISTER", count + 1))
            .with("Authorization", proof);
        both.extend_from_slice(&request.bytes());
    }
    line.write(both).await;
    let mut statuses = [0; 2];
    for status in &mut statuses {
        while *status == 0 {
            *status = line.answer().await.status();
        }
    }
    statuses
}

/// RFC 3261, section 10.3: a binding is acknowledged when it is stored; a refresh that comes meanwhile waits with it.
#[tokio::test]
async fn pipelined_registers_of_a_new_phone_succeed_or_fail_together() {
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    assert_eq!(pipelined(&server, "000413c50001").await, [200, 200]);
    drop(server);
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", &folder];
    let server = Serving::under(&wrapper, data, SETTINGS);
    let disk = mounted_by(&server, &folder);
    let token = fs::read_to_string(disk.join("cli.token")).unwrap();
    fill(&disk);
    let mut refused = 0;
    // The last pages that the list has take some more.
    for number in 2..500 {
        let mac = format!("000413c5{number:04x}");
        let statuses = pipelined(&server, &mac).await;
        let (_, list) = http(server.web, token.trim(), "GET", "/api/v1/phones", "").await;
        match statuses {
            [200, 200] => assert!(list.contains(&with_colons(&mac)), "{mac}: {list}"),
            [503, 503] => {
                assert!(!list.contains(&with_colons(&mac)), "{mac}: {list}");
                refused += 1;
            }
            other => panic!("{mac}: {other:?}"),
        }
        if refused == 5 {
            return;
        }
    }
    panic!("the disk is never full");
}

/// What an operator was told is on disk, and stays there whatever is written at the same time.
#[tokio::test]
async fn acknowledged_disable_survives_concurrent_writes() {
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let macs: Vec<String> = (0..60).map(|n| format!("000413c7{n:04x}")).collect();
    let phones: Vec<Phone> = macs.iter().map(|mac| phone(&server, mac)).collect();
    for phone in &phones {
        phone.register().await.expect(200);
    }
    for (number, pairs) in (0..).zip(macs.chunks(6).zip(phones.chunks(6))) {
        let both = pairs.0.iter().zip(pairs.1).map(async |(mac, phone)| {
            phone.reboot();
            let path = format!("/api/v1/phones/{mac}");
            let off = "{\"inOperation\": false, \"displayName\": \"Desk\"}";
            // The two meet at the disk in one order or the other.
            let switch = async {
                tokio::time::sleep(Duration::from_millis(number)).await;
                http(server.web, token.trim(), "PATCH", &path, off).await
            };
            let (moved, switched) = tokio::join!(phone.register(), switch);
            moved.expect(200);
            assert_eq!(switched.0, 200, "{}", switched.1);
        });
        join_all(both).await;
    }
    let server = Serving::start(server.kill(), SETTINGS);
    let list = server.list().await;
    for text in ["\"mac\"", "\"displayName\":\"Desk\""] {
        assert_eq!(list.matches(text).count(), macs.len(), "{list}");
    }
    assert!(!list.contains("\"inOperation\":true"), "{list}");
}

/// `off` and a name are acknowledged while the phone's lines are written, and the server is killed at once: the phone stays off
/// and keeps its name.
#[tokio::test]
async fn acknowledged_disable_survives_kill_during_the_write_of_lines() {
    const ROUNDS: u64 = 30;
    let mut data = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let server = Serving::start(data, SETTINGS);
        let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
        let mac = format!("000413c8{round:04x}");
        let phone = phone(&server, &mac);
        phone.register().await.expect(200);
        // It lists its lines now; the two meet at the disk in one order or the other.
        phone.until_received("GetSwitchingFunctionDevices", 1).await;
        tokio::time::sleep(Duration::from_micros(round * 200)).await;
        let path = format!("/api/v1/phones/{mac}");
        let off = "{\"inOperation\": false, \"displayName\": \"Desk\"}";
        let (status, body) = http(server.web, token.trim(), "PATCH", &path, off).await;
        assert_eq!(status, 200, "{body}");
        tokio::time::sleep(Duration::from_micros(round % 5 * 500)).await;
        data = server.kill();
    }
    let server = Serving::start(data, SETTINGS);
    let list = server.list().await;
    for text in ["\"mac\"", "\"displayName\":\"Desk\""] {
        assert_eq!(list.matches(text).count() as u64, ROUNDS, "{list}");
    }
    assert!(!list.contains("\"inOperation\":true"), "{list}");
}

/// Makes each sync of a server's files take a minute; `None`, and the test is skipped, where nobody may trace it.
#[cfg(target_os = "linux")]
async fn hang(server: &Serving) -> Option<std::process::Child> {
    let id = server.id().to_string();
    let delay = "inject=fdatasync:delay_enter=60000000";
    let mut tracer = Command::new(programs::find("strace", "strace")?)
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fdatasync",
            "-e",
            delay,
            "-p",
            &id,
        ])
        .spawn()
        .unwrap();
    loop {
        let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap();
        let mut states = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")));
        if states.all(|state| state.is_ok_and(|state| !state.contains("TracerPid:\t0\n"))) {
            return Some(tracer);
        }
        if tracer.try_wait().unwrap().is_some() {
            programs::skipped("strace may not trace a process");
            return None;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A disk that hangs instead of failing: a new phone gets 503 after half a minute, a listed one is served on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn hanging_disk_is_waited_for_at_most_30_s() {
    // A connection may log on for longer than that.
    let settings = format!("{SETTINGS}[limits]\nunauthenticated_time = 60\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let listed = phone(&server, "000413c90001");
    listed.start().await;
    let Some(mut tracer) = hang(&server).await else {
        return;
    };
    let mac = "000413c90002";
    let new = phone(&server, mac);
    let wire = new.wire().await;
    let offer = challenge(&wire.transact(&register(mac)).await.unwrap());
    let proof = offer.answer(
        "REGISTER",
        "sip:127.0.0.1",
        &Account::new(mac, PHONES_PASSWORD),
        1,
    );
    let mut answers = wire.start(&register(mac).with("Authorization", proof));
    let answer = tokio::time::timeout(Duration::from_secs(40), answers.recv()).await;
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.must("Retry-After"), "60");
    listed.register().await.expect(200);
    let list = server.list().await;
    assert!(!list.contains(&with_colons(mac)), "{list}");
    tracer.kill().unwrap();
    tracer.wait().unwrap();
}

/// A phone that registers while an operator removes it is listed on disk when it gets its 200, whoever is first.
#[tokio::test]
async fn phone_registering_during_removal_is_stored_when_acknowledged() {
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let macs: Vec<String> = (0..40).map(|n| format!("000413c8{n:04x}")).collect();
    let phones: Vec<Phone> = macs.iter().map(|mac| phone(&server, mac)).collect();
    for phone in &phones {
        phone.register().await.expect(200);
        phone.disconnect();
    }
    let away = async { while server.list().await.matches("\"away\"").count() < macs.len() {} };
    tokio::time::timeout(PATIENCE, away).await.unwrap();
    for (number, pairs) in (0..).zip(macs.chunks(4).zip(phones.chunks(4))) {
        let both = pairs.0.iter().zip(pairs.1).map(async |(mac, phone)| {
            let path = format!("/api/v1/phones/{mac}");
            let remove = async {
                tokio::time::sleep(Duration::from_millis(number)).await;
                http(server.web, token.trim(), "DELETE", &path, "").await
            };
            let (answer, removed) = tokio::join!(phone.register(), remove);
            answer.expect(200);
            assert!([204, 409].contains(&removed.0), "{}", removed.1);
        });
        join_all(both).await;
    }
    let server = Serving::start(server.kill(), SETTINGS);
    let list = server.list().await;
    for mac in &macs {
        let listed = list
            .matches(&format!("\"id\":\"{}\"", with_colons(mac)))
            .count();
        assert_eq!(listed, 1, "{mac}: {list}");
    }
}

/// The same twice: where the first server ends another begins.
fn small_disk_twice() -> String {
    let once = SMALL_DISK.strip_suffix("exec \"$@\"").unwrap();
    format!(r#"{once} {{ "$@" & echo $! > "$d/logs/first"; wait $!; exec "$@"; }}"#)
}

#[tokio::test]
async fn killed_server_on_a_full_disk_serves_listed_phones() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let script = small_disk_twice();
    let wrapper = ["unshare", "-rm", "sh", "-c", &script, "sh", &folder];
    let server = Serving::under(&wrapper, data, SETTINGS);
    let disk = mounted_by(&server, &folder);
    let listed = phone(&server, "000413c40001");
    listed.start().await;
    // A certificate that it would make anew, if there were room.
    let mut over = rcgen::CertificateParams::default();
    over.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let pair = rcgen::KeyPair::generate().unwrap();
    let over = over.self_signed(&pair).unwrap();
    for (name, pem) in [
        ("certificate.pem", over.pem()),
        ("key.pem", pair.serialize_pem()),
    ] {
        fs::write(disk.join(name), pem).unwrap();
    }
    let filler = fill(&disk);

    let from = server.log().len();
    let first = fs::read_to_string(disk.join("logs/first")).unwrap();
    let killed = Command::new("kill").args(["-KILL", first.trim()]).status();
    assert!(killed.unwrap().success());
    listed.disconnect();
    // They are the last to listen.
    let began = server.until_logged(from, "clients.lan.tls").await;
    for words in [
        "serving the phone list from telephones.jsonl",
        "cannot replace the generated certificate",
    ] {
        assert!(began.contains(words), "{words}: {began}");
    }
    let web = server.listens("web.listen").unwrap();
    let open = async |path| http(web, "", "GET", path, "").await;
    listed.moves_to(server.listens("phones.lan.tcp").unwrap());
    listed.start().await;
    let (status, body) = open("/readyz").await;
    assert!(status == 200 && body.contains("\"warning\""), "{body}");

    fs::remove_file(&filler).unwrap();
    let begun = Instant::now();
    while open("/readyz").await.1 != r#"{"status":"ready"}"# || !disk.join("api.url").exists() {
        assert!(begun.elapsed() < PATIENCE, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let new = phone(&server, "000413c40002");
    new.moves_to(server.listens("phones.lan.tcp").unwrap());
    new.register().await.expect(200);
    new.reboot();
}

#[tokio::test]
async fn file_size_limit_is_handled_as_a_full_disk() {
    // The phone list reaches it last, if at all.
    let wrapper = ["prlimit", "--fsize=600000"];
    let settings = format!("{SETTINGS}[logs]\nlevel = \"trace\"\n");
    let server = Serving::under(&wrapper, tempfile::tempdir().unwrap(), &settings);
    let phone = phone(&server, "000413c60001");
    let begun = Instant::now();
    while server.metric("uacsta_log_lines_lost_total").await < 10 {
        assert!(begun.elapsed() < PATIENCE, "no line is lost");
        phone.reboot();
        phone.start().await;
    }
    phone.register().await.expect(200);
    let (code, data) = server.stop();
    assert_eq!(code, Some(0));
    // A line that found no room for its end has left no half.
    let log = fs::read_to_string(data.path().join("logs/uacsta.log")).unwrap();
    assert!(log.ends_with('\n'), "{:?}", log.lines().last());
}

#[tokio::test]
async fn killed_first_start_causes_no_false_alarm() {
    for _ in 0..3 {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path();
        let mut command = program();
        on_free_ports(&mut command);
        command.args(["serve", "--data"]).arg(folder);
        let mut first = command.stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while !folder.join("telephones").exists() {
            assert!(begun.elapsed() < PATIENCE, "no list is made");
        }
        first.kill().unwrap();
        first.wait().unwrap();
        let killed = fs::read_to_string(folder.join("telephones.jsonl"));
        assert_eq!(killed.unwrap(), "");
        let server = Serving::start(data, SETTINGS);
        let log = server.end();
        assert!(!log.contains(" ERROR "), "{log}");
    }
}

#[test]
fn unwritable_data_folder_is_named() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let mut command = Command::new("unshare");
    command.args([
        "-rm",
        "sh",
        "-c",
        "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"",
        "sh",
        &folder,
    ]);
    on_free_ports(&mut command);
    let program = program();
    command
        .arg(program.get_program())
        .args(["serve", "--data", &folder]);
    let ended = finish(&mut command);
    let words = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{words}");
    assert!(
        words.contains(&folder) && words.contains("Read-only"),
        "{words}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn ten_thousand_listed_phones_are_served_within_5_s() {
    let data = tempfile::tempdir().unwrap();
    let lines: String = (0..10_000)
        .map(|number| {
            let mac = with_colons(&format!("00041310{number:04x}"));
            format!(
                "{{\"mac\":\"{mac}\",\"telephone\":{{\"mac\":\"{mac}\",\"maker\":\"snom\",\"model\":null,\"firmware\":null,\"last_address\":null,\
                 \"last_identity\":null,\"lines\":[\"sip:{number}@pbx.example\"],\"last_login\":1,\"in_operation\":true}}}}\n"
            )
        })
        .collect();
    fs::write(data.path().join("telephones.jsonl"), lines).unwrap();
    let server = Serving::start(data, SETTINGS);
    let phone = phone(&server, "000413c10001");
    phone.start().await;
    let data = server.kill();
    let begun = Instant::now();
    let server = Serving::start(data, SETTINGS);
    println!("served after {:?}", begun.elapsed());
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let list = server.list().await;
    assert!(list.ends_with("\"total\":10001}"), "{list}");
    phone.disconnect();
    phone.moves_to(server.phones);
    phone.try_wire().await.unwrap();
    let stale = phone
        .try_send("INFO", Some(&phone.document("BackInServiceEvent", "")))
        .await;
    assert_eq!(stale.unwrap().status(), 481);
    phone.start().await;
}

#[tokio::test]
async fn unwritable_log_does_not_block_and_is_reported_once() {
    let mut server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    let logs = server.data().join("logs");
    let moved = server.data().join("logs/uacsta.log.moved");
    fs::rename(logs.join("uacsta.log"), &moved).unwrap();
    let phone = phone(&server, "000413c60001");
    let begun = Instant::now();
    let anew = async || {
        while !fs::read_to_string(logs.join("uacsta.log"))
            .unwrap_or_default()
            .contains("phone registered")
        {
            assert!(begun.elapsed() < PATIENCE, "the log does not begin anew");
            phone.reboot();
            phone.start().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    anew().await;
    // The folder is gone, and a file stands in its place.
    fs::remove_dir_all(&logs).unwrap();
    fs::write(&logs, "").unwrap();
    while begun.elapsed() < Duration::from_secs(4) {
        phone.reboot();
        phone.start().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    fs::remove_file(&logs).unwrap();
    anew().await;
    let mut said = String::new();
    let mut stderr = server.take_stderr();
    drop(server);
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("are lost").count(), 1, "{said}");
}

#[tokio::test]
async fn bundle_on_a_full_disk_fails_alone() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", &folder];
    let mut server = Serving::under(&wrapper, data, SETTINGS);
    let mut stderr = server.take_stderr();
    let disk = mounted_by(&server, &folder);
    let token = fs::read_to_string(disk.join("cli.token")).unwrap();
    let ask = async |method, path: &str, body| {
        let (status, answer) = http(server.web, token.trim(), method, path, body).await;
        (
            status,
            serde_json::from_str::<serde_json::Value>(&answer).unwrap(),
        )
    };
    let built = async || {
        let (status, begun) = ask("POST", "/api/v1/bundles", "{}").await;
        assert_eq!(status, 202, "{begun}");
        let place = format!("/api/v1/operations/{}", begun["id"].as_str().unwrap());
        loop {
            let (_, operation) = ask("GET", &place, "").await;
            if operation["state"] != "running" {
                return operation;
            }
        }
    };
    let filler = fill(&disk);
    let failed = built().await;
    assert_eq!(failed["state"], "failed", "{failed}");
    let why = failed["problem"]["detail"].as_str().unwrap();
    assert!(why.contains("No space left"), "{why}");
    assert_eq!(http(server.web, "", "GET", "/healthz", "").await.0, 200);
    fs::remove_file(&filler).unwrap();
    assert_eq!(built().await["state"], "done");

    drop(server);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert!(!said.contains("ZipWriter"), "{said}");
}
