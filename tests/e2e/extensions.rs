//! Phones that log on with an extension instead of a MAC address, such as Fanvil's and 3CX's.

use crate::{
    registrar::listed_once,
    support::{
        csta::{element, failure},
        phone::{Phone, Reaction},
        server::Server,
        sip::Message,
    },
};

/// A Fanvil that logs on as 215 and cannot list its lines.
fn fanvil(server: &Server) -> Phone {
    let phone = server.phone_as("215", |setup| {
        setup.user_agent = "Fanvil X4 2.3.0".to_owned();
    });
    let refusal = failure("ed3", "operation", "serviceNotSupported");
    phone.always("GetSwitchingFunctionDevices", Reaction::Document(refusal));
    phone
}

fn with_instance(request: Message, instance: &str) -> Message {
    let contact = request.must("Contact").to_owned();
    request.set(
        "Contact",
        format!("{contact};+sip.instance=\"<{instance}>\""),
    )
}

#[tokio::test]
async fn extension_log_on_is_refused_with_advice_when_disabled() {
    let server = Server::start();
    let refusal = fanvil(&server).register().await.expect(403);
    assert!(
        refusal.must("Warning").contains("phones.extensions"),
        "{}",
        refusal.text()
    );
    assert_eq!(server.list().await["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn phone_without_mac_is_listed_and_served_under_its_extension() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let phone = fanvil(&server);
    phone.register().await.expect(200);
    let listed = listed_once(&server, "215", |phone| phone["state"] == "controlled").await;
    let own = format!("sip:215@{}", phone.setup().server);
    assert_eq!(listed["maker"], "Fanvil");
    assert_eq!(listed["lines"], serde_json::json!([own]));
    let session = server.client().await.open("sip:215@uacsta").await;
    session.done("GetDoNotDisturb", "").await;
    let asked = phone.until_received("GetDoNotDisturb", 1).await;
    assert_eq!(asked.document().text("device"), own);
    // An operator names it so, too, and the list on disk keeps it.
    server.switch("215", false).await;
    let server = server.restart(|_| {});
    assert_eq!(server.listed("215").await["inOperation"], false);
}

#[tokio::test]
async fn mac_in_instance_or_user_agent_is_shown_with_the_phone() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let phone = fanvil(&server);
    let instance = "urn:uuid:00000000-0000-1000-8000-0C383E000215";
    phone
        .register_as(|request| with_instance(request, instance))
        .await
        .expect(200);
    assert_eq!(server.listed("215").await["mac"], "0c:38:3e:00:02:15");
    let other = server.phone_as("216", |setup| {
        setup.user_agent = "X4 2.3.0 0c383e000216".to_owned();
    });
    other.start().await;
    let listed = server.listed("216").await;
    assert_eq!(listed["mac"], "0c:38:3e:00:02:16");
    assert_eq!(listed["maker"], "Fanvil", "its address says so");
    assert_eq!(server.list().await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn phones_with_one_hint_are_served_side_by_side() {
    let instance = "urn:uuid:00000000-0000-1000-8000-0004130003AA";
    for (numbers, agent, instance) in [
        (["2201", "2202"], "ExampleBase/7.1;0004130002FF", None),
        (["1103", "1104"], "ExampleATA/1.0", Some(instance)),
        (["3301", "3302"], "ExamplePhone 1.0.0.1-20240612", None),
    ] {
        let server = Server::with(|settings| settings.phones.extensions = true);
        let phones = numbers
            .map(|number| server.phone_as(number, |setup| setup.user_agent = agent.to_owned()));
        for phone in &phones {
            let register = |request: Message| match instance {
                Some(instance) => with_instance(request, instance),
                None => request,
            };
            phone.register_as(register).await.expect(200);
            phone.in_session().await;
        }
        let client = server.client().await;
        for (phone, number) in phones.iter().zip(numbers) {
            let session = client.open(phone.line()).await;
            session.done("GetDoNotDisturb", "").await;
            phone.until_received("GetDoNotDisturb", 1).await;
            // Its registration is refreshed on its own connection.
            phone.register().await.expect(200);
            assert_eq!(phone.count("INVITE"), 1, "{agent}");
            let listed = server.listed(number).await;
            assert_eq!(listed["state"], "controlled", "{agent}");
            assert_eq!(listed["lines"], serde_json::json!([phone.line()]));
        }
    }
}

#[tokio::test]
async fn hint_left_out_of_a_refresh_makes_no_second_phone() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let phone = server.phone_as("3215", |_| {});
    let instance = "urn:uuid:00000000-0000-1000-8000-000413000215";
    phone
        .register_as(|request| with_instance(request, instance))
        .await
        .expect(200);
    phone.in_session().await;
    phone.register().await.expect(200);
    phone.reconnect().await;
    phone.start().await;
    assert_eq!(server.list().await["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.listed("3215").await["mac"], "00:04:13:00:02:15");
    server.client().await.open("sip:3215@uacsta").await;
}

/// An entry of the journal as earlier versions wrote it, out of operation.
fn earlier(mac: &str, identity: &str, lines: &str) -> String {
    format!(
        r#"{{"mac":"{mac}","telephone":{{"mac":"{mac}","maker":"snom","model":"D345","firmware":null,"last_address":"127.0.0.1","last_identity":"{identity}","lines":[{lines}],"last_login":1796156689,"in_operation":false}}}}"#
    ) + "\n"
}

#[tokio::test]
async fn entries_that_were_listed_under_a_hint_move_to_the_extension() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let data = server.data().to_owned();
    let server = server.restart(|_| {
        std::fs::remove_dir_all(data.join("telephones")).unwrap();
        let line = "sip:2201@pbx.example";
        let entries = [
            earlier("00:04:13:00:02:ff", line, &format!("\"{line}\"")),
            earlier("00:04:13:00:03:02", "sip:3302@pbx.example", ""),
            earlier(
                "00:04:13:00:00:d7",
                "sip:00d7@pbx.example",
                "\"sip:00d7@pbx.example\"",
            ),
        ];
        std::fs::write(data.join("telephones.jsonl"), entries.concat()).unwrap();
    });
    // One that never listed a line can only have been listed under a hint.
    let moved = server.listed("3302").await;
    assert_eq!(
        (&moved["mac"], &moved["inOperation"]),
        (&"00:04:13:00:03:02".into(), &false.into())
    );
    // The others are found when they log on: by the hint, or as themselves.
    let handset = server.phone_as("2201", |setup| {
        setup.user_agent = "ExampleBase/7.1;0004130002FF".to_owned();
    });
    handset.register().await.expect(200);
    server.phone("0004130000d7").register().await.expect(200);
    let server = server.restart(|_| {});
    let list = server.list().await;
    let names: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phone| &phone["id"])
        .collect();
    assert_eq!(names, ["00:04:13:00:00:d7", "2201", "3302"]);
    assert!(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|phone| phone["inOperation"] == false)
    );
    // Another phone with the same hint is new, and not off.
    let other = server.phone_as("2207", |setup| {
        setup.user_agent = "ExampleBase/7.1;0004130002FF".to_owned();
    });
    other.start().await;
    let listed = server.listed("2207").await;
    assert_eq!(
        (&listed["mac"], &listed["inOperation"]),
        (&"00:04:13:00:02:ff".into(), &true.into())
    );
    let moved = server.listed("2201").await;
    assert_eq!(moved["lines"], serde_json::json!(["sip:2201@pbx.example"]));
    assert!(moved["lastLogOnAt"].as_str() >= Some("2026-12-01T20:24:49.000Z"));
}

#[tokio::test]
async fn extension_logs_on_only_as_itself() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let phone = fanvil(&server);
    let foreign = format!("<sip:216@{}>", phone.setup().server);
    let refusal = phone
        .register_as(|request| request.set("To", &foreign))
        .await;
    assert_eq!(refusal.status(), 401, "{}", refusal.text());
    assert_eq!(server.list().await["items"].as_array().unwrap().len(), 0);
}

/// Twelve decimal digits are a number as well as a MAC address.
#[tokio::test]
async fn number_of_twelve_digits_is_a_line() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let [first, number] = ["sip:201@example.com", "sip:493055512388@example.com"];
    let phone = server.phone_as("493055512388", |setup| {
        setup.identities = vec![first.to_owned(), number.to_owned()];
    });
    phone.start().await;
    let client = server.client().await;
    let session = client.open_server().await;
    for (nth, (name, line)) in [
        (number, number),
        ("tel:493055512388", number),
        ("sip:49-30-55-51-23-88@x", first),
        ("tel:201", first),
    ]
    .into_iter()
    .enumerate()
    {
        client
            .open(name)
            .await
            .done("GetDoNotDisturb", &element("device", name))
            .await;
        let asked = phone.until_received("GetDoNotDisturb", 2 * nth + 1).await;
        assert_eq!(asked.document().text("device"), line, "{name}");
        session
            .done("GetDoNotDisturb", &element("device", name))
            .await;
        let asked = phone.until_received("GetDoNotDisturb", 2 * nth + 2).await;
        assert_eq!(asked.document().text("device"), line, "{name}");
    }
    server.switch("493055512388", false).await;
    assert_eq!(
        server.listed("49:30:55:51:23:88").await["inOperation"],
        false
    );
}
