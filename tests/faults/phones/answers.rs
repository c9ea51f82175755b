//! Phones that answer late, wrongly or not at all: the client gets one answer and retries back off.

use std::time::{Duration, Instant};

use super::{LISTED, MAC, NEIGHBOUR, call, hears, logged, phone_of, serving, watched};
use crate::support::{
    PATIENCE,
    csta::{Document, document, element, failure},
    phone::{Phone, Reaction},
    server::Server,
    sip::Message,
    wire::final_of,
};

/// The category and value of the error in an answer.
fn error(answer: &Message) -> (String, String) {
    let document = Document::read(&answer.body);
    assert_eq!(document.name(), "CSTAErrorCode", "{}", document.raw);
    let reason = &document.root.children[0];
    (reason.local().to_owned(), reason.text.clone())
}

const CHALLENGE: &[(&str, &str)] = &[(
    "Proxy-Authenticate",
    "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"",
)];

fn out_of_service() -> (String, String) {
    let (category, value) = ("systemResourceAvailibility", "deviceOutOfService");
    (category.to_owned(), value.to_owned())
}

/// A4, A5: while one phone lets its client wait, others are served: a hundred requests, the slowest within a second
/// (100 ms are promised on a quiet machine; `load` measures them).
#[tokio::test]
async fn silent_phone_does_not_delay_other_lines() {
    let server = Server::with(|settings| {
        settings.advanced.request_timeout = Duration::from_secs(3);
        settings.limits.pending_requests_per_phone = 2;
    });
    let (silent, _, _) = watched(&server).await;
    let neighbour = server.phone(NEIGHBOUR);
    neighbour.start().await;
    let session = server.client().await.open_server().await;
    silent.once("GetDoNotDisturb", Reaction::Silence);
    let ask = |phone: &Phone| session.begin("GetDoNotDisturb", &element("device", phone.line()));
    let begun = Instant::now();
    let mut first = ask(&silent);
    silent.until_received("GetDoNotDisturb", 1).await;
    let mut waiting = [ask(&silent), ask(&silent)];
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let asked = Instant::now();
        final_of(&mut ask(&neighbour)).await.unwrap().expect(200);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let answer = final_of(&mut first).await.unwrap().expect(200);
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(error(&answer), out_of_service());
    for answer in &mut waiting {
        final_of(answer).await.unwrap().expect(200);
    }
    // One answer each, nothing waits any more, and there is room again for as many as may wait.
    assert!(first.try_recv().is_err());
    let mut again = [ask(&silent), ask(&silent)];
    for answer in &mut again {
        let answer = final_of(answer).await.unwrap().expect(200);
        assert_eq!(
            Document::read(&answer.body).name(),
            "GetDoNotDisturbResponse"
        );
    }
}

/// A8: 408 is the end of the dialog, as 481 is, but it does not prove that nothing was done (RFC 3261, section 12.2.1.2).
#[tokio::test]
async fn status_408_ends_the_dialog_and_the_request_is_not_repeated() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.once("MakeCall", Reaction::Status(408, &[]));
    let inner = element("callingDevice", phone.line()) + &element("calledDirectoryNumber", "102");
    let mut asked = session.begin("MakeCall", &inner);
    let answer = final_of(&mut asked).await.unwrap().expect(200);
    error(&answer);
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    phone.event(&call(&phone).originated()).await.expect(200);
    hears(&mut session, &reference, &["OriginatedEvent"]).await;
    assert_eq!((phone.count("MakeCall"), phone.count("INVITE")), (1, 2));
}

/// A7: 481 is the end of the dialog, and proves that nothing was done: session, monitor and request come again within 2 s.
#[tokio::test]
async fn recovery_after_481_takes_at_most_2_s() {
    let server = Server::start();
    let (phone, session, _) = watched(&server).await;
    phone.once("GetDoNotDisturb", Reaction::Status(481, &[]));
    let begun = Instant::now();
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    phone.until_received("MonitorStart", 2).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    let counts = (phone.count("GetDoNotDisturb"), phone.count("INVITE"));
    assert_eq!(counts, (2, 2));
}

/// A6: a request that crosses one of the phone's is sent again after 2.1 to 4 s, since the Call-ID is the server's (RFC 3261
/// section 14.1); the phones open no dialog, so the server is never the other side. A second is for a busy machine.
#[tokio::test]
async fn retry_after_491_waits_2_1_to_4_s() {
    let server = Server::start();
    let (phone, session, _) = watched(&server).await;
    phone.once("GetDoNotDisturb", Reaction::Status(491, &[]));
    let begun = Instant::now();
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    let took = begun.elapsed().as_millis();
    assert!((2100..5000).contains(&took), "{took} ms");
    assert_eq!(phone.count("GetDoNotDisturb"), 2);
}

/// A9: whoever asks to be left alone is, for all of its time, and is not taken for dead by a keep-alive that falls into it.
#[tokio::test]
async fn retry_after_defers_liveness_check() {
    let server = Server::with(|settings| {
        settings.advanced.keep_alive = Duration::from_millis(300);
        settings.advanced.request_timeout = Duration::from_millis(500);
    });
    let (phone, mut session, _) = watched(&server).await;
    phone.once(
        "GetDoNotDisturb",
        Reaction::Status(503, &[("Retry-After", "3")]),
    );
    session
        .refused("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    let (begun, before) = (Instant::now(), phone.count("INFO"));
    // A request that would wait in vain is refused at once.
    let refused = session
        .refused("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    assert_eq!(refused.1, "resourceBusy");
    assert_eq!(phone.count("INFO"), before);
    phone.until_received("INFO", before + 1).await;
    assert!(begun.elapsed() >= Duration::from_millis(2900));
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    assert!(session.quiet(), "the line was in service all the time");
}

/// A9: who comes back after that has forgotten what it wished: its session does not wait.
#[tokio::test]
async fn reboot_cancels_retry_after() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.once(
        "GetDoNotDisturb",
        Reaction::Status(503, &[("Retry-After", "600")]),
    );
    session
        .refused("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    phone.reboot();
    phone.start().await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
}

/// A10: a proof that the phone does not take is shown to it twice at most, and then its client gets an error.
#[tokio::test]
async fn repeated_challenges_of_info_are_limited() {
    let server = Server::start();
    let (phone, session, _) = watched(&server).await;
    phone.always("GetDoNotDisturb", Reaction::Status(407, CHALLENGE));
    let asked = element("device", phone.line());
    session.refused("GetDoNotDisturb", &asked).await;
    let tries = phone.count("GetDoNotDisturb");
    assert!((2..=3).contains(&tries), "{tries} tries");
    phone.relent("GetDoNotDisturb");
    session.done("GetDoNotDisturb", &asked).await;
}

/// A11: each 200 to the INVITE gets its ACK, however often it comes (RFC 3261, section 13.2.2.4), and makes no dialog more.
#[tokio::test]
async fn retransmitted_200_is_acknowledged_again() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let invite = phone.until_received("INVITE", 1).await.message;
    let (dialog, wire) = (
        phone.until("a dialog", |state| state.dialog.clone()).await,
        phone.wire().await,
    );
    let mut again = invite
        .answer(200, "OK")
        .set("To", &dialog.local)
        .with(
            "Contact",
            format!("<sip:{MAC}@{};transport=tcp>", wire.local),
        )
        .csta(document(
            "ed3",
            "RequestSystemStatusResponse",
            &element("systemStatus", "normal"),
        ));
    for nth in 2..=8 {
        again = again.with("X-Copy", nth);
        wire.send(&again);
        let ack = phone.until_received("ACK", nth).await.message;
        assert_eq!(ack.cseq(), invite.cseq());
        assert_eq!(ack.must("To"), dialog.local);
    }
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let counts = (
        phone.count("INVITE"),
        phone.count("BYE"),
        phone.count("ACK"),
    );
    assert_eq!(counts, (1, 0, 8));
}

/// A15: a monitor that the phone refuses for now is asked for again after 1 s and 2 s; one that it will never have is given up.
#[tokio::test]
async fn refused_monitor_start_backs_off_or_is_abandoned() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let busy = || {
        let busy = failure("ed3", "systemResourceAvailibility", "resourceBusy");
        phone.once("MonitorStart", Reaction::Document(busy));
    };
    busy();
    busy();
    let mut session = server.client().await.open(phone.line()).await;
    let begun = Instant::now();
    let reference = session.monitor(phone.line()).await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(phone.count("MonitorStart"), 3);
    assert_eq!(server.list().await["monitoredLines"], 1);
    session.unwatch(&reference).await;
    phone.until_received("MonitorStop", 1).await;

    for never in ["serviceNotSupported", "invalidDeviceID"] {
        let never = failure("ed3", "operation", never);
        phone.once("MonitorStart", Reaction::Document(never));
        let reference = session.monitor(phone.line()).await;
        hears(&mut session, &reference, &["MonitorStop"]).await;
        let wait = async { while server.list().await["monitoredLines"] != 0 {} };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("the line gives its seat back");
    }
}

/// A12: a phone that ends each session as soon as it stands gets the next after 1 s, 2 s and so on, not in a tight loop.
#[tokio::test]
async fn immediately_ended_sessions_are_reopened_with_back_off() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let begun = Instant::now();
    for nth in 2..=3 {
        phone.bye().await.expect(200);
        phone.until_received("INVITE", nth).await;
        phone.in_session().await;
    }
    assert!(begun.elapsed() >= Duration::from_secs(3));
}

/// A15, A21: a phone that ends each monitor as soon as it runs is asked for it at once, then after 2 s, not in a tight loop.
#[tokio::test]
async fn immediately_ended_monitors_are_restarted_with_back_off() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    let begun = Instant::now();
    for _ in 0..2 {
        phone.stop_monitor().await.expect(200);
        hears(
            &mut session,
            &reference,
            &["OutOfServiceEvent", "BackInServiceEvent"],
        )
        .await;
    }
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(phone.count("MonitorStart"), 3);
}

/// A16: what is no answer to what was asked is an error, said in the log with the phone's name, and nothing else happens.
#[tokio::test]
async fn invalid_response_becomes_an_error_and_is_logged() {
    let server = serving("[logs]\nlevel = \"debug\"\n");
    let phone = phone_of(&server, MAC, |_| {});
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    let asked = element("device", phone.line());
    let response = |name: &str| document("ed3", name, "");
    for answer in [
        Reaction::Status(200, &[]),
        Reaction::Document("no XML".to_owned()),
        Reaction::Document("<html><body>200</body></html>".to_owned()),
        Reaction::Document("<GetDoNotDisturbResponse".to_owned()),
        Reaction::Document(response("GetForwardingResponse")),
        Reaction::Document(response("DeliveredEvent")),
        Reaction::Document(response("CSTAErrorCode")),
        Reaction::Document(response("GetDoNotDisturb")),
    ] {
        phone.once("GetDoNotDisturb", answer);
        let refused = session.refused("GetDoNotDisturb", &asked).await;
        assert_eq!(refused, ("operation".to_owned(), "generic".to_owned()));
    }
    logged(
        &server,
        &[LISTED, "GetDoNotDisturb", "invalid response from phone"],
    )
    .await;

    // A monitor without a cross reference is none: it is asked for again.
    phone.once(
        "MonitorStart",
        Reaction::Document(response("MonitorStartResponse")),
    );
    let reference = session.monitor(phone.line()).await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    logged(&server, &[LISTED, "line is not monitored"]).await;
    assert_eq!((phone.count("MonitorStart"), phone.count("INVITE")), (2, 1));
}

/// A16: a second line's monitor under the first one's cross reference is none, since no event would tell which line it is of.
#[tokio::test]
async fn duplicate_cross_reference_of_two_lines_is_rejected() {
    let server = serving("");
    let phone = phone_of(&server, MAC, |setup| {
        setup.identities.push("sip:0005@pbx.example".to_owned());
    });
    phone.start().await;
    let client = server.client().await;
    let [mut one, mut other] = [client.open_server().await, client.open_server().await];
    let reference = one.watch(phone.line()).await;
    let shared = element("monitorCrossRefID", &phone.monitored().await);
    let second = "sip:0005@pbx.example";
    phone.once(
        "MonitorStart",
        Reaction::Document(document("ed3", "MonitorStartResponse", &shared)),
    );
    let others = other.monitor(second).await;
    hears(&mut other, &others, &["OutOfServiceEvent"]).await;
    logged(&server, &[LISTED, "line is not monitored", second]).await;
    phone.event(&call(&phone).originated()).await.expect(200);
    hears(&mut one, &reference, &["OriginatedEvent"]).await;
    // It is asked for again, and the first line's is left alone.
    hears(&mut other, &others, &["BackInServiceEvent"]).await;
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (3, 0)
    );
    let left = phone.until("monitors", |state| Some(state.monitors.clone()));
    assert_eq!(left.await.len(), 2);
}
