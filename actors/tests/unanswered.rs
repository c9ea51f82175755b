//! A peer that reads its events and answers none: each waits for its answer (RFC 3261 17.1.2), and there is an end to that.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails where it stands, and its clock stands still"
)]

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, Handler};
use actix_rt::System;
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc::{self, UnboundedSender},
    time::timeout,
};
use uacsta_actors::{
    clock::Clock,
    sip::{
        desk::Desk,
        link::{Link, Place},
        reply::{Asked, Taken},
        session::{Content, Happened, Notify, Open, What},
        wire::Wire,
    },
};
use uacsta_schema::{
    csta::Edition,
    sip::{
        Request, Status,
        codec::{Codec, Limits},
        header::Transport,
    },
};

/// So many may wait for their answers.
const BOUND: usize = 65_536;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn wall(&self) -> u64 {
        0
    }
}

struct Owner(UnboundedSender<Happened>);

impl Actor for Owner {
    type Context = Context<Self>;
}

impl Handler<Happened> for Owner {
    type Result = ();

    fn handle(&mut self, happened: Happened, _: &mut Self::Context) {
        self.0.send(happened).unwrap();
    }
}

/// Takes nothing, and says why the link ended.
struct Listener(UnboundedSender<String>);

impl Desk for Listener {
    fn request(&mut self, _: &Request, _: Asked<'_>) -> Taken {
        Status::METHOD_NOT_ALLOWED.into()
    }

    fn ended(&mut self, _: &Addr<Link>, reason: &str) {
        self.0.send(reason.to_owned()).unwrap();
    }

    fn peer(&self) -> &'static str {
        ""
    }
}

#[test]
fn a_peer_that_answers_nothing_has_an_end() {
    System::new().block_on(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let codec = Codec::new(Limits::default());
        let wire = Wire::new(Box::new(near), codec, 1 << 24, Duration::from_secs(20));
        let (tell, mut told) = mpsc::unbounded_channel();
        let (say, mut said) = mpsc::unbounded_channel();
        let place = Place {
            peer: ([127, 0, 0, 1], 5070).into(),
            host: "127.0.0.1".into(),
            port: 5070,
            transport: Transport::TCP,
            stranger: None,
            agent: "test".into(),
        };
        let link = Link::over(wire, place, Box::new(Listener(say)), Arc::new(Still), 7);
        let owner = Owner(tell).start();
        link.do_send(Open {
            owner: owner.clone().recipient(),
            key: 1,
            target: "sip:client@127.0.0.1".into(),
            to: "<sip:client@127.0.0.1>".into(),
            from: "<sip:uacsta@127.0.0.1>".into(),
            edition: Edition::Ed3,
            interval: Duration::from_secs(300),
            login: None,
        });
        let mut invite = vec![0; 4096];
        let length = far.read(&mut invite).await.unwrap();
        let invite = String::from_utf8_lossy(&invite[..length]).into_owned();
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
        let answer: String = invite
            .lines()
            .filter(|line| {
                copied
                    .iter()
                    .any(|name| line.starts_with(&format!("{name}:")))
            })
            .map(|line| match line.starts_with("To:") {
                true => format!("{line};tag=peer\r\n"),
                false => format!("{line}\r\n"),
            })
            .collect();
        let answer = format!(
            "SIP/2.0 200 OK\r\n{answer}Contact: <sip:client@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
        );
        far.write_all(answer.as_bytes()).await.unwrap();
        let Happened { session, what, .. } = told.recv().await.unwrap();
        assert!(matches!(what, What::Opened(_)));
        let event = || Notify {
            session,
            content: Content::Whole(Bytes::from_static(b"<OutOfServiceEvent/>")),
        };
        let mut buffer = vec![0; 1 << 20];
        // All is read, and nothing answered. The INVITE is kept with them, since its 200 may come again (RFC 6026 section 7.2).
        for sent in 1..BOUND {
            link.send(event()).await.unwrap();
            if sent % 256 == 0 {
                assert!(far.read(&mut buffer).await.unwrap() > 0);
            }
        }
        assert!(said.try_recv().is_err(), "so many may wait");
        link.send(event()).await.unwrap();
        let reason = timeout(Duration::from_secs(10), said.recv()).await;
        let reason = reason.expect("no more may wait").unwrap();
        assert_eq!(reason, "the peer does not answer what it is sent");
    });
}
