//! Limits on the state that one client can make the server keep.

#[cfg(target_os = "linux")]
use super::connections::most_resident;
use super::{bystander, is_served};
#[cfg(target_os = "linux")]
use crate::{
    host::status,
    support::{
        digest::Account,
        line::{Line, request},
        server::CLIENTS_PASSWORD,
        sip::Message,
    },
};
use crate::{
    phones::{logged, phone_of, serving},
    support::{
        csta::{Call, element},
        cti_client::Session,
        process::PASSWORDS,
        server::Server,
    },
};

const REFUSED: &str = "uacsta_monitors_refused_total{limit=\"limits.monitors_per_client\"}";

async fn one_too_many(session: &Session, line: &str) {
    let object = element("deviceObject", line);
    let start = format!("<monitorObject>{object}</monitorObject>");
    let (category, error) = session.refused("MonitorStart", &start).await;
    assert_eq!(
        (category.as_str(), error.as_str()),
        ("systemResourceAvailibility", "overallMonitorLimitExceeded")
    );
}

/// `limits.monitors_per_client`, in all of its sessions: another client has its own, and a reload counts from then on.
#[cfg(unix)]
#[tokio::test]
async fn monitors_of_a_client_are_limited_and_reusable() {
    let limit = |most| format!("{PASSWORDS}[limits]\nmonitors_per_client = {most}\n");
    let server = serving("[limits]\nmonitors_per_client = 3\n");
    let phone = phone_of(&server, "000413000001", |_| {});
    phone.start().await;
    let line = phone.line();
    let client = server.client().await;
    let (first, mut second) = (client.open_server().await, client.open(line).await);
    let reference = first.monitor(line).await;
    first.monitor(line).await;
    let held = second.watch(line).await;
    for _ in 0..20 {
        one_too_many(&first, line).await;
        one_too_many(&second, line).await;
    }
    assert_eq!(server.metric(REFUSED).await, 40);
    let mut other = server.client().await.open(line).await;
    other.watch(line).await;

    first.unwatch(&reference).await;
    first.monitor(line).await;
    one_too_many(&second, line).await;
    first.bye().await;
    let third = client.open_server().await;
    third.monitor(line).await;
    third.monitor(line).await;
    one_too_many(&third, line).await;

    server.reload(&limit(4)).await;
    third.monitor(line).await;
    // What it has it keeps.
    server.reload(&limit(1)).await;
    one_too_many(&third, line).await;
    second.unwatch(&held).await;
    one_too_many(&second, line).await;
    assert_eq!(server.metric(REFUSED).await, 44);
    assert_eq!(phone.count("MonitorStart"), 1);
    let log = server.end();
    let said: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("monitors refused"))
        .collect();
    assert_eq!(said.len(), 1, "once a minute: {said:?}");
    assert!(
        said[0].contains("client=ecsta peer=127.0.0.1:") && said[0].contains("monitors=3"),
        "{}",
        said[0]
    );
}

/// The name of a line is kept with its session, and the prefix that a client speaks with each of its monitors.
#[tokio::test]
async fn strings_kept_for_a_client_are_bounded() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let client = server.client().await;
    let name = |length: usize| {
        let mut name = format!("{};x=", phone.line());
        name.extend(std::iter::repeat_n('y', length - name.len()));
        name
    };
    let session = client.open(&name(512)).await;
    let refused = client.invite(&name(513), |invite| invite).await;
    refused.err().unwrap().expect(404);
    let whole = client.open_server().await;
    whole.monitor(&name(512)).await;
    let object = element("deviceObject", &name(513));
    let (_, error) = whole
        .refused(
            "MonitorStart",
            &format!("<monitorObject>{object}</monitorObject>"),
        )
        .await;
    assert_eq!(error, "invalidDeviceID");

    let speaking = |octets: usize| {
        let prefix = "p".repeat(octets);
        format!(
            "<{prefix}:GetDoNotDisturb xmlns:{prefix}=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\
             <{prefix}:device>{}</{prefix}:device></{prefix}:GetDoNotDisturb>",
            phone.line()
        )
    };
    session.info(speaking(64)).await.expect(200);
    let refusal = session.info(speaking(65)).await;
    assert_eq!(refusal.status(), 400, "{}", refusal.text());
    is_served(&server, &phone).await;
}

/// RFC 3261, section 12.1.1: of an INVITE a dialog keeps its identifiers, its target and the route set, which have a bound.
#[tokio::test]
async fn invite_data_kept_by_a_dialog_is_bounded() {
    const REFUSED: &str = "uacsta_messages_malformed_total";
    let server = serving("");
    let phone = phone_of(&server, "000413000001", |_| {});
    phone.start().await;
    let line = phone.line();
    let client = server.client().await;
    let routes = |number: usize| {
        let address = format!("<sip:proxy.example;lr;x={}>", "y".repeat(400));
        vec![address; number].join(", ")
    };
    let mut session = client
        .invite(line, |invite| invite.with("Record-Route", routes(8)))
        .await
        .unwrap();
    session.watch(line).await;
    phone
        .event(&Call::seen_by(line, "a", line, "102").originated())
        .await
        .expect(200);
    let event = session.incoming().await.unwrap();
    assert_eq!(event.all("Route").count(), 8, "{}", event.text());

    let contact = format!("<sip:ecsta@127.0.0.1;x={}>", "y".repeat(4096));
    let before = server.metric(REFUSED).await;
    for (name, value) in [("Record-Route", routes(10)), ("Contact", contact.clone())] {
        let refused = client.invite(line, |invite| invite.set(name, value.clone()));
        let refused = refused.await.err();
        refused.expect("too much to keep").expect(513);
    }
    // Nor may what refreshes the session put more in its place; it goes on as it was.
    let update = session.send(|update| update.set("Contact", contact), "UPDATE");
    update.await.expect(513);
    assert_eq!(server.metric(REFUSED).await, before + 3);
    session.ask("GetForwarding", &element("device", line)).await;
}

/// A client that has gone leaves nothing: neither where the registrar knows it, nor where it subscribed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn clients_that_come_and_go_leave_no_memory() {
    const MOST: usize = 150;
    let server = serving("[limits]\nladder = 0\n");
    let account = Account::new("ecsta", CLIENTS_PASSWORD);
    let come_and_go = async |times: usize| {
        for _ in 0..times {
            let mut client = Line::to(server.clients).await;
            client.log_on(&account).await.expect(200);
        }
        while server.metric("uacsta_connections").await > 0 {}
        status(&server, "RssAnon")
    };
    let warm = come_and_go(1_000).await;
    let times = 4_000;
    let grown = come_and_go(times).await.saturating_sub(warm) * 1024;
    println!("{} octets each", grown / times);
    assert!(grown < times * MOST, "{grown} octets after {times} log-ons");
}

/// The messages of phones are kept for fault finding, all together within `limits.ladder`.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn recorded_messages_use_bounded_memory() {
    const PHONES: u32 = 100;
    let server = serving("[limits]\nladder = \"2MiB\"\n");
    let mut line = Line::to(server.phones).await;
    let macs: Vec<String> = (0..PHONES)
        .map(|number| format!("0004130{number:05}"))
        .collect();
    for mac in &macs {
        let account = Account::new(mac, "let me ring");
        line.log_on(&account).await.expect(200);
    }
    let mut fill = async || {
        for mac in &macs {
            for _ in 0..10 {
                let long = request("OPTIONS", mac).with("Subject", "y".repeat(10_000));
                line.ask(&long).await.expect(200);
            }
        }
    };
    let before = most_resident(server.id());
    fill().await;
    let grown = most_resident(server.id()).saturating_sub(before);
    assert!(grown < 6 << 10, "the messages take {grown} kB");
    let full = most_resident(server.id());
    fill().await;
    let grown = most_resident(server.id()).saturating_sub(full);
    assert!(grown < 512, "the messages take {grown} kB more");
}

/// The rest of an INVITE may be as long as a message, and is forgotten with the answer.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_sessions_of_a_client_use_bounded_memory() {
    const SESSIONS: usize = 400;
    let server = serving("[limits]\nladder = 0\n");
    let phone = phone_of(&server, "000413000001", |_| {});
    phone.start().await;
    let client = server.client().await;
    let long = |invite: Message| {
        let lines = ["X-A", "X-B", "X-C", "X-D"];
        lines
            .into_iter()
            .fold(invite, |invite, name| invite.with(name, "y".repeat(15_000)))
    };
    drop(client.invite(phone.line(), long).await.unwrap());
    let before = most_resident(server.id());
    for _ in 0..SESSIONS {
        drop(client.invite(phone.line(), long).await.unwrap());
    }
    let grown = most_resident(server.id()).saturating_sub(before);
    assert!(grown < 8 << 10, "{SESSIONS} sessions take {grown} kB");
}

/// A phone lists ever more lines: a thousand are kept, none with a name of more than 512 octets, and the log says so.
#[tokio::test]
async fn lines_of_a_phone_are_limited_to_a_thousand() {
    let server = serving("");
    let phone = phone_of(&server, "000413000001", |setup| {
        let name = |number| format!("sip:{number}@pbx.example");
        setup.segments = 11;
        setup.identities = (0..1100).map(name).collect();
        setup
            .identities
            .insert(1, format!("sip:{}@pbx.example", "y".repeat(600)));
    });
    phone.start().await;
    logged(&server, &["WARN", "00:04:13:00:00:01", "left_out=101"]).await;
    let mut session = server.client().await.open_server().await;
    session.done("GetSwitchingFunctionDevices", "").await;
    let mut lines = 0;
    loop {
        let part = session.expect("SwitchingFunctionDevices").await;
        lines += part.root.at("deviceList").unwrap().children.len();
        if part.text("lastSegment") == "true" {
            break;
        }
    }
    assert_eq!(lines, 1000);
}
