//! Registration, refresh, move and removal of phones, and the stored phone list (RFC 3261, section 10).

use serde_json::Value;
use uacsta_config::Digest;

use crate::support::{
    PATIENCE,
    csta::element,
    digest::{Account, Algorithm, Challenge},
    server::Server,
    sip::{Message, parameter},
};

const SNOM: &str = "00:04:13:00:00:01";

/// The seconds that a 200 grants to the one contact in it.
fn granted(answer: &Message) -> u32 {
    let contact = parameter(answer.must("Contact"), "expires").or_else(|| answer.header("Expires"));
    contact
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_else(|| panic!("no expiry in\n{}", answer.text()))
}

/// What the list says of a phone, once `condition` holds.
pub async fn listed_once(server: &Server, mac: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let wait = async {
        loop {
            let phone = server.listed(mac).await;
            if condition(&phone) {
                return phone;
            }
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait)
        .await
        .expect("the list says so in time")
}

#[tokio::test]
async fn register_is_challenged_with_each_algorithm_then_accepted() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    let wire = phone.wire().await;
    let challenge = wire
        .transact(&phone.registration(&wire))
        .await
        .unwrap()
        .expect(401);
    let offers: Vec<Challenge> = challenge
        .all("WWW-Authenticate")
        .filter_map(Challenge::read)
        .collect();
    assert_eq!(
        offers
            .iter()
            .map(|offer| offer.algorithm)
            .collect::<Vec<_>>(),
        [Algorithm::Sha256, Algorithm::Md5]
    );
    assert!(
        offers
            .iter()
            .all(|offer| offer.qop && offer.realm == server.settings.advanced.realm)
    );
    assert_eq!(granted(&phone.register().await.expect(200)), 300);
    assert_eq!(phone.algorithm(), Some(Algorithm::Sha256));
}

#[tokio::test]
async fn phone_limited_to_md5_registers() {
    let server = Server::start();
    let phone = server.phone_as("000413000001", |setup| setup.only = Some(Algorithm::Md5));
    phone.register().await.expect(200);
}

#[tokio::test]
async fn setting_selects_the_offered_algorithms() {
    let server = Server::with(|settings| settings.advanced.digest = vec![Digest::Md5]);
    let phone = server.phone("000413000001");
    phone.register().await.expect(200);
    assert_eq!(phone.algorithm(), Some(Algorithm::Md5));
}

#[tokio::test]
async fn wrong_password_is_rejected() {
    let server = Server::start();
    let phone = server.phone_as("000413000001", |setup| {
        setup.password = "a guess".to_owned();
    });
    let refusal = phone.register().await;
    assert!([401, 403].contains(&refusal.status()), "{}", refusal.text());
    assert_eq!(server.listed(SNOM).await, Value::Null);
}

#[tokio::test]
async fn clients_password_does_not_authenticate_phones() {
    let server = Server::start();
    let phone = server.phone_as("000413000001", |setup| {
        setup.password = crate::support::server::CLIENTS_PASSWORD.to_owned();
    });
    assert!([401, 403].contains(&phone.register().await.status()));
}

#[tokio::test]
async fn nonce_is_reusable_but_each_count_only_once() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.register().await.expect(200);
    let wire = phone.wire().await;
    let refresh = phone.register().await.expect(200);
    assert_eq!(refresh.cseq(), 3, "one 401 at first, and no other");
    // The same nc again: what an eavesdropper could send (RFC 7616, section 5.12).
    let challenge = wire
        .transact(&phone.registration(&wire))
        .await
        .unwrap()
        .expect(401);
    let offer = challenge
        .all("WWW-Authenticate")
        .find_map(Challenge::read)
        .unwrap();
    let account = Account::new(&phone.setup().user, &phone.setup().password);
    let uri = format!("sip:{}", wire.peer);
    let proof = offer.answer("REGISTER", &uri, &account, 5);
    let with_proof = |proof: &str| phone.registration(&wire).with("Authorization", proof);
    wire.transact(&with_proof(&proof))
        .await
        .unwrap()
        .expect(200);
    wire.transact(&with_proof(&proof))
        .await
        .unwrap()
        .expect(401);
}

#[tokio::test]
async fn credentials_for_another_method_or_uri_are_rejected() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    let wire = phone.wire().await;
    let challenge = wire
        .transact(&phone.registration(&wire))
        .await
        .unwrap()
        .expect(401);
    let offer = challenge
        .all("WWW-Authenticate")
        .find_map(Challenge::read)
        .unwrap();
    let account = Account::new(&phone.setup().user, &phone.setup().password);
    let proof = offer.answer("INVITE", &format!("sip:{}", wire.peer), &account, 1);
    let refusal = wire
        .transact(&phone.registration(&wire).with("Authorization", proof))
        .await
        .unwrap();
    assert!([401, 403].contains(&refusal.status()), "{}", refusal.text());
}

#[tokio::test]
async fn stale_nonce_of_a_previous_run_is_replaced() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.register().await.expect(200);
    let address = server.addresses.phones_tcp.unwrap();
    let server = server.restart(|settings| settings.phones.lan.tcp = address.into());
    phone
        .until("the end of its connection", |state| {
            (!state.connected).then_some(())
        })
        .await;
    phone.register().await.expect(200);
    drop(server);
}

#[tokio::test]
async fn mac_is_accepted_in_every_spelling() {
    let server = Server::start();
    for spelling in [
        "000413ABCDEF",
        "000413abcdef",
        "00:04:13:ab:cd:ef",
        "00-04-13-AB-CD-EF",
    ] {
        server.phone(spelling).register().await.expect(200);
    }
    let list = server.list().await;
    let macs: Vec<&Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phone| &phone["id"])
        .collect();
    assert_eq!(macs, ["00:04:13:ab:cd:ef"]);
}

#[tokio::test]
async fn user_name_that_is_not_a_mac_is_rejected() {
    let server = Server::start();
    for user in ["4711", "alice", "00041300000g", "0004130000010"] {
        let refusal = server.phone(user).register().await;
        assert!(
            (400..500).contains(&refusal.status()),
            "{user}:\n{}",
            refusal.text()
        );
    }
    assert_eq!(server.list().await["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn phone_registers_only_itself() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    let foreign = format!("<sip:000413000002@{}>", phone.setup().server);
    let refusal = phone
        .register_as(|request| request.set("To", &foreign))
        .await;
    assert!([401, 403].contains(&refusal.status()), "{}", refusal.text());
    assert_eq!(server.listed("00:04:13:00:00:02").await, Value::Null);
}

#[tokio::test]
async fn expiry_is_as_requested_up_to_the_maximum() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    assert_eq!(
        granted(
            &phone
                .register_as(|request| request.set("Expires", 86_400))
                .await
                .expect(200)
        ),
        300
    );
    assert_eq!(
        granted(
            &phone
                .register_as(|request| request.set("Expires", 120))
                .await
                .expect(200)
        ),
        120
    );
    assert_eq!(
        granted(
            &phone
                .register_as(|request| request.without("Expires"))
                .await
                .expect(200)
        ),
        300
    );
    let contact = |request: Message| {
        let contact = format!("{};expires=90", request.must("Contact"));
        request.set("Contact", contact)
    };
    assert_eq!(
        granted(&phone.register_as(contact).await.expect(200)),
        90,
        "the Contact's own (RFC 3261, section 10.2.1.1)"
    );
}

#[tokio::test]
async fn expiry_below_the_minimum_gets_423_with_min_expires() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    let refusal = phone
        .register_as(|request| request.set("Expires", 30))
        .await
        .expect(423);
    assert_eq!(refusal.must("Min-Expires"), "60");
    phone
        .register_as(|request| request.set("Expires", 60))
        .await
        .expect(200);
}

#[tokio::test]
async fn register_with_lower_cseq_changes_nothing() {
    // RFC 3261, section 10.3, item 7: a late un-REGISTER must not end what a newer REGISTER made.
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    let late = |request: Message| {
        request
            .set("CSeq", "1 REGISTER")
            .set("Contact", "*")
            .set("Expires", 0)
    };
    let answer = phone.register_as(late).await;
    assert_ne!(answer.status(), 200, "{}", answer.text());
    assert_eq!(server.listed(SNOM).await["state"], "controlled");
    assert_eq!(phone.count("BYE"), 0);
}

/// RFC 3261, section 10.3, step 7: a Contact without time ends the binding of that address; a phone that has moved removes where it was.
#[tokio::test]
async fn removing_an_unbound_contact_keeps_the_binding() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    let former = "<sip:000413000001@192.0.2.1:5060>;expires=0";
    let remove = |request: Message| request.set("Contact", former);
    let answer = phone.register_as(remove).await.expect(200);
    let bound = answer.must("Contact").to_owned();
    assert!(
        granted(&answer) > 0 && !bound.contains("192.0.2.1"),
        "{bound}"
    );
    // From elsewhere too: whoever is asked there knows of no binding of its own.
    phone.reconnect().await;
    let answer = phone.register_as(remove).await.expect(200);
    assert!(granted(&answer) > 0);
    assert_eq!(server.listed(SNOM).await["state"], "controlled");
    assert_eq!(phone.count("BYE"), 0);
}

/// The same: a Contact is known by user, host and port, whatever else was said of it (RFC 3261, section 19.1.4).
#[tokio::test]
async fn removing_the_bound_contact_unregisters() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    let answer = phone.register().await.expect(200);
    let (bound, _) = answer.must("Contact").split_once(';').unwrap();
    let all = format!("<sip:absent@192.0.2.1>, {bound}>");
    let remove = |request: Message| request.set("Contact", &all).set("Expires", 0);
    let answer = phone.register_as(remove).await.expect(200);
    assert_eq!(answer.header("Contact"), None);
    listed_once(&server, SNOM, |phone| phone["state"] == "away").await;
}

#[tokio::test]
async fn contact_star_unregisters() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    let answer = phone.unregister().await.expect(200);
    assert_eq!(answer.header("Contact"), None);
    listed_once(&server, SNOM, |phone| phone["state"] != "controlled").await;
    phone.register().await.expect(200);
    phone.until_received("INVITE", 2).await;
}

#[tokio::test]
async fn contact_star_with_expiry_or_other_contacts_gets_400() {
    // RFC 3261, section 10.3, item 6.
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.register().await.expect(200);
    phone
        .register_as(|request| request.set("Contact", "*").set("Expires", 300))
        .await
        .expect(400);
    phone
        .register_as(|request| request.with("Contact", "*").set("Expires", 0))
        .await
        .expect(400);
}

#[tokio::test]
async fn register_without_contact_queries_bindings() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    assert_eq!(
        phone
            .register_as(|request| request.without("Contact"))
            .await
            .expect(200)
            .header("Contact"),
        None
    );
    phone.register().await.expect(200);
    let answer = phone
        .register_as(|request| request.without("Contact"))
        .await
        .expect(200);
    assert!(
        answer.must("Contact").contains("000413000001"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn phone_list_shows_maker_model_address_and_identity() {
    let server = Server::start();
    for (mac, user_agent, maker, model) in [
        ("000413000001", "snomD345/10.1.159.12", "snom", "D345"),
        (
            "001565000002",
            "Yealink SIP-T46G 28.83.0.50",
            "Yealink",
            "T46G",
        ),
        ("00085d000003", "Mitel 6867i/5.1.0.2024", "Mitel", "6867i"),
        (
            "000952000004",
            "COMfortel 2600 IP 2.8A",
            "Auerswald",
            "2600 IP",
        ),
    ] {
        let phone = server.phone_as(mac, |setup| setup.user_agent = user_agent.to_owned());
        phone.start().await;
        let spelled = mac
            .as_bytes()
            .chunks(2)
            .map(|two| std::str::from_utf8(two).unwrap())
            .collect::<Vec<_>>()
            .join(":");
        let listed = listed_once(&server, &spelled, |listed| {
            listed["lines"] == serde_json::json!([phone.line()])
        })
        .await;
        assert_eq!(listed["maker"], maker, "{listed}");
        assert!(
            listed["model"]
                .as_str()
                .is_some_and(|known| known.contains(model)),
            "{listed}"
        );
        assert!(
            listed["address"]
                .as_str()
                .is_some_and(|address| address.starts_with("127.0.0.1")),
            "{listed}"
        );
        assert!(
            listed["identity"]
                .as_str()
                .is_some_and(|identity| !identity.is_empty()),
            "{listed}"
        );
        assert!(!listed["lastLogOnAt"].is_null(), "{listed}");
        assert_eq!(
            (&listed["state"], &listed["inOperation"]),
            (&"controlled".into(), &true.into()),
            "{listed}"
        );
    }
}

#[tokio::test]
async fn phone_list_and_disabled_state_survive_a_restart() {
    let server = Server::start();
    for mac in ["000413000001", "000413000002"] {
        server.phone(mac).start().await;
    }
    server.switch("00:04:13:00:00:02", false).await;
    let before = server.list().await;
    let server = server.restart(|_| {});
    let after = server.list().await;
    for (old, new) in before["items"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["items"].as_array().unwrap())
    {
        for field in [
            "id",
            "maker",
            "model",
            "address",
            "identity",
            "lastLogOnAt",
            "inOperation",
        ] {
            assert_eq!(old[field], new[field], "{field}");
        }
        assert_ne!(new["state"], "controlled", "status is never stored");
    }
    assert_eq!(
        server.listed("00:04:13:00:00:02").await["inOperation"],
        false
    );
}

#[tokio::test]
async fn refresh_does_not_change_the_phone_list() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    // Its entry may still be on its way to disk.
    let saved = async {
        loop {
            let listed = server.listed(SNOM).await;
            if listed["unsaved"] == false {
                break listed;
            }
        }
    };
    let before = tokio::time::timeout(PATIENCE, saved).await.unwrap();
    phone.register().await.expect(200);
    assert_eq!(server.listed(SNOM).await, before);
}

#[tokio::test]
async fn unknown_phone_waits_for_the_operator_without_auto_activate() {
    let server = Server::with(|settings| settings.advanced.auto_activate = false);
    let phone = server.phone("000413000001");
    phone.register().await;
    let listed = listed_once(&server, SNOM, |phone| !phone.is_null()).await;
    assert_eq!(listed["inOperation"], false, "{listed}");
    server.switch(SNOM, true).await;
    phone.register().await.expect(200);
    phone.in_session().await;
    assert_eq!(
        phone.count("INVITE"),
        1,
        "none while it was out of operation"
    );
}

#[tokio::test]
async fn disabled_phone_loses_its_session_until_enabled() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    server.switch(SNOM, false).await;
    phone.until_received("BYE", 1).await;
    assert_eq!(server.listed(SNOM).await["inOperation"], false);
    server.switch(SNOM, true).await;
    phone.register().await.expect(200);
    phone.in_session().await;
}

#[tokio::test]
async fn api_requires_its_token_and_an_existing_phone() {
    let server = Server::start();
    assert_eq!(
        server
            .http_as("a guess", "GET", "/api/v1/phones", "")
            .await
            .0,
        401
    );
    assert_eq!(
        server
            .http(
                "PATCH",
                "/api/v1/phones/00:04:13:00:00:09",
                "{\"inOperation\": true}"
            )
            .await
            .0,
        404
    );
    assert_eq!(
        server
            .http("PATCH", "/api/v1/phones/a;b", "{\"inOperation\": true}")
            .await
            .0,
        404
    );
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.http("GET", path, "").await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn phone_registers_over_tls() {
    let server = Server::start();
    let phone = server.phone_as("000413000001", |setup| {
        setup.server = server.addresses.phones_tls.unwrap();
        setup.certificate = Some(server.certificate());
    });
    phone.start().await;
    let invite = phone.until_received("INVITE", 1).await.message;
    assert!(
        invite.must("Via").starts_with("SIP/2.0/TLS "),
        "{}",
        invite.text()
    );
    assert!(
        invite.must("Contact").contains("transport=tls")
            || invite.must("Contact").contains("sips:"),
        "{}",
        invite.text()
    );
}

#[tokio::test]
async fn external_phones_see_the_public_address() {
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::with(|settings| {
        settings.phones.wan.tcp = local.into();
        settings.phones.wan.public_host = "csta.example.org".to_owned();
        settings.phones.wan.public_tcp_port = 15060;
    });
    let phone = server.phone_as("000413000001", |setup| {
        setup.server = server.addresses.phones_wan_tcp.unwrap();
    });
    phone.start().await;
    let invite = phone.until_received("INVITE", 1).await.message;
    for header in ["Via", "Contact"] {
        assert!(
            invite.must(header).contains("csta.example.org:15060"),
            "{}",
            invite.text()
        );
    }
    let inside = server.phone("000413000002");
    inside.start().await;
    let invite = inside.until_received("INVITE", 1).await.message;
    assert!(
        !invite.text().contains("csta.example.org"),
        "{}",
        invite.text()
    );
}

#[tokio::test]
async fn disabled_interface_does_not_listen() {
    let server = Server::with(|settings| settings.phones.lan.tls = uacsta_config::Listen::OFF);
    assert_eq!(
        (server.addresses.phones_tls, server.addresses.phones_wan_tcp),
        (None, None)
    );
    server.phone("000413000001").start().await;
}

/// Waits until the list says of the phone that it is away.
async fn until_away(server: &Server) {
    let wait = async { while server.listed(SNOM).await["state"] != "away" {} };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.expect("the list says that the phone is away");
}

/// What an operator forgets is gone for good, with its lines; it comes back only by registering, and is new then.
#[tokio::test]
async fn removed_phone_frees_its_lines() {
    let server = Server::start();
    let line = "sip:210@pbx.example";
    let [old, new] = ["000413000001", "000413000002"]
        .map(|mac| server.phone_as(mac, |setup| setup.identities = vec![line.to_owned()]));
    old.start().await;
    let mut watching = server.client().await.open_server().await;
    watching.monitor("210").await;
    watching.expect("BackInServiceEvent").await;
    new.start().await;
    let path = "/api/v1/phones/000413000001";
    let (status, body) = server.http("DELETE", path, "").await;
    assert_eq!(status, 409, "{body}");
    assert!(body.contains("is registered"), "{body}");
    old.unregister().await;
    watching.expect("OutOfServiceEvent").await;
    until_away(&server).await;
    let (status, body) = server.http("DELETE", path, "").await;
    assert_eq!(status, 204, "{body}");
    assert_eq!(server.http("DELETE", path, "").await.0, 404);
    assert_eq!(server.listed("00:04:13:00:00:01").await, Value::Null);

    // Who watched the line does so where it is now.
    watching.expect("BackInServiceEvent").await;
    assert_eq!(new.count("MonitorStart"), 1);
    let mut session = server.client().await.open_server().await;
    session
        .done("GetDoNotDisturb", &element("device", "210"))
        .await;
    session.done("GetSwitchingFunctionDevices", "").await;
    let list = session.expect("SwitchingFunctionDevices").await;
    assert_eq!(list.text("deviceList/device/deviceID"), line);
    for name in ["000413000001", "210;mac=000413000001"] {
        let device = element("device", name);
        let (_, error) = session.refused("GetDoNotDisturb", &device).await;
        assert_eq!(error, "invalidDeviceID", "{name}");
    }

    let server = server.restart(|_| {});
    assert_eq!(server.listed("00:04:13:00:00:01").await, Value::Null);
    assert_ne!(server.listed("00:04:13:00:00:02").await, Value::Null);
}

/// Who watched a line of a phone that was forgotten sees it come back with the phone.
#[tokio::test]
async fn removed_phone_that_returns_is_monitored_again() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut session = server.client().await.open_server().await;
    session.monitor(phone.line()).await;
    session.expect("BackInServiceEvent").await;
    phone.unregister().await;
    session.expect("OutOfServiceEvent").await;
    until_away(&server).await;
    let (status, body) = server
        .http("DELETE", "/api/v1/phones/000413000001", "")
        .await;
    assert_eq!(status, 204, "{body}");
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    assert_eq!(phone.count("MonitorStart"), 2);
}

#[tokio::test]
async fn unregister_on_another_connection_removes_the_binding() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    let other = server.phone("000413000001");
    other.unregister().await.expect(200);
    // Refreshes on the former connection would keep a binding that nobody has.
    phone.gone().await;
    phone.reconnect().await;
    phone.register().await.expect(200);
    let wait = async {
        while server.listed("00:04:13:00:00:01").await["state"] != "controlled" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait)
        .await
        .unwrap();
}
