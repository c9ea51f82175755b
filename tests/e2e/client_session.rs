//! Sessions of a CTI client: log-on, device IDs, timers (TR/87, section 7.1; RFC 4028).

use std::time::Duration;

use crate::support::{
    csta::{Document, connection, document, element, subject},
    digest::{Account, Algorithm},
    fixture::{LINE, MAC, call, started},
    line::{Line, request},
    server::Server,
    sip::parameter,
};

#[tokio::test]
async fn client_may_register_or_open_a_session_directly() {
    let server = Server::start();
    started(&server).await;
    let client = server.client().await;
    client.register().await.expect(200);
    let session = client.open(LINE).await;
    assert_eq!(session.status(), "normal");
    assert_eq!(server.client().await.open(LINE).await.status(), "normal");
}

#[tokio::test]
async fn authenticated_connection_is_not_challenged_again() {
    let server = Server::start();
    started(&server).await;
    let client = server.client().await;
    let first = client.open(LINE).await;
    let second = client.open_server().await;
    assert_eq!(
        (first.answer.cseq(), second.answer.cseq()),
        (2, 1),
        "one 401 on the connection"
    );
}

#[tokio::test]
async fn unauthenticated_client_opens_no_session() {
    let server = Server::start();
    started(&server).await;
    for account in [
        Account::new("ecsta", "a guess"),
        Account::new("nobody", "let me dial"),
        Account::new(MAC, "let me ring"),
    ] {
        let client = server
            .client_as(|setup| setup.account = account.clone())
            .await;
        let refusal = client
            .invite(LINE, |invite| invite)
            .await
            .expect_err("no session for a stranger");
        assert!([401, 403].contains(&refusal.status()), "{}", refusal.text());
    }
}

#[tokio::test]
async fn client_limited_to_md5_logs_on() {
    let server = Server::start();
    started(&server).await;
    server
        .client_as(|setup| setup.only = Some(Algorithm::Md5))
        .await
        .open(LINE)
        .await;
}

#[tokio::test]
async fn client_is_served_over_tls() {
    let server = Server::start();
    let phone = started(&server).await;
    let client = server.client_as(|setup| {
        setup.server = server.addresses.clients_tls.unwrap();
        setup.certificate = Some(server.certificate());
    });
    let mut session = client.await.open(LINE).await;
    session.watch(LINE).await;
    phone.event(&call(LINE).originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
}

#[tokio::test]
async fn external_clients_see_the_public_address() {
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::with(|settings| {
        settings.clients.wan.tcp = local.into();
        settings.clients.wan.public_host = "csta.example.org".to_owned();
        settings.clients.wan.public_tcp_port = 15070;
    });
    let phone = started(&server).await;
    let client = server
        .client_as(|setup| setup.server = server.addresses.clients_wan_tcp.unwrap())
        .await;
    let mut session = client.open(LINE).await;
    assert!(
        session
            .answer
            .must("Contact")
            .contains("csta.example.org:15070"),
        "{}",
        session.answer.text()
    );
    session.watch(LINE).await;
    phone.event(&call(LINE).originated()).await.expect(200);
    let info = session.incoming().await.unwrap();
    assert!(
        info.must("Via").contains("csta.example.org:15070"),
        "{}",
        info.text()
    );
}

#[tokio::test]
async fn line_is_resolved_from_every_notation_clients_use() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.identities = vec![
            "sip:+49301234@pbx.example".to_owned(),
            "sip:0001@pbx.example".to_owned(),
        ];
    });
    phone.start().await;
    let client = server.client().await;
    let host = client.wire.peer;
    let [number, extension] = [0, 1].map(|line| phone.setup().identities[line].as_str());
    for (nth, (name, device)) in [
        ("sip:0001@pbx.example".to_owned(), extension),
        (
            "sip:0001@pbx.example:5060;transport=tcp".to_owned(),
            extension,
        ),
        (format!("sip:0001@{host}"), extension),
        (format!("sip:{MAC}@{host}"), number),
        (format!("sip:00-04-13-00-00-01@{host}"), number),
        ("tel:+49301234".to_owned(), number),
    ]
    .into_iter()
    .enumerate()
    {
        let opened = client.invite(&name, |invite| invite).await;
        let session = opened.unwrap_or_else(|refusal| panic!("{name}:\n{}", refusal.text()));
        session.done("GetDoNotDisturb", "").await;
        let asked = phone
            .until_received("GetDoNotDisturb", nth + 1)
            .await
            .document();
        assert_eq!(asked.text("device"), device, "a session named {name}");
        session.bye().await;
    }
    let session = client.open_server().await;
    for (name, device) in [
        ("sip:0001@pbx.example", "sip:0001@pbx.example"),
        ("0001", "sip:0001@pbx.example"),
        ("0001@pbx.example", "sip:0001@pbx.example"),
        ("tel:+49301234", "sip:+49301234@pbx.example"),
        ("+49301234", "sip:+49301234@pbx.example"),
        (MAC, "sip:+49301234@pbx.example"),
        ("00:04:13:00:00:01", "sip:+49301234@pbx.example"),
    ] {
        let seen = phone.count("GetDoNotDisturb");
        session
            .done("GetDoNotDisturb", &element("device", name))
            .await;
        let asked = phone
            .until_received("GetDoNotDisturb", seen + 1)
            .await
            .document();
        assert_eq!(asked.text("device"), device, "named {name}");
    }
}

#[tokio::test]
async fn line_is_taken_from_lcs_line_then_to_then_request_uri() {
    let server = Server::start();
    let phones = ["000413000001", "000413000002", "000413000003"].map(|mac| server.phone(mac));
    for phone in &phones {
        phone.start().await;
    }
    let client = server.client().await;
    let private = "<extensions><privateData><private><lcs:line xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">\
                   sip:0003@pbx.example</lcs:line></private></privateData></extensions>";
    let named = document("ed3", "RequestSystemStatus", private);
    for (to, private, wanted) in [
        (None, false, 0),
        (Some("<sip:0002@pbx.example>"), false, 1),
        (Some("<sip:0002@pbx.example>"), true, 2),
    ] {
        let opened = client.invite(LINE, |mut invite| {
            if private {
                invite.body.clone_from(&named);
            }
            match to {
                Some(to) => invite.set("To", to),
                None => invite,
            }
        });
        let session = opened
            .await
            .unwrap_or_else(|refusal| panic!("{}", refusal.text()));
        // On a line's session the device may be left out.
        session.done("GetDoNotDisturb", "").await;
        assert_eq!(
            phones[wanted].count("GetDoNotDisturb"),
            1,
            "{to:?} {private}"
        );
    }
}

#[tokio::test]
async fn capabilities_describe_the_line_or_the_server() {
    let server = Server::start();
    let phone = started(&server).await;
    let client = server.client().await;
    let session = client.open_server().await;
    let all = session.done("GetCSTAFeatures", "").await;
    assert!(all.raw.contains("<systemRegister"), "{}", all.raw);
    assert_eq!(phone.count("GetCSTAFeatures"), 0);
    let private = format!(
        "<extensions><privateData><private><lcs:line xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">\
         {LINE}</lcs:line></private></privateData></extensions>"
    );
    session.done("GetCSTAFeatures", &private).await;
    client.open(LINE).await.done("GetCSTAFeatures", "").await;
}

/// A refusal of the interval opens nothing that would count against `limits.sessions_per_connection`.
#[tokio::test]
async fn session_interval_below_the_minimum_gets_422() {
    let server = Server::with(|settings| settings.limits.sessions_per_connection = 1);
    started(&server).await;
    let client = server.client().await;
    for _ in 0..3 {
        let refusal = client
            .invite(LINE, |invite| invite.with("Session-Expires", 89))
            .await
            .expect_err("RFC 4028, section 5: 90 seconds at the least");
        assert_eq!(refusal.status(), 422);
    }
    client.open(LINE).await;
}

/// RFC 3261, section 9.2: an INVITE that is cancelled before its answer opens nothing, and nothing of it stays.
#[tokio::test]
async fn cancelled_session_frees_its_place() {
    let server = Server::with(|settings| {
        settings.limits.sessions_per_connection = 1;
        settings
            .clients
            .trusted
            .push("127.0.0.1".to_owned().try_into().unwrap());
    });
    started(&server).await;
    let mut client = Line::to(server.addresses.clients_tcp.unwrap()).await;
    let to = format!("<{LINE}>");
    let status = document("ed3", "RequestSystemStatus", "");
    for number in 0..5 {
        let call = format!("call-{number}");
        let invite = request("INVITE", "cti")
            .set("To", &to)
            .set("Call-ID", &call);
        // RFC 3261, section 9.1: it has the Via, From, To, Call-ID and CSeq number of what it cancels.
        let cancel = request("CANCEL", "cti")
            .set("To", &to)
            .set("Call-ID", &call);
        let cancel = cancel.set("Via", invite.must("Via"));
        let invite = invite.csta(status.as_str());
        client
            .write([invite.bytes(), cancel.bytes()].concat())
            .await;
        for (status, method) in [(487, "INVITE"), (200, "CANCEL")] {
            let answer = client.answer().await.expect(status);
            assert!(answer.must("CSeq").ends_with(method), "{}", answer.text());
        }
    }
    let invite = request("INVITE", "cti").set("To", &to).csta(status);
    client.ask(&invite).await.expect(200);
}

#[tokio::test]
async fn rfc_3261_8_2_2_2_merged_invite_gets_482() {
    let server = Server::with(|settings| {
        let trusted = "127.0.0.1".to_owned().try_into().unwrap();
        settings.clients.trusted.push(trusted);
    });
    started(&server).await;
    let mut client = Line::to(server.addresses.clients_tcp.unwrap()).await;
    let status = document("ed3", "RequestSystemStatus", "");
    let invite = request("INVITE", "cti").set("To", format!("<{LINE}>"));
    let invite = invite.csta(status);
    let copy = invite
        .clone()
        .set("Via", request("INVITE", "cti").must("Via"));
    client.write([invite.bytes(), copy.bytes()].concat()).await;
    let mut statuses = [0; 2];
    for status in &mut statuses {
        *status = client.answer().await.status();
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 482]);
}

#[tokio::test]
async fn sessions_of_a_connection_are_limited() {
    let server = Server::with(|settings| settings.limits.sessions_per_connection = 2);
    started(&server).await;
    let client = server.client().await;
    let first = client.open(LINE).await;
    client.open_server().await;
    let refusal = client
        .invite(LINE, |invite| invite)
        .await
        .expect_err("limits.sessions_per_connection");
    assert_eq!(refusal.status(), 503, "{}", refusal.text());
    let (_, page) = server.http("GET", "/metrics", "").await;
    assert!(
        page.contains(
            "uacsta_sessions_refused_total{limit=\"limits.sessions_per_connection\"} 1\n"
        ),
        "{page}"
    );
    server.client().await.open(LINE).await;
    first.bye().await;
    client.open(LINE).await;
}

#[tokio::test]
async fn unknown_line_gets_404() {
    let server = Server::start();
    started(&server).await;
    let client = server.client().await;
    for line in [
        "sip:9999@pbx.example",
        "tel:+49309999",
        "sip:000413ffffff@127.0.0.1",
    ] {
        let refusal = client
            .invite(line, |invite| invite)
            .await
            .expect_err("no session on an unknown line");
        assert_eq!(refusal.status(), 404, "{}", refusal.text());
    }
    let session = client.open_server().await;
    for (service, inner) in [
        ("GetDoNotDisturb", element("device", "9999")),
        (
            "MonitorStart",
            "<monitorObject><deviceObject>9999</deviceObject></monitorObject>".to_owned(),
        ),
    ] {
        assert_eq!(
            session.refused(service, &inner).await,
            ("operation".to_owned(), "invalidDeviceID".to_owned()),
            "{service} {inner}"
        );
    }
    // The server's session stands for no line.
    let (category, _) = session.refused("GetDoNotDisturb", "").await;
    assert_eq!(category, "operation");
}

/// TR/87 section 6: a session is one line's. The other party of a call in it is no other line.
#[tokio::test]
async fn line_session_reaches_only_its_own_line() {
    let server = Server::start();
    let phone = started(&server).await;
    let other = server.phone("000413000002");
    other.start().await;
    let session = server.client().await.open(LINE).await;
    let line = other.line();
    let called = element("calledDirectoryNumber", "102");
    let private = format!(
        "<extensions><privateData><private><lcs:line xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">\
         {line}</lcs:line></private></privateData></extensions>"
    );
    for (service, inner) in [
        ("MakeCall", element("callingDevice", line) + &called),
        (
            "MonitorStart",
            format!("<monitorObject><deviceObject>{line}</deviceObject></monitorObject>"),
        ),
        ("SnapshotDevice", element("snapshotObject", line)),
        ("GetDoNotDisturb", element("device", line)),
        (
            "SetDoNotDisturb",
            element("device", line) + "<doNotDisturbOn>true</doNotDisturbOn>",
        ),
        (
            "ButtonPress",
            element("device", line) + &element("button", "1"),
        ),
        (
            "DirectedPickupCall",
            connection("callToBePickedUp", "-9", LINE) + &element("requestingDevice", line),
        ),
        ("GroupPickupCall", element("newDestination", line)),
        ("SendMessage", element("callingDevice", line) + &called),
        ("MakeConnection", element("initiatingDevice", line)),
        ("RouteRegister", element("routeingDevice", line)),
        ("GetCSTAFeatures", private.clone()),
        ("GetDoNotDisturb", private),
    ] {
        assert_eq!(
            session.refused(service, &inner).await,
            ("operation".to_owned(), "invalidDeviceID".to_owned()),
            "{service} {inner}"
        );
        assert_eq!((phone.count(service), other.count(service)), (0, 0));
    }
    let party = connection("connectionToBeCleared", "-12", line);
    session.done("ClearConnection", &party).await;
    let cleared = phone.until_received("ClearConnection", 1).await.document();
    assert_eq!(cleared.text("connectionToBeCleared/deviceID"), line);
}

#[tokio::test]
async fn identity_on_two_phones_is_addressed_with_its_mac() {
    let server = Server::start();
    let shared = "sip:500@pbx.example";
    let phones = ["000413000001", "000413000002"]
        .map(|mac| server.phone_as(mac, |setup| setup.identities = vec![shared.to_owned()]));
    for phone in &phones {
        phone.start().await;
    }
    let session = server.client().await.open_server().await;
    let bare = session
        .refused("GetDoNotDisturb", &element("device", shared))
        .await;
    assert_eq!(bare, ("operation".to_owned(), "invalidDeviceID".to_owned()));
    for (phone, mac) in phones
        .iter()
        .zip(["00:04:13:00:00:01", "00:04:13:00:00:02"])
    {
        session
            .done(
                "GetDoNotDisturb",
                &element("device", &format!("{shared};mac={mac}")),
            )
            .await;
        assert_eq!(
            phone
                .until_received("GetDoNotDisturb", 1)
                .await
                .document()
                .text("device"),
            shared
        );
    }
}

/// What names the line of another phone is no spelling of the session's, however much of it is the same.
#[tokio::test]
async fn line_session_does_not_reach_a_namesake() {
    let server = Server::start();
    let identities = ["sip:215@b.example", "sip:500@pbx.example"];
    let [phone, other] = [
        ("000413000001", "sip:215@a.example"),
        ("000413000002", identities[0]),
    ]
    .map(|(mac, line)| {
        server.phone_as(mac, |setup| {
            setup.identities = vec![line.to_owned(), identities[1].to_owned()];
        })
    });
    for phone in [&phone, &other] {
        phone.start().await;
    }
    let client = server.client().await;
    let sessions = [
        (
            "sip:215@a.example",
            ["sip:215@b.example", "215;mac=000413000002", "000413000002"],
            [
                "sip:215@a.example",
                "215",
                "sip:215@192.0.2.1:5070",
                "000413000001",
            ],
        ),
        (
            "sip:500@pbx.example;mac=000413000001",
            [
                "500;mac=000413000002",
                "sip:500@pbx.example;mac=00:04:13:00:00:02",
                "000413000001",
            ],
            [
                "sip:500@pbx.example",
                "500",
                "tel:500",
                "500;mac=000413000001",
            ],
        ),
    ];
    let mut done = 0;
    for (line, others, own) in sessions {
        let session = client.open(line).await;
        let called = element("calledDirectoryNumber", "102");
        for name in others {
            for (service, inner) in [
                ("MakeCall", element("callingDevice", name) + &called),
                (
                    "MonitorStart",
                    format!("<monitorObject><deviceObject>{name}</deviceObject></monitorObject>"),
                ),
                ("GetDoNotDisturb", element("device", name)),
            ] {
                let refusal = session.refused(service, &inner).await;
                assert_eq!(refusal.1, "invalidDeviceID", "{service} {name} in {line}");
            }
        }
        for name in own {
            session
                .done("GetDoNotDisturb", &element("device", name))
                .await;
            done += 1;
            assert_eq!(
                (
                    phone.count("GetDoNotDisturb"),
                    other.count("GetDoNotDisturb")
                ),
                (done, 0)
            );
        }
    }
    for service in ["MakeCall", "MonitorStart"] {
        assert_eq!((phone.count(service), other.count(service)), (0, 0));
    }
}

/// An operator exchanges a dead telephone: its number goes to the new one, whatever was opened before stays what it was.
#[tokio::test]
async fn number_of_a_dead_phone_stays_usable() {
    let server = Server::start();
    let line = "sip:210@pbx.example";
    let [dead, new] = ["000413000001", "000413000002"]
        .map(|mac| server.phone_as(mac, |setup| setup.identities = vec![line.to_owned()]));
    dead.start().await;
    let client = server.client().await;
    let opened = client.open(line).await;
    let device = element("device", "210");
    opened.done("GetDoNotDisturb", &device).await;
    dead.unregister().await;
    new.start().await;

    let session = client.open_server().await;
    session.done("GetDoNotDisturb", &device).await;
    client.open(line).await.done("GetDoNotDisturb", "").await;
    assert_eq!(
        (dead.count("GetDoNotDisturb"), new.count("GetDoNotDisturb")),
        (1, 2)
    );

    // The other phone was not dead after all: two that live are told apart.
    dead.start().await;
    let (_, error) = session.refused("GetDoNotDisturb", &device).await;
    assert_eq!(error, "invalidDeviceID");
    opened.done("GetDoNotDisturb", "").await;
    assert_eq!(
        (dead.count("GetDoNotDisturb"), new.count("GetDoNotDisturb")),
        (2, 2)
    );

    server.switch("000413000001", false).await;
    for session in [&session, &opened] {
        session.done("GetDoNotDisturb", &device).await;
    }
    assert_eq!(
        (dead.count("GetDoNotDisturb"), new.count("GetDoNotDisturb")),
        (2, 4)
    );
}

#[tokio::test]
async fn non_csta_body_is_refused_with_a_sip_status() {
    let server = Server::start();
    started(&server).await;
    let session = server.client().await.open(LINE).await;
    for (content_type, body, status) in [
        ("application/csta+xml", "not XML".to_owned(), 400),
        (
            "application/csta+xml",
            "<MakeCall><callingDevice></MakeCall>".to_owned(),
            400,
        ),
        ("application/csta+xml", document("ed3", "MakeTea", ""), 400),
        (
            "application/csta+xml",
            "<!DOCTYPE x [<!ENTITY y \"z\">]><MonitorStop>&y;</MonitorStop>".to_owned(),
            400,
        ),
        (
            "application/csta+xml",
            "<a xmlns=\"urn:other\"/>".to_owned(),
            400,
        ),
        ("text/xml", document("ed3", "GetDoNotDisturb", ""), 415),
        ("application/sdp", "v=0".to_owned(), 415),
    ] {
        let answer = session
            .send(|info| info.carrying(content_type, body.clone()), "INFO")
            .await;
        assert_eq!(
            answer.status(),
            status,
            "{content_type} {body}:\n{}",
            answer.text()
        );
        if status == 415 {
            assert!(answer.must("Accept").contains("application/csta+xml"));
        }
    }
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
}

#[tokio::test]
async fn session_uses_the_interval_the_client_requests() {
    let server = Server::start();
    started(&server).await;
    let client = server.client().await;
    for (asked, kept) in [
        (Some("600"), 600),
        (Some("600;refresher=uac"), 600),
        (Some("90"), 90),
        (None, 1800),
    ] {
        let opened = client.invite(LINE, |invite| match asked {
            Some(asked) => invite.with("Session-Expires", asked),
            None => invite,
        });
        let session = opened
            .await
            .unwrap_or_else(|refusal| panic!("{}", refusal.text()));
        let said = session.answer.must("Session-Expires");
        assert_eq!(
            said.split(';').next().unwrap().trim(),
            kept.to_string(),
            "asked {asked:?}"
        );
        assert!(
            parameter(said, "refresher").is_some(),
            "RFC 4028, section 9: {said}"
        );
        let again = session
            .send(
                |update| {
                    update
                        .with("Supported", "timer")
                        .with("Session-Expires", "700;refresher=uac")
                },
                "UPDATE",
            )
            .await
            .expect(200);
        assert!(
            again.must("Session-Expires").starts_with("700"),
            "{}",
            again.text()
        );
    }
    let refusal = client
        .invite(LINE, |invite| invite.with("Session-Expires", 30))
        .await
        .expect_err("RFC 4028, section 5");
    assert_eq!(refusal.status(), 422, "{}", refusal.text());
    assert_eq!(refusal.must("Min-SE"), "90");
}

#[tokio::test]
async fn client_may_refresh_its_session_with_invite() {
    let server = Server::start();
    let phone = started(&server).await;
    let client = server.client().await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    let contact = format!("<sip:ecsta@{}>", client.wire.local);
    let body = document("ed3", "RequestSystemStatus", "");
    let answer = session
        .send(
            |invite| invite.with("Contact", &contact).csta(body),
            "INVITE",
        )
        .await
        .expect(200);
    assert_eq!(Document::read(&answer.body).text("systemStatus"), "normal");
    session.acknowledge();
    phone.event(&call(LINE).originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    assert_eq!(phone.count("MonitorStart"), 1);
}

/// RFC 4028, section 9: who asks for `refresher=uas` is refreshed, at half the interval.
#[tokio::test]
async fn server_refreshes_the_session_when_it_is_the_refresher() {
    let server = Server::start();
    started(&server).await;
    let client = server.client().await;
    let opened = client.invite(LINE, |invite| {
        invite
            .with("Session-Expires", "90;refresher=uas")
            .with("Allow", "INVITE, ACK, BYE, INFO, UPDATE")
    });
    let by_update = opened
        .await
        .unwrap_or_else(|refusal| panic!("{}", refusal.text()));
    let opened = client.invite(LINE, |invite| {
        invite.with("Session-Expires", "90;refresher=uas")
    });
    let by_invite = opened
        .await
        .unwrap_or_else(|refusal| panic!("{}", refusal.text()));
    for (mut session, method) in [(by_update, "UPDATE"), (by_invite, "INVITE")] {
        let refresh = session.incoming_within(Duration::from_secs(60)).await;
        let refresh = refresh.expect("a connection that stands");
        assert_eq!(refresh.method(), method);
        let asked = refresh.must("Session-Expires");
        assert_eq!(asked, "90;refresher=uac", "now the server asks");
    }
}

#[tokio::test]
async fn request_on_another_connection_does_not_enter_a_session() {
    let server = Server::start();
    started(&server).await;
    let session = server.client().await.open(LINE).await;
    let thief = server.client().await;
    let stolen = session
        .next("INFO")
        .set("Via", thief.wire.via())
        .csta(document("ed3", "GetDoNotDisturb", &element("device", LINE)));
    let answer = thief.wire.transact(&stolen).await.unwrap();
    assert!([401, 481].contains(&answer.status()), "{}", answer.text());
}

/// As after a restart of the server, when all clients return in the same second.
#[tokio::test]
async fn a_hundred_clients_log_on_at_once() {
    let server = Server::start();
    let phone = started(&server).await;
    let coming = (0..100).map(|_| async {
        let mut session = server.client().await.open(LINE).await;
        session.watch(LINE).await;
        session
    });
    let watching = futures_util::future::join_all(coming).await;
    assert_eq!(phone.count("MonitorStart"), 1);
    phone.event(&call(LINE).originated()).await.expect(200);
    for mut session in watching {
        session.expect("OriginatedEvent").await;
    }
}

/// Communicator's main number with an extension, and the number in every spelling, mean the internal number.
#[tokio::test]
async fn rfc_3966_5_3_number_of_the_office_means_its_internal_line() {
    let server = Server::with(|settings| {
        let numbers = &mut settings.numbers;
        numbers.country = "49".to_owned();
        numbers.area = "30".to_owned();
        numbers.exchange = "555".to_owned();
        numbers.internal = vec![4];
        settings.clients.accounts.push(uacsta_config::Account {
            user: "anna".to_owned(),
            password: "let anna dial".into(),
            lines: vec!["tel:+4930555;ext=0201".to_owned()],
            control: true,
            numbers: Vec::new(),
        });
    });
    let phone = server.phone("000413000201");
    phone.start().await;
    let reception = server.phone_as("000413000999", |setup| {
        setup.identities = vec!["sip:+4930555@pbx.example".to_owned()];
    });
    reception.start().await;
    let anna = server.client_as(|setup| setup.account = Account::new("anna", "let anna dial"));
    let anna = anna.await;
    for name in [
        "tel:+4930555;ext=0201;phone-context=dialstring",
        "tel:+49-30-555-0201",
        "sip:0049305550201@pbx.example",
        "tel:0201",
    ] {
        let mut session = anna.open(name).await;
        session.monitor(name).await;
        let told = session.expect("BackInServiceEvent").await;
        assert!(told.raw.contains(&subject("device", name)), "{}", told.raw);
        session.make_call(name, "1").await;
        let device = element("requestedDeviceID", name);
        session.done("GetSwitchingFunctionDevices", &device).await;
        let listed = session.expect("SwitchingFunctionDevices").await;
        assert!(listed.raw.contains(phone.line()), "{}", listed.raw);
        session.bye().await;
    }
    assert_eq!(
        (phone.count("MakeCall"), reception.count("MakeCall")),
        (4, 0)
    );
    for (name, status) in [
        ("tel:+4930555;ext=0202", 404),
        ("tel:+4930444;ext=0201", 404),
        ("tel:030555", 403),
    ] {
        let refused = anna.invite(name, |invite| invite).await;
        assert_eq!(refused.expect_err(name).status(), status, "{name}");
    }
}
