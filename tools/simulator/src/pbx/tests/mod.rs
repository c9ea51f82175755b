//! Call flows as their phones report them: one line a step, one column what they say.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use uacsta_schema::csta::{DeviceId, Failure, ForwardingType};

use super::*;

mod calls;
mod transfer;

struct Bench {
    pbx: Pbx,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        let mut pbx = Pbx::default();
        for number in ["215", "216", "217", "218"] {
            let line = pbx.add(
                DeviceId::from(format!("sip:{number}@pbx.example")),
                "{serial}",
            );
            pbx.set_in_service(line, true);
        }
        Self { pbx, now: 0 }
    }

    /// What a step asks for, by the words of the script.
    fn step(&mut self, step: &str) -> Result<(), Failure> {
        let words: Vec<&str> = step.split(' ').collect();
        if let ["wait", seconds] = words[..] {
            self.now += seconds.parse::<u64>().unwrap();
            self.pbx.advance(Duration::from_secs(self.now));
            return Ok(());
        }
        let pbx = &mut self.pbx;
        let device = |number: &str| DeviceId::from(number);
        if let ["call", from, to] = words[..] {
            return pbx.call_in(&device(from), &device(to));
        }
        let line = pbx.line(&device(words[0])).unwrap();
        let with = |pbx: &Pbx, state: LocalConnectionState| {
            let calls = pbx.calls(line);
            let call = calls.into_iter().find(|call| call.state == state);
            call.map_or_else(|| CallId::from("none"), |call| call.id)
        };
        let [alerting, held, connected, initiated] = [
            LocalConnectionState::ALERTING,
            LocalConnectionState::HOLD,
            LocalConnectionState::CONNECTED,
            LocalConnectionState::INITIATED,
        ]
        .map(|state| with(pbx, state));
        let any = pbx
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
            ["dials", number] => pbx.make_call(line, &device(number), false).map(drop),
            ["prompts", number] => pbx.make_call(line, &device(number), true).map(drop),
            ["lifts"] => pbx.answer(line, &initiated),
            ["answers"] => pbx.answer(line, &alerting),
            ["answers-active"] => pbx.answer(line, &connected),
            ["clears"] => pbx.clear(line, &any),
            ["drops-active"] => pbx.clear(line, &connected),
            ["holds"] => pbx.hold(line, &connected),
            ["holds-held"] => pbx.hold(line, &held),
            ["holds-alerting"] => pbx.hold(line, &alerting),
            ["retrieves"] => pbx.retrieve(line, &held),
            ["retrieves-active"] => pbx.retrieve(line, &connected),
            ["consults", number] => pbx.consult(line, &connected, &device(number)).map(drop),
            ["transfers"] => pbx.transfer(line, &held, &connected).map(drop),
            ["transfers-swapped"] => pbx.transfer(line, &connected, &held).map(drop),
            ["conferences"] => pbx.conference(line, &held, &connected).map(drop),
            ["sends", number] => pbx
                .single_step_transfer(line, &connected, &device(number))
                .map(drop),
            ["deflects", number] => pbx.deflect(line, &alerting, &device(number)),
            ["deflects-active", number] => pbx.deflect(line, &connected, &device(number)),
            ["presses", digits] => pbx.generate_digits(line, &connected, digits),
            ["dnd", on] => {
                pbx.set_do_not_disturb(line, on == "on");
                Ok(())
            }
            ["forwards", kind, to] => pbx.set_forwarding(line, forward(kind, Some(to))),
            ["unforwards", kind] => pbx.set_forwarding(line, forward(kind, None)),
            ["leaves"] => {
                pbx.set_in_service(line, false);
                Ok(())
            }
            _ => panic!("{step}"),
        }
    }

    fn told(&mut self) -> Vec<String> {
        let events = self.pbx.take_events();
        events
            .into_iter()
            .map(|(line, event)| shown(self.pbx.device(line).user(), event))
            .collect()
    }
}

/// `215 Delivered 216 connected newCall`: who reports, what, about whom, the own state, the cause.
fn shown(line: &str, event: LineEvent) -> String {
    let LineEvent::Call(event) = event else {
        return match event {
            LineEvent::DoNotDisturb(on) => format!("{line} DoNotDisturb {on}"),
            LineEvent::Forwarding(forwarding) => {
                format!("{line} Forwarding {} {}", forwarding.kind, forwarding.on)
            }
            other => format!("{line} {other:?}"),
        };
    };
    let about = match &event.what {
        CallEventKind::Initiated => "Initiated".to_owned(),
        CallEventKind::Originated => format!("Originated {}", event.called.user()),
        CallEventKind::NetworkReached(device) => format!("NetworkReached {}", device.user()),
        CallEventKind::Delivered(device) => format!("Delivered {}", device.user()),
        CallEventKind::Established(device) => format!("Established {}", device.user()),
        CallEventKind::Held(device) => format!("Held {}", device.user()),
        CallEventKind::Retrieved(device) => format!("Retrieved {}", device.user()),
        CallEventKind::Failed(device) => format!("Failed {}", device.user()),
        CallEventKind::Diverted(to) => format!("Diverted {}", to.user()),
        CallEventKind::Cleared(device) => format!("Cleared {}", device.user()),
        CallEventKind::Transferred {
            second,
            to,
            connections,
            ..
        } => {
            let calls = if second.is_some() { "two" } else { "one" };
            format!("Transferred {} {calls} {}", to.user(), connections.len())
        }
        CallEventKind::Conferenced {
            added, connections, ..
        } => {
            format!("Conferenced {} {}", added.user(), connections.len())
        }
        CallEventKind::Digits(digits) => format!("Digits {digits}"),
    };
    format!("{line} {about} {} {}", event.local, event.cause)
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
