//! A stream as a WebSocket (RFC 6455): a text message for each event, and pings beside them.

use std::{convert::Infallible, time::Duration};

use actix_http::ws::{
    CloseCode, CloseReason, HandshakeError, OpCode, Parser, ProtocolError, handshake_response,
    verify_handshake,
};
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodyStream, MessageBody as _},
    http::{
        StatusCode,
        header::{SEC_WEBSOCKET_VERSION, UPGRADE},
    },
    web::{Bytes, BytesMut, Payload},
};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Problem,
    course::{Course, Turn},
    kinds::EndReason,
    pings::{Due, Pings},
};
use crate::{
    api::{connection::Peer, streams},
    texts::Text,
};

/// The most octets of a frame from the client, which has nothing long to say.
const LONGEST: usize = 1024;
/// The most octets before the data of a frame.
const HEADER: usize = 14;
/// How long the client has for its answer to a close.
const CLOSE: Duration = Duration::from_secs(1);
/// The close code for a message that the server does not know.
const UNKNOWN: u16 = 4400;

/// A WebSocket. It is written as the body of its answer, and so as fast as the client reads.
struct WebSocket {
    course: Course,
    request: HttpRequest,
    input: Payload,
    /// What the client has sent of its next frame.
    unread: BytesMut,
    pings: Pings,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Open,
    /// The server has said that it closes, and the client has not.
    Closing,
    Closed,
}

/// What happens next.
enum Next {
    Told(Option<Turn>),
    Heard(Option<Bytes>),
    PingIsDue,
}

/// Refuses a request that cannot open a WebSocket.
pub(super) fn check(request: &HttpRequest) -> Result<(), Problem> {
    verify_handshake(request.head()).map_err(|error| match error {
        HandshakeError::NoVersionHeader | HandshakeError::UnsupportedVersion => {
            let detail = Text::new("web-socket-version");
            Problem::blank(StatusCode::UPGRADE_REQUIRED, detail)
                .with(UPGRADE, "websocket")
                .with(SEC_WEBSOCKET_VERSION, "13")
        }
        _ => {
            let detail = Text::new("no-web-socket").with("error", error.to_string());
            Problem::blank(StatusCode::BAD_REQUEST, detail)
        }
    })
}

/// The answer to a request that [`check`] lets pass.
pub(super) fn answer(
    course: Course,
    request: &HttpRequest,
    input: Payload,
) -> Result<HttpResponse, Problem> {
    streams::begin(request);
    let socket = WebSocket {
        course,
        request: request.clone(),
        input,
        unread: BytesMut::new(),
        pings: Pings::new(Instant::now()),
        state: State::Open,
    };
    let parts = stream::unfold(socket, |mut socket| async {
        let part = socket.next().await;
        if part.is_none()
            && let Some(peer) = Peer::of_request(&socket.request)
        {
            peer.ends();
        }
        Some((Ok::<_, Infallible>(part?), socket))
    });
    let response = handshake_response(request.head()).message_body(BodyStream::new(parts).boxed());
    let response = response.map_err(|error| Problem::unavailable(Text::verbatim(error)))?;
    Ok(response.into())
}

impl WebSocket {
    /// What is written next; `None` at the end of the connection.
    async fn next(&mut self) -> Option<Bytes> {
        let mut part = BytesMut::new();
        while part.is_empty() {
            match self.state {
                State::Open => {}
                State::Closing => {
                    let _ = timeout(CLOSE, self.until_closed()).await;
                    return None;
                }
                State::Closed => return None,
            }
            let next = tokio::select! {
                turn = self.course.next() => Next::Told(turn),
                octets = self.input.next() => Next::Heard(octets.and_then(Result::ok)),
                () = sleep_until(self.pings.due()) => Next::PingIsDue,
            };
            match next {
                Next::Told(turn) => self.tell(turn?, &mut part),
                Next::Heard(octets) => self.hear(&octets?, &mut part),
                Next::PingIsDue => match self.pings.next(Instant::now()) {
                    Due::Ping => Parser::write_message(&mut part, b"", OpCode::Ping, true, false),
                    Due::Close => return None,
                },
            }
        }
        Some(part.freeze())
    }

    fn tell(&mut self, turn: Turn, part: &mut BytesMut) {
        for event in turn.events {
            Parser::write_message(part, event.json(), OpCode::Text, true, false);
        }
        if let Some(reason) = turn.end {
            self.close((CloseCode::Other(code(reason)), reason.name()), part);
        }
    }

    /// Takes what the client sends: it answers pings, sends its own, and closes.
    fn hear(&mut self, octets: &[u8], part: &mut BytesMut) {
        self.unread.extend_from_slice(octets);
        let mut ping = None;
        while self.state == State::Open {
            match self.frame() {
                Ok(None) => break,
                Ok(Some((OpCode::Pong, _))) => self.pings.answered(),
                // The last of several is answered (RFC 6455, section 5.5.3).
                Ok(Some((OpCode::Ping, data))) => ping = Some(data),
                Ok(Some((OpCode::Close, data))) => {
                    let code = Parser::try_parse_close_payload(&data);
                    let code = code.map(|reason| reason.map_or(CloseCode::Normal, |it| it.code));
                    self.close((code.unwrap_or(CloseCode::Protocol), ""), part);
                    self.state = State::Closed;
                }
                Ok(Some(_)) => {
                    let detail = "no message from the client is known";
                    self.close((CloseCode::Other(UNKNOWN), detail), part);
                }
                Err(ProtocolError::Overflow) => self.close((CloseCode::Size, ""), part),
                Err(error) => self.close((CloseCode::Protocol, error.to_string()), part),
            }
        }
        if let Some(data) = ping.filter(|_| self.state == State::Open) {
            Parser::write_message(part, data, OpCode::Pong, true, false);
        }
    }

    /// The next frame of the client, if it is there.
    fn frame(&mut self) -> Result<Option<(OpCode, BytesMut)>, ProtocolError> {
        let frame = Parser::parse(&mut self.unread, true, LONGEST)?;
        // The parser itself waits for the end of a frame that is too long.
        if frame.is_none() && self.unread.len() > LONGEST + HEADER {
            return Err(ProtocolError::Overflow);
        }
        Ok(frame.map(|(_, code, data)| (code, data.unwrap_or_default())))
    }

    fn close(&mut self, reason: impl Into<CloseReason>, part: &mut BytesMut) {
        Parser::write_close(part, Some(reason.into()), false);
        self.state = State::Closing;
    }

    /// Waits for the client's answer to a close, or its end.
    async fn until_closed(&mut self) {
        loop {
            match self.frame() {
                Ok(Some((OpCode::Close, _))) => return,
                Ok(Some(_)) => {}
                // What follows a wrong frame is read for no other purpose than that the client reads why it is closed.
                Err(_) => self.unread.clear(),
                Ok(None) => match self.input.next().await {
                    Some(Ok(octets)) => self.unread.extend_from_slice(&octets),
                    _ => return,
                },
            }
        }
    }
}

/// The close code of an end.
fn code(reason: EndReason) -> u16 {
    match reason {
        EndReason::Stopping => 1001,
        EndReason::LoggedOff => 4401,
        EndReason::TooSlow => 4408,
    }
}
