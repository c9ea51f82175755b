//! One link with a session that it opens, whose other end is the test: how it keeps the session, and when it ends itself.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails where it stands, and its clock is the one that it turns"
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

mod dialogs;
mod session_timer;
mod unanswered;

/// A link that has sent the INVITE of a session of 300 seconds.
struct Opening {
    link: Addr<SipConnection<Nobody>>,
    /// The session's owner, who lives as long as this.
    owner: Addr<Owner>,
    /// What it is told.
    told: UnboundedReceiver<SessionEvent>,
    /// Why the link ended.
    ended: UnboundedReceiver<String>,
    /// The peer's end of the connection.
    far: DuplexStream,
}

/// Opens a session with a peer that may leave so many events unanswered.
fn open(most_unanswered: usize) -> Opening {
    let (near, far) = tokio::io::duplex(1 << 20);
    let transport =
        PeerTransport::stream(Box::new(near), codec(), 1 << 24, Duration::from_secs(20));
    let (tell, told) = mpsc::unbounded_channel();
    let (say, ended) = mpsc::unbounded_channel();
    let endpoints = Endpoints {
        peer: ([127, 0, 0, 1], 5060).into(),
        host: "127.0.0.1".into(),
        port: 5060,
        transport: Transport::TCP,
        unauthenticated: None,
        agent: "test".into(),
    };
    let clock = Arc::new(Turned(Instant::now()));
    let limits = Limits {
        unanswered_events: most_unanswered,
        ..Limits::default()
    };
    let uas = |_: &Arc<Addr<_>>| Nobody { say };
    let link = SipConnection::start(transport, endpoints, uas, limits, clock, 7);
    let owner = Owner(tell).start();
    link.do_send(Open {
        owner: owner.clone().recipient(),
        key: 1,
        target: "sip:phone@127.0.0.1".into(),
        to: "<sip:phone@127.0.0.1>".into(),
        from: "<sip:uacsta@127.0.0.1>".into(),
        edition: Edition::Ed3,
        interval: Duration::from_secs(300),
        login: None,
    });
    Opening {
        link,
        owner,
        told,
        ended,
        far,
    }
}

fn codec() -> Codec {
    Codec::new(codec::Limits::default())
}

/// The peer's answer to a request, with these further lines.
fn answer(request: &Request, status: u16, lines: &str) -> String {
    let head = request.head();
    let told = |name| head.get(name).unwrap_or_default();
    let to = told(HeaderName::To);
    let tag = if to.contains("tag=") { "" } else { ";tag=peer" };
    format!(
        "SIP/2.0 {status} Answer\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:phone@127.0.0.1>\r\n{lines}Content-Length: 0\r\n\r\n",
        told(HeaderName::Via),
        told(HeaderName::From),
        told(HeaderName::CallId),
        told(HeaderName::CSeq),
    )
}

#[derive(Debug)]
struct Turned(Instant);

impl Clock for Turned {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> u64 {
        0
    }
}

/// The session's owner, who writes down what it is told.
struct Owner(UnboundedSender<SessionEvent>);

impl Actor for Owner {
    type Context = Context<Self>;
}

impl Handler<SessionEvent> for Owner {
    type Result = ();

    fn handle(&mut self, happened: SessionEvent, _: &mut Self::Context) {
        // Nobody listens any more when the test has seen enough.
        let _ = self.0.send(happened);
    }
}

/// Takes nothing, and says why the link ended.
struct Nobody {
    say: UnboundedSender<String>,
}

impl Uas for Nobody {
    fn request(&mut self, _: &Request, _: PendingRequest<'_>) -> Disposition {
        Status::METHOD_NOT_ALLOWED.into()
    }

    fn ended(&mut self, reason: &str) {
        // As above.
        let _ = self.say.send(reason.to_owned());
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: "",
            device: None,
            authenticated: true,
        }
    }
}
