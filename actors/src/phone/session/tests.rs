//! Tests of the session machine: what each event has the phone's actor do, and when the next attempt is due.

use tokio::sync::oneshot;

use super::*;

const KEEP_ALIVE: Duration = Duration::from_secs(300);
const ID: SessionId = SessionId::NONE;

/// Plays events, and returns the effects of each, or, for `+`, the seconds until the machine is due, which pass.
fn play(session: &mut PhoneSession, now: &mut Duration, steps: &str) -> String {
    let rejected = |retry_after: Option<u64>, outlook| SessionInput::Rejected {
        cause: Cause::Opening,
        retry_after: retry_after.map(Duration::from_secs),
        outlook,
    };
    let unusable = || Unusable {
        cause: Cause::Opening,
        outlook: Outlook::Passing,
    };
    let accepted = || Accepted {
        edition: Some(Edition::Ed5),
        system: SystemState::Normal,
    };
    let status = |state, is_change| SessionInput::Status { state, is_change };
    let mut seen = Vec::new();
    for step in steps.split_whitespace() {
        let event = match step {
            "+" => {
                let due = session.next_due().unwrap_or(*now);
                seen.push(format!("{}s", (due - *now).as_secs()));
                *now = due;
                SessionInput::Due
            }
            "wanted" => SessionInput::Wanted,
            "unwanted" => SessionInput::Unwanted,
            "opened" => SessionInput::Opened(ID, Ok(accepted())),
            "disabled" => status(SystemState::Disabled, true),
            "enabled" => status(SystemState::Enabled, true),
            "messagesLost" => status(SystemState::MessagesLost, true),
            "normal" => status(SystemState::Normal, true),
            "says-disabled" => status(SystemState::Disabled, false),
            "says-enabled" => status(SystemState::Enabled, false),
            "useless" => SessionInput::Opened(ID, Err(unusable())),
            "prepared" => SessionInput::Prepared,
            "kept" => SessionInput::KeptAlive,
            "lost" => SessionInput::Ended(SessionEnd::ConnectionLost),
            "bye" => SessionInput::Ended(SessionEnd::Bye),
            "481" => SessionInput::Ended(SessionEnd::Unknown),
            "anew" => SessionInput::RegisteredAnew,
            "moved" => SessionInput::Moved(ID),
            "close" => SessionInput::Close("x".into()),
            "renew" => SessionInput::Renew("x".into()),
            "drain" => SessionInput::Drain(oneshot::channel().0),
            "restart" => SessionInput::Restart(oneshot::channel().0),
            "idle" => SessionInput::Idle,
            "due" => SessionInput::Due,
            "refused" => rejected(None, Outlook::Lasting),
            rejection => rejected(
                rejection
                    .strip_prefix("rejected")
                    .and_then(|s| s.parse().ok()),
                Outlook::Passing,
            ),
        };
        let effects = session.on(event, *now, KEEP_ALIVE);
        seen.extend(effects.iter().map(|effect| {
            let name = format!("{effect:?}");
            name.split(['(', ' ']).next().unwrap_or_default().to_owned()
        }));
    }
    seen.join(" ")
}

#[track_caller]
fn check(steps: &str, expected: &str) {
    let mut session = PhoneSession::new(Edition::Ed3);
    let mut now = Duration::ZERO;
    assert_eq!(play(&mut session, &mut now, steps), expected, "{steps}");
}

#[test]
fn a_session_is_opened_prepared_and_kept_alive() {
    check("wanted opened prepared", "Invite Prepare Ready");
    check("wanted wanted", "Invite");
    check(
        "wanted opened wanted prepared prepared",
        "Invite Prepare Ready",
    );
    check(
        "wanted opened prepared + due",
        "Invite Prepare Ready 300s KeepAlive",
    );
    check(
        "wanted opened prepared + kept + kept",
        "Invite Prepare Ready 300s KeepAlive Poll 300s KeepAlive Poll",
    );
    // A keep-alive that was under way when the dialog moved may be lost.
    check(
        "wanted opened prepared + moved +",
        "Invite Prepare Ready 300s KeepAlive 300s KeepAlive",
    );
    check("unwanted due", "");
}

#[test]
fn every_fifth_keep_alive_polls_all() {
    let mut session = PhoneSession::new(Edition::Ed3);
    play(
        &mut session,
        &mut Duration::default(),
        "wanted opened prepared",
    );
    let mut all = (1..=10).map(|_| session.on(SessionInput::KeptAlive, Duration::ZERO, KEEP_ALIVE));
    let all: Vec<bool> = all
        .by_ref()
        .map(|effects| effects.contains(&SessionEffect::Poll { all: true }))
        .collect();
    let expected: Vec<bool> = (1..=10).map(|number| number % 5 == 0).collect();
    assert_eq!(all, expected);
}

#[test]
fn failures_are_retried_with_back_off() {
    check(
        "wanted rejected + rejected + rejected +",
        "Invite Failed 1s Invite Failed 2s Invite Failed 4s Invite",
    );
    // The INVITE is given up after twice 64*T1 and a quarter.
    check("wanted + +", "Invite 72s Withdraw Failed 1s Invite");
    check("wanted useless +", "Invite Bye Failed 1s Invite");
    // A refusal that lasts is met less and less often, until the phone registers anew.
    let mut session = PhoneSession::new(Edition::Ed3);
    let mut now = Duration::ZERO;
    let seen = play(
        &mut session,
        &mut now,
        &format!("wanted {}", "refused + ".repeat(14)),
    );
    assert!(seen.contains("64s Invite Failed 128s Invite"), "{seen}");
    assert!(
        seen.ends_with("2048s Invite Failed 3600s Invite Failed 3600s Invite"),
        "{seen}"
    );
    assert_eq!(
        play(&mut session, &mut now, "refused anew refused +"),
        "Failed Invite Failed 1s Invite"
    );
    // A phone that registers anew while its INVITE has no answer is asked again when that one has failed.
    check(
        "wanted anew rejected3600 refused +",
        "Invite Invite Failed Failed 2s Invite",
    );
    check(
        "wanted anew + rejected +",
        "Invite 72s Withdraw Invite Failed Failed 2s Invite",
    );
    // A phone may ask for a longer wait, not for a shorter one.
    check("wanted rejected30 +", "Invite Failed 30s Invite");
    check(
        "wanted rejected + rejected1 +",
        "Invite Failed 1s Invite Failed 2s Invite",
    );
}

#[test]
fn a_lost_session_is_opened_again() {
    check(
        "wanted opened prepared bye +",
        "Invite Prepare Ready Lost Ended 1s Invite",
    );
    // After 481 at once, but only for the first failure.
    check(
        "wanted opened prepared 481 481 +",
        "Invite Prepare Ready Lost Invite Ended Lost Ended 2s Invite",
    );
    // The phone is about to be unbound.
    check(
        "wanted opened prepared lost + wanted",
        "Invite Prepare Ready Lost 0s Invite",
    );
}

#[test]
fn system_status_takes_the_phone_out_of_service_and_back() {
    let open = "wanted opened prepared";
    for (steps, expected) in [
        ("disabled disabled", "MonitorsLost OutOfService"),
        ("disabled normal normal", "MonitorsLost OutOfService Ready"),
        ("disabled enabled", "MonitorsLost OutOfService Ready"),
        ("enabled enabled", "MonitorsLost Ready MonitorsLost Ready"),
        (
            "messagesLost messagesLost",
            "EventsLost Poll EventsLost Poll",
        ),
        // In an answer, only what differs from before is a change.
        (
            "says-disabled says-disabled normal",
            "MonitorsLost OutOfService Ready",
        ),
        ("says-enabled says-enabled", "MonitorsLost Ready"),
        // The phone is asked whether it is there, but not for its calls.
        (
            "disabled + kept",
            "MonitorsLost OutOfService 300s KeepAlive",
        ),
        ("disabled bye", "MonitorsLost OutOfService Lost Ended"),
    ] {
        check(
            &format!("{open} {steps}"),
            &format!("Invite Prepare Ready {expected}"),
        );
    }
    check(
        "wanted opened disabled +",
        "Invite Prepare Bye Lost Failed 1s Invite",
    );
    check("disabled", "");
}

#[test]
fn new_registration_ends_the_back_off_and_probes_the_dialog() {
    check(
        "wanted rejected + rejected anew rejected +",
        "Invite Failed 1s Invite Failed Invite Failed 1s Invite",
    );
    check("wanted anew opened anew", "Invite Prepare ProbeDialog");
    // The phone no longer knows the dialog: the next session is opened at once, whatever happened before.
    check(
        "wanted rejected + opened prepared anew 481",
        "Invite Failed 1s Invite Prepare Ready ProbeDialog Lost Invite Ended",
    );
    check("anew", "");
}

#[test]
fn the_server_closes_and_renews_sessions() {
    check("close", "Lost");
    check("wanted close", "Invite Closed Withdraw Lost");
    check("wanted rejected close +", "Invite Failed Lost 0s");
    check("wanted opened close", "Invite Prepare Closed Bye Lost");
    check(
        "wanted opened prepared renew opened",
        "Invite Prepare Ready Closed Bye Lost Invite Prepare",
    );
    let mut session = PhoneSession::new(Edition::Ed3);
    play(&mut session, &mut Duration::default(), "wanted");
    let key = session.key();
    play(&mut session, &mut Duration::default(), "close");
    assert_ne!(
        session.key(),
        key,
        "events of the closed session are ignored"
    );
}

#[test]
fn draining_ends_a_session_when_it_is_idle() {
    check("wanted opened prepared idle", "Invite Prepare Ready");
    check(
        "wanted opened prepared drain idle idle",
        "Invite Prepare Ready Closed Bye Lost",
    );
    // A silent phone gets a BYE all the same.
    check(
        "wanted opened prepared drain due + due",
        "Invite Prepare Ready 1s Closed Bye Lost",
    );
    check("wanted drain idle", "Invite Closed Withdraw Lost");
    // A session that ends meanwhile is not opened again.
    for end in ["481", "bye"] {
        check(
            &format!("wanted opened prepared drain {end} + wanted"),
            "Invite Prepare Ready Lost Ended 0s Invite",
        );
    }
    for (steps, is_done) in [("", false), ("idle", true), ("bye", true), ("close", true)] {
        let mut session = PhoneSession::new(Edition::Ed3);
        let mut now = Duration::ZERO;
        play(&mut session, &mut now, "wanted opened prepared");
        let (sender, mut done) = oneshot::channel();
        session.on(SessionInput::Drain(sender), now, KEEP_ALIVE);
        play(&mut session, &mut now, steps);
        let is_open = Err(oneshot::error::TryRecvError::Empty);
        assert_eq!(done.try_recv() != is_open, is_done, "{steps}");
    }
}

#[test]
fn restart_drains_the_session_and_opens_the_next_at_once() {
    let open = "wanted opened prepared";
    for (steps, expected) in [
        ("restart idle", "Closed Bye Lost Invite Restarted"),
        // A silent phone gets a BYE all the same.
        ("restart +", "1s Closed Bye Lost Invite Restarted"),
        // It is restarted once, and not any more when the server stops.
        (
            "restart restart idle idle",
            "Closed Bye Lost Invite Restarted",
        ),
        ("restart drain idle", "Closed Bye Lost"),
        // The session ends meanwhile.
        ("restart 481", "Lost Ended Invite Restarted"),
        ("restart lost", "Lost"),
        ("restart close", "Closed Bye Lost"),
    ] {
        check(
            &format!("{open} {steps}"),
            &format!("Invite Prepare Ready {expected}"),
        );
    }
    check(
        "wanted opened restart prepared idle",
        "Invite Prepare Closed Bye Lost Invite Restarted",
    );
    // Without a session the next attempt is made at once, and its failure counts as the first.
    check(
        "wanted rejected + rejected restart rejected +",
        "Invite Failed 1s Invite Failed Lost Invite Restarted Failed 1s Invite",
    );
    check(
        "wanted restart",
        "Invite Closed Withdraw Lost Invite Restarted",
    );
    check("restart", "");
    let mut session = PhoneSession::new(Edition::Ed3);
    let mut now = Duration::ZERO;
    play(&mut session, &mut now, "wanted opened prepared");
    assert!(session.serves_clients());
    let (sender, mut done) = oneshot::channel();
    session.on(SessionInput::Restart(sender), now, KEEP_ALIVE);
    assert!(session.is_restarting() && session.is_coming() && !session.serves_clients());
    assert_eq!(done.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    play(&mut session, &mut now, "idle");
    assert_eq!(done.try_recv(), Err(oneshot::error::TryRecvError::Closed));
}

#[test]
fn the_edition_is_the_phones() {
    let mut session = PhoneSession::new(Edition::Ed3);
    play(&mut session, &mut Duration::default(), "wanted opened bye");
    assert_eq!(session.edition(), Edition::Ed5);
    session.reset(Edition::Ed2);
    assert_eq!(session.edition(), Edition::Ed2);
}
