//! Call flows as their phones report them: one line a step, one column what they say.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use uacsta_schema::csta::{DeviceId, Failure, ForwardingType};

use super::*;

struct Bench {
    exchange: Exchange,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        let mut exchange = Exchange::default();
        for number in ["215", "216", "217", "218"] {
            let line = exchange.add(
                DeviceId::from(format!("sip:{number}@pbx.example")),
                "{serial}",
            );
            exchange.set_in_service(line, true);
        }
        Self { exchange, now: 0 }
    }

    /// What a step asks for, by the words of the script.
    fn step(&mut self, step: &str) -> Result<(), Failure> {
        let words: Vec<&str> = step.split(' ').collect();
        if let ["wait", seconds] = words[..] {
            self.now += seconds.parse::<u64>().unwrap();
            self.exchange.advance(Duration::from_secs(self.now));
            return Ok(());
        }
        let exchange = &mut self.exchange;
        let device = |number: &str| DeviceId::from(number);
        if let ["call", from, to] = words[..] {
            return exchange.call_in(&device(from), &device(to));
        }
        let line = exchange.line(&device(words[0])).unwrap();
        let with = |exchange: &Exchange, state: LocalConnectionState| {
            let calls = exchange.calls(line);
            let call = calls.into_iter().find(|call| call.state == state);
            call.map_or_else(|| CallId::from("none"), |call| call.id)
        };
        let [alerting, held, connected, initiated] = [
            LocalConnectionState::ALERTING,
            LocalConnectionState::HOLD,
            LocalConnectionState::CONNECTED,
            LocalConnectionState::INITIATED,
        ]
        .map(|state| with(exchange, state));
        let any = exchange
            .calls(line)
            .first()
            .map(|call| call.id.clone())
            .unwrap_or_default();
        let forward = |kind: &str, to: Option<&str>| Forwarding {
            kind: match kind {
                "always" => ForwardingType::FORWARD_IMMEDIATE,
                "busy" => ForwardingType::FORWARD_BUSY,
                "late" => ForwardingType::FORWARD_NO_ANS,
                _ => ForwardingType::FORWARD_BUSY_INT,
            },
            on: to.is_some(),
            to: to.map(DeviceId::from),
            ring_count: None,
            ring_duration: Some(10),
        };
        match words[1..] {
            ["dials", number] => exchange.make_call(line, &device(number), false).map(drop),
            ["prompts", number] => exchange.make_call(line, &device(number), true).map(drop),
            ["lifts"] => exchange.answer(line, &initiated),
            ["answers"] => exchange.answer(line, &alerting),
            ["answers-active"] => exchange.answer(line, &connected),
            ["clears"] => exchange.clear(line, &any),
            ["drops-active"] => exchange.clear(line, &connected),
            ["holds"] => exchange.hold(line, &connected),
            ["holds-held"] => exchange.hold(line, &held),
            ["holds-alerting"] => exchange.hold(line, &alerting),
            ["retrieves"] => exchange.retrieve(line, &held),
            ["retrieves-active"] => exchange.retrieve(line, &connected),
            ["consults", number] => exchange
                .consult(line, &connected, &device(number))
                .map(drop),
            ["transfers"] => exchange.transfer(line, &held, &connected).map(drop),
            ["transfers-swapped"] => exchange.transfer(line, &connected, &held).map(drop),
            ["conferences"] => exchange.conference(line, &held, &connected).map(drop),
            ["sends", number] => exchange
                .send_away(line, &connected, &device(number))
                .map(drop),
            ["deflects", number] => exchange.deflect(line, &alerting, &device(number)),
            ["deflects-active", number] => exchange.deflect(line, &connected, &device(number)),
            ["presses", digits] => exchange.generate_digits(line, &connected, digits),
            ["dnd", on] => {
                exchange.set_do_not_disturb(line, on == "on");
                Ok(())
            }
            ["forwards", kind, to] => exchange.set_forwarding(line, forward(kind, Some(to))),
            ["unforwards", kind] => exchange.set_forwarding(line, forward(kind, None)),
            ["leaves"] => {
                exchange.set_in_service(line, false);
                Ok(())
            }
            _ => panic!("{step}"),
        }
    }

    fn told(&mut self) -> Vec<String> {
        let notices = self.exchange.take_notices();
        notices
            .into_iter()
            .map(|(line, notice)| shown(self.exchange.device(line).user(), notice))
            .collect()
    }
}

/// `215 Delivered 216 connected newCall`: who reports, what, about whom, the own state, the cause.
fn shown(line: &str, notice: Notice) -> String {
    let Notice::Call(notice) = notice else {
        return match notice {
            Notice::DoNotDisturb(on) => format!("{line} DoNotDisturb {on}"),
            Notice::Forwarding(forwarding) => {
                format!("{line} Forwarding {} {}", forwarding.kind, forwarding.on)
            }
            other => format!("{line} {other:?}"),
        };
    };
    let about = match &notice.what {
        What::Initiated => "Initiated".to_owned(),
        What::Originated => format!("Originated {}", notice.called.user()),
        What::NetworkReached(device) => format!("NetworkReached {}", device.user()),
        What::Delivered(device) => format!("Delivered {}", device.user()),
        What::Established(device) => format!("Established {}", device.user()),
        What::Held(device) => format!("Held {}", device.user()),
        What::Retrieved(device) => format!("Retrieved {}", device.user()),
        What::Failed(device) => format!("Failed {}", device.user()),
        What::Diverted(to) => format!("Diverted {}", to.user()),
        What::Cleared(device) => format!("Cleared {}", device.user()),
        What::Transferred {
            second,
            to,
            connections,
            ..
        } => {
            let calls = if second.is_some() { "two" } else { "one" };
            format!("Transferred {} {calls} {}", to.user(), connections.len())
        }
        What::Conferenced {
            added, connections, ..
        } => {
            format!("Conferenced {} {}", added.user(), connections.len())
        }
        What::Digits(digits) => format!("Digits {digits}"),
    };
    format!("{line} {about} {} {}", notice.local, notice.cause)
}

/// Takes the steps of the first, which must all succeed, and compares what the last one has phones report.
fn check(steps: &[&str], expected: &[&str]) {
    let mut bench = Bench::new();
    let mut told = Vec::new();
    for step in steps {
        bench.told();
        bench
            .step(step)
            .unwrap_or_else(|failure| panic!("{step}: {failure}"));
        told = bench.told();
    }
    assert_eq!(told, expected, "{steps:?}");
}

fn refuse(steps: &[&str], expected: &Failure) {
    let mut bench = Bench::new();
    let (last, before) = steps.split_last().unwrap();
    for step in before {
        bench
            .step(step)
            .unwrap_or_else(|failure| panic!("{step}: {failure}"));
    }
    assert_eq!(bench.step(last).as_ref(), Err(expected), "{steps:?}");
}

/// TR/87 7.3: Originated, Delivered, Established, ConnectionCleared.
#[test]
fn a_call_and_its_end() {
    check(
        &["215 dials 216"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 216 connected newCall",
            "215 Delivered 216 connected newCall",
            "216 Delivered 216 alerting newCall",
        ],
    );
    check(
        &["215 dials 216", "216 answers"],
        &[
            "215 Established 216 connected normal",
            "216 Established 216 connected normal",
        ],
    );
    check(
        &["215 dials 216", "216 answers", "215 clears"],
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 215 connected normalClearing",
            "216 Cleared 216 null normalClearing",
        ],
    );
    check(
        &["215 dials 216", "215 clears"],
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 216 null callCancelled",
        ],
    );
    check(
        &["215 dials 216", "216 clears"],
        &[
            "216 Cleared 216 null normalClearing",
            "215 Failed 216 fail busy",
        ],
    );
    check(
        &["215 dials 216", "216 clears", "wait 5"],
        &["215 Cleared 215 null normalClearing"],
    );
    check(&["215 prompts 216"], &["215 Initiated initiated makeCall"]);
    check(
        &["215 prompts 216", "215 lifts"],
        &[
            "215 Originated 216 connected newCall",
            "215 Delivered 216 connected newCall",
            "216 Delivered 216 alerting newCall",
        ],
    );
    refuse(&["215 dials anna"], &Failure::INVALID_CALLED_DEVICE_ID);
    refuse(
        &["215 dials 216", "215 dials 217"],
        &Failure::INVALID_CALLING_DEVICE_STATE,
    );
    refuse(&["215 clears"], &Failure::INVALID_CONNECTION_ID);
    refuse(
        &["215 dials 216", "215 answers-active"],
        &Failure::NO_CALL_TO_ANSWER,
    );
}

#[test]
fn calls_that_fail() {
    for (steps, device, cause) in [
        (&["216 dials 217", "215 dials 216"][..], "216", "busy"),
        (&["215 dials 215"], "215", "busy"),
        (&["216 dnd on", "215 dials 216"], "216", "doNotDisturb"),
        (&["216 leaves", "215 dials 216"], "216", "destOutOfOrder"),
        (&["215 dials 999"], "999", "destNotObtainable"),
    ] {
        check(
            steps,
            &[
                "215 Initiated initiated makeCall",
                &format!("215 Originated {device} connected newCall"),
                &format!("215 Failed {device} fail {cause}"),
            ],
        );
    }
}

#[test]
fn calls_outside() {
    check(
        &["215 dials 0301234"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 0301234 connected newCall",
            "215 NetworkReached 0301234 connected newCall",
        ],
    );
    check(
        &["215 dials 0301234", "wait 1"],
        &["215 Failed 0301234 fail numberUnallocated"],
    );
    check(
        &["215 dials 0201234", "wait 1"],
        &["215 Failed 0201234 fail busy"],
    );
    check(
        &["215 dials 0101234", "wait 60"],
        &["215 Delivered 0101234 connected networkSignal"],
    );
    check(
        &["215 dials 0401234", "wait 1"],
        &[
            "215 Delivered 0401234 connected networkSignal",
            "215 Established 0401234 connected normal",
        ],
    );
    check(
        &["215 dials +49301234", "wait 3"],
        &[
            "215 Delivered +49301234 connected networkSignal",
            "215 Established +49301234 connected normal",
        ],
    );
    check(
        &["215 dials 089123", "wait 3", "215 clears"],
        &["215 Cleared 215 null normalClearing"],
    );
    check(&["call +4930 215"], &["215 Delivered 215 alerting newCall"]);
    check(
        &["call +4930 215", "215 answers"],
        &["215 Established 215 connected normal"],
    );
    check(&["215 dials 216", "call +4930 215"], &[]);
}

#[test]
fn hold_and_retrieve() {
    let calls = ["215 dials 216", "216 answers"];
    let and = |more: &[&'static str]| [&calls[..], more].concat();
    check(
        &and(&["215 holds"]),
        &["215 Held 215 hold normal", "216 Held 215 connected normal"],
    );
    check(
        &and(&["215 holds", "215 retrieves"]),
        &[
            "215 Retrieved 215 connected normal",
            "216 Retrieved 215 connected normal",
        ],
    );
    check(
        &and(&["215 holds", "216 clears"]),
        &[
            "216 Cleared 216 null normalClearing",
            "215 Cleared 216 hold normalClearing",
            "215 Cleared 215 null normalClearing",
        ],
    );
    check(
        &and(&["216 presses 12#"]),
        &["216 Digits 12# connected normal"],
    );
    refuse(
        &and(&["215 holds", "215 holds-held"]),
        &Failure::NO_ACTIVE_CALL,
    );
    refuse(&and(&["215 retrieves-active"]), &Failure::NO_HELD_CALL);
    refuse(
        &["215 dials 216", "216 holds-alerting"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "215 holds"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &and(&["215 holds", "215 dials 217", "215 retrieves"]),
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &and(&["215 presses x"]),
        &Failure::new(
            uacsta_schema::csta::Category::Operation,
            "charactersToSendNotSupported",
        ),
    );
}

#[test]
fn consultation_and_transfer() {
    let consults = ["215 dials 216", "216 answers", "216 consults 217"];
    let and = |more: &[&'static str]| [&consults[..], more].concat();
    check(
        &consults,
        &[
            "215 Held 216 connected consultation",
            "216 Held 216 hold consultation",
            "216 Initiated initiated consultation",
            "216 Originated 217 connected consultation",
            "216 Delivered 217 connected newCall",
            "217 Delivered 217 alerting newCall",
        ],
    );
    check(
        &and(&["217 answers", "216 transfers"]),
        &[
            "216 Transferred 217 two 2 null transfer",
            "215 Transferred 217 one 2 connected transfer",
            "217 Transferred 217 one 2 connected transfer",
        ],
    );
    check(
        &and(&["217 answers", "216 transfers", "217 clears"]),
        &[
            "217 Cleared 217 null normalClearing",
            "215 Cleared 217 connected normalClearing",
            "215 Cleared 215 null normalClearing",
        ],
    );
    // Before the third has answered.
    check(
        &and(&["216 transfers", "217 answers"]),
        &[
            "217 Established 217 connected normal",
            "215 Established 217 connected normal",
        ],
    );
    check(
        &and(&["217 answers", "216 drops-active"]),
        &[
            "216 Cleared 216 null normalClearing",
            "217 Cleared 216 connected normalClearing",
            "217 Cleared 217 null normalClearing",
        ],
    );
    check(
        &and(&["217 answers", "216 conferences"]),
        &[
            "216 Conferenced 217 3 connected conference",
            "215 Conferenced 217 3 connected conference",
            "217 Conferenced 217 3 connected conference",
        ],
    );
    check(
        &and(&["217 answers", "216 conferences", "215 clears"]),
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 215 connected normalClearing",
            "217 Cleared 215 connected normalClearing",
        ],
    );
    refuse(
        &and(&["216 conferences"]),
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(&and(&["216 transfers-swapped"]), &Failure::NO_HELD_CALL);
    refuse(
        &["215 dials 216", "215 consults 217"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "216 answers", "215 consults x"],
        &Failure::INVALID_DESTINATION,
    );
}

#[test]
fn single_step_transfer() {
    check(
        &["215 dials 216", "216 answers", "216 sends 217"],
        &[
            "216 Transferred 217 one 1 null singleStepTransfer",
            "215 Transferred 217 one 1 connected singleStepTransfer",
            "215 Delivered 217 connected newCall",
            "217 Delivered 217 alerting newCall",
        ],
    );
    refuse(
        &["215 dials 216", "215 sends 217"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "216 answers", "216 sends x"],
        &Failure::INVALID_DESTINATION_DEVICE_ID,
    );
}

#[test]
fn calls_that_go_elsewhere() {
    check(
        &["215 dials 216", "216 deflects 217"],
        &[
            "216 Diverted 217 null redirected",
            "215 Delivered 217 connected redirected",
            "217 Delivered 217 alerting redirected",
        ],
    );
    check(
        &["216 forwards always 217", "215 dials 216"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 216 connected newCall",
            "216 Diverted 217 null callForwardImmediate",
            "215 Delivered 217 connected callForwardImmediate",
            "217 Delivered 217 alerting callForwardImmediate",
        ],
    );
    check(
        &["216 forwards busy 217", "216 dials 218", "215 dials 216"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 216 connected newCall",
            "216 Diverted 217 null callForwardBusy",
            "215 Delivered 217 connected callForwardBusy",
            "217 Delivered 217 alerting callForwardBusy",
        ],
    );
    check(
        &["216 forwards late 217", "215 dials 216", "wait 10"],
        &[
            "216 Diverted 217 null callForwardNoAnswer",
            "215 Delivered 217 connected callForwardNoAnswer",
            "217 Delivered 217 alerting callForwardNoAnswer",
        ],
    );
    check(
        &[
            "216 forwards late 217",
            "215 dials 216",
            "216 answers",
            "wait 10",
        ],
        &[],
    );
    // A circle ends.
    check(
        &[
            "216 forwards always 217",
            "217 forwards always 216",
            "call 0301 216",
        ],
        &[
            "216 Diverted 217 null callForwardImmediate",
            "217 Diverted 216 null callForwardImmediate",
            "216 Diverted 217 null callForwardImmediate",
            "217 Diverted 216 null callForwardImmediate",
            "216 Diverted 217 null callForwardImmediate",
            "217 Diverted 216 null callForwardImmediate",
        ],
    );
    check(
        &["216 forwards always 217", "216 unforwards always"],
        &["216 Forwarding forwardImmediate false"],
    );
    refuse(
        &["215 dials 216", "216 answers", "216 deflects-active 217"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "216 deflects x"],
        &Failure::INVALID_DESTINATION_DEVICE_ID,
    );
    refuse(
        &["216 forwards always 216"],
        &Failure::INVALID_FORWARDING_DESTINATION,
    );
    refuse(
        &["216 forwards always x"],
        &Failure::INVALID_FORWARDING_DESTINATION,
    );
    refuse(
        &["216 forwards other 217"],
        &Failure::INVALID_FORWARDING_TYPE,
    );
}

#[test]
fn a_line_that_leaves_ends_its_calls() {
    check(
        &[
            "215 dials 216",
            "216 answers",
            "215 holds",
            "215 dials 217",
            "215 leaves",
        ],
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 215 connected normalClearing",
            "216 Cleared 216 null normalClearing",
            "215 Cleared 215 null normalClearing",
            "217 Cleared 217 null callCancelled",
        ],
    );
    check(&["216 dnd on"], &["216 DoNotDisturb true"]);
    check(&["216 dnd off"], &[]);
}
