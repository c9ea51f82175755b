//! Phones that log on with an extension instead of a MAC address, such as Fanvil's and 3CX's.

use serde_json::Value;

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
    assert_eq!(server.list().await["phones"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn phone_without_mac_is_listed_and_served_under_its_extension() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let phone = fanvil(&server);
    phone.register().await.expect(200);
    let listed = listed_once(&server, "215", |phone| phone["status"] == "controlled").await;
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
    assert_eq!(server.listed("215").await["in_operation"], false);
}

#[tokio::test]
async fn mac_is_taken_from_instance_or_user_agent() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    let phone = fanvil(&server);
    let instance = "urn:uuid:00000000-0000-1000-8000-0C383E000215";
    phone
        .register_as(|request| with_instance(request, instance))
        .await
        .expect(200);
    assert_ne!(server.listed("0c:38:3e:00:02:15").await, Value::Null);
    let other = server.phone_as("216", |setup| {
        setup.user_agent = "Fanvil X4 2.3.0 0c383e000216".to_owned();
    });
    other.start().await;
    assert_ne!(server.listed("0c:38:3e:00:02:16").await, Value::Null);
    assert_eq!(server.listed("216").await, Value::Null);
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
    assert_eq!(server.list().await["phones"].as_array().unwrap().len(), 0);
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
        server.listed("49:30:55:51:23:88").await["in_operation"],
        false
    );
}
