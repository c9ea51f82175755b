//! How lines are watched, and what they do, as the API tells without a monitor of its own.

use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    csta::{Call, element},
    fixture::{LINE, MAC, started},
    phone::Reaction,
    server::Server,
};

/// The line once `condition` holds.
async fn line_once(server: &Server, condition: impl Fn(&Value) -> bool) -> Value {
    let wait = async {
        loop {
            let line = server.get("/api/v1/lines/0001").await;
            if condition(&line) {
                return line;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    match waited {
        Ok(line) => line,
        Err(_) => panic!("{}", server.get("/api/v1/lines/0001").await),
    }
}

#[tokio::test]
async fn line_says_who_watches_it_and_what_it_does() {
    let server = Server::start();
    let phone = started(&server).await;
    let line = line_once(&server, |line| line["state"] == "inService").await;
    let off = json!({ "state": "off", "reason": null, "monitors": 0, "users": [] });
    assert_eq!((&line["watch"], &line["status"]), (&off, &json!("unknown")));
    assert_eq!(phone.count("MonitorStart"), 0, "reading starts no monitor");
    let mut session = server.client().await.open(LINE).await;
    let reference = session.watch(LINE).await;
    let line = line_once(&server, |line| line["status"] == "idle").await;
    let on = json!({ "state": "on", "reason": null, "monitors": 1, "users": ["ecsta"] });
    assert_eq!(line["watch"], on);
    let call = Call::seen_by(LINE, "-7", "sip:102@pbx.example", LINE);
    for (event, status) in [
        (call.delivered(), "ringing"),
        (call.established(), "busy"),
        (call.cleared(), "idle"),
    ] {
        phone.event(&event).await.expect(200);
        line_once(&server, |line| line["status"] == status).await;
        let list = server.get("/api/v1/lines").await;
        assert_eq!(list["items"][0]["status"], status, "{list}");
        assert_eq!(list["items"][0]["watch"], on, "{list}");
    }
    session.unwatch(&reference).await;
    let line = line_once(&server, |line| line["watch"]["state"] == "off").await;
    assert_eq!(line["status"], "unknown");
    server.switch(MAC, false).await;
    line_once(&server, |line| line["status"] == "outOfService").await;
}

#[tokio::test]
async fn refused_monitor_is_told_with_the_words_of_the_phone() {
    let server = Server::start();
    let phone = started(&server).await;
    phone.always("MonitorStart", Reaction::Status(500, &[]));
    let session = server.client().await.open(LINE).await;
    session.monitor(LINE).await;
    let line = line_once(&server, |line| line["watch"]["state"] == "refused").await;
    let reason = &line["watch"]["reason"];
    assert_eq!(reason["code"], "monitorRefused", "{line}");
    assert!(reason["detail"].as_str().unwrap().contains("500"), "{line}");
    assert_eq!(line["state"], "inService", "it can be controlled: {line}");
    phone.relent("MonitorStart");
    line_once(&server, |line| line["watch"]["state"] == "on").await;
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
}

#[tokio::test]
async fn line_has_the_name_of_its_phone_and_programs_see_no_users() {
    let server = Server::start();
    let _phone = started(&server).await;
    let name = r#"{"displayName": "Reception"}"#;
    let path = format!("/api/v1/phones/{MAC}");
    assert_eq!(server.http("PATCH", &path, name).await.0, 200);
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    let added = async |path: &str, body: Value| {
        let (status, made) = server.http("POST", path, &body.to_string()).await;
        assert_eq!(status, 201, "{made}");
        serde_json::from_str::<Value>(&made).unwrap()
    };
    let rights = json!([{ "level": "status", "lines": ["0001"] }]);
    let account = json!({ "user": "wall", "password": "let it show", "rights": rights });
    added("/api/v1/accounts", account).await;
    let token = added("/api/v1/accounts/wall/tokens", json!({ "name": "wall" })).await;
    let token = token["token"].as_str().unwrap();
    let (status, line) = server.http_as(token, "GET", "/api/v1/lines/0001", "").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((status, &line["displayName"]), (200, &json!("Reception")));
    let watch = json!({ "state": "on", "reason": null, "monitors": null, "users": null });
    assert_eq!(line["watch"], watch, "{line}");
}
