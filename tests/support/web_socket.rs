//! The client's end of a WebSocket of the API.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use super::PATIENCE;

/// A WebSocket over `S`.
pub struct WebSocket<S>(WebSocketStream<S>);

impl WebSocket<TcpStream> {
    /// Opens one with this `Authorization`; else the status of the refusal.
    pub async fn open(web: SocketAddr, authorization: &str, query: &str) -> Result<Self, u16> {
        let io = TcpStream::connect(web).await.unwrap();
        Self::over(io, &web.to_string(), authorization, query).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Opens one over a connection to this host.
    pub async fn over(io: S, host: &str, authorization: &str, query: &str) -> Result<Self, u16> {
        let url = format!("ws://{host}/api/v1/events?{query}");
        let mut request = url.into_client_request().unwrap();
        if !authorization.is_empty() {
            let value = authorization.parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        match client_async(request, io).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next event; else the code with which the server closes.
    pub async fn next(&mut self) -> Result<Value, u16> {
        loop {
            // A heartbeat comes after 15 seconds.
            let message = timeout(2 * PATIENCE, self.0.next()).await;
            match message.expect("an event in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("no event, but {other:?}"),
            }
        }
    }

    /// Reads up to the next event of a type that fulfils a condition.
    pub async fn until(&mut self, kind: &str, is_awaited: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.next().await.expect("it goes on");
            if event["type"] == kind && is_awaited(&event["data"]) {
                return event;
            }
        }
    }

    /// Reads up to the first event that is not of the opening, and returns the reset.
    pub async fn opening(&mut self) -> Value {
        let hello = self.next().await.unwrap();
        assert_eq!(hello["type"], "stream.hello");
        let reset = self.next().await.unwrap();
        assert_eq!(reset["type"], "stream.reset");
        self.until("stream.ready", |_| true).await;
        reset["data"].clone()
    }

    /// Reads to the end: the code with which the server closes.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
