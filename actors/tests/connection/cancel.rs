//! An INVITE that rings, comes to nothing or is withdrawn is cancelled, and a late 2xx is ended (RFC 3261, 9.1 and 13.2.2.4).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_rt::System;
use futures_util::StreamExt as _;
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf},
    sync::mpsc::{self, UnboundedSender},
    time::{Instant, timeout},
};
use tokio_util::codec::FramedRead;
use uacsta_actors::sip::{
    session::{RequestError, SessionEventKind, Withdraw},
    transport::{DatagramSender, PeerTransport},
};
use uacsta_schema::sip::{
    HeaderName, Request,
    codec::{Codec, Frame, MessageLimits},
    header::Transport,
    message::SipMessage,
};

use super::{Opening, answer, codec, open, open_again, open_on};

/// The peer of a connection.
struct Peer {
    opening: Opening,
    frames: FramedRead<ReadHalf<DuplexStream>, Codec>,
    write: WriteHalf<DuplexStream>,
    started: Instant,
}

impl Peer {
    fn new() -> Self {
        tokio::time::pause();
        let mut opening = open(usize::MAX);
        let (near, _) = tokio::io::duplex(1);
        let (read, write) = tokio::io::split(std::mem::replace(&mut opening.far, near));
        Self {
            opening,
            frames: FramedRead::new(read, codec()),
            write,
            started: Instant::now(),
        }
    }

    /// The next request, which has this method and comes so many seconds after the start.
    async fn next(&mut self, method: &'static str, seconds: u64) -> Request {
        match timeout(Duration::from_secs(600), self.frames.next()).await {
            Ok(Some(Ok(Frame::Message(SipMessage::Request(request))))) => {
                let at = self.started.elapsed().as_secs();
                assert_eq!((request.method().as_str(), at), (method, seconds));
                request
            }
            other => panic!("not a request: {other:?}"),
        }
    }

    async fn respond(&mut self, request: &Request, status: u16, tag: &str) {
        let text = answer(request, status, "").replace("tag=peer", &format!("tag={tag}"));
        self.write.write_all(text.as_bytes()).await.unwrap();
    }

    /// Nothing more arrives for a while.
    async fn quiet(&mut self) {
        let more = timeout(Duration::from_secs(1), self.frames.next()).await;
        assert!(more.is_err(), "{more:?}");
    }

    async fn refused(&mut self) -> RequestError {
        match self.opening.events.recv().await.unwrap().what {
            SessionEventKind::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn withdraw(&self) {
        let owner = self.opening.owner.clone().recipient();
        self.opening.connection.do_send(Withdraw { owner, key: 1 });
    }
}

fn same(one: &Request, other: &Request, names: &[HeaderName]) {
    for name in names {
        assert_eq!(one.head().get(*name), other.head().get(*name), "{name}");
    }
    assert_eq!(one.uri(), other.uri());
}

const VIA: [HeaderName; 3] = [HeaderName::Via, HeaderName::From, HeaderName::CallId];

#[test]
fn a_phone_that_rings_gets_a_cancel_after_2_s() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        for status in [100, 180, 183] {
            peer.respond(&invite, status, "early").await;
        }
        let cancel = peer.next("CANCEL", 2).await;
        same(&cancel, &invite, &VIA);
        assert_eq!(cancel.head().get(HeaderName::CSeq), Some("1 CANCEL"));
        // RFC 3261, section 9.1: the To of the INVITE, not that of its response.
        same(&cancel, &invite, &[HeaderName::To]);
        peer.respond(&cancel, 200, "early").await;
        peer.respond(&invite, 487, "early").await;
        let ack = peer.next("ACK", 2).await;
        same(&ack, &invite, &VIA);
        assert_eq!(ack.head().to_tag(), Some("early"));
        assert_eq!(peer.refused().await, RequestError::Rang);
        peer.quiet().await;
    });
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        peer.respond(&invite, 180, "peer").await;
        peer.next("CANCEL", 2).await;
        peer.respond(&invite, 200, "peer").await;
        let ack = peer.next("ACK", 2).await;
        assert_ne!(
            ack.head().get(HeaderName::Via),
            invite.head().get(HeaderName::Via)
        );
        let bye = peer.next("BYE", 2).await;
        assert_eq!(bye.head().to_tag(), Some("peer"));
        assert_eq!(peer.refused().await, RequestError::Rang);
    });
}

#[test]
fn a_phone_that_accepts_soon_after_it_rang_is_not_cancelled() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        peer.respond(&invite, 180, "peer").await;
        tokio::time::sleep(Duration::from_millis(1900)).await;
        peer.respond(&invite, 200, "peer").await;
        peer.next("ACK", 1).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        peer.quiet().await;
    });
}

#[test]
fn an_invite_that_is_only_tried_is_cancelled_after_64_t1() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        peer.respond(&invite, 100, "peer").await;
        peer.next("CANCEL", 32).await;
        // RFC 3261, section 9.1: with no 487 for as long, the INVITE is considered cancelled.
        assert_eq!(peer.refused().await, RequestError::TimedOut);
        assert_eq!(peer.started.elapsed().as_secs(), 64);
    });
}

#[test]
fn a_withdrawn_invite_is_cancelled_after_a_provisional_response_and_the_next_one_waits() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        peer.withdraw();
        open_again(&peer.opening, 2);
        peer.quiet().await;
        peer.respond(&invite, 100, "peer").await;
        let cancel = peer.next("CANCEL", 1).await;
        peer.respond(&cancel, 200, "peer").await;
        peer.quiet().await;
        peer.respond(&invite, 487, "peer").await;
        peer.next("ACK", 2).await;
        let second = peer.next("INVITE", 2).await;
        assert_ne!(second.head().call_id(), invite.head().call_id());
        peer.respond(&second, 200, "peer").await;
        peer.next("ACK", 2).await;
        let event = peer.opening.events.recv().await.unwrap();
        assert!(matches!(event.what, SessionEventKind::Opened(_)));
        assert_eq!(event.key, 2, "the withdrawn one is not mentioned");
    });
}

#[test]
fn a_session_that_opened_before_it_was_withdrawn_is_ended() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        peer.respond(&invite, 200, "peer").await;
        peer.next("ACK", 0).await;
        peer.withdraw();
        peer.next("BYE", 0).await;
    });
}

#[test]
fn rfc_3261_13_2_2_4_a_2xx_without_a_session_is_acknowledged_and_ended() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        assert_eq!(peer.refused().await, RequestError::TimedOut);
        // Late, and from two branches of a fork.
        for tag in ["late", "fork"] {
            peer.respond(&invite, 200, tag).await;
            let ack = peer.next("ACK", 32).await;
            let bye = peer.next("BYE", 32).await;
            for request in [&ack, &bye] {
                assert_eq!(request.head().to_tag(), Some(tag));
                assert_eq!(request.head().from_tag(), invite.head().from_tag());
                assert_eq!(request.uri(), "sip:phone@127.0.0.1");
            }
            assert_eq!(bye.head().get(HeaderName::CSeq), Some("2 BYE"));
        }
    });
}

#[test]
fn rfc_3261_13_2_2_4_a_second_2xx_with_another_tag_is_acknowledged_and_ended() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        peer.respond(&invite, 200, "peer").await;
        peer.next("ACK", 0).await;
        peer.respond(&invite, 200, "fork").await;
        assert_eq!(peer.next("ACK", 0).await.head().to_tag(), Some("fork"));
        assert_eq!(peer.next("BYE", 0).await.head().to_tag(), Some("fork"));
        // A copy of the first one is acknowledged alone.
        peer.respond(&invite, 200, "peer").await;
        assert_eq!(peer.next("ACK", 0).await.head().to_tag(), Some("peer"));
        peer.quiet().await;
    });
}

#[test]
fn every_late_2xx_gets_a_bye_however_many_byes_await_a_response() {
    System::new().block_on(async {
        let mut peer = Peer::new();
        let invite = peer.next("INVITE", 0).await;
        assert_eq!(peer.refused().await, RequestError::TimedOut);
        for number in 0..200 {
            let tag = format!("late-{number}");
            peer.respond(&invite, 200, &tag).await;
            let ack = peer.next("ACK", 32).await;
            let bye = peer.next("BYE", 32).await;
            for request in [ack, bye] {
                assert_eq!(request.head().to_tag(), Some(&*tag));
            }
        }
    });
}

/// Collects the datagrams of a connection.
struct Datagrams(UnboundedSender<String>);

impl DatagramSender for Datagrams {
    fn send(&self, datagram: &[u8], _: SocketAddr) -> std::io::Result<()> {
        let text = String::from_utf8_lossy(datagram).into_owned();
        self.0.send(text).map_err(std::io::Error::other)
    }
}

#[test]
fn a_late_2xx_on_udp_that_cannot_get_a_reliable_bye_is_not_acknowledged() {
    System::new().block_on(async {
        tokio::time::pause();
        let (collect, mut datagrams) = mpsc::unbounded_channel();
        let (frames, received) = mpsc::channel(8);
        let peer = ([127, 0, 0, 1], 5060).into();
        let transport = PeerTransport::udp(Arc::new(Datagrams(collect)), peer, received);
        let opening = open_on(transport, Transport::UDP, usize::MAX, &[]);
        let invite = datagrams.recv().await.unwrap();
        let Ok(Frame::Message(SipMessage::Request(invite))) =
            Frame::datagram(invite.as_bytes().into(), &MessageLimits::default())
        else {
            panic!("not a request: {invite}");
        };
        tokio::time::sleep(Duration::from_secs(40)).await;
        let mut counts = [0; 2];
        for number in 0..100 {
            let text = answer(&invite, 200, "").replace("tag=peer", &format!("tag=late-{number}"));
            let late = Frame::datagram(text.as_bytes().into(), &MessageLimits::default());
            frames.send(Ok(late.unwrap())).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        while let Ok(sent) = datagrams.try_recv() {
            counts[0] += usize::from(sent.starts_with("ACK "));
            counts[1] += usize::from(sent.starts_with("BYE "));
        }
        // Those that are not acknowledged repeat their 2xx, and get both when some of the 64 BYEs have a response.
        assert_eq!(counts, [64, 64]);
        drop(opening);
    });
}
