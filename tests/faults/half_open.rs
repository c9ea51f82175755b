//! Half-open connections of peers that vanished without FIN or RST.
#![cfg(target_os = "linux")]

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::support::{
    PATIENCE,
    csta::{Call, element},
    server::Server,
    wire::{Wire, final_of},
};

/// A3, B1: what is sent to a peer that is gone is given up after 32 s, and its connection with it: a phone is away whatever
/// the interval of its keep-alive, and a client's lines are closed.
#[tokio::test]
async fn half_open_connection_is_closed_after_32_seconds() {
    let hour = Duration::from_secs(3600);
    let server = Server::with(|settings| settings.advanced.keep_alive = hour);
    let (gone, stays) = (server.phone("000413000001"), server.phone("000413000002"));
    for phone in [&gone, &stays] {
        phone.start().await;
    }
    let vanishing = server.client().await;
    let mut held = vanishing.open(stays.line()).await;
    held.watch(stays.line()).await;
    let session = server.client().await.open(gone.line()).await;
    gone.wire().await.unplug().await;
    vanishing.wire.unplug().await;
    let begun = Instant::now();
    let mut asked = session.begin("GetDoNotDisturb", &element("device", gone.line()));
    let call = Call::seen_by(stays.line(), "-7", stays.line(), "102");
    stays.event(&call.originated()).await.expect(200);
    let answer = final_of(&mut asked).await.unwrap().expect(200);
    assert!(answer.body.contains("deviceOutOfService"));
    loop {
        let list = server.list().await;
        let away = list["items"][0]["state"] == "away";
        if away && list["connectedPhones"] == 1 && list["monitoredLines"] == 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{list}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(stays.count("MonitorStop"), 1);
    assert!(begun.elapsed() >= Duration::from_secs(30));
}

/// B1: who has nothing to say and is told nothing for hours is asked by the operating system after 60 s.
#[tokio::test]
async fn idle_connection_is_kept_alive() {
    let server = Server::start();
    let (phone, client) = (server.phone("000413000001"), server.client().await);
    phone.start().await;
    for wire in [phone.wire().await, client.wire.clone()] {
        let begun = Instant::now();
        while keep_alive(&wire).is_none_or(|due| due > Duration::from_secs(60)) {
            assert!(begun.elapsed() < PATIENCE, "{wire:?} is not kept alive");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// When the server's end of a connection will be asked (proc_net_tcp: sl, local, remote, state, queues, timer:when; timer 2
/// is the keep-alive, the time in hundredths of a second).
fn keep_alive(wire: &Wire) -> Option<Duration> {
    let hexadecimal = |address: SocketAddr| format!("0100007F:{:04X}", address.port());
    let ends = [hexadecimal(wire.peer), hexadecimal(wire.local)];
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let timer = sockets.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ours = [fields.next()?, fields.next()?] == ends;
        ours.then(|| fields.nth(2))?
    });
    let due = timer?.strip_prefix("02:")?;
    Some(Duration::from_millis(
        10 * u64::from_str_radix(due, 16).ok()?,
    ))
}
