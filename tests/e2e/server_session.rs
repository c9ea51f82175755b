//! The server's session, which reaches every line (ECMA-269, capability exchange and system services).

use crate::support::{
    csta::{Call, Document, element},
    cti_client::Session,
    phone::Phone,
    server::Server,
};

const DEVICES: &str = "<requestTypes><switchingFunctionDevicesChanged>true</switchingFunctionDevicesChanged></requestTypes>";
const STATUS: &str = "<requestTypes><systemStatus>true</systemStatus></requestTypes>";

async fn started(server: &Server, mac: &str) -> Phone {
    let phone = server.phone(mac);
    phone.start().await;
    phone
}

/// The DeviceIDs of a GetSwitchingFunctionDevices, and in how many segments they came.
async fn listed(session: &mut Session, inner: &str) -> (Vec<String>, usize) {
    let response = session.done("GetSwitchingFunctionDevices", inner).await;
    let reference = response.text("serviceCrossRefID").to_owned();
    let (mut devices, mut segments) = (Vec::new(), 0);
    loop {
        let part = session.expect("SwitchingFunctionDevices").await;
        segments += 1;
        assert_eq!(part.text("serviceCrossRefID"), reference);
        assert_eq!(part.text("segmentID"), segments.to_string());
        let list = part.root.at("deviceList").unwrap();
        devices.extend(
            list.children
                .iter()
                .map(|device| device.text_at("deviceID").to_owned()),
        );
        if part.text("lastSegment") == "true" {
            return (devices, segments);
        }
        assert!(segments < 100, "a list without an end");
    }
}

async fn register(session: &Session, inner: &str) -> String {
    let response = session.done("SystemRegister", inner).await;
    response.text("sysStatRegisterID").to_owned()
}

#[tokio::test]
async fn all_lines_are_listed_in_segments() {
    let server = Server::start();
    let many: Vec<String> = (1000..1250)
        .map(|number| format!("sip:{number}@pbx.example"))
        .collect();
    let phone = server.phone_as("000413000001", |setup| setup.identities.clone_from(&many));
    phone.start().await;
    started(&server, "000413000002").await;
    let mut session = server.client().await.open_server().await;
    let (devices, segments) = listed(&mut session, "").await;
    assert_eq!(segments, 3);
    assert_eq!(devices.len(), 251);
    assert!(devices.contains(&"sip:0002@pbx.example".to_owned()));
    let one = element("requestedDeviceID", "sip:1100@pbx.example");
    assert_eq!(
        listed(&mut session, &one).await,
        (vec!["sip:1100@pbx.example".to_owned()], 1)
    );
    let stations = element("requestedDeviceCategory", "station");
    assert_eq!(listed(&mut session, &stations).await.0.len(), 251);
    let parks = element("requestedDeviceCategory", "park");
    assert_eq!(listed(&mut session, &parks).await, (Vec::new(), 1));
}

#[tokio::test]
async fn registered_client_is_notified_of_added_and_removed_lines() {
    let server = Server::start();
    started(&server, "000413000001").await;
    let mut session = server.client().await.open_server().await;
    let registration = register(&session, DEVICES).await;
    let mut other = server.client().await.open_server().await;
    let changed = |event: Document| {
        assert_eq!(event.name(), "SwFunctionDevicesChanged", "{}", event.raw);
        assert_eq!(event.text("sysStatRegisterID"), registration);
    };
    started(&server, "000413000002").await;
    changed(session.event().await);
    assert_eq!(listed(&mut session, "").await.0.len(), 2);
    server.switch("00:04:13:00:00:02", false).await;
    changed(session.event().await);
    assert_eq!(listed(&mut session, "").await.0.len(), 1);
    let cancel = element("sysStatRegisterID", &registration);
    session.done("SystemRegisterCancel", &cancel).await;
    server.switch("00:04:13:00:00:02", true).await;
    assert_eq!(
        session.refused("SystemRegisterCancel", &cancel).await,
        ("operation".to_owned(), "invalidCrossRefID".to_owned())
    );
    assert!(other.quiet(), "who did not register hears nothing");
}

#[tokio::test]
async fn registered_client_is_notified_of_line_status() {
    let server = Server::start();
    let (first, second) = (
        started(&server, "000413000001").await,
        started(&server, "000413000002").await,
    );
    let client = server.client().await;
    let mut all = client.open_server().await;
    let mut one = client.open("sip:0001@pbx.example").await;
    let registration = register(&all, STATUS).await;
    register(&one, STATUS).await;
    let asked = element("sysStatRegisterID", &registration);
    let status = |session: &Session| {
        let asked = asked.clone();
        let asking = session.begin("RequestSystemStatus", &asked);
        async move {
            let mut asking = asking;
            let answer = asking.recv().await.unwrap();
            Document::read(&answer.body).text("systemStatus").to_owned()
        }
    };
    assert_eq!(status(&all).await, "normal");
    first.disconnect();
    assert_eq!(
        one.expect("SystemStatus").await.text("systemStatus"),
        "disabled"
    );
    assert_eq!(
        all.expect("SystemStatus").await.text("systemStatus"),
        "partiallyDisabled"
    );
    assert_eq!(status(&all).await, "partiallyDisabled");
    // The session itself is alive, whatever its phones are.
    let alive = all.done("RequestSystemStatus", "").await;
    assert_eq!(alive.text("systemStatus"), "normal");
    second.disconnect();
    assert_eq!(
        all.expect("SystemStatus").await.text("systemStatus"),
        "disabled"
    );
    first.start().await;
    assert_eq!(
        one.expect("SystemStatus").await.text("systemStatus"),
        "normal"
    );
    assert_eq!(
        all.expect("SystemStatus").await.text("systemStatus"),
        "partiallyDisabled"
    );
}

#[tokio::test]
async fn account_is_notified_of_its_own_lines_only() {
    let server = Server::with(|settings| {
        settings.clients.accounts.push(uacsta_config::Account {
            user: "board".to_owned(),
            password: "a password of its own".into(),
            lines: vec!["0001".to_owned()],
            control: false,
            numbers: Vec::new(),
        });
    });
    let mine = started(&server, "000413000001").await;
    let client = server
        .client_as(|setup| {
            setup.account.user = "board".to_owned();
            setup.account.password = "a password of its own".to_owned();
        })
        .await;
    let mut session = client.open_server().await;
    let both = "<requestTypes><systemStatus>true</systemStatus>\
                <switchingFunctionDevicesChanged>true</switchingFunctionDevicesChanged></requestTypes>";
    register(&session, both).await;
    let other = started(&server, "000413000002").await;
    other.disconnect();
    mine.disconnect();
    assert_eq!(
        session.expect("SystemStatus").await.text("systemStatus"),
        "disabled"
    );
    assert_eq!(
        listed(&mut session, "").await.0,
        ["sip:0001@pbx.example".to_owned()]
    );
}

#[tokio::test]
async fn stopping_server_notifies_registered_clients() {
    let server = Server::start();
    started(&server, "000413000001").await;
    let client = server.client().await;
    let mut registered = client.open_server().await;
    let registration = register(&registered, STATUS).await;
    let mut line = client.open("sip:0001@pbx.example").await;
    drop(server);
    assert_eq!(
        registered.expect("SystemStatus").await.text("systemStatus"),
        "disabled"
    );
    assert_eq!(
        registered
            .expect("SystemRegisterAbort")
            .await
            .text("sysStatRegisterID"),
        registration
    );
    for session in [&mut registered, &mut line] {
        assert_eq!(session.incoming().await.unwrap().method(), "BYE");
    }
}

#[tokio::test]
async fn system_registrations_are_limited_and_need_a_purpose() {
    let server = Server::start();
    let session = server.client().await.open_server().await;
    let nothing = "<requestTypes><requestSystemStatus>true</requestSystemStatus></requestTypes>";
    assert_eq!(
        session.refused("SystemRegister", nothing).await,
        ("operation".to_owned(), "generic".to_owned())
    );
    for _ in 0..8 {
        register(&session, DEVICES).await;
    }
    assert_eq!(
        session.refused("SystemRegister", DEVICES).await,
        (
            "systemResourceAvailibility".to_owned(),
            "registrationLimitExceeded".to_owned()
        )
    );
    let unknown = element("sysStatRegisterID", "nobody's");
    assert_eq!(
        session.refused("RequestSystemStatus", &unknown).await,
        ("operation".to_owned(), "invalidCrossRefID".to_owned())
    );
    session
        .done("SystemStatus", &element("systemStatus", "normal"))
        .await;
}

#[tokio::test]
async fn many_lines_are_monitored_in_one_dialog() {
    let server = Server::start();
    let macs = ["000413000001", "000413000002", "000413000003"];
    let phones = macs.map(|mac| server.phone(mac));
    let mut session = server.client().await.open_server().await;
    let mut references = Vec::new();
    for phone in &phones {
        phone.start().await;
        references.push(session.watch(phone.line()).await);
    }
    for (phone, reference) in phones.iter().zip(&references) {
        let call = Call::seen_by(phone.line(), "-12", phone.line(), "sip:102@pbx.example");
        phone.event(&call.originated()).await.expect(200);
        let event = session.expect("OriginatedEvent").await;
        assert_eq!(event.text("monitorCrossRefID"), reference);
    }
    session.unwatch(&references[1]).await;
    let call = |phone: &Phone| {
        Call::seen_by(phone.line(), "-12", phone.line(), "sip:102@pbx.example").delivered()
    };
    phones[1].until_received("MonitorStop", 1).await;
    phones[2].event(&call(&phones[2])).await.expect(200);
    let event = session.expect("DeliveredEvent").await;
    assert_eq!(event.text("monitorCrossRefID"), references[2]);
}
