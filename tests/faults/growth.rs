//! Memory after many short-lived subscriptions without a licence, measured in a process of its own.

use std::process::Command;

use uacsta_actors::licence::code::{Issuer, Licence};

use crate::{
    licences::{TRIAL, add, issuer, used_for},
    support::{
        cti_client::{CtiClient, Session},
        server::{CLIENTS_PASSWORD, Server},
    },
};

/// How many cycles are judged, after as many that warm up.
const CYCLES: usize = 2_000;
/// What a cycle may leave, in octets.
const LEFT: usize = 100;

/// The anonymous memory of this process, in octets.
fn size() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    let kb: usize = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kb * 1024
}

/// Says that the process runs one test only.
const ALONE: &str = "UACSTA_TEST_ALONE";

/// Runs a test again in a process of its own, since other tests take memory meanwhile; whether this is that process.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let mut program = Command::new(program);
    let done = program.args(["--exact", test]).env(ALONE, "1").output();
    let done = done.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    false
}

#[tokio::test]
async fn monitors_without_a_permit_leave_nothing() {
    if !is_alone("growth::monitors_without_a_permit_leave_nothing") {
        return;
    }
    let server = Server::licensed_by(Issuer::with(&issuer()), used_for(TRIAL));
    let licence = Licence {
        serial: 1,
        phones: 2,
        lines: 0,
    };
    assert_eq!(add(&server, licence).await.0, 201);
    server.context.ladder.set_bound(0);
    let [first, phone] = ["000413000001", "000413000002"].map(|mac| server.phone(mac));
    first.start().await;
    phone.start().await;
    let address = server.addresses.clients_tcp.unwrap();
    let client = CtiClient::at(address, "ecsta", CLIENTS_PASSWORD).await;
    // Those that come after it queue behind it.
    let waiting = client.open(first.line()).await;
    waiting.monitor(first.line()).await;
    let sessions = [client.open_server().await, client.open(phone.line()).await];
    for mut session in sessions {
        cycle(&mut session, phone.line()).await;
        let before = size();
        cycle(&mut session, phone.line()).await;
        let grown = size().saturating_sub(before);
        assert!(grown < CYCLES * LEFT, "{} octets each", grown / CYCLES);
    }
}

async fn cycle(session: &mut Session, line: &str) {
    for _ in 0..CYCLES {
        let reference = session.monitor(line).await;
        session.unwatch(&reference).await;
        while !session.quiet() {}
    }
}
