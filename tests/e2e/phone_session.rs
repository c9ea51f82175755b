//! The CSTA session with a phone: opened after registration, kept alive, and restored (TR/87, section 7.1; RFC 4028).

use std::{collections::VecDeque, time::Duration};

use crate::support::{
    csta::{Document, document, element, failure},
    digest::{Algorithm, Challenge},
    fixture::MAC,
    phone::Reaction,
    server::Server,
    sip::{Message, parameter},
};

fn seconds(value: &str) -> u64 {
    value
        .split(';')
        .next()
        .and_then(|number| number.trim().parse().ok())
        .unwrap()
}

#[tokio::test]
async fn session_opens_as_tr87_specifies() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let invite = phone.until_received("INVITE", 1).await;
    assert_eq!(invite.service, "RequestSystemStatus");
    assert_eq!(invite.document().root.edition(), "ed3");
    assert_eq!(invite.message.must("Content-Type"), "application/csta+xml");
    assert_eq!(
        invite.message.must("Content-Disposition"),
        "signal;handling=required"
    );
    assert!(invite.message.must("Supported").contains("timer"));
    assert!(
        invite
            .message
            .uri()
            .starts_with(&format!("sip:{MAC}@127.0.0.1")),
        "to the Contact: {}",
        invite.message.uri()
    );
    phone
        .until("the ACK", |state| state.confirmed.then_some(()))
        .await;
    let register = phone.until_received("SystemRegister", 1).await.document();
    assert!(
        register.root.at("requestTypes").is_some(),
        "{}",
        register.raw
    );
    phone.until_received("GetSwitchingFunctionDevices", 1).await;
}

#[tokio::test]
async fn server_proceeds_only_after_system_status_normal() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.status = VecDeque::from(["initializing", "normal"]);
    });
    phone.start().await;
    // The first answer said initializing, so there was a second question before anything else.
    let first_service = phone.until("a request for identities", |state| {
        let services: Vec<&str> = state
            .received
            .iter()
            .map(|r| r.service.as_str())
            .filter(|service| !service.is_empty())
            .collect();
        services
            .contains(&"GetSwitchingFunctionDevices")
            .then(|| services.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    });
    let services = first_service.await;
    assert_eq!(
        services[..2],
        ["RequestSystemStatus", "RequestSystemStatus"],
        "{services:?}"
    );
}

#[tokio::test]
async fn system_register_is_sent_where_the_profile_has_it() {
    let server = Server::start();
    for (mac, user_agent, registers) in [
        ("000413000001", "snomD345/10.1.159.12", 1),
        ("001565000002", "Yealink SIP-T46G 28.83.0.50", 0),
        ("00085d000003", "Mitel 6867i/5.1.0.2024", 0),
        ("000952000004", "COMfortel 2600 IP 2.8A", 1),
    ] {
        let phone = server.phone_as(mac, |setup| setup.user_agent = user_agent.to_owned());
        phone.start().await;
        assert_eq!(phone.count("SystemRegister"), registers, "{user_agent}");
    }
}

#[tokio::test]
async fn refused_system_register_does_not_end_the_session() {
    let server = Server::start();
    for (mac, reaction) in [
        (
            "000413000001",
            Reaction::Document(failure("ed3", "operation", "serviceNotSupported")),
        ),
        ("000413000002", Reaction::Status(501, &[])),
    ] {
        let phone = server.phone(mac);
        phone.always("SystemRegister", reaction);
        phone.start().await;
    }
}

#[tokio::test]
async fn identities_may_arrive_in_several_segments() {
    let server = Server::start();
    let identities: Vec<String> = (101..=105)
        .map(|number| format!("sip:{number}@pbx.example"))
        .collect();
    let phone = server.phone_as(MAC, |setup| {
        setup.identities.clone_from(&identities);
        setup.segments = 3;
    });
    phone.start().await;
    let client = server.client().await;
    for identity in &identities {
        let mut session = client.open(identity).await;
        session.watch(identity).await;
    }
    let listed = server.listed("00:04:13:00:00:01").await;
    assert_eq!(listed["lines"], serde_json::json!(identities));
}

#[tokio::test]
async fn log_on_identity_is_not_listed_as_a_line() {
    let server = Server::start();
    let identities = vec![
        format!("sip:{MAC}@127.0.0.1"),
        "sip:101@pbx.example".to_owned(),
    ];
    let phone = server.phone_as(MAC, |setup| setup.identities.clone_from(&identities));
    phone.start().await;
    let listed = server.listed("00:04:13:00:00:01").await;
    assert_eq!(listed["lines"], serde_json::json!(["sip:101@pbx.example"]));
}

#[tokio::test]
async fn session_is_kept_alive() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(300));
    let phone = server.phone(MAC);
    phone.start().await;
    let alive = phone.until_received("RequestSystemStatus", 4).await;
    assert_eq!(alive.message.method(), "INFO");
    assert_eq!(phone.count("INVITE"), 1);
}

#[tokio::test]
async fn unanswered_keep_alive_takes_the_phone_out_of_service() {
    let server = Server::with(|settings| {
        settings.advanced.keep_alive = Duration::from_millis(300);
        settings.advanced.request_timeout = Duration::from_millis(500);
    });
    let (phone, mut session, reference) = watched(&server).await;
    phone.once("RequestSystemStatus", Reaction::Silence);
    session.expect("OutOfServiceEvent").await;
    phone
        .until("the end of its connection", |state| {
            (!state.connected).then_some(())
        })
        .await;
    phone.reboot();
    phone.start().await;
    assert_eq!(
        session
            .expect("BackInServiceEvent")
            .await
            .text("monitorCrossRefID"),
        reference
    );
}

#[tokio::test]
async fn session_timer_is_negotiated_and_refreshed() {
    let server = Server::with(|settings| settings.advanced.sip_expires = Duration::from_secs(90));
    let phone = server.phone(MAC);
    phone.start().await;
    let invite = phone.until_received("INVITE", 1).await.message;
    let asked = seconds(invite.must("Session-Expires"));
    assert_eq!(
        asked, 90,
        "the least that RFC 4028, section 4 allows, and the setting"
    );
    if let Some(least) = invite.header("Min-SE") {
        assert!(seconds(least) <= asked);
    }
}

#[tokio::test]
async fn invite_is_retried_with_min_se_after_422() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once("INVITE", Reaction::Status(422, &[("Min-SE", "1200")]));
    phone.start().await;
    let second = phone.until_received("INVITE", 2).await.message;
    assert!(
        seconds(second.must("Session-Expires")) >= 1200,
        "{}",
        second.text()
    );
    assert_eq!(seconds(second.must("Min-SE")), 1200);
}

#[tokio::test]
async fn phone_may_be_the_refresher() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let wire = phone.wire().await;
    let contact = format!("<sip:{MAC}@{};transport=tcp>", wire.local);
    for method in ["UPDATE", "INVITE"] {
        let refresh = phone
            .in_dialog(method)
            .await
            .with("Contact", &contact)
            .with("Supported", "timer")
            .with("Session-Expires", "120;refresher=uac");
        let refresh = if method == "INVITE" {
            refresh.csta(document("ed3", "RequestSystemStatus", ""))
        } else {
            refresh
        };
        let answer = phone.transact(&refresh).await.expect(200);
        assert_eq!(
            seconds(answer.must("Session-Expires")),
            120,
            "{}",
            answer.text()
        );
        if method == "INVITE" {
            assert_eq!(Document::read(&answer.body).text("systemStatus"), "normal");
            let ack = phone
                .in_dialog("ACK")
                .await
                .set("CSeq", format!("{} ACK", refresh.cseq()));
            wire.send(&ack);
        }
    }
    assert_eq!(phone.count("INVITE"), 1);
}

#[tokio::test]
async fn server_answers_the_challenge_of_a_phone() {
    let server = Server::start();
    for (mac, algorithm) in [
        ("000413000001", Algorithm::Md5),
        ("000413000002", Algorithm::Sha256),
    ] {
        let challenge = Challenge {
            realm: "phone of the test".to_owned(),
            nonce: "n0nc3".to_owned(),
            algorithm,
            qop: true,
            stale: false,
        };
        let phone = server.phone_as(mac, |setup| {
            setup.challenge = Some((challenge, &["INVITE", "INFO"]));
        });
        phone.start().await;
        let client = server.client().await;
        let mut session = client.open(phone.line()).await;
        session.watch(phone.line()).await;
        session.make_call(phone.line(), "102").await;
        assert_eq!(
            phone.until("one dialog", |state| Some(state.dialogs)).await,
            1
        );
    }
}

#[tokio::test]
async fn repeated_challenges_of_a_phone_are_limited() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.always(
        "INVITE",
        Reaction::Status(
            401,
            &[(
                "WWW-Authenticate",
                "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"",
            )],
        ),
    );
    phone.register().await.expect(200);
    phone.until_received("INVITE", 2).await;
    let proofs = phone.until("proofs", |state| {
        let with = state
            .received
            .iter()
            .filter(|r| {
                r.message.method() == "INVITE" && r.message.header("Authorization").is_some()
            })
            .count();
        (with > 0).then_some(with)
    });
    assert!(proofs.await <= 2);
    phone.relent("INVITE");
    phone.in_session().await;
}

/// A phone that is watched by one client, and the client's session.
async fn watched(
    server: &Server,
) -> (
    crate::support::phone::Phone,
    crate::support::cti_client::Session,
    String,
) {
    let phone = server.phone(MAC);
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    let reference = session.watch(phone.line()).await;
    (phone, session, reference)
}

/// The line goes out of service once and comes back once; an event of the phone then follows at once.
async fn out_and_back(
    phone: &crate::support::phone::Phone,
    session: &mut crate::support::cti_client::Session,
    reference: &str,
) {
    for name in ["OutOfServiceEvent", "BackInServiceEvent"] {
        let event = session.expect(name).await;
        assert_eq!(event.text("monitorCrossRefID"), reference, "{}", event.raw);
        assert_eq!(
            event.text("device/deviceIdentifier"),
            phone.line(),
            "{}",
            event.raw
        );
    }
    phone
        .event(&call(phone.line()).originated())
        .await
        .expect(200);
    assert_eq!(
        session
            .expect("OriginatedEvent")
            .await
            .text("monitorCrossRefID"),
        reference
    );
}

fn call(line: &str) -> crate::support::csta::Call {
    crate::support::csta::Call::seen_by(line, "-7", line, "sip:102@pbx.example")
}

#[tokio::test]
async fn session_and_monitor_are_restored_after_bye() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.bye().await.expect(200);
    out_and_back(&phone, &mut session, &reference).await;
    assert_eq!((phone.count("INVITE"), phone.count("MonitorStart")), (2, 2));
}

#[tokio::test]
async fn session_monitor_and_request_are_restored_after_481() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.forget();
    let line = phone.line().to_owned();
    session.make_call(&line, "102").await;
    out_and_back(&phone, &mut session, &reference).await;
    assert_eq!(
        phone.count("MakeCall"),
        2,
        "once into the void, once again since 481 proves that it was not done"
    );
}

#[tokio::test]
async fn rebooted_phone_gets_a_new_session_and_monitor() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.reboot();
    phone.start().await;
    out_and_back(&phone, &mut session, &reference).await;
    assert_eq!(
        (
            phone.count("INVITE"),
            phone.count("SystemRegister"),
            phone.count("GetSwitchingFunctionDevices")
        ),
        (2, 2, 2)
    );
}

#[tokio::test]
async fn registration_on_a_new_connection_moves_the_session() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    // The same phone without power for a moment: nothing on the old connection says so.
    let again = server.phone(MAC);
    again.start().await;
    again.monitored().await;
    out_and_back(&again, &mut session, &reference).await;
    phone
        .until("the end of the old connection", |state| {
            (!state.connected).then_some(())
        })
        .await;
}

#[tokio::test]
async fn lost_connection_is_reported_at_once_and_the_line_stays_open() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.disconnect();
    session.expect("OutOfServiceEvent").await;
    let line = phone.line().to_owned();
    let refusal = session
        .refused(
            "MakeCall",
            &crate::support::csta::element("callingDevice", &line).replace(
                "</callingDevice>",
                "</callingDevice><calledDirectoryNumber>102</calledDirectoryNumber>",
            ),
        )
        .await;
    assert_eq!(
        refusal,
        (
            "systemResourceAvailibility".to_owned(),
            "deviceOutOfService".to_owned()
        )
    );
    phone.reboot();
    phone.start().await;
    assert_eq!(
        session
            .expect("BackInServiceEvent")
            .await
            .text("monitorCrossRefID"),
        reference
    );
}

#[tokio::test]
async fn unrefreshed_registration_expires() {
    let server = Server::with(|settings| {
        settings.advanced.sip_expires = Duration::from_secs(2);
        settings.advanced.min_expires = Duration::from_secs(1);
    });
    let (phone, mut session, _) = watched(&server).await;
    session.expect("OutOfServiceEvent").await;
    assert_ne!(
        server.listed("00:04:13:00:00:01").await["state"],
        "controlled"
    );
    phone.register().await.expect(200);
    session.expect("BackInServiceEvent").await;
}

#[tokio::test]
async fn unregistered_phone_is_out_of_service() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.unregister().await.expect(200);
    session.expect("OutOfServiceEvent").await;
    phone.until_received("BYE", 1).await;
    phone.register().await.expect(200);
    assert_eq!(
        session
            .expect("BackInServiceEvent")
            .await
            .text("monitorCrossRefID"),
        reference
    );
}

#[tokio::test]
async fn refused_invite_is_retried_with_back_off() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once("INVITE", Reaction::Status(503, &[("Retry-After", "1")]));
    phone.once("INVITE", Reaction::Status(480, &[]));
    let begun = std::time::Instant::now();
    phone.start().await;
    assert_eq!(phone.count("INVITE"), 3);
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "the Retry-After of RFC 3261, section 20.33"
    );
}

#[tokio::test]
async fn refused_monitor_start_is_retried() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once(
        "MonitorStart",
        Reaction::Document(failure("ed3", "systemResourceAvailibility", "resourceBusy")),
    );
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.monitor(phone.line()).await;
    session.expect("OutOfServiceEvent").await;
    session.expect("BackInServiceEvent").await;
    assert_eq!(phone.count("MonitorStart"), 2);
}

#[tokio::test]
async fn event_for_unknown_monitor_is_dropped_and_counted() {
    let server = Server::start();
    let (phone, mut session, _) = watched(&server).await;
    phone
        .info(&call(phone.line()).delivered().replace("{xref}", "nobody's"))
        .await
        .expect(200);
    let (_, page) = server.http("GET", "/metrics", "").await;
    assert!(
        page.contains("\nuacsta_events_of_no_monitor_total 1\n"),
        "{page}"
    );
    phone
        .event(&call(phone.line()).established())
        .await
        .expect(200);
    session.expect("EstablishedEvent").await;
}

#[tokio::test]
async fn retransmitted_event_is_relayed_once() {
    let server = Server::start();
    let (phone, mut session, _) = watched(&server).await;
    let event = call(phone.line())
        .delivered()
        .replace("{xref}", &phone.monitored().await);
    let info: Message = phone.in_dialog("INFO").await.csta(event);
    phone.transact(&info).await.expect(200);
    // Nobody repeats a request on a stream (RFC 3261, section 17.1.2.2); it is answered as before, and never relayed again.
    phone.transact(&info).await.expect(200);
    let status = "<systemStatus>normal</systemStatus>";
    let status = document("ed3", "SystemStatus", status);
    let info = phone.in_dialog("INFO").await.csta(status);
    let first = phone.transact(&info).await.expect(200);
    assert_eq!(phone.transact(&info).await.expect(200).body, first.body);
    assert!(first.body.contains("SystemStatusResponse"));
    phone
        .event(&call(phone.line()).established())
        .await
        .expect(200);
    session.expect("DeliveredEvent").await;
    session.expect("EstablishedEvent").await;
}

#[tokio::test]
async fn values_of_a_phone_count_without_regard_to_case() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| setup.status.push_back("Normal"));
    phone.start().await;
    assert_eq!(phone.count("INVITE"), 1);
    let session = server.client().await.open(phone.line()).await;
    let lacking = failure("ed5", "operation", "ServiceNotSupported");
    phone.always("SnapshotDevice", Reaction::Document(lacking));
    let object = element("snapshotObject", phone.line());
    session.refused("SnapshotDevice", &object).await;
    session.refused("SnapshotDevice", &object).await;
    assert_eq!(phone.count("SnapshotDevice"), 1, "it said that it has none");
}

#[tokio::test]
async fn lower_cseq_in_a_dialog_gets_500() {
    // RFC 3261, section 12.2.2.
    let server = Server::start();
    let (phone, mut session, _) = watched(&server).await;
    let reference = phone.monitored().await;
    let early = phone
        .in_dialog("INFO")
        .await
        .csta(call(phone.line()).delivered().replace("{xref}", &reference));
    phone
        .event(&call(phone.line()).originated())
        .await
        .expect(200);
    phone.transact(&early).await.expect(500);
    session.expect("OriginatedEvent").await;
    phone.event(&call(phone.line()).cleared()).await.expect(200);
    session.expect("ConnectionClearedEvent").await;
}

#[tokio::test]
async fn lines_are_listed_again_after_the_phone_reports_a_change() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    phone
        .info(&document(
            "ed3",
            "SwFunctionDevicesChanged",
            "<sysStatRegisterID>r1</sysStatRegisterID>",
        ))
        .await
        .expect(200);
    phone.until_received("GetSwitchingFunctionDevices", 2).await;
}

#[tokio::test]
async fn phone_may_request_system_status() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let answer = phone
        .info(&document("ed5", "RequestSystemStatus", ""))
        .await
        .expect(200);
    let said = Document::read(&answer.body);
    assert_eq!(
        (said.name(), said.text("systemStatus"), said.root.edition()),
        ("RequestSystemStatusResponse", "normal", "ed5")
    );
    let answer = phone
        .info(&document(
            "ed3",
            "SystemStatus",
            "<systemStatus>normal</systemStatus>",
        ))
        .await
        .expect(200);
    assert_eq!(Document::read(&answer.body).name(), "SystemStatusResponse");
}

#[tokio::test]
async fn requests_in_the_phone_dialog_are_validated() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    for (content_type, body, status) in [
        ("application/csta+xml", "<DeliveredEvent", 400),
        ("application/csta+xml", "no XML at all", 400),
        ("text/plain", "hello", 415),
        ("application/sdp", "v=0", 415),
    ] {
        let info = phone.in_dialog("INFO").await.carrying(content_type, body);
        let answer = phone.transact(&info).await;
        assert_eq!(
            answer.status(),
            status,
            "{content_type} {body:?}:\n{}",
            answer.text()
        );
        if status == 415 {
            assert!(answer.must("Accept").contains("application/csta+xml"));
        }
    }
    let bomb = "<!DOCTYPE a [<!ENTITY b \"ha\">]><DeliveredEvent>&b;</DeliveredEvent>";
    let answer = phone.info(bomb).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert!(parameter(answer.must("To"), "tag").is_some());
    phone
        .transact(&phone.in_dialog("OPTIONS").await)
        .await
        .expect(200);
}

#[tokio::test]
async fn requests_outside_the_session_are_answered_without_harm() {
    let server = Server::start();
    let (phone, mut session, _) = watched(&server).await;
    let wire = phone.wire().await;
    for (method, event, status) in [
        ("SUBSCRIBE", "message-summary", 489),
        ("NOTIFY", "check-sync", 489),
        ("PUBLISH", "presence", 405),
        ("MESSAGE", "", 405),
        ("REFER", "", 405),
        ("BREW", "", 501),
        ("INVITE", "", 403),
    ] {
        let mut request = phone
            .registration(&wire)
            .without("Contact")
            .without("Expires")
            .set("CSeq", format!("1 {method}"))
            .set("Call-ID", crate::support::sip::unique("c"))
            .with("Event", event);
        request.start = format!("{method} sip:{} SIP/2.0", wire.peer);
        let answer = phone.transact(&request).await.expect(status);
        if status != 403 {
            answer.must("Allow");
        }
        // In the session the same is refused alike, and the session goes on.
        if ["NOTIFY", "REFER", "MESSAGE"].contains(&method) {
            let inside = phone.in_dialog(method).await;
            phone.transact(&inside).await.expect(status);
        }
    }
    phone
        .event(&call(phone.line()).originated())
        .await
        .expect(200);
    session.expect("OriginatedEvent").await;
    assert_eq!((phone.count("INVITE"), phone.count("MonitorStart")), (1, 1));
}

/// An identity key that nobody has set up is told without a name. The other lines are none the worse.
#[tokio::test]
async fn empty_line_key_does_not_hide_other_lines() {
    let server = Server::start();
    let phone = server.phone_as("000413000001", |setup| {
        let lines = ["", "sip:215@pbx.example", "  ", "sip:216@pbx.example"];
        setup.identities = lines.map(str::to_owned).to_vec();
    });
    phone.start().await;
    let session = server.client().await.open_server().await;
    for line in ["215", "216"] {
        session
            .done("GetDoNotDisturb", &element("device", line))
            .await;
    }
    let listed = server.listed("00:04:13:00:00:01").await;
    let lines = serde_json::json!(["sip:215@pbx.example", "sip:216@pbx.example"]);
    assert_eq!(listed["lines"], lines);
}
