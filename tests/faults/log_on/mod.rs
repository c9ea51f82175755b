//! Authentication of strangers, and places where secrets must not appear.

mod credentials;
mod guessing;
mod log_off;
mod udp_peer;

use crate::support::{
    digest::Account,
    fixture::MAC,
    line::{Line, request},
    process::{Serving, run},
    server::{Server, http},
};

const URI: &str = "sip:127.0.0.1";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn secrets_do_not_leak_into_logs_responses_or_process_lists() {
    let secrets = [
        "ring-me-7cf1",
        "dial-me-7cf1",
        "manage-me-7cf1",
        "board-me-7cf1",
    ];
    let [phones, clients, web, board] = secrets;
    let settings = format!(
        "[phones]\npassword = \"{phones}\"\n[clients]\npassword = \"{clients}\"\n[[clients.accounts]]\nuser = \"board\"\npassword = \"{board}\"\n\
         [web]\npassword = \"{web}\"\n[logs]\nlevel = \"trace\"\n"
    );
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    for (address, user, password) in [
        (server.phones, MAC, phones),
        (server.phones, MAC, clients),
        (server.clients, "ecsta", clients),
        (server.clients, "board", board),
        (server.clients, "nobody", web),
    ] {
        let mut line = Line::to(address).await;
        line.log_on(&Account::new(user, password)).await;
    }
    let mut told = String::new();
    for (token, path) in [
        (token.trim(), "/api/v1/phones"),
        (web, "/api/v1/phones"),
        ("", "/metrics"),
    ] {
        told += &http(server.web, token, "GET", path, "").await.1;
    }
    // A file that is refused is quoted without its secrets.
    let file = server.data().join("bad.toml");
    std::fs::write(&file, "[web]\npassword = \"7cf1\"\n").unwrap();
    let output = run(&["check-config", file.to_str().unwrap()]);
    assert_ne!(output.status.code(), Some(0));
    told += &String::from_utf8_lossy(&[output.stdout, output.stderr].concat());
    let process = std::path::PathBuf::from(format!("/proc/{}", server.id()));
    told += &String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap());
    let log = server.end();
    assert!(log.contains("REGISTER sip:"), "the log has the traffic");
    for text in [&told, &log] {
        assert!(!text.contains("7cf1"), "a password in:\n{text}");
        assert!(!text.contains(token.trim()), "the token in:\n{text}");
        let mut proofs = text.split("response=\"").skip(1);
        let is_masked = |proof: &str| proof.starts_with(&"*".repeat(32));
        assert!(proofs.all(is_masked), "a proof in:\n{text}");
    }
}

#[tokio::test]
async fn strangers_may_only_send_register_and_options() {
    let server = Server::start();
    let phones = server.addresses.phones_tcp.unwrap();
    let clients = server.addresses.clients_tcp.unwrap();
    for (address, method, statuses) in [
        (phones, "OPTIONS", [200, 200]),
        (clients, "OPTIONS", [200, 200]),
        (phones, "REGISTER", [401, 401]),
        (clients, "REGISTER", [401, 401]),
        (clients, "INVITE", [401, 401]),
        (phones, "INVITE", [403, 403]),
        (phones, "INFO", [481, 405]),
        (clients, "INFO", [481, 405]),
        (phones, "UPDATE", [481, 405]),
        (clients, "BYE", [481, 405]),
        (phones, "SUBSCRIBE", [489, 489]),
        (phones, "MESSAGE", [405, 405]),
    ] {
        let mut line = Line::to(address).await;
        let answer = line.ask(&request(method, MAC)).await;
        assert!(
            statuses.contains(&answer.status()),
            "{method} to {address}: {}",
            answer.text()
        );
    }
}
