//! Server-sent events: a slow reader, and the stop of the server.

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;

use super::push;
use crate::api::tests::served;

/// The events of an open stream.
struct Reader {
    response: Response,
    unread: Vec<u8>,
    /// How many octets of it have no end of an event.
    searched: usize,
}

impl Reader {
    async fn open(address: std::net::SocketAddr, query: &str) -> Self {
        let url = format!("http://{address}/api/v1/events?{query}");
        let request = Client::new().get(url).bearer_auth("token");
        let response = request.header("Accept", "text/event-stream");
        let response = response.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            response,
            unread: Vec::new(),
            searched: 0,
        }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let unread = self.unread.get(self.searched..).unwrap_or_default();
            let end = unread.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end.map(|end| self.searched + end) {
                self.searched = 0;
                let frame: Vec<u8> = self.unread.drain(..end + 2).collect();
                let frame = String::from_utf8(frame).unwrap();
                let data = frame.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(data) = data {
                    return Some(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            // Long events are not searched again with each part.
            self.searched = self.unread.len().saturating_sub(1);
            let part = self.response.chunk();
            let part = tokio::time::timeout(Duration::from_secs(30), part).await;
            self.unread.extend_from_slice(&part.unwrap().unwrap()?);
        }
    }

    async fn expect(&mut self, kind: &str) -> Value {
        let event = self.next().await.unwrap();
        assert_eq!(event["type"], kind, "{}", &event.to_string()[..200]);
        event
    }

    async fn ready(&mut self) {
        for kind in ["stream.hello", "stream.reset", "stream.ready"] {
            self.expect(kind).await;
        }
    }
}

#[actix_web::test]
async fn slow_reader_is_closed_with_a_reason_and_others_receive_every_event() {
    const EVENTS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut slow = Reader::open(web.address(), "topics=phones").await;
    let mut good = Reader::open(web.address(), "topics=phones").await;
    slow.ready().await;
    good.ready().await;
    for _ in 0..EVENTS {
        push(&web.feed);
        good.expect("phone.removed").await;
    }
    let mut seen = 0;
    let last = loop {
        let event = slow.next().await.unwrap();
        if event["type"] != "phone.removed" {
            break event;
        }
        seen += 1;
    };
    assert!(seen < EVENTS, "{seen}");
    assert_eq!(last["type"], "stream.end", "{last}");
    assert_eq!(last["data"]["reason"], "tooSlow", "{last}");
    assert!(slow.next().await.is_none());
    // It returns with the last cursor that it has, and is told of the gap.
    let after = last["cursor"].as_str().unwrap();
    let mut returned = Reader::open(web.address(), &format!("topics=phones&after={after}")).await;
    returned.expect("stream.hello").await;
    let reset = returned.expect("stream.reset").await;
    assert_eq!(reset["data"]["reason"], "historyLost", "{reset}");
}

#[actix_web::test]
async fn stopping_server_ends_its_streams_first() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut reader = Reader::open(web.address(), "topics=operations").await;
    reader.ready().await;
    let begun = std::time::Instant::now();
    web.stop().await;
    let end = reader.expect("stream.end").await;
    assert_eq!(end["data"]["reason"], "stopping", "{end}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{begun:?}");
}
