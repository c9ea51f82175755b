//! Orderly shutdown, and what the service manager is notified of.

use std::{
    os::unix::net::UnixDatagram,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{
    PATIENCE,
    csta::{Document, element},
    datagrams::Weather,
    phone::{Phone, Reaction, Setup},
    process::{PASSWORDS, Serving, run},
    server::PHONES_PASSWORD,
    wire::final_of,
};

/// Ends the server while phones talk; its exit code, and how long that took.
async fn ended(server: Serving) -> (Option<i32>, Duration) {
    let begun = Instant::now();
    let code = tokio::task::spawn_blocking(move || server.signal("TERM"));
    let code = tokio::time::timeout(PATIENCE, code).await.unwrap().unwrap();
    (code, begun.elapsed())
}

async fn receives_monitor_stop_before_bye(phone: &Phone) {
    phone.until_received("MonitorStop", 1).await;
    let order = phone
        .until("a BYE", |state| {
            let names: Vec<String> = state
                .received
                .iter()
                .map(|received| match received.service.as_str() {
                    "" => received.message.method().to_owned(),
                    service => service.to_owned(),
                })
                .collect();
            names.iter().any(|name| name == "BYE").then_some(names)
        })
        .await;
    let stop = order.iter().position(|name| name == "MonitorStop");
    let bye = order.iter().position(|name| name == "BYE");
    assert!(stop < bye, "{order:?}");
}

#[tokio::test]
async fn shutdown_stops_monitors_and_ends_sessions() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let lines = [101, 102, 103].map(|number| format!("sip:{number}@pbx.example"));
    let mut phones = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let phone = server.phone(&format!("00041300000{number}"), line);
        phone.start().await;
        phones.push(phone);
    }
    let client = server.client().await;
    let mut session = client.open_server().await;
    for line in &lines {
        session.watch(line).await;
    }
    // Events continue during the shutdown.
    let talking = phones[0].clone();
    let reference = talking.monitored().await;
    let event = talking.document("DoNotDisturbEvent", &format!("<monitorCrossRefID>{reference}</monitorCrossRefID><device><deviceIdentifier>{}</deviceIdentifier></device><doNotDisturbOn>true</doNotDisturbOn>", lines[0]));
    let info = talking.in_dialog("INFO").await.csta(&event);
    let wire = talking.wire().await;
    let traffic = tokio::spawn(async move {
        // Events under way at the end may be answered or not.
        for cseq in info.cseq().. {
            if wire.is_over() {
                return;
            }
            let next = info.clone().set("Via", wire.via());
            drop(wire.start(&next.set("CSeq", format!("{cseq} INFO"))));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    talking.until_received("MonitorStart", 1).await;
    session.expect("DoNotDisturbEvent").await;
    let newest = server.phone("000413000009", "sip:109@pbx.example");
    newest.register().await.expect(200);

    let begun = Instant::now();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    let (code, data) = tokio::time::timeout(PATIENCE, stopped)
        .await
        .unwrap()
        .unwrap();
    let took = begun.elapsed();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    traffic.await.unwrap();
    let again = Serving::start(data, PASSWORDS);
    let list = again.list().await;
    assert!(list.contains("00:04:13:00:00:09"), "{list}");
    for phone in &phones {
        receives_monitor_stop_before_bye(phone).await;
    }
    let mut last = None;
    while let Some(request) = session.incoming().await {
        last = Some(request);
    }
    assert_eq!(last.expect("a BYE").method(), "BYE");
}

#[tokio::test]
async fn phone_on_udp_gets_monitor_stop_and_bye_too() {
    let settings = PASSWORDS.replace("[phones]", "[phones]\nudp = \"127.0.0.1:0\"");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let line = "sip:101@pbx.example";
    let at = server.phones_udp.unwrap();
    let mut setup = Setup::new(at, "000413000001", PHONES_PASSWORD, line);
    setup.udp = Some(Weather::Fair);
    let phone = Phone::new(setup, Arc::default());
    phone.start().await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    session.watch(line).await;
    let (code, _) = ended(server).await;
    assert_eq!(code, Some(0));
    receives_monitor_stop_before_bye(&phone).await;
}

#[tokio::test]
async fn unresponsive_phone_does_not_delay_shutdown() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let (line, other) = ("sip:101@pbx.example", "sip:102@pbx.example");
    let silent = server.phone("000413000001", line);
    let well = server.phone("000413000002", other);
    for phone in [&silent, &well] {
        phone.start().await;
    }
    let client = server.client().await;
    let mut session = client.open_server().await;
    session.watch(line).await;
    session.watch(other).await;
    silent.always("MonitorStop", Reaction::Silence);
    let data = server.data().to_owned();
    let (code, took) = ended(server).await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    // The phone that does not answer MonitorStop gets a BYE as well.
    for phone in [&silent, &well] {
        receives_monitor_stop_before_bye(phone).await;
    }
    drop(data);
}

#[tokio::test]
async fn requests_of_a_busy_phone_are_answered_before_the_shutdown() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = server.phone("000413000001", "sip:101@pbx.example");
    phone.start().await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    session.watch(phone.line()).await;
    phone.always("GetDoNotDisturb", Reaction::Silence);
    let asked = element("device", phone.line());
    let mut under_way = session.begin("GetDoNotDisturb", &asked);
    let mut waiting = session.begin("GetForwarding", &asked);
    phone.until_received("GetDoNotDisturb", 1).await;
    let (code, took) = ended(server).await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    for answer in [&mut under_way, &mut waiting] {
        let answer = final_of(answer).await.expect("an answer").expect(200);
        assert_eq!(Document::read(&answer.body).name(), "CSTAErrorCode");
    }
    while session.incoming().await.expect("a BYE").method() != "BYE" {}
    receives_monitor_stop_before_bye(&phone).await;
    assert_eq!(phone.count("GetForwarding"), 0);
}

/// What `sd_notify(3)` says: one datagram a call.
fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn service_manager_is_notified_of_start_reload_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let server = Serving::start_as(tempfile::tempdir().unwrap(), PASSWORDS, |command| {
        command
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "400000");
    });
    assert_eq!(heard(&socket).trim(), "READY=1");
    for _ in 0..3 {
        assert_eq!(heard(&socket).trim(), "WATCHDOG=1");
    }
    let until = |wanted: &str| loop {
        let said = heard(&socket);
        if said.trim() != "WATCHDOG=1" {
            assert!(said.starts_with(wanted), "{said:?} instead of {wanted}");
            return said;
        }
    };
    for settings in [PASSWORDS, "nonsense"] {
        server.write_settings(settings);
        server.send_signal("HUP");
        assert!(until("RELOADING=1").contains("MONOTONIC_USEC="));
        until("READY=1");
    }
    server.send_signal("TERM");
    until("STOPPING=1");
    drop(server);
}

#[test]
fn service_manager_is_told_of_a_stopped_service_and_its_watchdog_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let server = Serving::start_as(tempfile::tempdir().unwrap(), PASSWORDS, |command| {
        command
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "400000");
    });
    let data = server.data().to_str().unwrap();
    for (act, told) in [("stop", "STATUS=the service"), ("start", "STATUS=serves")] {
        let ran = run(&["service", act, "--data", data]);
        assert!(ran.status.success(), "{ran:?}");
        while !heard(&socket).starts_with(told) {}
        for _ in 0..2 {
            assert_eq!(heard(&socket).trim(), "WATCHDOG=1", "after {act}");
        }
    }
}
