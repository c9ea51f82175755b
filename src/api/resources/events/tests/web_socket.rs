//! WebSockets: their course, who may open one, and how each of them closes.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderName, HeaderValue},
    },
};

use super::push;
use crate::api::{HttpServer, tests::served};

/// A client's end of a WebSocket.
struct Socket(WebSocketStream<TcpStream>);

const TOKEN: (&str, &str) = ("authorization", "Bearer token");

impl Socket {
    /// Opens one; else the status and the body of the refusal.
    async fn ask(
        address: SocketAddr,
        query: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<Self, (u16, String)> {
        let url = format!("ws://{address}/api/v1/events?{query}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in fields {
            let value = HeaderValue::from_str(value).unwrap();
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
        let stream = TcpStream::connect(address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                let body = String::from_utf8(body).unwrap();
                Err((response.status().as_u16(), body))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens one by token, and reads its opening.
    async fn begin(web: &HttpServer, topics: &str) -> Self {
        let query = format!("topics={topics}");
        let socket = Self::ask(web.address(), &query, &[TOKEN]).await;
        let mut socket = socket.unwrap();
        for kind in ["stream.hello", "stream.reset", "stream.ready"] {
            assert_eq!(socket.event().await["type"], kind);
        }
        socket
    }

    async fn next(&mut self) -> Option<Message> {
        let message = timeout(Duration::from_secs(30), self.0.next()).await;
        message.unwrap().map(Result::unwrap)
    }

    async fn event(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("no event, but {other:?}"),
        }
    }

    /// The code with which the server closes, and the type of the event before.
    async fn closed(&mut self) -> (u16, String) {
        let mut last = String::new();
        loop {
            match self.next().await {
                Some(Message::Text(text)) => {
                    let event: Value = serde_json::from_str(&text).unwrap();
                    last = event["type"].as_str().unwrap().to_owned();
                }
                Some(Message::Close(Some(frame))) => return (frame.code.into(), last),
                Some(Message::Ping(_)) => {}
                other => panic!("no close, but {other:?}"),
            }
        }
    }
}

#[actix_web::test]
async fn web_socket_has_the_events_of_a_page_and_goes_on_after_a_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut socket = Socket::begin(&web, "phones,operations").await;
    push(&web.feed);
    let first = socket.event().await;
    assert_eq!(first["type"], "phone.removed");
    drop(socket);
    push(&web.feed);
    let after = first["cursor"].as_str().unwrap();
    let query = format!("topics=phones,operations&after={after}");
    let mut socket = Socket::ask(web.address(), &query, &[TOKEN]).await.unwrap();
    assert_eq!(socket.event().await["type"], "stream.hello");
    let missed = socket.event().await;
    assert_eq!(socket.event().await["type"], "stream.ready");
    let url = format!("http://{}/api/v1/events?{query}", web.address());
    let page = Client::new().get(url).bearer_auth("token").send().await;
    let page: Value = page.unwrap().json().await.unwrap();
    assert_eq!(page["items"], json!([missed]));
}

#[actix_web::test]
async fn client_is_answered_its_pings_and_its_close() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut socket = Socket::begin(&web, "operations").await;
    let ping = Message::Ping("are you there".into());
    socket.0.send(ping).await.unwrap();
    let answer = socket.next().await;
    assert_eq!(answer, Some(Message::Pong("are you there".into())));
    socket.0.close(None).await.unwrap();
    let begun = Instant::now();
    while socket.next().await.is_some() {}
    assert!(begun.elapsed() < Duration::from_millis(500), "{begun:?}");
}

#[actix_web::test]
async fn message_that_is_not_known_closes_with_4400_and_wrong_frames_with_their_code() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let text = Message::text(r#"{"topics":["clients"]}"#);
    for unknown in [text, Message::text(""), Message::binary(vec![1, 2])] {
        let mut socket = Socket::begin(&web, "operations").await;
        socket.0.send(unknown).await.unwrap();
        assert_eq!(socket.closed().await, (4400, String::new()));
        assert!(socket.next().await.is_none());
    }
    // A mebibyte of a frame of 2^40 octets, one without mask, and one of an opcode that is none.
    let endless = [&[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0][..], &vec![0; 1 << 20]].concat();
    for (frame, code) in [
        (&endless[..], 1009),
        (&[0x81, 0x01, 0x61], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
    ] {
        let mut socket = Socket::begin(&web, "operations").await;
        // The server may close before it has read all.
        let _ = socket.0.get_mut().write_all(frame).await;
        assert_eq!(socket.closed().await.0, code);
    }
}

#[actix_web::test]
async fn slow_reader_is_closed_with_4408_and_others_receive_every_event() {
    const EVENTS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut slow = Socket::begin(&web, "phones").await;
    let mut good = Socket::begin(&web, "phones").await;
    for _ in 0..EVENTS {
        push(&web.feed);
        assert_eq!(good.event().await["type"], "phone.removed");
    }
    assert_eq!(slow.closed().await, (4408, "stream.end".to_owned()));
    assert!(slow.next().await.is_none());
}

#[actix_web::test]
async fn end_of_the_log_on_closes_with_4401() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut socket = Socket::begin(&web, "operations").await;
    web.change_token(&"another".into());
    assert_eq!(socket.closed().await, (4401, "stream.end".to_owned()));

    let origin = format!("http://{}", web.address());
    let cookie = cookie(&web).await;
    let own = [("cookie", &*cookie), ("origin", &*origin)];
    let socket = Socket::ask(web.address(), "topics=phones", &own).await;
    let mut socket = socket.unwrap();
    let log_off = Client::new().delete(format!("{origin}/api/v1/session"));
    let log_off = log_off.header("Cookie", &cookie).header("Origin", &origin);
    assert_eq!(log_off.send().await.unwrap().status(), 204);
    assert_eq!(socket.closed().await, (4401, "stream.end".to_owned()));
}

#[actix_web::test]
async fn stop_of_the_server_closes_with_1001_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(Socket::begin(&web, "operations").await);
    }
    let begun = Instant::now();
    let closed = async {
        for socket in &mut sockets {
            assert_eq!(socket.closed().await, (1001, "stream.end".to_owned()));
            assert!(socket.next().await.is_none());
        }
        assert!(begun.elapsed() < Duration::from_millis(500), "{begun:?}");
    };
    tokio::join!(web.stop(), closed);
    assert!(begun.elapsed() < Duration::from_secs(2), "{begun:?}");
}

/// Logs on as admin.
async fn cookie(web: &HttpServer) -> String {
    let url = format!("http://{}/api/v1/session", web.address());
    let body = json!({ "name": "admin", "password": "password" });
    let response = Client::new().post(url).json(&body).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[actix_web::test]
async fn web_socket_by_cookie_needs_an_origin_of_this_server() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let cookie = cookie(&web).await;
    let own = format!("http://{}", web.address());
    let own: &str = &own;
    let cookie = ("cookie", &*cookie);
    for (fields, expected) in [
        (vec![cookie, ("origin", own)], 101),
        (vec![cookie], 403),
        (vec![cookie, ("origin", "http://evil.example")], 403),
        (vec![cookie, ("origin", "null")], 403),
        (
            vec![cookie, ("origin", own), ("sec-fetch-site", "none")],
            403,
        ),
        (vec![cookie, ("sec-fetch-site", "same-origin")], 403),
        (vec![TOKEN], 101),
        (vec![TOKEN, ("origin", "http://evil.example")], 101),
        (vec![("authorization", "Bearer wrong")], 401),
        (vec![("origin", own)], 401),
        (vec![TOKEN, ("sec-websocket-version", "8")], 426),
        (vec![TOKEN, ("sec-websocket-key", "short")], 400),
    ] {
        let opened = Socket::ask(web.address(), "topics=phones", &fields).await;
        let status = opened.map_or_else(|(status, _)| status, |_| 101);
        assert_eq!(status, expected, "{fields:?}");
    }
    for (query, expected) in [("topics=phones,calls", 422), ("", 422)] {
        let refused = Socket::ask(web.address(), query, &[TOKEN]).await;
        let (status, body) = refused.err().unwrap();
        assert_eq!(status, expected, "{query}: {body}");
    }
}
