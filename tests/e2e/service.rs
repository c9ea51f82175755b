//! The service for phones and clients, stopped and started while the server runs on.

use std::{
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    PATIENCE,
    datagrams::Weather,
    digest::Account,
    line::{Line, request},
    phone::{Phone, Setup},
    process::{PASSWORDS, Serving, run},
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD, http},
};

const MAC: &str = "000413000001";
const IDENTITY: &str = "sip:101@pbx.example";

fn serving() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), PASSWORDS)
}

async fn asked(server: &Serving, method: &str, path: &str, body: &str) -> (u16, Value) {
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let (status, body) = http(server.web, token.trim(), method, path, body).await;
    (status, serde_json::from_str(&body).unwrap())
}

async fn change(server: &Serving, state: &str) -> (u16, Value) {
    let body = format!("{{\"state\": \"{state}\"}}");
    asked(server, "PUT", "/api/v1/status/service", &body).await
}

async fn stop(server: &Serving) -> Value {
    let (status, service) = change(server, "stopped").await;
    assert_eq!(
        (status, &service["state"]),
        (200, &"stopped".into()),
        "{service}"
    );
    service
}

/// Starts the service; where phones and clients reach it now.
async fn start(server: &Serving) -> [SocketAddr; 2] {
    let from = server.log().len();
    let (status, service) = change(server, "running").await;
    assert_eq!(
        (status, &service["state"]),
        (200, &"running".into()),
        "{service}"
    );
    // The answer does not wait for the log.
    let started = "service for phones and clients started by an operator";
    server.until_logged(from, started).await;
    ["phones.lan.tcp", "clients.lan.tcp"].map(|interface| server.listens(interface).unwrap())
}

async fn status(server: &Serving) -> Value {
    asked(server, "GET", "/api/v1/status", "").await.1
}

async fn receives_monitor_stop_before_bye(phone: &Phone) {
    phone.until_received("BYE", 1).await;
    let stop = phone.until_received("MonitorStop", 1).await.message;
    let bye = phone.until_received("BYE", 1).await.message;
    assert!(stop.cseq() < bye.cseq(), "MonitorStop before BYE");
}

#[tokio::test]
async fn stopped_service_ends_all_sessions_in_order_and_serves_again() {
    let server = serving();
    let phone = server.phone(MAC, IDENTITY);
    phone.start().await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    session.watch(IDENTITY).await;
    let stopped = stop(&server).await;
    receives_monitor_stop_before_bye(&phone).await;
    tokio::time::timeout(PATIENCE, phone.gone()).await.unwrap();
    assert_eq!(session.incoming().await.unwrap().method(), "BYE");
    assert!(session.incoming().await.is_none());
    for address in [
        server.phones,
        server.phones_tls,
        server.clients,
        server.clients_tls,
    ] {
        let refused = tokio::net::TcpStream::connect(address).await;
        assert!(refused.is_err(), "{address} is open");
    }
    let shown = status(&server).await;
    assert_eq!(shown["service"], stopped);
    assert_eq!(shown["connections"]["open"], 0);
    assert_eq!(shown["clientSessions"], 0);
    assert_eq!(stop(&server).await, stopped, "it is stopped already");
    let (_, listed) = asked(&server, "GET", "/api/v1/phones/000413000001", "").await;
    assert_eq!(listed["reason"]["code"], "serviceStopped", "{listed}");
    assert_eq!(listed["reason"]["since"], stopped["since"]);
    let series = "uacsta_phones_by_reason{reason=\"serviceStopped\"}";
    assert_eq!(server.metric(series).await, 1);
    assert_eq!(asked(&server, "GET", "/readyz", "").await.0, 503);
    assert_eq!(asked(&server, "GET", "/healthz", "").await.0, 200);

    let [phones, clients] = start(&server).await;
    assert_eq!(asked(&server, "GET", "/readyz", "").await.0, 200);
    phone.moves_to(phones);
    phone.start().await;
    let again = crate::support::cti_client::CtiClient::at(clients, "ecsta", CLIENTS_PASSWORD);
    let mut session = again.await.open_server().await;
    session.watch(IDENTITY).await;
    let (_, listed) = asked(&server, "GET", "/api/v1/phones/000413000001", "").await;
    assert_eq!(
        (&listed["state"], &listed["reason"]),
        (&"controlled".into(), &Value::Null)
    );
}

#[tokio::test]
async fn connection_of_a_stranger_is_refused_while_the_service_is_stopped() {
    let server = serving();
    let mut of_phone = Line::to(server.phones).await;
    let mut of_client = Line::to(server.clients).await;
    let accepted = async { while status(&server).await["connections"]["unauthenticated"] != 2 {} };
    tokio::time::timeout(PATIENCE, accepted).await.unwrap();
    stop(&server).await;
    let refused = of_phone.ask(&request("REGISTER", MAC)).await.expect(503);
    assert_eq!(refused.header("Retry-After"), Some("10"));
    for method in ["REGISTER", "INVITE"] {
        let refused = of_client.ask(&request(method, "ecsta")).await.expect(503);
        assert_eq!(refused.header("Retry-After"), Some("10"), "{method}");
    }
    start(&server).await;
    let account = Account::new("ecsta", CLIENTS_PASSWORD);
    of_client.log_on(&account).await.expect(200);
}

#[tokio::test]
async fn phone_on_udp_gets_monitor_stop_and_bye_and_its_port_is_closed() {
    let settings = PASSWORDS.replace("[phones]", "[phones]\nudp = \"127.0.0.1:0\"");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let at = server.phones_udp.unwrap();
    let mut setup = Setup::new(at, MAC, PHONES_PASSWORD, IDENTITY);
    setup.udp = Some(Weather::Fair);
    let phone = Phone::new(setup, Default::default());
    phone.start().await;
    server
        .client()
        .await
        .open_server()
        .await
        .watch(IDENTITY)
        .await;
    stop(&server).await;
    receives_monitor_stop_before_bye(&phone).await;
    assert_eq!(status(&server).await["connections"]["open"], 0);
    assert!(std::net::UdpSocket::bind(at).is_ok(), "{at} is in use");
    start(&server).await;
    phone.reboot();
    phone.moves_to(server.listens("phones.udp").unwrap());
    phone.start().await;
}

#[tokio::test]
async fn settings_reloads_licences_and_the_end_work_while_the_service_is_stopped() {
    let server = serving();
    let phone = server.phone(MAC, IDENTITY);
    phone.start().await;
    stop(&server).await;
    let more = PASSWORDS.replace("let me ring", "let me ring louder");
    server.reload(&more).await;
    let data = server.data().to_str().unwrap().to_owned();
    let set = run(&[
        "settings",
        "set",
        "advanced.request_timeout",
        "5",
        "--data",
        &data,
    ]);
    assert!(set.status.success(), "{set:?}");
    let (status_code, licences) = asked(&server, "GET", "/api/v1/licenses", "").await;
    assert_eq!(status_code, 200, "{licences}");
    let shown = status(&server).await;
    assert_eq!(
        shown["service"]["state"], "stopped",
        "a reload starts nothing"
    );
    let [phones, _] = start(&server).await;
    let mut setup = Setup::new(phones, MAC, "let me ring louder", IDENTITY);
    setup.server = phones;
    Phone::new(setup, Default::default()).start().await;
    stop(&server).await;
    let begun = Instant::now();
    let (code, data) = server.stop();
    assert_eq!(code, Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    // It is not kept.
    let again = Serving::start(data, &more);
    assert_eq!(status(&again).await["service"]["state"], "running");
    assert_eq!(status(&again).await["service"]["by"], Value::Null);
}

#[tokio::test]
async fn service_that_cannot_be_started_stays_stopped_and_says_why() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let server = Serving::start_as(tempfile::tempdir().unwrap(), PASSWORDS, |command| {
        command.env("UACSTA__PHONES__LAN__TCP", address.to_string());
    });
    stop(&server).await;
    let other = TcpListener::bind(address).unwrap();
    let (status_code, refused) = change(&server, "running").await;
    assert_eq!(status_code, 503, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("phones.lan.tcp"), "{refused}");
    assert_eq!(status(&server).await["service"]["state"], "stopped");
    drop(other);
    assert_eq!(start(&server).await[0], address);
    server.phone(MAC, IDENTITY).start().await;
}

#[tokio::test]
async fn service_command_stops_starts_and_restarts_and_status_shows_it() {
    let server = serving();
    let data = server.data().to_str().unwrap().to_owned();
    let command = |words: &[&str]| {
        let ran = run(&[words, &["--data", &data]].concat());
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(command(&["service"]).starts_with("running since "));
    assert!(command(&["service", "stop"]).starts_with("stopped since "));
    let shown = command(&["status"]);
    assert!(shown.contains("\nservice      stopped since "), "{shown}");
    assert!(command(&["service", "start"]).starts_with("running since "));
    let restarted = command(&["service", "restart", "--json"]);
    let restarted: Value = serde_json::from_str(&restarted).unwrap();
    assert_eq!(restarted["state"], "running");
    let (_, audit) = asked(&server, "GET", "/api/v1/audit?operation=changeService", "").await;
    let entry = &audit["items"][3];
    assert_eq!(entry["before"]["state"], "running", "{audit}");
    assert_eq!(entry["after"]["state"], "stopped", "{audit}");
    assert_eq!(entry["outcome"], "done", "{audit}");
    let log = server.end();
    let said = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(
        said("service for phones and clients stopped by an operator"),
        2
    );
    assert_eq!(
        said("service for phones and clients started by an operator"),
        2
    );
}
