//! Call flows as their phones report them: one line a step, one column what they say.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use uacsta_schema::csta::{DeviceId, Failure, ForwardingType};

use super::*;

mod calls;
mod joining;

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
