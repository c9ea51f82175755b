//! `client` and `simulate` against a running server: how they find it, and what they say when they cannot use it.

use std::{
    io::{BufRead as _, Write as _},
    process::Output,
};

use crate::support::process::{Serving, finish, program, run};

/// Checks the exit code, and that the only line on stderr has each of these words.
#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}

fn serving(settings: &str) -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), settings)
}

#[tokio::test]
async fn client_finds_ports_user_and_password_by_the_data_folder() {
    let settings = "[clients]\nuser = \"front\"\npassword = \"let me dial\"\n";
    let server = serving(settings);
    let data = server.data().to_str().unwrap().to_owned();
    for arguments in [
        &["client", "--data", &data, "lines"][..],
        &["--data", &data, "client", "lines"],
        &["client", "lines", "--tls", "--data", &data],
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    // A reload may move the interfaces.
    let moved =
        format!("{settings}wan = {{ tcp = \"127.0.0.1:0\", public_host = \"localhost\" }}\n");
    server.reload(&moved).await;
    assert!(run(&["client", "lines", "--data", &data]).status.success());
    let folder = server.kill();
    let output = run(&["client", "lines", "--data", &data]);
    fails(
        &output,
        1,
        &["no server runs with the data folder", "--server HOST:PORT"],
    );
    drop(folder);
}

/// `--server` for a port of the server.
fn at(address: std::net::SocketAddr) -> String {
    format!("--server={address}")
}

#[test]
fn client_errors_name_the_likely_cause() {
    let server = serving("");
    let data = format!("--data={}", server.data().display());
    let other = tempfile::tempdir().unwrap();
    let elsewhere = format!("--data={}", other.path().display());
    let check = |arguments: &[&str], words: &[&str]| {
        let mut command = program();
        command.env("UACSTA_CLIENTS_PASSWORD", "not it");
        let output = finish(command.args(["client", "lines"]).args(arguments));
        fails(&output, 1, words);
    };
    let to_phones = ["that of phones.lan.tcp", &server.clients.to_string()];
    check(&[&data, &at(server.clients_tls)], &["for TLS", "add --tls"]);
    check(
        &[&elsewhere, &at(server.clients_tls)],
        &["expects TLS, add --tls"],
    );
    check(&[&data, &at(server.phones)], &to_phones);
    check(&[&elsewhere, &at(server.phones)], &["the port of phones?"]);
    let insecure = ["--tls", "--insecure"];
    let check_tls = |data: &str, address, words: &[&str]| {
        check(&[&insecure[..], &[data, &at(address)]].concat(), words);
    };
    check_tls(
        &data,
        server.clients,
        &["is not for TLS (clients.lan.tcp): leave out --tls"],
    );
    let once = run(&[
        &["client", "lines"][..],
        &insecure,
        &[&data, &at(server.clients)],
    ]
    .concat());
    let said = String::from_utf8_lossy(&once.stderr).into_owned();
    assert_eq!(said.matches("leave out --tls").count(), 1, "{said}");
    check_tls(
        &elsewhere,
        server.clients,
        &["does not speak TLS", "leave out --tls"],
    );
    check_tls(&elsewhere, server.phones_tls, &["the port of phones?"]);
    check(&[&data], &["does not accept", "UACSTA_CLIENTS_PASSWORD"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    check(&[&elsewhere, &at(free)], &["no server listens there"]);
    // A certificate of somebody else.
    let stranger = serving("");
    let ca = format!("--ca={}", stranger.data().join("certificate.pem").display());
    check(
        &["--tls", &ca, &data],
        &[
            "not signed by a trusted issuer",
            "--ca (ca.pem of",
            "--insecure",
        ],
    );
}

#[test]
fn unreadable_secrets_are_named() {
    let server = serving("");
    let data = format!("--data={}", server.data().display());
    let secrets = server.data().join("secrets.toml");
    std::fs::remove_file(&secrets).unwrap();
    std::fs::create_dir(&secrets).unwrap();
    let output = run(&["client", "lines", &data]);
    fails(&output, 1, &["secrets.toml cannot be read"]);
}

#[tokio::test]
async fn simulated_phones_that_do_not_register_name_the_likely_cause() {
    let server = serving("");
    let data = format!("--data={}", server.data().display());
    let other = tempfile::tempdir().unwrap();
    let elsewhere = format!("--data={}", other.path().display());
    let mut simulated = Vec::new();
    for (data, address, words) in [
        (
            &data,
            server.phones_tls,
            "is for TLS (phones.lan.tls): add --tls",
        ),
        (
            &elsewhere,
            server.phones_tls,
            "if that port expects TLS, add --tls",
        ),
        (
            &data,
            server.clients,
            "that of clients.lan.tcp; phones connect to",
        ),
        (
            &elsewhere,
            server.clients,
            "or is that the port of clients?",
        ),
        (
            &data,
            server.phones,
            "check the phones' password (UACSTA_PHONES_PASSWORD)",
        ),
    ] {
        let mut command = program();
        command.env("UACSTA_PHONES_PASSWORD", "not it");
        command.args(["simulate", data, &at(address)]);
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let output = std::io::BufReader::new(child.stdout.take().unwrap());
        simulated.push((Simulated(child), output, words));
    }
    for (child, output, words) in simulated {
        // The end of the program ends the loop.
        let mut lines = output.lines().map_while(Result::ok).take(10);
        assert!(lines.any(|line| line.contains(words)), "{words}");
        drop(child);
    }
}

#[test]
fn registered_phones_that_are_switched_off_are_explained() {
    let server = serving("[advanced]\nauto_activate = false\n");
    let data = format!("--data={}", server.data().display());
    let mut command = program();
    command.args(["simulate", "--phones", "1", &data]);
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let child = Simulated(child);
    let mut lines = output.lines().map_while(Result::ok).take(10);
    let explained = lines.find(|line| line.contains("enable with uacsta phones on MAC"));
    let explained = explained.expect("the summary says what to do");
    assert!(explained.starts_with("1 phone: 1 registered, 0 under control"));
    let says = String::from_utf8(run(&["client", "lines", &data]).stdout).unwrap();
    assert!(says.contains("switched off (uacsta phones lists them"));
    drop(child);
}

/// What ends the console.
enum End {
    Input(&'static str),
    Signal(rustix::process::Signal),
}

#[tokio::test]
async fn console_logs_off_however_it_ends() {
    for end in [
        End::Input("quit\n"),
        End::Input(""),
        End::Signal(rustix::process::Signal::INT),
        End::Signal(rustix::process::Signal::TERM),
    ] {
        let server = serving("");
        let mut command = program();
        command.args(["client", "--data"]).arg(server.data());
        command.stdin(std::process::Stdio::piped());
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut greeting).unwrap();
        assert!(greeting.starts_with("Connected to "), "{greeting}");
        let mut input = child.stdin.take();
        match end {
            End::Input(text) => input.take().unwrap().write_all(text.as_bytes()).unwrap(),
            End::Signal(signal) => {
                let id = rustix::process::Pid::from_child(&child);
                rustix::process::kill_process(id, signal).unwrap();
            }
        }
        assert!(child.wait().unwrap().success());
        drop(input);
        let log = server.until_logged(0, "client logged off").await;
        let line = log.lines().find(|line| line.contains("client logged off"));
        assert!(!line.unwrap().contains("sessions="), "{log}");
    }
}

/// Simulated phones of a server; they end when it is dropped.
struct Simulated(std::process::Child);

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn simulated(server: &Serving, phones: &str) -> Simulated {
    let mut command = program();
    command.args(["simulate", "--phones", phones, "--data"]);
    command
        .arg(server.data())
        .stdout(std::process::Stdio::null());
    let fleet = Simulated(command.spawn().unwrap());
    let last = format!("sip:{}@", 214 + phones.parse::<u32>().unwrap());
    server.until_listed(&last).await;
    fleet
}

#[tokio::test]
async fn dial_tells_that_a_number_does_not_exist() {
    let server = serving("");
    let data = server.data().to_str().unwrap().to_owned();
    let fleet = simulated(&server, "2").await;
    let dial = |line: &str, number: &str| run(&["client", "dial", line, number, "--data", &data]);
    let output = dial("215", "0399");
    fails(
        &output,
        1,
        &[
            "cannot reach 0399: the number does not exist",
            "the call is cleared",
        ],
    );
    let calls = run(&["client", "calls", "215", "--data", &data]);
    assert_eq!(String::from_utf8_lossy(&calls.stdout), "215 has no calls\n");
    let output = dial("215", "0299");
    fails(&output, 1, &["cannot reach 0299: busy"]);
    let output = dial("999", "216");
    fails(&output, 1, &["there is no line 999"]);
    let output = dial("216", "215");
    assert!(output.status.success(), "{output:?}");
    let calls = |line| run(&["client", "calls", line, "--data", &data]).stdout;
    let says = |line| String::from_utf8(calls(line)).unwrap();
    assert!(says("215").contains("  alerting  with 216\n"));
    assert!(says("216").contains("  rings at 215\n"));
    drop(fleet);
}

#[tokio::test]
async fn client_says_when_there_is_nothing_and_which_phone_is_away() {
    let server = serving("");
    let data = server.data().to_str().unwrap().to_owned();
    let say = |command: &[&str]| {
        let output = run(&[&["client", "--data", &data], command].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    let none = say(&["lines"]);
    assert!(none.starts_with("no lines: ") && none.contains("uacsta phones on MAC"));
    assert_eq!(say(&["lines", "--json"]), "");
    let fleet = simulated(&server, "1").await;
    assert_eq!(say(&["lines"]), "sip:215@pbx.example\n");
    assert_eq!(say(&["calls", "215"]), "215 has no calls\n");
    drop(fleet);
    server.until_listed("\"away\"").await;
    let away = "sip:215@pbx.example  phone is away or disabled\n";
    assert_eq!(say(&["lines"]), away);
    assert!(say(&["lines", "--json"]).contains("\"away\":true"));
}

#[tokio::test]
async fn forwardings_are_set_shown_and_switched_off_in_the_same_words() {
    let server = serving("");
    let data = server.data().to_str().unwrap().to_owned();
    let fleet = simulated(&server, "1").await;
    let forward = |rest: &[&str]| {
        let output = run(&[&["client", "--data", &data, "forward", "215"], rest].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for calls in ["all", "busy", "unanswered"] {
        assert_eq!(forward(&[calls, "217"]), "");
        let shown = forward(&[]);
        let mut rows = shown
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(rows.any(|row| row == [calls, "on", "217"]), "{shown}");
    }
    forward(&["off"]);
    let shown = forward(&[]);
    assert!(!shown.contains("  on  "), "{shown}");
    assert_eq!(forward(&["off"]), "215 has no forwardings\n");
    let wrong = run(&["client", "--data", &data, "forward", "215", "off", "217"]);
    fails(&wrong, 2, &["off takes no destination"]);
    drop(fleet);
}

#[test]
fn files_that_arguments_name_and_that_cannot_be_read_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none").display().to_string();
    let data = folder.path().display().to_string();
    for arguments in [
        &["serve", "--config", &none][..],
        &["check-config", &none],
        &["client", "lines", "--server=h:1", "--password-file", &none],
        &["client", "lines", "--server=h:1", "--tls", "--ca", &none],
        &["status", "--server=http://h", "--token-file", &none],
        &["simulate", "--script", &none],
        &["simulate", "--maker-file", &none],
        &[
            "licenses",
            "issue",
            "--serial=1",
            "--phones=1",
            "--key",
            &none,
        ],
    ] {
        let output = finish(program().args(arguments).args(["--data", &data]));
        fails(&output, 2, &[&none]);
    }
}

#[tokio::test]
async fn lost_token_of_a_running_server_is_written_again_as_the_error_says() {
    let server = serving("");
    let data = format!("--data={}", server.data().display());
    std::fs::remove_file(server.data().join("cli.token")).unwrap();
    let output = run(&["status", &data]);
    fails(
        &output,
        1,
        &["cli.token is missing", "SIGHUP", "writes the file again"],
    );
    server.reload("").await;
    assert!(run(&["status", &data]).status.success());
}

#[test]
fn numbers_in_arguments_are_explained() {
    for (arguments, words) in [
        (
            &["simulate", "--phones", "x"][..],
            "must be a whole number from 1 to 100000",
        ),
        (
            &["simulate", "--calls-per-minute", "often"],
            "must be a number above 0",
        ),
        (
            &["licenses", "remove", "x"],
            "must be a whole number from 0",
        ),
        (&["logs", "-n", "0"], "must be a whole number from 1"),
        (
            &["audit", "-n", "5000"],
            "must be a whole number from 1 to 1000",
        ),
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(words) && !said.contains("digit found"),
            "{said}"
        );
    }
}

#[test]
fn address_in_place_of_a_url_and_the_reverse_are_explained() {
    let client = run(&["client", "lines", "--server", "http://10.0.0.5:8080"]);
    let words = [
        "write HOST:PORT",
        "a URL is for commands that use the HTTP API",
    ];
    fails(&client, 2, &words);
    let phones = ["phones", "--token-file=none", "--server"];
    let output = run(&[&phones[..], &["10.0.0.5:8080"]].concat());
    fails(
        &output,
        2,
        &["write http://10.0.0.5:8080, or https://10.0.0.5:8080"],
    );
    let output = run(&[&phones[..], &["pbx"]].concat());
    fails(&output, 2, &["pbx is not a URL; write one such as http://"]);
}

#[test]
fn command_after_a_phone_is_told_where_the_phone_belongs() {
    let output = run(&["phones", "00:04:13:00:00:01", "off"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let tip = "tip: the phone follows the command: uacsta phones off 00:04:13:00:00:01\n";
    assert!(said.contains(tip), "{said}");
    let other = run(&["phones", "off"]);
    assert!(!String::from_utf8_lossy(&other.stderr).contains("tip: the phone"));
}

#[test]
fn search_without_a_hit_says_so_on_standard_error() {
    let server = serving("");
    let data = format!("--data={}", server.data().display());
    for (arguments, words) in [
        (["logs", "--grep", "no such words"], "no line of the log"),
        (["audit", "--who", "nobody"], "no entry of the audit log"),
    ] {
        let output = run(&[&arguments[..], &[&data]].concat());
        fails(&output, 0, &[words]);
        assert!(output.stdout.is_empty());
        let output = run(&[&arguments[..], &[&data, "--json"]].concat());
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn mistyped_variable_of_the_password_is_pointed_out() {
    let server = serving("");
    let data = format!("--data={}", server.data().display());
    let other = tempfile::tempdir().unwrap();
    let elsewhere = format!("--data={}", other.path().display());
    let at_server = at(server.clients);
    let words = "UACSTA_CLIENT_PASSWORD is not used; did you mean UACSTA_CLIENTS_PASSWORD?";
    let mut command = program();
    command.env("UACSTA_CLIENT_PASSWORD", "let me dial");
    let output = finish(command.args(["client", "lines", &elsewhere, &at_server]));
    fails(&output, 2, &["no password", words]);
    let mut command = program();
    command.env("UACSTA_CLIENT_PASSWORD", "let me dial");
    let output = finish(command.args(["client", "lines", "--user=other", &data]));
    fails(&output, 1, &["does not accept", words]);
    let mut command = program();
    command.env("UACSTA_CLIENT_PASSWORD", "let me dial");
    let output = finish(command.args(["check-config", &data]));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains(&format!("warning: environment variable {words}")),
        "{said}"
    );
}

#[tokio::test]
async fn simulated_phones_of_a_stopped_server_say_so_and_try_again() {
    let server = serving("");
    let mut command = program();
    command
        .args(["simulate", "--phones=2", "--data"])
        .arg(server.data());
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let _fleet = Simulated(child);
    server.until_listed("sip:216@").await;
    let folder = server.kill();
    // The end of the program ends the loop.
    let mut lines = output.lines().map_while(Result::ok);
    let refused = "no server listens there; trying again)";
    let seen: Vec<String> = lines
        .by_ref()
        .take(9)
        .take_while(|line| !line.contains(refused))
        .collect();
    assert!(seen.len() < 9, "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("--tls")), "{seen:?}");
    drop(folder);
}
