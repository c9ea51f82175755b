//! A peer that reads its events and answers none is disconnected (each awaits a response: RFC 3261, section 17.1.2).

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
use uacsta_schema::sip::{codec::Frame, message::SipMessage};

use super::{answer, codec, open};

/// How many requests may be unanswered.
const BOUND: usize = 4096;

#[test]
fn a_peer_that_answers_no_event_is_disconnected() {
    System::new().block_on(async {
        let mut opening = open(BOUND);
        let far = &mut opening.far;
        let invite = FramedRead::new(&mut *far, codec()).next().await;
        let Some(Ok(Frame::Message(SipMessage::Request(invite)))) = invite else {
            panic!("not a request: {invite:?}");
        };
        far.write_all(answer(&invite, 200, "").as_bytes())
            .await
            .unwrap();
        let SessionEvent { session, what, .. } = opening.events.recv().await.unwrap();
        assert!(matches!(what, SessionEventKind::Opened(_)));
        let event = || Notify {
            session,
            content: Body::Whole(Bytes::from_static(b"<OutOfServiceEvent/>")),
        };
        let mut buffer = vec![0; 1 << 20];
        // Every event is read and none answered. The INVITE counts too, since its 200 may be repeated (RFC 6026, section 7.2).
        for sent in 1..BOUND {
            opening.connection.send(event()).await.unwrap();
            if sent % 256 == 0 {
                assert!(far.read(&mut buffer).await.unwrap() > 0);
            }
        }
        assert!(
            opening.ended.try_recv().is_err(),
            "as many as allowed are unanswered"
        );
        opening.connection.send(event()).await.unwrap();
        let reason = timeout(Duration::from_secs(10), opening.ended.recv()).await;
        let reason = reason.expect("one more ends the connection").unwrap();
        assert_eq!(reason, "limits.client_unanswered events are unanswered");
    });
}
