//! How many messages a connection delivers in a turn, and how it ends.

use std::task::Waker;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uacsta_schema::sip::codec::MessageLimits;

use super::*;

/// How many frames a turn gives out, and how many answers beside them, when so many requests were sent and this came.
#[track_caller]
fn check(requests: usize, came: &str, frames: usize, answers: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let codec = Codec::new(MessageLimits::default());
        let mut stream =
            StreamTransport::new(Box::new(near), codec, 1 << 20, Duration::from_secs(20));
        for _ in 0..requests {
            stream.request(|_| ());
        }
        far.write_all(came.as_bytes()).await.expect("there is room");
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut taken, mut beside) = (0, 0);
        while let Poll::Ready(Some(Ok(_))) = stream.poll(cx) {
            taken += 1;
            while stream.response().is_some() {
                beside += 1;
            }
        }
        assert_eq!((taken, beside), (frames, answers), "{requests} requests");
    });
}

#[test]
fn a_turn_takes_eight_frames_and_the_answers_to_what_was_sent() {
    let rest = "Via: SIP/2.0/TCP a\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@a>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n";
    let answer = format!("SIP/2.0 200 OK\r\n{rest}");
    let request = format!("INFO sip:a SIP/2.0\r\n{rest}");
    check(0, "", 0, 0);
    check(0, &request.repeat(100), 8, 0);
    check(100, &request.repeat(100), 8, 0);
    check(0, &answer.repeat(100), 8, 0);
    check(100, &answer.repeat(100), 1, 99);
    // Who answers what was not asked has the share of a turn that all have.
    check(20, &answer.repeat(100), 8, 19);
    // Each answer that comes after a request of the peer's is taken with it.
    check(100, &format!("{request}{answer}{answer}").repeat(20), 8, 16);
    check(100, &answer[..40], 0, 0);
    check(5000, &answer.repeat(5000), 8, 4096);
}

#[actix::test]
async fn a_peer_that_still_sends_gets_the_last_message_without_a_reset() {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let codec = Codec::new(MessageLimits::default());
    let mut stream = StreamTransport::new(Box::new(near), codec, 1 << 20, Duration::from_secs(20));
    // Never read by the server, as a response that is on its way.
    far.write_all(b"SIP/2.0 200 OK\r\n")
        .await
        .expect("there is room");
    stream.compose(|out| out.extend_from_slice(b"BYE"));
    stream.shut_down();
    drop(stream);
    for _ in 0..5 {
        far.write_all(b"SIP/2.0 200 OK\r\n")
            .await
            .expect("no reset");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut last = String::new();
    far.read_to_string(&mut last).await.expect("no reset");
    assert_eq!(last, "BYE");
    // Who goes on for longer is cut off.
    let cut_off = async {
        while far.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let is_cut_off = tokio::time::timeout(Duration::from_secs(5), cut_off).await;
    is_cut_off.expect("the connection is closed");
}
