//! A connection with one session that it opens; the test is its peer.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and advances its own clock"
)]

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, Handler};
use tokio::{
    io::DuplexStream,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    time::Instant,
};
use uacsta_actors::{
    clock::Clock,
    sip::{
        connection::{Endpoints, SipConnection},
        responder::{Disposition, PendingRequest},
        session::{Open, SessionEvent},
        transport::PeerTransport,
        uas::{Limits, Peer, Uas},
    },
};
use uacsta_schema::{
    csta::Edition,
    sip::{
        HeaderName, Request, Status,
        codec::{self, Codec},
        header::Transport,
    },
};

mod cancel;
mod dialogs;
mod routes;
mod session_timer;
mod unanswered;

/// A connection that has sent the INVITE of a session of 300 seconds.
struct Opening {
    connection: Addr<SipConnection<RejectingUas>>,
    /// The session's owner, which must outlive the session.
    owner: Addr<Owner>,
    /// The events of the session.
    events: UnboundedReceiver<SessionEvent>,
    /// Why the connection ended.
    ended: UnboundedReceiver<String>,
    /// The peer's end of the connection.
    far: DuplexStream,
}

/// Opens a session with a peer that may leave `most_unanswered` requests unanswered.
fn open(most_unanswered: usize) -> Opening {
    open_through(most_unanswered, &[])
}

/// The same, with these Routes in the INVITE.
fn open_through(most_unanswered: usize, routes: &[&str]) -> Opening {
    let (near, far) = tokio::io::duplex(1 << 20);
    let transport =
        PeerTransport::stream(Box::new(near), codec(), 1 << 24, Duration::from_secs(20));
    Opening {
        far,
        ..open_on(transport, Transport::TCP, most_unanswered, routes)
    }
}

/// The same, on this transport.
fn open_on(
    carrier: PeerTransport,
    transport: Transport,
    most_unanswered: usize,
    routes: &[&str],
) -> Opening {
    let (tell, events) = mpsc::unbounded_channel();
    let (say, ended) = mpsc::unbounded_channel();
    let endpoints = Endpoints {
        peer: ([127, 0, 0, 1], 5060).into(),
        host: "127.0.0.1".into(),
        port: 5060,
        transport,
        unauthenticated: None,
        agent: "test".into(),
    };
    let clock = Arc::new(PausedClock(Instant::now()));
    let limits = Limits {
        unanswered_events: most_unanswered,
        ..Limits::default()
    };
    let uas = |_: &Arc<Addr<_>>| RejectingUas { ended: say };
    let connection = SipConnection::start(carrier, endpoints, uas, limits, clock, 7);
    let owner = Owner(tell).start();
    let opening = Opening {
        connection,
        owner,
        events,
        ended,
        far: tokio::io::duplex(1).0,
    };
    let open = opening_by(&opening, 1, routes);
    opening.connection.do_send(open);
    opening
}

/// Opens a session by this key.
fn open_again(opening: &Opening, key: u64) {
    let open = opening_by(opening, key, &[]);
    opening.connection.do_send(open);
}

fn opening_by(opening: &Opening, key: u64, routes: &[&str]) -> Open {
    Open {
        owner: opening.owner.clone().recipient(),
        key,
        target: "sip:phone@127.0.0.1".into(),
        to: "<sip:phone@127.0.0.1>".into(),
        from: "<sip:uacsta@127.0.0.1>".into(),
        routes: routes.iter().map(|route| (*route).into()).collect(),
        edition: Edition::Ed3,
        interval: Duration::from_secs(300),
        login: None,
    }
}

fn codec() -> Codec {
    Codec::new(codec::MessageLimits::default())
}

/// The peer's response to a request, with these further lines.
fn answer(request: &Request, status: u16, lines: &str) -> String {
    let head = request.head();
    let copied = |name| head.get(name).unwrap_or_default();
    let to = copied(HeaderName::To);
    let tag = if to.contains("tag=") { "" } else { ";tag=peer" };
    format!(
        "SIP/2.0 {status} Answer\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:phone@127.0.0.1>\r\n{lines}Content-Length: 0\r\n\r\n",
        copied(HeaderName::Via),
        copied(HeaderName::From),
        copied(HeaderName::CallId),
        copied(HeaderName::CSeq),
    )
}

#[derive(Debug)]
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> u64 {
        0
    }
}

/// The session's owner, which passes its events to the test.
struct Owner(UnboundedSender<SessionEvent>);

impl Actor for Owner {
    type Context = Context<Self>;
}

impl Handler<SessionEvent> for Owner {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, _: &mut Self::Context) {
        // The test may have stopped listening.
        let _ = self.0.send(event);
    }
}

/// Rejects every request, and passes on why the connection ended.
struct RejectingUas {
    ended: UnboundedSender<String>,
}

impl Uas for RejectingUas {
    fn request(&mut self, _: &Request, _: PendingRequest<'_>) -> Disposition {
        Status::METHOD_NOT_ALLOWED.into()
    }

    fn ended(&mut self, reason: &str) {
        // As above.
        let _ = self.ended.send(reason.to_owned());
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: "",
            device: None,
            authenticated: true,
        }
    }
}
