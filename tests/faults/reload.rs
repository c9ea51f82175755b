//! Configuration changes at run time: applied completely or not at all, with connections kept.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use crate::support::{
    cti_client::{CtiClient, Session},
    datagrams::Weather,
    documents::Documents,
    phone::{self, Phone, Reaction},
    process::{PASSWORDS, Serving, run},
    wire::final_of,
};

const HOLDS: &str = "configuration reloaded";
const STAYS: &str = "the configuration is unchanged";

fn serving() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), PASSWORDS)
}

/// A phone in its session, and a client that watches its line.
async fn watched(server: &Serving, line: &str) -> (Phone, Session) {
    let phone = server.phone("000413000001", line);
    phone.start().await;
    let client = server.client().await;
    let mut session = client.open(line).await;
    session.watch(line).await;
    (phone, session)
}

/// Phone and client still have each other: a request arrives, and an event comes back.
async fn talk(phone: &Phone, session: &mut Session) {
    session
        .done(
            "SetDoNotDisturb",
            &format!(
                "<device>{}</device><doNotDisturbOn>true</doNotDisturbOn>",
                phone.line()
            ),
        )
        .await;
    let reference = phone.monitored().await;
    let event = phone.document(
        "ServiceInitiatedEvent",
        &format!("<monitorCrossRefID>{reference}</monitorCrossRefID><initiatedConnection><callID>1</callID><deviceID>{line}</deviceID></initiatedConnection><initiatingDevice><deviceIdentifier>{line}</deviceIdentifier></initiatingDevice><localConnectionInfo>initiated</localConnectionInfo><cause>normal</cause>", line = phone.line()),
    );
    phone.event(&event).await.expect(200);
    session.expect("ServiceInitiatedEvent").await;
}

/// Has the server read its configuration again, and waits for what it says of it.
async fn reload(server: &Serving, settings: &str, outcome: &str) -> String {
    server.write_settings(settings);
    let from = server.log().len();
    server.send_signal("HUP");
    server.until_logged(from, outcome).await
}

/// An address of this machine that nobody listens on.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn reload_applies_all_settings_and_keeps_connections() {
    let server = serving();
    let line = "sip:101@pbx.example";
    let (first, mut session) = watched(&server, line).await;
    let wan = free();
    let changed = format!(
        "[phones]\npassword = \"ring again\"\nwan = {{ public_host = \"phones.example\", tcp = \"{wan}\" }}\n\
         [clients]\npassword = \"dial again\"\n\
         [advanced]\nauto_activate = false\n[logs]\nlevel = \"debug\"\nformat = \"json\"\n"
    );
    reload(&server, &changed, HOLDS).await;

    talk(&first, &mut session).await;
    let late = Phone::at(
        server.phones,
        "000413000002",
        "let me ring",
        "sip:102@pbx.example",
    );
    late.register().await.expect(401);
    let new = Phone::at(wan, "000413000002", "ring again", "sip:102@pbx.example");
    new.register().await.expect(200);
    server.until_listed("00:04:13:00:00:02").await;
    let list: serde_json::Value = serde_json::from_str(&server.list().await).unwrap();
    let states: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phone| phone["inOperation"].as_bool())
        .collect();
    assert_eq!(
        states,
        [Some(true), Some(false)],
        "auto_activate is off now"
    );
    let refused = server.client().await.register().await;
    refused.expect(401);
    CtiClient::at(server.clients, "ecsta", "dial again")
        .await
        .register()
        .await
        .expect(200);
    let lines = server.log();
    let last = lines.lines().last().unwrap();
    assert!(
        serde_json::from_str::<serde_json::Value>(last).is_ok(),
        "not JSON: {last}"
    );
    assert!(
        lines
            .lines()
            .all(|line| line.starts_with('{') || !line.contains("dial again"))
    );
}

#[tokio::test]
async fn invalid_configuration_changes_nothing_and_is_logged_with_its_place() {
    let server = serving();
    let line = "sip:101@pbx.example";
    let (first, mut session) = watched(&server, line).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    let folder = server.data().to_owned();
    let data = folder.display();
    std::fs::write(folder.join("no.pem"), "no certificate").unwrap();
    let tls =
        |file: &str| format!("[tls]\ncertificate = \"{data}/{file}\"\nkey = \"{data}/key.pem\"\n");
    for (mistake, named) in [
        ("[phones\n".to_owned(), "uacsta.toml, line 6"),
        (
            "[advanced]\nkeep_alive = 2\n".to_owned(),
            "uacsta.toml, line 7: advanced.keep_alive",
        ),
        (
            "[advanced]\nkeep_alives = 20\n".to_owned(),
            "uacsta.toml, line 7",
        ),
        (tls("no.pem"), "no.pem contains no certificate"),
        (tls("none.pem"), "none.pem cannot be read"),
        (
            "[logs]\ndirectory = \"/proc/none\"\n".to_owned(),
            "logs.directory: cannot write logs in /proc/none: ",
        ),
    ] {
        let changed = format!(
            "[phones]\npassword = \"ring again\"\nwan = {{ public_host = \"phones.example\", tcp = \"{}\" }}\n[clients]\npassword = \"dial again\"\n{mistake}",
            free()
        );
        let said = reload(&server, &changed, STAYS).await;
        assert!(said.contains(named), "{named:?} is not in {said}");
    }
    let unbound = format!(
        "[phones]\npassword = \"ring again\"\nwan = {{ public_host = \"phones.example\", tcp = \"{}\", tls = \"{}\" }}\n",
        free(),
        taken.1
    );
    let said = reload(&server, &unbound, STAYS).await;
    assert!(said.contains("phones.wan.tls: cannot listen on"), "{said}");
    assert!(
        !said.contains("listening"),
        "an interface was opened: {said}"
    );
    std::fs::create_dir(folder.join("phones")).unwrap();
    std::fs::write(folder.join("phones/snom.toml"), "edition = 77\n").unwrap();
    let said = reload(&server, "[phones]\npassword = \"ring again\"\n", STAYS).await;
    assert!(said.contains("snom.toml"), "{said}");

    talk(&first, &mut session).await;
    let same = Phone::at(
        server.phones,
        "000413000002",
        "let me ring",
        "sip:102@pbx.example",
    );
    same.register().await.expect(200);
}

#[tokio::test]
async fn moved_interface_keeps_its_connections() {
    let server = serving();
    let line = "sip:101@pbx.example";
    let (first, mut session) = watched(&server, line).await;
    let former = server.phones;
    for next in [
        free(),
        // All addresses of the machine, then one of them again: the port is ours both times.
        SocketAddr::from(([0, 0, 0, 0], former.port())),
        former,
    ] {
        // What an operator sets at run time goes before the environment, which names the ports of this test.
        let text = format!("[phones]\nlan = {{ tcp = \"{next}\" }}\n");
        std::fs::write(server.data().join("admin.toml"), text).unwrap();
        reload(&server, PASSWORDS, HOLDS).await;
        let at = server.listens("phones.lan.tcp").unwrap();
        assert_eq!(at, next);
        let reached = SocketAddr::from(([127, 0, 0, 1], at.port()));
        let new = Phone::at(
            reached,
            "000413000002",
            "let me ring",
            "sip:102@pbx.example",
        );
        new.register().await.expect(200);
        talk(&first, &mut session).await;
    }
    std::fs::write(
        server.data().join("admin.toml"),
        "[phones]\nlan = { tcp = \"\" }\n",
    )
    .unwrap();
    reload(&server, PASSWORDS, HOLDS).await;
    assert!(
        std::net::TcpStream::connect(former).is_err(),
        "it listens still"
    );
    talk(&first, &mut session).await;
}

#[tokio::test]
async fn withdrawn_rights_end_sessions_and_monitors() {
    let account = |rights: &str| {
        format!(
            "{PASSWORDS}[[clients.accounts]]\nuser = \"anna\"\npassword = \"let anna dial\"\n{rights}"
        )
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), &account(""));
    let (line, other) = ("sip:101@pbx.example", "sip:102@pbx.example");
    let first = server.phone("000413000001", line);
    let second = server.phone("000413000002", other);
    first.start().await;
    second.start().await;
    let anna = CtiClient::at(server.clients, "anna", "let anna dial").await;
    let mut session = anna.open_server().await;
    session.watch(line).await;
    session.watch(other).await;
    let mut alone = anna.open(other).await;
    // Lines that change are looked up anew, and what was opened is known all the same.
    let third = Phone::at(
        server.phones,
        "000413000003",
        "let me ring",
        "sip:103@pbx.example",
    );
    third.start().await;
    server.until_listed("sip:103@pbx.example").await;

    reload(&server, &account("lines = [\"101\"]\n"), HOLDS).await;
    session.expect("MonitorStop").await;
    let end = alone.incoming().await;
    assert_eq!(
        end.map(|end| end.method().to_owned()).as_deref(),
        Some("BYE")
    );
    second.until_received("MonitorStop", 1).await;
    let (category, value) = session.refused("MakeCall", &format!("<callingDevice>{other}</callingDevice><calledDirectoryNumber>5</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>")).await;
    assert_eq!(
        (category.as_str(), value.as_str()),
        ("operation", "privilegeViolationSpecifiedDevice")
    );
    session.make_call(line, "5").await;

    let mut ecsta = server.client().await.open_server().await;
    ecsta.watch(line).await;
    let from = server.log().len();
    reload(&server, PASSWORDS, HOLDS).await;
    server.until_logged(from, "its account was removed").await;
    // Each session ends with BYE, then the connection.
    while let Some(end) = session.incoming().await {
        assert_eq!(end.method(), "BYE");
    }
    talk(&first, &mut ecsta).await;
}

#[tokio::test]
async fn queued_requests_are_refused_when_their_right_is_withdrawn() {
    let account = |rights: &str| {
        format!(
            "{PASSWORDS}[[clients.accounts]]\nuser = \"anna\"\npassword = \"let anna dial\"\n{rights}"
        )
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), &account(""));
    let line = "sip:101@pbx.example";
    let phone = server.phone("000413000001", line);
    phone.start().await;
    let anna = CtiClient::at(server.clients, "anna", "let anna dial").await;
    let session = anna.open(line).await;
    // The others wait until the phone answers this one.
    phone.once("GetDoNotDisturb", Reaction::Silence);
    let _held = session.begin("GetDoNotDisturb", "");
    let held = phone.until_received("GetDoNotDisturb", 1).await.message;
    let call = format!(
        "<callingDevice>{line}</callingDevice><calledDirectoryNumber>5</calledDirectoryNumber>"
    );
    let mut call = session.begin("MakeCall", &call);
    let mut mute = session.begin("GetMicrophoneMute", "");
    reload(&server, &account("control = false\n"), HOLDS).await;
    let document = phone.document(
        "GetDoNotDisturbResponse",
        "<doNotDisturbOn>false</doNotDisturbOn>",
    );
    phone
        .wire()
        .await
        .send(&held.answer(200, "OK").csta(document));
    for (answer, expected) in [
        (&mut call, "privilegeViolationSpecifiedDevice"),
        (&mut mute, "GetMicrophoneMuteResponse"),
    ] {
        let answer = final_of(answer).await.expect("a connection that stands");
        assert!(answer.text().contains(expected), "{}", answer.text());
    }
    assert_eq!(
        (phone.count("MakeCall"), phone.count("GetMicrophoneMute")),
        (0, 1)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn sighup_during_start_is_handled_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap().to_owned();
    // The passwords' file is the first thing that a start makes; certificate and phone list follow.
    let script = "(until [ -e \"$0/secrets.toml\" ]; do :; done; kill -HUP $$) & exec \"$@\"";
    let server = Serving::under(&["sh", "-c", script, &folder], data, "");
    server.until_logged(0, "configuration reloaded").await;
}

#[tokio::test]
async fn reload_command_reports_mistakes() {
    let server = serving();
    let folder = server.data().to_str().unwrap().to_owned();
    let done = run(&["settings", "reload", "--data", &folder]);
    assert!(done.status.success(), "{done:?}");
    server.write_settings("[advanced]\nkeep_alive = 2\n");
    let refused = run(&["settings", "reload", "--data", &folder]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said.contains("the configuration is unchanged") && said.contains("uacsta.toml, line 2"),
        "{said}"
    );
}

#[tokio::test]
async fn udp_phones_stay_reachable_when_their_interface_moves() {
    let (former, next) = (free(), free());
    let on = |address| {
        format!(
            "[phones]\nudp = \"{address}\"\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n"
        )
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), &on(former));
    let line = "sip:101@pbx.example";
    let by_datagrams = |at, mac, line| {
        let mut setup = phone::Setup::new(at, mac, "let me ring", line);
        setup.udp = Some(Weather::Fair);
        Phone::new(setup, Arc::<Documents>::default())
    };
    let first = by_datagrams(former, "000413000001", line);
    first.start().await;
    let mut session = server.client().await.open(line).await;
    session.watch(line).await;
    reload(&server, &on(next), HOLDS).await;
    talk(&first, &mut session).await;
    first.register().await.expect(200);
    let new = by_datagrams(next, "000413000002", "sip:102@pbx.example");
    new.start().await;
}

#[tokio::test]
async fn reloaded_profile_applies_to_registered_phones() {
    let server = serving();
    let line = "sip:101@pbx.example";
    let (first, session) = watched(&server, line).await;
    first.always(
        "SnapshotCall",
        Reaction::Document(first.document(
            "SnapshotCallResponse",
            "<crossRefIDorSnapshotData><snapshotData/></crossRefIDorSnapshotData>",
        )),
    );
    let ask =
        format!("<snapshotObject><callID>1</callID><deviceID>{line}</deviceID></snapshotObject>");
    // By the shipped profile this phone has no SnapshotCall: the server answers from the calls that it knows.
    session.refused("SnapshotCall", &ask).await;
    assert_eq!(first.count("SnapshotCall"), 0);
    let shipped = include_str!("../../config/phones/snom.toml");
    std::fs::create_dir(server.data().join("phones")).unwrap();
    std::fs::write(
        server.data().join("phones/snom.toml"),
        shipped.replace("SnapshotCall = false", "SnapshotCall = true"),
    )
    .unwrap();
    reload(&server, PASSWORDS, HOLDS).await;
    session.done("SnapshotCall", &ask).await;
    assert_eq!(first.count("SnapshotCall"), 1);
}

#[tokio::test]
async fn rejected_address_change_keeps_the_old_listeners() {
    let (udp, next) = (free(), free());
    let on = |udp, wan: &str| {
        format!(
            "[phones]\nudp = \"{udp}\"\npassword = \"let me ring\"\nwan = {{ public_host = \"phones.example\", tcp = \"{wan}\" }}\n[clients]\npassword = \"let me dial\"\n"
        )
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), &on(udp, ""));
    let by_datagrams = |mac, line| {
        let mut setup = phone::Setup::new(udp, mac, "let me ring", line);
        setup.udp = Some(Weather::Fair);
        Phone::new(setup, Arc::<Documents>::default())
    };
    let first = by_datagrams("000413000001", "sip:101@pbx.example");
    first.start().await;
    // Another program has this address; its port is one of ours.
    let foreign = SocketAddr::from(([127, 0, 0, 2], server.clients.port()));
    let _other = TcpListener::bind(foreign).unwrap();
    let api = server.data().join("api.url");
    let url = std::fs::read_to_string(&api).unwrap();
    let moved = format!("[web]\nlisten = \"{}\"\n", free());
    std::fs::write(server.data().join("admin.toml"), moved).unwrap();
    let said = reload(&server, &on(next, &foreign.to_string()), STAYS).await;
    assert!(said.contains("phones.wan.tcp: cannot listen on"), "{said}");
    assert!(!said.contains("no longer listening"), "{said}");
    assert_eq!(std::fs::read_to_string(&api).unwrap(), url);
    by_datagrams("000413000002", "sip:102@pbx.example")
        .start()
        .await;
    let folder = server.data().to_str().unwrap().to_owned();
    assert!(run(&["phones", "--data", &folder]).status.success());

    // The API may be switched off, and then the command line says that nobody is there.
    std::fs::write(server.data().join("admin.toml"), "[web]\nlisten = \"\"\n").unwrap();
    reload(&server, &on(udp, ""), HOLDS).await;
    assert!(!api.exists());
}
