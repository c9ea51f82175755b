//! Faults of phones: monitors of clients survive, and other phones are unaffected.

mod answers;
mod connections;
mod events;
mod excess;
mod liveness;
mod quirks;
mod requests;
mod storm;
mod system_status;

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{
    PATIENCE,
    csta::Call,
    cti_client::Session,
    fixture::MAC,
    phone::{Phone, Setup},
    process::{PASSWORDS, Serving},
    server::{PHONES_PASSWORD, Server},
};

const LISTED: &str = "00:04:13:00:00:01";
const NEIGHBOUR: &str = "000413000002";

/// A phone that is watched by one client, and the client's session with its cross reference.
async fn watched(server: &Server) -> (Phone, Session, String) {
    let phone = server.phone(MAC);
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    let reference = session.watch(phone.line()).await;
    (phone, session, reference)
}

/// Expects these documents for that monitor, one after the other and nothing between them.
async fn hears(session: &mut Session, reference: &str, names: &[&str]) {
    for name in names {
        let event = session.expect(name).await;
        assert_eq!(event.text("monitorCrossRefID"), reference, "{}", event.raw);
    }
}

/// A call at the phone's line.
fn call(phone: &Phone) -> Call {
    Call::seen_by(phone.line(), "-7", phone.line(), "sip:102@pbx.example")
}

/// Waits until the API says so of the phone.
async fn until_status(server: &Server, status: &str) {
    let wait = async { while server.listed(LISTED).await["state"] != status {} };
    let in_time = tokio::time::timeout(PATIENCE, wait).await;
    assert!(in_time.is_ok(), "the phone is not listed as {status}");
}

/// The server as a child process, for what it logs.
pub fn serving(settings: &str) -> Serving {
    Serving::start(
        tempfile::tempdir().unwrap(),
        &(PASSWORDS.to_owned() + settings),
    )
}

/// A phone of a server that is a child process; not connected yet.
pub fn phone_of(server: &Serving, mac: &str, change: impl FnOnce(&mut Setup)) -> Phone {
    let line = format!("sip:{}@pbx.example", &mac[mac.len() - 4..]);
    let mut setup = Setup::new(server.phones, mac, PHONES_PASSWORD, &line);
    change(&mut setup);
    Phone::new(setup, Arc::default())
}

/// Waits for a log line that holds all of these words.
pub async fn logged(server: &Serving, words: &[&str]) {
    let begun = Instant::now();
    let file = server.data().join("logs/uacsta.log");
    loop {
        let log = fs::read_to_string(&file).unwrap_or_default();
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        if log.lines().any(holds) {
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "no line of the log has {words:?}:\n{log}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The memory of a server in octets, as the operating system counts it (proc_pid_status(5), VmRSS).
fn resident(server: &Serving) -> u64 {
    let folder = server.data().to_string_lossy().into_owned();
    let serves = |process: &Path| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&folder)
    };
    let mut processes = fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let process = processes.find(|process| serves(process)).unwrap();
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    kilobytes.map(|kilobytes: u64| kilobytes * 1024).unwrap()
}
