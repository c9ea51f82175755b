//! `GET /api/v1/events`: changes seen as they happen, after a cut connection, and by none who may not.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::api::listed;
use crate::support::{
    PATIENCE,
    fixture::{MAC, started},
    process::{PASSWORDS, Serving},
    server::Server,
};

/// The events of an open stream.
struct Stream {
    response: Response,
    unread: String,
    /// The `id` of the last event.
    cursor: String,
}

/// Who asks, by a field of the head.
fn token(data: &Path) -> (&'static str, String) {
    let token = std::fs::read_to_string(data.join("cli.token")).unwrap();
    ("Authorization", format!("Bearer {}", token.trim()))
}

impl Stream {
    async fn open(server: SocketAddr, who: &(&str, String), topics: &str, last: &str) -> Self {
        let response = ask(server, who, topics, last).await;
        assert_eq!(response.status(), 200);
        Self {
            response,
            unread: String::new(),
            cursor: String::new(),
        }
    }

    /// Opens one without a cursor, and reads its opening.
    async fn begin(server: SocketAddr, who: &(&str, String), topics: &str) -> Self {
        let mut stream = Self::open(server, who, topics, "").await;
        let hello = stream.expect("stream.hello").await;
        assert_eq!(hello["data"]["heartbeatSeconds"], 15);
        let reset = stream.expect("stream.reset").await;
        assert_eq!(reset["data"]["reason"], "start");
        assert_eq!(
            reset["data"]["topics"],
            json!(topics.split(',').collect::<Vec<_>>())
        );
        stream.expect("stream.ready").await;
        stream
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((frame, rest)) = self.unread.split_once("\n\n") {
                let field = |name| frame.lines().find_map(|line| line.strip_prefix(name));
                let data = field("data: ").map(|data| serde_json::from_str::<Value>(data).unwrap());
                if let Some(id) = field("id: ") {
                    id.clone_into(&mut self.cursor);
                }
                self.unread = rest.to_owned();
                match data {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            // A heartbeat comes after 15 seconds.
            let part = tokio::time::timeout(2 * PATIENCE, self.response.chunk()).await;
            let part = part.expect("an event in time").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&part).unwrap());
        }
    }

    async fn expect(&mut self, kind: &str) -> Value {
        let event = self.next().await.unwrap();
        assert_eq!(event["type"], kind, "{event}");
        assert_eq!(event["cursor"], self.cursor, "{event}");
        event
    }

    /// The phone in the next events, once this member has this value.
    async fn until_phone(&mut self, member: &str, value: impl Into<Value>) -> Value {
        let value = value.into();
        loop {
            let mut event = self.expect("phone.changed").await;
            if event["data"]["phone"][member] == value {
                return event["data"]["phone"].take();
            }
        }
    }
}

async fn ask(server: SocketAddr, who: &(&str, String), topics: &str, last: &str) -> Response {
    let url = format!("http://{server}/api/v1/events?topics={topics}");
    let request = Client::new().get(url).header(who.0, &who.1);
    let request = request.header("Accept", "text/event-stream");
    let request = match last {
        "" => request,
        last => request.header("Last-Event-ID", last),
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn phone_is_seen_to_register_be_disabled_and_be_lost_within_a_second() {
    let server = Server::start();
    let who = token(server.data());
    let mut stream = Stream::begin(server.addresses.web.unwrap(), &who, "phones").await;
    let phone = started(&server).await;
    let seen = stream.until_phone("state", "controlled").await;
    assert_eq!(seen, server.get(&format!("/api/v1/phones/{MAC}")).await);
    let id = seen["id"].as_str().unwrap().to_owned();
    server.switch(&id, false).await;
    let begun = Instant::now();
    let seen = stream.until_phone("inOperation", false).await;
    assert_eq!(seen["id"], id.as_str());
    assert!(begun.elapsed() < Duration::from_secs(1), "{begun:?}");
    phone.unregister().await;
    let begun = Instant::now();
    let seen = stream.until_phone("state", "away").await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{begun:?}");
    assert_eq!(seen["reason"]["code"], "notInOperation", "{seen}");
    let (status, body) = server
        .http("DELETE", &format!("/api/v1/phones/{MAC}"), "")
        .await;
    assert_eq!(status, 204, "{body}");
    let removed = stream.expect("phone.removed").await;
    assert_eq!(removed["data"]["id"], id.as_str());
    assert_eq!(removed["subject"], format!("/api/v1/phones/{MAC}"));
}

#[tokio::test]
async fn stream_that_was_cut_goes_on_without_loss_and_a_gap_is_a_reset() {
    let server = Server::start();
    let who = token(server.data());
    started(&server).await;
    let mut first = Stream::begin(server.addresses.web.unwrap(), &who, "phones").await;
    server.switch(MAC, false).await;
    first.until_phone("inOperation", false).await;
    let (cursor, begun) = (first.cursor.clone(), first.response);
    drop(begun);
    server.switch(MAC, true).await;
    // Somebody who polls hears of the change, so that it has happened before the return.
    let (mut missed, mut after) = (Vec::<Value>::new(), cursor.clone());
    while missed
        .last()
        .is_none_or(|event| event["data"]["phone"]["inOperation"] == false)
    {
        let page = format!("/api/v1/events?topics=phones&after={after}&wait=5");
        let page = server.get(&page).await;
        missed.extend(page["items"].as_array().unwrap().iter().cloned());
        page["next"].as_str().unwrap().clone_into(&mut after);
    }
    let mut second = Stream::open(server.addresses.web.unwrap(), &who, "phones", &cursor).await;
    second.expect("stream.hello").await;
    for event in missed {
        assert_eq!(second.expect("phone.changed").await, event);
    }
    // Its session has come back since, or comes while it is live.
    while second.next().await.unwrap()["type"] != "stream.ready" {}
    for (topics, last, reason, lost) in [
        ("phones", "e1.1", "historyLost", json!(["phones"])),
        ("phones", "nonsense", "historyLost", json!(["phones"])),
        (
            "phones,settings",
            &cursor,
            "notWatchedMeanwhile",
            json!(["settings"]),
        ),
    ] {
        let mut stream = Stream::open(server.addresses.web.unwrap(), &who, topics, last).await;
        stream.expect("stream.hello").await;
        let reset = stream.expect("stream.reset").await;
        assert_eq!(
            (&reset["data"]["reason"], &reset["data"]["topics"]),
            (&json!(reason), &lost)
        );
    }
}

#[tokio::test]
async fn other_topics_tell_their_changes_with_the_whole_object() {
    let server = Server::start();
    let who = token(server.data());
    let topics = "clients,licenses,operations,audit";
    let mut stream = Stream::begin(server.addresses.web.unwrap(), &who, topics).await;
    let client = server.client().await;
    let _session = client.open_server().await;
    let mut seen = stream.expect("client.changed").await;
    while seen["data"]["client"]["sessions"] == 0 {
        seen = stream.expect("client.changed").await;
    }
    let seen = &seen["data"]["client"];
    let (user, id) = (&seen["user"], seen["id"].clone());
    assert_eq!(user, "ecsta");
    client.wire.close();
    assert_eq!(stream.expect("client.removed").await["data"]["id"], id);
    let (status, body) = server.http("POST", "/api/v1/bundles", "{}").await;
    assert_eq!(status, 202, "{body}");
    let begun: Value = serde_json::from_str(&body).unwrap();
    let (mut is_done, mut is_audited) = (false, false);
    while !(is_done && is_audited) {
        let event = stream.next().await.unwrap();
        match event["type"].as_str().unwrap() {
            "operation.changed" => {
                let operation = &event["data"]["operation"];
                assert_eq!(operation["id"], begun["id"]);
                is_done = operation["state"] == "done";
            }
            "audit.added" => {
                assert_eq!(event["data"]["entry"]["operation"], "addBundle", "{event}");
                is_audited = true;
            }
            other => panic!("{other}: {event}"),
        }
    }
    started(&server).await;
    let seen = stream.expect("licenses.changed").await;
    assert_eq!(seen["data"]["licenses"]["phones"]["used"], 1, "{seen}");
}

#[tokio::test]
async fn stream_ends_when_its_right_is_withdrawn_and_audit_is_for_administrators() {
    let server = Server::start();
    let origin = format!("http://{}", server.addresses.web.unwrap());
    let new = json!({ "name": "anna", "rights": "read", "password": "correct horse" });
    let (status, body) = server
        .http("POST", "/api/v1/operators", &new.to_string())
        .await;
    assert_eq!(status, 201, "{body}");
    let log_on = json!({ "name": "anna", "password": "correct horse" });
    let session = Client::new().post(format!("{origin}/api/v1/session"));
    let session = session.json(&log_on).send().await.unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap();
    let anna = ("Cookie", cookie.split(';').next().unwrap().to_owned());
    for topics in ["audit", "phones,audit"] {
        assert_eq!(
            ask(server.addresses.web.unwrap(), &anna, topics, "")
                .await
                .status(),
            403,
            "{topics}"
        );
    }
    for topics in ["", "calls,phones"] {
        assert_eq!(
            ask(server.addresses.web.unwrap(), &anna, topics, "")
                .await
                .status(),
            422,
            "{topics}"
        );
    }
    let mut stream = Stream::begin(server.addresses.web.unwrap(), &anna, "phones,operations").await;
    let (status, _) = server.http("POST", "/api/v1/bundles", "{}").await;
    assert_eq!(status, 202);
    let (status, body) = server.http("DELETE", "/api/v1/operators/anna", "").await;
    assert_eq!(status, 204, "{body}");
    let end = stream.expect("stream.end").await;
    assert_eq!(end["data"]["reason"], "loggedOff", "{end}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn silent_stream_has_a_heartbeat_whose_cursor_has_moved_on() {
    let server = Server::start();
    let who = token(server.data());
    let web = server.addresses.web.unwrap();
    let mut silent = Stream::begin(web, &who, "operations").await;
    let (first, begun) = (silent.cursor.clone(), Instant::now());
    // Events of other topics, which the silent stream leaves out.
    let mut other = Stream::begin(web, &who, "phones").await;
    let _phone = started(&server).await;
    other.until_phone("state", "controlled").await;
    silent.expect("stream.heartbeat").await;
    let silence = begun.elapsed();
    let expected = Duration::from_secs(14)..Duration::from_millis(15_900);
    assert!(expected.contains(&silence), "{silence:?}");
    assert_ne!(silent.cursor, first);
    let mut again = Stream::open(web, &who, "operations", &silent.cursor).await;
    again.expect("stream.hello").await;
    again.expect("stream.ready").await;
}

#[tokio::test]
async fn change_among_5000_phones_is_seen_within_a_second() {
    let server = Serving::start(listed(5_000), PASSWORDS);
    let who = token(server.data());
    let mut stream = Stream::begin(server.web, &who, "phones").await;
    // The fastest counts: other tests use the processor as well.
    let mut fastest = Duration::MAX;
    for number in [0xfffd, 0xfffe, 0xffff_u16] {
        let phone = server.phone(&format!("00041300{number:04x}"), "sip:65535@pbx.example");
        phone.register().await;
        let begun = Instant::now();
        let id = format!("00:04:13:00:ff:{:02x}", number & 0xff);
        loop {
            let seen = stream.expect("phone.changed").await;
            if seen["data"]["phone"]["id"] == *id {
                break;
            }
        }
        fastest = fastest.min(begun.elapsed());
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}
