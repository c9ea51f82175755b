//! Tests of the emulated services, as dialogues of a client's requests and a phone's answers.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use uacsta_schema::csta::{self, Dialect, Document, Message, ServiceId};

use super::*;
use crate::monitor::Calls;

/// A phone and its line 101, whose emulated services a test requests.
struct Script {
    emulation: Emulation,
    capabilities: Capabilities,
    calls: Option<Calls>,
    is_monitored: bool,
    hidden: Vec<DeviceId>,
    pickup_code: &'static str,
    step: Option<EmulationStep>,
    now: Duration,
}

impl Script {
    /// An unmonitored line of a phone that lacks some services.
    fn without(lacking: &[ServiceId]) -> Self {
        let mut capabilities = Capabilities::generic();
        for service in lacking {
            capabilities.proved(*service, false);
        }
        Self {
            emulation: Emulation::default(),
            capabilities,
            calls: None,
            is_monitored: false,
            hidden: Vec::new(),
            pickup_code: "*8{number}",
            step: None,
            now: Duration::ZERO,
        }
    }

    /// A monitored line, whose monitor sent these events.
    fn monitored(mut self, events: &[&str]) -> Self {
        let mut calls = Calls::default();
        for event in events {
            calls.observe(&DeviceId::from("101"), &read(event));
        }
        self.calls = Some(calls);
        self.is_monitored = true;
        self
    }

    /// A client's request, and what follows from it.
    fn request(&mut self, xml: &str) -> Vec<String> {
        let Ok(Message::Request(request)) = read(xml).message() else {
            panic!("{xml} is no request");
        };
        self.on(EmulationEvent::Requested(request))
    }

    /// The phone's answer to the request of the last step, and what follows from it.
    fn answer(&mut self, xml: &str) -> Vec<String> {
        self.answered(Ok(read(xml)))
    }

    fn answered(&mut self, answer: Result<Document, Refusal>) -> Vec<String> {
        let step = self.step.take().expect("the phone was asked");
        self.on(EmulationEvent::Answered(step, answer))
    }

    fn on(&mut self, event: EmulationEvent) -> Vec<String> {
        let (line, other) = (DeviceId::from("101"), DeviceId::from("102"));
        let view = PhoneView {
            line: &line,
            calls: self.calls.as_ref(),
            is_monitored: self.is_monitored,
            capabilities: &self.capabilities,
            lines: &[line.clone(), other],
            hidden: &self.hidden,
            user_agent: Some("Acme X1/2.0"),
            pickup_code: self.pickup_code,
        };
        let outcome = self.emulation.on(event, &view, self.now);
        let next = match outcome.next {
            NextStep::Ask(step, request) => {
                self.step = Some(step);
                format!("ask {}", words(&request.into()))
            }
            NextStep::Answer(Ok(response)) => format!("answer {}", words(&response)),
            NextStep::Answer(Err(refusal)) => format!("refuse {}", name(&refusal)),
        };
        [next].into_iter().chain(told(&outcome.effects)).collect()
    }

    /// Time passes.
    fn at(&mut self, seconds: u64) -> Vec<String> {
        self.now = Duration::from_secs(seconds);
        told(&self.emulation.expire(self.now))
    }
}

fn read(xml: &str) -> Document {
    Document::read(Bytes::from(xml.to_owned())).unwrap()
}

fn told(effects: &[EmulationEffect]) -> Vec<String> {
    let told = effects.iter().map(|effect| match effect {
        EmulationEffect::Notify(line, event) => {
            format!("notify {line} {}", words(&event.clone().into()))
        }
        EmulationEffect::Rollback(request) => {
            format!("rollback {}", words(&request.clone().into()))
        }
        EmulationEffect::WakeAt(at) => format!("wake {}", at.as_secs()),
    });
    told.collect()
}

/// The name of a message and the texts in it, but for cross references.
fn words(message: &Message) -> String {
    let written = csta::write(message, &Dialect::default());
    let xml = String::from_utf8_lossy(&written).into_owned();
    let texts = xml.split('<').filter_map(|piece| {
        let (element, text) = piece.split_once('>')?;
        let is_told = !text.trim().is_empty() && !element.starts_with("monitorCrossRefID");
        is_told.then_some(text)
    });
    [message.name()]
        .into_iter()
        .chain(texts)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The variant of a refusal.
fn name(refusal: &Refusal) -> String {
    let debug = format!("{refusal:?}");
    let end = debug.find(|c: char| !c.is_alphanumeric());
    debug[..end.unwrap_or(debug.len())].to_owned()
}

const ALTERNATE: &str = "<AlternateCall><heldCall><callID>2</callID><deviceID>101</deviceID></heldCall>\
    <activeCall><callID>1</callID><deviceID>101</deviceID></activeCall></AlternateCall>";
const RECONNECT: &str = "<ReconnectCall><activeCall><callID>1</callID><deviceID>101</deviceID></activeCall>\
    <heldCall><callID>2</callID><deviceID>101</deviceID></heldCall></ReconnectCall>";
const SNAPSHOT_DEVICE: &str =
    "<SnapshotDevice><snapshotObject>101</snapshotObject></SnapshotDevice>";
const GET_INDICATOR: &str =
    "<GetMessageWaitingIndicator><device>101</device></GetMessageWaitingIndicator>";
const PHYSICAL_INFORMATION: &str =
    "<GetPhysicalDeviceInformation><device>101</device></GetPhysicalDeviceInformation>";
const LOGICAL_INFORMATION: &str =
    "<GetLogicalDeviceInformation><device>101</device></GetLogicalDeviceInformation>";
const SET_INDICATOR: &str = "<SetMessageWaitingIndicator><device>101</device><messageWaitingOn>true</messageWaitingOn></SetMessageWaitingIndicator>";
const SNAPSHOT_CALL: &str = "<SnapshotCall><snapshotObject><callID>2</callID><deviceID>101</deviceID></snapshotObject></SnapshotCall>";
const PICKUP: &str = "<DirectedPickupCall><callToBePickedUp><callID>7</callID><deviceID>102</deviceID></callToBePickedUp>\
    <requestingDevice>101</requestingDevice></DirectedPickupCall>";
const PARTIAL: &str = "<MakeCall><callingDevice>101</callingDevice><calledDirectoryNumber>0;</calledDirectoryNumber></MakeCall>";

/// `Established` of call 2, or `Held`, at line 101.
fn event(name: &str) -> String {
    let connection = name.to_lowercase();
    format!(
        "<{name}Event><{connection}Connection><callID>2</callID><deviceID>101</deviceID></{connection}Connection></{name}Event>"
    )
}

fn digits(sequence: &str) -> String {
    format!(
        "<DialDigits><diallingConnection><callID>dialling-1</callID><deviceID>101</deviceID></diallingConnection>\
         <diallingSequence>{sequence}</diallingSequence></DialDigits>"
    )
}

#[test]
fn two_requests_make_one_or_leave_things_as_they_were() {
    /// The answers of the phone: `+` done, `-` refused, `?` none in time, `x` lost.
    #[track_caller]
    fn check(request: &str, answers: &str, expected: &[&str]) {
        let mut script = Script::without(&[]);
        let mut told = script.request(request);
        for answer in answers.chars() {
            told.extend(script.answered(match answer {
                '+' => Ok(read("<HoldCallResponse/>")),
                '-' => Err(Refusal::Busy),
                '?' => Err(Refusal::TimedOut),
                _ => Err(Refusal::Away),
            }));
        }
        assert_eq!(told, expected, "{request} {answers}");
    }
    let (hold, clear, retrieve, back) = (
        "ask HoldCall 1 101",
        "ask ClearConnection 1 101",
        "ask RetrieveCall 2 101",
        "ask RetrieveCall 1 101",
    );
    let (busy, late, away) = ("refuse Busy", "refuse TimedOut", "refuse Away");
    let done = "answer AlternateCallResponse";
    check(ALTERNATE, "++", &[hold, retrieve, done]);
    check(ALTERNATE, "-", &[hold, busy]);
    check(ALTERNATE, "?", &[hold, late]);
    check(ALTERNATE, "+-+", &[hold, retrieve, back, busy]);
    check(ALTERNATE, "+--", &[hold, retrieve, back, busy]);
    let rollback = "rollback RetrieveCall 1 101";
    check(ALTERNATE, "+?", &[hold, retrieve, late, rollback]);
    check(ALTERNATE, "+x", &[hold, retrieve, away]);
    let done = "answer ReconnectCallResponse";
    check(RECONNECT, "++", &[clear, retrieve, done]);
    check(RECONNECT, "-", &[clear, busy]);
    check(RECONNECT, "+-+", &[clear, retrieve, retrieve, done]);
    check(RECONNECT, "+--", &[clear, retrieve, retrieve, busy]);
    check(RECONNECT, "+?", &[clear, retrieve, late]);
}

#[test]
fn only_the_first_step_may_be_repeated() {
    let mut script = Script::without(&[]);
    script.request(ALTERNATE);
    assert!(script.step.as_ref().unwrap().is_first());
    script.answer("<HoldCallResponse/>");
    assert!(!script.step.as_ref().unwrap().is_first());
}

#[test]
fn reconnect_clears_nothing_for_a_call_that_is_not_on_hold() {
    let talking = event("Established");
    let mut script = Script::without(&[]).monitored(&[&talking]);
    assert_eq!(script.request(RECONNECT), ["refuse NotHeld"]);
    assert_eq!(script.request(ALTERNATE), ["ask HoldCall 1 101"]);
    let mut script = Script::without(&[]).monitored(&[&talking, &event("Held")]);
    assert_eq!(script.request(RECONNECT), ["ask ClearConnection 1 101"]);
    let mut script = Script::without(&[]).monitored(&[]);
    assert_eq!(script.request(RECONNECT), ["ask ClearConnection 1 101"]);
    let cleared = "<ConnectionClearedEvent><droppedConnection><callID>2</callID><deviceID>101</deviceID>\
        </droppedConnection></ConnectionClearedEvent>";
    for request in [RECONNECT, ALTERNATE] {
        let mut script = Script::without(&[]).monitored(&[&talking, &event("Held"), cleared]);
        assert_eq!(script.request(request), ["refuse NotHeld"]);
        // The phone uses the name again.
        let mut script =
            Script::without(&[]).monitored(&[&talking, cleared, &talking, &event("Held")]);
        assert!(script.request(request)[0].starts_with("ask "));
    }
}

#[test]
fn digits_are_collected_until_the_number_is_complete() {
    let mut script = Script::without(&[ServiceId::DialDigits]);
    assert_eq!(
        script.request(PARTIAL),
        [
            "answer MakeCallResponse dialling-1 101",
            "notify 101 ServiceInitiatedEvent dialling-1 101 101 initiated makeCall",
            "notify 101 DigitsDialedEvent dialling-1 101 101 0 initiated normal",
            "wake 60",
        ]
    );
    script.now = Duration::from_secs(30);
    assert_eq!(
        script.request(&digits("49;")),
        [
            "answer DialDigitsResponse",
            "notify 101 DigitsDialedEvent dialling-1 101 101 049 initiated normal",
            "wake 90",
        ]
    );
    assert_eq!(script.at(60), ["wake 90"]);
    assert_eq!(
        script.request(&digits("30")),
        [
            "ask MakeCall 101 04930 doNotPrompt",
            "notify 101 DigitsDialedEvent dialling-1 101 101 04930 initiated normal",
        ]
    );
    assert_eq!(
        script.answer("<MakeCallResponse/>"),
        [
            "answer DialDigitsResponse",
            "notify 101 ConnectionClearedEvent dialling-1 101 101 null makeCall",
        ]
    );
    assert_eq!(script.request(&digits("1")), ["refuse NotSupported"]);
}

#[test]
fn a_call_that_waits_for_digits_ends() {
    #[track_caller]
    fn check(end: impl FnOnce(&mut Script) -> Vec<String>, expected: &[&str]) {
        let mut script = Script::without(&[ServiceId::DialDigits]);
        script.request(PARTIAL);
        assert_eq!(end(&mut script), expected);
        assert!(script.at(600).is_empty(), "nothing waits any more");
    }
    let cleared = "notify 101 ConnectionClearedEvent dialling-1 101 101 null";
    check(
        |script| script.at(60),
        &[&format!("{cleared} interdigitTimeout")],
    );
    check(
        |script| told(&script.emulation.session_lost()),
        &[&format!("{cleared} networkOutOfOrder")],
    );
    check(
        |script| {
            script.request(
                "<ClearConnection><connectionToBeCleared><callID>dialling-1</callID>\
                 <deviceID>101</deviceID></connectionToBeCleared></ClearConnection>",
            )
        },
        &[
            "answer ClearConnectionResponse",
            &format!("{cleared} normalClearing"),
        ],
    );
    check(
        |script| {
            script.request(
                "<ClearCall><callToBeCleared><callID>dialling-1</callID>\
                 <deviceID>101</deviceID></callToBeCleared></ClearCall>",
            )
        },
        &[
            "answer ClearCallResponse",
            &format!("{cleared} normalClearing"),
        ],
    );
    check(
        |script| {
            script.request(&digits("1"));
            script.answered(Err(Refusal::Busy))
        },
        &["refuse Busy", &format!("{cleared} destNotObtainable")],
    );
    check(
        |script| {
            script.emulation = std::mem::take(&mut script.emulation).inherited();
            Vec::new()
        },
        &[],
    );
}

#[test]
fn digits_after_the_last_make_no_second_call() {
    let mut script = Script::without(&[]);
    script.request(PARTIAL);
    assert_eq!(script.request(&digits("1"))[0][..12], *"ask MakeCall");
    let step = script.step.take();
    assert_eq!(script.request(&digits("2")), ["refuse NotSupported"]);
    assert!(script.at(600).is_empty(), "the phone is making the call");
    script.step = step;
    assert_eq!(
        script.answer("<MakeCallResponse/>")[0],
        "answer DialDigitsResponse"
    );
}

#[test]
fn a_call_that_is_cleared_while_it_is_made_is_cleared_at_the_phone() {
    const MADE: &str = "<MakeCallResponse><callingDevice><callID>7</callID><deviceID>101</deviceID></callingDevice></MakeCallResponse>";
    const CLEAR: &str = "<ClearConnection><connectionToBeCleared><callID>dialling-1</callID>\
        <deviceID>101</deviceID></connectionToBeCleared></ClearConnection>";
    let placing = || {
        let mut script = Script::without(&[ServiceId::DialDigits]);
        script.request(PARTIAL);
        script.request(&digits("1"));
        script
    };
    let mut script = placing();
    let step = script.step.take();
    assert_eq!(
        script.request(CLEAR),
        [
            "answer ClearConnectionResponse",
            "notify 101 ConnectionClearedEvent dialling-1 101 101 null normalClearing",
        ]
    );
    assert_eq!(script.request(CLEAR), ["refuse NoCall"]);
    assert_eq!(script.request(&digits("2")), ["refuse NotSupported"]);
    script.step = step;
    assert_eq!(
        script.answer(MADE),
        ["refuse NoCall", "rollback ClearConnection 7 101"]
    );
    assert!(told(&script.emulation.session_lost()).is_empty());
    // A new call that waits for digits leaves the one that the phone is making alone.
    let mut script = placing();
    let step = script.step.take();
    let begun = script.request(PARTIAL);
    assert!(begun[1].starts_with("notify 101 ServiceInitiatedEvent"));
    script.step = step;
    assert_eq!(script.answer(MADE)[0], "answer DialDigitsResponse");
}

#[test]
fn a_line_collects_the_digits_of_one_call() {
    let mut script = Script::without(&[ServiceId::DialDigits]);
    script.request(PARTIAL);
    assert_eq!(
        script.request(PARTIAL)[..2],
        [
            "answer MakeCallResponse dialling-2 101",
            "notify 101 ConnectionClearedEvent dialling-1 101 101 null normalClearing",
        ]
    );
}

#[test]
fn a_number_is_at_most_64_digits() {
    let mut script = Script::without(&[ServiceId::DialDigits]);
    script.request(PARTIAL);
    let most = format!("{};", "1".repeat(62));
    assert_eq!(
        script.request(&digits(&most))[0],
        "answer DialDigitsResponse"
    );
    assert_eq!(script.request(&digits("23")), ["refuse Malformed"]);
    assert_eq!(script.request(&digits("2"))[0][..12], *"ask MakeCall");
}

#[test]
fn the_indicator_is_kept_and_its_changes_are_notified() {
    let mut script = Script::without(&[]);
    let get = GET_INDICATOR;
    let set = |on: &str, from: &str| {
        format!(
            "<SetMessageWaitingIndicator><device>101</device><messageWaitingOn>{on}</messageWaitingOn>{from}</SetMessageWaitingIndicator>"
        )
    };
    let from = "<deviceForMessage>voicemail</deviceForMessage>";
    let done = "answer SetMessageWaitingIndicatorResponse";
    let off = ["answer GetMessageWaitingIndicatorResponse false false"];
    let on = ["answer GetMessageWaitingIndicatorResponse true voicemail false"];
    assert_eq!(script.request(get), off);
    assert_eq!(script.request(&set("false", "")), [done]);
    assert_eq!(
        script.request(&set("true", from)),
        [done, "notify 101 MessageWaitingEvent 101 voicemail true"]
    );
    assert_eq!(script.request(&set("true", from)), [done]);
    assert_eq!(script.request(get), on);
    script.emulation.session_lost();
    script.emulation = std::mem::take(&mut script.emulation).inherited();
    assert_eq!(
        script.request(get),
        on,
        "it outlives the session and the actor"
    );
    assert_eq!(
        script.request(&set("false", "")),
        [done, "notify 101 MessageWaitingEvent 101 false"]
    );
    assert_eq!(script.request(get), off);
}

#[test]
fn a_pickup_calls_the_feature_code() {
    #[track_caller]
    fn check(code: &'static str, device: &str, expected: &str) {
        let mut script = Script::without(&[]);
        script.pickup_code = code;
        let request = format!(
            "<DirectedPickupCall><callToBePickedUp><callID>7</callID>{device}</callToBePickedUp>\
             <requestingDevice>101</requestingDevice></DirectedPickupCall>"
        );
        assert_eq!(script.request(&request), [expected], "{code} {device}");
    }
    let rings = "<deviceID>sip:102@pbx.example</deviceID>";
    check("*8{number}", rings, "ask MakeCall 101 *8102 doNotPrompt");
    check("*8", rings, "ask MakeCall 101 *8 doNotPrompt");
    check("*8", "", "ask MakeCall 101 *8 doNotPrompt");
    check("*8{number}", "", "refuse Malformed");
}

#[test]
fn a_picked_up_call_is_the_one_that_the_phone_made() {
    #[track_caller]
    fn check(answer: Result<Document, Refusal>, expected: &str) {
        let mut script = Script::without(&[]);
        script.request(PICKUP);
        assert_eq!(script.answered(answer), [expected]);
    }
    let made = "<MakeCallResponse><callingDevice><callID>9</callID><deviceID>101</deviceID></callingDevice></MakeCallResponse>";
    check(Ok(read(made)), "answer DirectedPickupCallResponse 9 101");
    check(Ok(read("<HoldCallResponse/>")), "refuse NotCsta");
    check(Err(Refusal::Busy), "refuse Busy");
}

#[test]
fn only_a_monitored_line_has_a_snapshot_of_tracked_calls() {
    let request = SNAPSHOT_DEVICE;
    let held = event("Held");
    let mut script = Script::without(&[ServiceId::SnapshotDevice]).monitored(&[&held]);
    assert_eq!(
        script.request(request),
        ["answer SnapshotDeviceResponse 2 101 hold"]
    );
    script.is_monitored = false;
    assert_eq!(script.request(request), ["refuse NotSupported"]);
    let mut script = Script::without(&[ServiceId::SnapshotDevice]);
    assert_eq!(script.request(request), ["refuse NotSupported"]);
}

#[test]
fn a_snapshot_of_a_call_is_checked_with_the_phone() {
    const LISTED: &str = "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo>\
        <connectionIdentifier><callID>2</callID><deviceID>101</deviceID></connectionIdentifier>\
        <localCallState><compoundCallState><localConnectionState>connected</localConnectionState></compoundCallState></localCallState>\
        </snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>";
    const EMPTY: &str = "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData/></crossRefIDorSnapshotData></SnapshotDeviceResponse>";
    const UNNAMED: &str = "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo/>\
        </snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>";
    const TRACKED: &str = "answer SnapshotCallResponse 101 2 101 hold";
    #[track_caller]
    fn check(is_tracked: bool, answer: Result<Document, Refusal>, expected: &str) {
        let held = event("Held");
        let mut script = Script::without(&[]);
        if is_tracked {
            script = script.monitored(&[&held]);
        }
        assert_eq!(script.request(SNAPSHOT_CALL), ["ask SnapshotDevice 101"]);
        assert_eq!(script.answered(answer), [expected]);
    }
    check(true, Ok(read(LISTED)), TRACKED);
    check(
        false,
        Ok(read(LISTED)),
        "answer SnapshotCallResponse 101 2 101 connected",
    );
    check(true, Ok(read(EMPTY)), "refuse NoCall");
    check(true, Ok(read(UNNAMED)), TRACKED);
    check(true, Ok(read("<HoldCallResponse/>")), TRACKED);
    check(true, Err(Refusal::Busy), "refuse Busy");
    let lacking = Refusal::Refused(uacsta_schema::sip::Status::NOT_IMPLEMENTED);
    check(true, Err(lacking.clone()), TRACKED);
    check(false, Err(lacking), "refuse NoCall");
    let mut script = Script::without(&[ServiceId::SnapshotDevice]);
    assert_eq!(script.request(SNAPSHOT_CALL), ["refuse NoCall"]);
}

#[test]
fn device_information_describes_the_phone_but_not_hidden_lines() {
    let request = PHYSICAL_INFORMATION;
    let mut script = Script::without(&[]);
    let told = script.request(request).join(" ");
    assert!(told.contains(" 102") && told.contains("Acme X1"), "{told}");
    script.hidden = vec![DeviceId::from("102")];
    let told = script.request(request).join(" ");
    assert!(!told.contains(" 102") && told.contains("Acme X1"), "{told}");
    let request = LOGICAL_INFORMATION;
    let told = script.request(request).join(" ");
    assert!(
        told.starts_with("answer GetLogicalDeviceInformationResponse station"),
        "{told}"
    );
}

#[test]
fn a_monitor_that_cannot_be_stopped_is_used_again() {
    let mut emulation = Emulation::default();
    let line = DeviceId::from("101");
    assert!(!emulation.has_unstopped_monitors());
    emulation.leave_running(line.clone(), MonitorCrossRefId::from("1"));
    assert!(emulation.has_unstopped_monitors());
    assert_eq!(emulation.reuse_monitor(&DeviceId::from("102")), None);
    let reused = emulation.reuse_monitor(&line);
    assert_eq!(reused, Some(MonitorCrossRefId::from("1")));
    assert_eq!(emulation.reuse_monitor(&line), None);
    emulation.leave_running(line.clone(), MonitorCrossRefId::from("1"));
    emulation.session_lost();
    assert!(
        !emulation.has_unstopped_monitors(),
        "it ended with the session"
    );
}

/// What the catalogue says to be made of other services has its place in [`Emulation::on`].
#[test]
fn all_emulated_services_of_the_catalogue_are_performed() {
    let dial_digits = digits("1");
    let requests = [
        ALTERNATE,
        RECONNECT,
        PICKUP,
        SNAPSHOT_CALL,
        SNAPSHOT_DEVICE,
        GET_INDICATOR,
        SET_INDICATOR,
        LOGICAL_INFORMATION,
        PHYSICAL_INFORMATION,
        &dial_digits,
    ];
    // The server alone sends these.
    let mut performed = vec![ServiceId::MonitorStop, ServiceId::SystemRegister];
    for request in requests {
        let mut script = Script::without(&[]).monitored(&[]);
        script.request(PARTIAL);
        let told = script.request(request);
        assert_ne!(told, ["refuse NotSupported"], "{request}");
        performed.extend(read(request).service());
    }
    let mut emulated = ServiceId::ALL.to_vec();
    emulated.retain(|service| service.made_of().is_some());
    performed.sort();
    emulated.sort();
    assert_eq!(performed, emulated);
}

#[test]
fn what_cannot_be_emulated_is_refused() {
    let mut script = Script::without(&[]);
    let request = "<AnswerCall><callToBeAnswered><callID>1</callID><deviceID>101</deviceID></callToBeAnswered></AnswerCall>";
    assert_eq!(script.request(request), ["refuse NotSupported"]);
}
