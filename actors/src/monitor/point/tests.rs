//! Tests of a monitor point: what it does, played event by event.

use uacsta_schema::sip::Status;

use super::*;

/// `7` is the phone's answer to MonitorStart with that cross reference, `3s` a time that passes; the others are events by name.
fn event(word: &str) -> MonitorEvent {
    match word {
        "join" => MonitorEvent::Joined,
        "leave" => MonitorEvent::Left(1),
        "ready" => MonitorEvent::PhoneReady,
        "away" => MonitorEvent::PhoneAway,
        "gone" => MonitorEvent::LineGone,
        "late" => MonitorEvent::Answered(Err(Refusal::TimedOut)),
        "never" => MonitorEvent::Answered(Err(Refusal::Refused(Status::NOT_IMPLEMENTED))),
        "stopped" => MonitorEvent::Stopped,
        "unheard" => MonitorEvent::Unheard,
        "in" => MonitorEvent::InService(true),
        "out" => MonitorEvent::InService(false),
        "due" => MonitorEvent::RetryDue,
        "granted" => MonitorEvent::Permit { granted: true },
        "refused" => MonitorEvent::Permit { granted: false },
        "withdrawn" => MonitorEvent::PermitWithdrawn,
        "restarted" => MonitorEvent::LicensingRestarted,
        "drained" => MonitorEvent::Drained,
        cross_ref => MonitorEvent::Answered(Ok(MonitorCrossRefId::from(cross_ref))),
    }
}

fn word(effect: MonitorEffect) -> String {
    match effect {
        MonitorEffect::RequestPermit => "permit?".into(),
        MonitorEffect::ReleasePermit => "release".into(),
        MonitorEffect::Unlicensed => "unlicensed".into(),
        MonitorEffect::Start => "START".into(),
        MonitorEffect::Stop(cross_ref) => format!("STOP-{}", cross_ref.as_str()),
        MonitorEffect::Drain => "drain".into(),
        MonitorEffect::RetryIn(wait, _) => format!("retry-{}s", wait.as_secs()),
        MonitorEffect::Monitored => "all-in".into(),
        MonitorEffect::OutOfService => "all-out".into(),
        MonitorEffect::Greet { in_service: true } => "greet-in".into(),
        MonitorEffect::Greet { in_service: false } => "greet-out".into(),
        MonitorEffect::GiveUp(_) => "give-up".into(),
        MonitorEffect::End => "end".into(),
    }
}

/// The effects of events, in one line.
fn play(point: &mut MonitorPoint, events: &str) -> String {
    let mut now = Duration::from_secs(1);
    let mut effects = Vec::new();
    for name in events.split_whitespace() {
        let seconds = name.strip_suffix('s').and_then(|time| time.parse().ok());
        if let Some(seconds) = seconds {
            now += Duration::from_secs(seconds);
        } else {
            effects.extend(point.on(event(name), now).into_iter().map(word));
        }
    }
    effects.join(" ")
}

/// What events do after others; those before do what another row says.
#[track_caller]
fn check(before: &str, events: &str, expected: &str) {
    let mut point = MonitorPoint::default();
    play(&mut point, before);
    assert_eq!(play(&mut point, events), expected, "{before} | {events}");
}

const STARTING: &str = "ready join granted";
const ACTIVE: &str = "ready join granted 7";

#[test]
fn the_first_subscriber_gets_a_permit_then_the_phone_is_asked() {
    check("ready", "join granted 7", "permit? START all-in");
    check("ready", "join join granted 7", "permit? START all-in");
    check("", "join granted ready 7", "permit? greet-out START all-in");
    check(
        "",
        "join ready granted 7",
        "permit? greet-out permit? START all-in",
    );
}

#[test]
fn a_subscriber_that_comes_later_hears_what_the_others_know() {
    check(STARTING, "join 7", "all-in");
    check(ACTIVE, "join", "greet-in");
    check(ACTIVE, "out join", "greet-out");
    check(ACTIVE, "out in join", "greet-in");
    check("ready join granted late", "join", "greet-out");
    check("ready join refused", "join", "greet-out");
    check("ready join granted 7 away", "join", "greet-out");
}

#[test]
fn the_last_subscriber_to_leave_ends_the_point_and_gives_the_permit_back() {
    check(ACTIVE, "join leave", "greet-in");
    check(ACTIVE, "leave", "release end");
    check("join", "leave", "release end");
    check("ready join", "leave granted", "release end release");
    check("ready join granted late", "leave due", "release end");
    check(ACTIVE, "leave leave", "release end");
}

/// The end was asked for while a client was on its way: the point goes on.
#[test]
fn a_point_that_does_not_end_goes_on() {
    check(
        "ready join granted 7 leave",
        "join granted",
        "permit? greet-in",
    );
    check(
        "join leave",
        "join granted ready",
        "permit? greet-out START",
    );
    check(
        "ready join granted never",
        "join granted 8",
        "permit? START all-in",
    );
    check(
        "ready join granted late leave",
        "join granted",
        "permit? START",
    );
}

#[test]
fn who_joins_during_a_monitor_start_for_one_who_left_gets_that_monitor() {
    check(STARTING, "leave join granted 7", "release permit? all-in");
    check(
        STARTING,
        "leave join granted leave join granted leave join granted 7",
        "release permit? release permit? release permit? all-in",
    );
    check(STARTING, "leave join 7 granted", "release permit? all-in");
}

#[test]
fn a_monitor_that_starts_when_nobody_is_there_is_stopped() {
    check(STARTING, "leave 7", "release end");
    check(STARTING, "leave late", "release end");
    check(STARTING, "leave never", "release end");
    check(STARTING, "leave away", "release end");
    check(
        STARTING,
        "leave join leave 7",
        "release permit? release end",
    );
}

#[test]
fn a_refusal_goes_to_the_subscribers_of_its_moment() {
    check(STARTING, "never", "give-up release end");
    check(
        STARTING,
        "leave join granted never",
        "release permit? give-up release end",
    );
    check(STARTING, "late", "retry-1s all-out");
}

#[test]
fn a_line_has_one_monitor_and_any_other_is_stopped() {
    check(ACTIVE, "8", "STOP-8");
    // Some phones have one monitor of a line, however often they are asked.
    check(ACTIVE, "7", "");
    // Answers that came after their time: before the next attempt, during it, after it.
    check("ready join granted late", "7 due 8", "STOP-7 START all-in");
    check("ready join granted late due", "7 8", "all-in STOP-8");
    check("ready join granted late due 8", "7", "STOP-7");
    check("ready join granted away", "7", "STOP-7");
    check("ready join granted gone", "7", "STOP-7");
}

#[test]
fn attempts_that_fail_are_repeated_less_and_less_often() {
    check(
        STARTING,
        "late due late due late due 7",
        "retry-1s all-out START retry-2s all-out START retry-4s all-out START all-in",
    );
    // The phone has been away meanwhile.
    check(
        "ready join granted late due late",
        "away ready late",
        "all-out START retry-1s all-out",
    );
    // The phone lists its lines anew.
    check("ready join granted late", "ready due", "START");
}

#[test]
fn a_monitor_that_the_phone_ends_is_started_again() {
    check(ACTIVE, "stopped 8", "all-out START all-in");
    check(
        ACTIVE,
        "0s stopped 8 0s stopped due 9",
        "all-out START all-in all-out retry-2s START all-in",
    );
    check(
        ACTIVE,
        "stopped 8 100s stopped",
        "all-out START all-in all-out START",
    );
    check(ACTIVE, "leave stopped", "release end end");
    check(STARTING, "stopped 7", "all-in");
}

#[test]
fn a_monitor_that_tells_nothing_of_a_call_is_stopped_and_started_again() {
    check(ACTIVE, "unheard 8", "STOP-7 all-out START all-in");
    check(STARTING, "unheard", "");
    check("ready join granted 7 away", "unheard", "");
}

#[test]
fn a_phone_that_comes_back_is_asked_again() {
    check(ACTIVE, "away ready 7", "all-out START all-in");
    check(STARTING, "away ready 7", "all-out START all-in");
    check(ACTIVE, "ready", "");
    check(STARTING, "ready", "");
    check("ready join granted late", "away due ready", "all-out START");
}

#[test]
fn a_line_that_leaves_its_phone_is_out_of_service_and_its_monitor_stopped() {
    check(ACTIVE, "gone ready 8", "STOP-7 all-out START all-in");
    check(STARTING, "gone 7", "all-out STOP-7");
    check("join", "gone", "all-out");
}

#[test]
fn a_line_without_a_licence_waits_for_one() {
    check("ready", "join refused", "permit? unlicensed all-out");
    check("ready join refused", "refused", "");
    check("ready join refused", "granted 7", "START all-in");
    check("join refused", "ready refused", "permit?");
    check("ready join refused", "leave", "release end");
    check(
        "ready join refused",
        "leave join refused",
        "release end permit? unlicensed all-out",
    );
    check("ready join refused", "restarted", "permit?");
    check(ACTIVE, "restarted", "");
    check("ready", "restarted", "");
}

#[test]
fn a_permit_that_is_withdrawn_ends_the_monitor_after_its_calls() {
    check(ACTIVE, "withdrawn granted", "permit?");
    check(
        ACTIVE,
        "withdrawn refused drained",
        "permit? unlicensed drain STOP-7 all-out",
    );
    check(
        ACTIVE,
        "withdrawn refused drained granted",
        "permit? unlicensed drain STOP-7 all-out START",
    );
    // A permit comes, or the subscribers leave, or the phone, while the last call goes on.
    check(
        ACTIVE,
        "withdrawn refused granted drained",
        "permit? unlicensed drain",
    );
    check(
        ACTIVE,
        "withdrawn refused leave drained",
        "permit? unlicensed drain release end",
    );
    check(
        ACTIVE,
        "withdrawn refused away drained ready",
        "permit? unlicensed drain all-out permit?",
    );
    check(
        ACTIVE,
        "withdrawn refused stopped",
        "permit? unlicensed drain all-out",
    );
    // The phone is at its MonitorStart.
    check(
        STARTING,
        "withdrawn refused drained 7",
        "permit? unlicensed drain all-out STOP-7",
    );
    check(
        "ready join granted late",
        "withdrawn refused due",
        "permit? unlicensed all-out",
    );
}

#[test]
fn the_successor_of_a_point_that_panicked_goes_on_with_its_subscribers() {
    #[track_caller]
    fn check(has_permit: bool, events: &str, expected: &str) {
        let mut point = MonitorPoint::inherited(2, has_permit);
        assert_eq!(play(&mut point, events), expected, "{events}");
    }
    check(true, "ready 7", "START all-in");
    check(false, "ready granted 7", "permit? START all-in");
    check(false, "restarted granted ready", "permit? START");
    check(true, "ready leave leave", "START release");
}
