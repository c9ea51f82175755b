//! A peer that reads its events and answers none: each waits for its answer (RFC 3261 17.1.2), and there is an end to that.

use std::time::Duration;

use actix_rt::System;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_util::codec::FramedRead;
use uacsta_actors::sip::session::{Body, Notify, SessionEvent, SessionEventKind};
use uacsta_schema::sip::{codec::Frame, message::Message};

use super::{answer, codec, open};

/// So many may wait for their answers.
const BOUND: usize = 4096;

#[test]
fn a_peer_that_answers_nothing_has_an_end() {
    System::new().block_on(async {
        let mut opening = open(BOUND);
        let far = &mut opening.far;
        let invite = FramedRead::new(&mut *far, codec()).next().await;
        let Some(Ok(Frame::Message(Message::Request(invite)))) = invite else {
            panic!("not a request: {invite:?}");
        };
        far.write_all(answer(&invite, 200, "").as_bytes())
            .await
            .unwrap();
        let SessionEvent { session, what, .. } = opening.told.recv().await.unwrap();
        assert!(matches!(what, SessionEventKind::Opened(_)));
        let event = || Notify {
            session,
            content: Body::Whole(Bytes::from_static(b"<OutOfServiceEvent/>")),
        };
        let mut buffer = vec![0; 1 << 20];
        // All is read, and nothing answered. The INVITE is kept with them, since its 200 may come again (RFC 6026 section 7.2).
        for sent in 1..BOUND {
            opening.link.send(event()).await.unwrap();
            if sent % 256 == 0 {
                assert!(far.read(&mut buffer).await.unwrap() > 0);
            }
        }
        assert!(opening.ended.try_recv().is_err(), "so many may wait");
        opening.link.send(event()).await.unwrap();
        let reason = timeout(Duration::from_secs(10), opening.ended.recv()).await;
        let reason = reason.expect("no more may wait").unwrap();
        assert_eq!(
            reason,
            "the peer leaves limits.client_unanswered events unanswered"
        );
    });
}
