//! Routes calls: to a line, along its forwardings, or outside.

use std::time::Duration;

use uacsta_schema::csta::{
    CallId, DeviceId, EventCause, Failure, ForwardingType, RedirectionDevice,
};

use super::{CallEventKind, CallKey, End, LineId, Party, Pbx, State};

/// How a call to an outside number proceeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OutsideBehavior {
    /// Rings, then answers.
    Answers,
    /// Answers at once: numbers that begin with `04`.
    Machine,
    /// Rings for ever: numbers that begin with `01`.
    Rings,
    /// Busy: numbers that begin with `02`.
    Busy,
    /// Unallocated: numbers that begin with `03`.
    Unknown,
}

/// What happens to a call when a timer expires.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// The network reports progress.
    Progress(CallKey),
    /// The outside party answers.
    Answer(CallKey),
    /// The line has not answered; the call is forwarded.
    NoAnswer(CallKey, LineId),
    /// The line stops the failure tone.
    Tone(CallKey, LineId),
}

/// Delay until the network reports progress.
const NETWORK: Duration = Duration::from_millis(300);
/// How long an outside party lets it ring.
const PICK_UP: Duration = Duration::from_millis(1500);
/// How long a phone plays the failure tone.
const TONE: Duration = Duration::from_secs(5);
/// One ring and the pause after it.
const RING: Duration = Duration::from_secs(5);
/// Rings before a call is forwarded, if the forwarding has no count.
const RINGS: u32 = 3;
/// Forwardings of one call at most.
const REDIRECTIONS: usize = 5;

/// The dialled number of a device: `216`, `sip:216@pbx.example`, `tel:+49-30-1234`. `None` if it cannot be dialled.
pub(super) fn dialled(device: &DeviceId) -> Option<String> {
    let number: String = device
        .user()
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/'))
        .collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let valid = !digits.is_empty()
        && digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'*' | b'#'));
    valid.then_some(number)
}

impl OutsideBehavior {
    fn of(number: &str) -> Option<Self> {
        match number.as_bytes() {
            [b'+', _, ..] => Some(Self::Answers),
            [b'0', b'1', ..] => Some(Self::Rings),
            [b'0', b'2', ..] => Some(Self::Busy),
            [b'0', b'3', ..] => Some(Self::Unknown),
            [b'0', b'4', ..] => Some(Self::Machine),
            [b'0', _, ..] => Some(Self::Answers),
            _ => None,
        }
    }
}

impl Pbx {
    /// Routes a call to a number.
    pub(super) fn route(&mut self, key: CallKey, mut number: String, mut cause: EventCause) {
        for _ in 0..=REDIRECTIONS {
            let Some(line) = self.numbers.get(number.as_str()).copied() else {
                return self.route_away(key, &number, cause);
            };
            match self.diversion(line) {
                Ok(None) => return self.ring(key, line, cause),
                Ok(Some((to, why))) => {
                    let id = self.call_id(line);
                    self.divert(key, line, id, to.clone(), why.clone());
                    (number, cause) = (to.user().to_owned(), why);
                }
                Err(why) => return self.fail(key, self.device(line).clone(), why),
            }
        }
        // The forwardings form a circle.
        let device = self.name_of(&number);
        self.fail(key, device, EventCause::DEST_NOT_OBTAINABLE);
    }

    /// Deflects an alerting call to a number.
    ///
    /// # Errors
    /// There is no such call, it does not alert, or the destination cannot be dialled.
    pub fn deflect(&mut self, line: LineId, id: &CallId, to: &DeviceId) -> Result<(), Failure> {
        let (key, state) = self.own(line, id)?;
        let number = dialled(to).ok_or(Failure::INVALID_DESTINATION_DEVICE_ID)?;
        if state != State::Alerting {
            return Err(Failure::INVALID_CONNECTION_STATE);
        }
        self.divert_ringing(key, line, number, EventCause::REDIRECTED);
        Ok(())
    }

    /// Fails a call: its lines hear a tone, then their connections are cleared.
    pub(super) fn fail(&mut self, key: CallKey, device: DeviceId, cause: EventCause) {
        let lines: Vec<LineId> = self.call(key).lines().collect();
        for line in lines {
            self.set(key, line, State::Failed);
            self.report(
                key,
                line,
                CallEventKind::Failed(device.clone()),
                cause.clone(),
            );
            self.alarm(TONE, Timer::Tone(key, line));
        }
        self.drop_if_empty(key);
    }

    /// Runs an expired timer, if the call is still in the state that the timer is for.
    pub(super) fn fire(&mut self, alarm: &Timer) {
        let (Timer::Progress(key)
        | Timer::Answer(key)
        | Timer::NoAnswer(key, _)
        | Timer::Tone(key, _)) = *alarm;
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        match *alarm {
            Timer::Progress(_) => self.progress(key),
            Timer::Answer(_) => {
                if let Some(party) = call.outside(State::Alerting) {
                    party.state = State::Connected;
                    let End::Outside(number, _) = party.end.clone() else {
                        return;
                    };
                    self.report_to_all(
                        key,
                        &CallEventKind::Established(number),
                        &EventCause::NORMAL,
                    );
                }
            }
            Timer::NoAnswer(_, line) => {
                let rings = call.party(line).map(|party| party.state) == Some(State::Alerting);
                if let Some(to) = self
                    .forwarding(line, &ForwardingType::FORWARD_NO_ANS)
                    .filter(|_| rings)
                {
                    let number = to.user().to_owned();
                    self.divert_ringing(key, line, number, EventCause::CALL_FORWARD_NO_ANSWER);
                }
            }
            Timer::Tone(_, line) => {
                let failed = call
                    .party(line)
                    .filter(|party| party.state == State::Failed)
                    .map(|party| party.id.clone());
                if let Some(id) = failed {
                    // The connection exists, so clearing it succeeds.
                    let _ = self.clear(line, &id);
                }
            }
        }
    }

    /// `None` if the line accepts the call, else where it diverts the call and why.
    fn diversion(&self, line: LineId) -> Result<Option<(DeviceId, EventCause)>, EventCause> {
        let of = &self.lines[line.0];
        let on = |kind: &ForwardingType, cause: EventCause| {
            self.forwarding(line, kind).map(|to| (to, cause))
        };
        if !of.in_service {
            return Err(EventCause::DEST_OUT_OF_ORDER);
        }
        let immediate = on(
            &ForwardingType::FORWARD_IMMEDIATE,
            EventCause::CALL_FORWARD_IMMEDIATE,
        );
        if immediate.is_some() {
            return Ok(immediate);
        }
        if of.do_not_disturb {
            let to = on(&ForwardingType::FORWARD_DND, EventCause::CALL_FORWARD);
            return to.map(Some).ok_or(EventCause::DO_NOT_DISTURB);
        }
        if !of.calls.is_empty() {
            let to = on(&ForwardingType::FORWARD_BUSY, EventCause::CALL_FORWARD_BUSY);
            return to.map(Some).ok_or(EventCause::BUSY);
        }
        Ok(None)
    }

    fn ring(&mut self, key: CallKey, line: LineId, cause: EventCause) {
        let id = self.call_id(line);
        let party = Party {
            end: End::Line(line),
            state: State::Alerting,
            id,
        };
        self.add_party(key, party);
        let what = CallEventKind::Delivered(self.device(line).clone());
        self.report_to_all(key, &what, &cause);
        if let Some(forwarding) = self.forwarding_of(line, &ForwardingType::FORWARD_NO_ANS) {
            let after = match (forwarding.ring_duration, forwarding.ring_count) {
                (Some(seconds), _) => Duration::from_secs(seconds.into()),
                (None, rings) => RING * rings.unwrap_or(RINGS),
            };
            self.alarm(after, Timer::NoAnswer(key, line));
        }
    }

    /// Diverts an alerting call.
    fn divert_ringing(&mut self, key: CallKey, line: LineId, number: String, cause: EventCause) {
        let to = self.name_of(&number);
        self.leave(key, line, CallEventKind::Diverted(to), cause.clone());
        self.call(key).redirected = RedirectionDevice::NumberDialed(self.device(line).clone());
        self.route(key, number, cause);
    }

    /// Diverts a call before it alerts at the line.
    fn divert(&mut self, key: CallKey, line: LineId, id: CallId, to: DeviceId, cause: EventCause) {
        let to = dialled(&to).map_or(to, |number| self.name_of(&number));
        self.report_as(
            key,
            line,
            id,
            State::Gone,
            CallEventKind::Diverted(to),
            cause,
        );
        self.call(key).redirected = RedirectionDevice::NumberDialed(self.device(line).clone());
    }

    fn route_away(&mut self, key: CallKey, number: &str, cause: EventCause) {
        let device = DeviceId::from(number);
        let Some(behavior) = OutsideBehavior::of(number) else {
            return self.fail(key, device, EventCause::DEST_NOT_OBTAINABLE);
        };
        let party = Party {
            end: End::Outside(device.clone(), behavior),
            state: State::Initiated,
            id: CallId::default(),
        };
        self.add_party(key, party);
        self.report_to_all(key, &CallEventKind::NetworkReached(device), &cause);
        self.alarm(NETWORK, Timer::Progress(key));
    }

    fn progress(&mut self, key: CallKey) {
        let Some(party) = self.call(key).outside(State::Initiated) else {
            return;
        };
        let End::Outside(device, behavior) = party.end.clone() else {
            return;
        };
        let cause = match behavior {
            OutsideBehavior::Busy => EventCause::BUSY,
            OutsideBehavior::Unknown => EventCause::NUMBER_UNALLOCATED,
            OutsideBehavior::Rings | OutsideBehavior::Answers | OutsideBehavior::Machine => {
                party.state = State::Alerting;
                self.report_to_all(
                    key,
                    &CallEventKind::Delivered(device),
                    &EventCause::NETWORK_SIGNAL,
                );
                match behavior {
                    OutsideBehavior::Answers => self.alarm(PICK_UP, Timer::Answer(key)),
                    OutsideBehavior::Machine => self.alarm(Duration::ZERO, Timer::Answer(key)),
                    _ => {}
                }
                return;
            }
        };
        party.state = State::Gone;
        self.call(key)
            .parties
            .retain(|party| party.state != State::Gone);
        self.fail(key, device, cause);
    }

    fn alarm(&mut self, after: Duration, alarm: Timer) {
        let serial = self.next_serial();
        self.alarms.insert((self.now + after, serial), alarm);
    }
}
