//! How many messages a connection delivers in a turn.

use std::task::Waker;

use tokio::io::AsyncWriteExt as _;
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
