//! Where a call goes: to a line, on by its forwardings, outside, or nowhere.

use std::time::Duration;

use uacsta_schema::csta::{
    CallId, DeviceId, EventCause, Failure, ForwardingType, RedirectionDevice,
};

use super::{CallKey, End, Exchange, LineId, Party, State, What};

/// What becomes of a call to a number outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It rings, and is answered.
    Answers,
    /// A machine answers at once: numbers that begin with `04`.
    Machine,
    /// It rings for ever: numbers that begin with `01`.
    Rings,
    /// It is busy: numbers that begin with `02`.
    Busy,
    /// Nobody has the number: numbers that begin with `03`.
    Unknown,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Alarm {
    /// The network knows what becomes of it.
    Progress(CallKey),
    /// The called party outside answers.
    Answer(CallKey),
    /// The line has not answered.
    RequestError(CallKey, LineId),
    /// The line has heard enough of the tone.
    Tone(CallKey, LineId),
}

/// After how long the network says what becomes of a call.
const NETWORK: Duration = Duration::from_millis(300);
/// How long a called party outside lets it ring.
const PICK_UP: Duration = Duration::from_millis(1500);
/// How long a phone plays the tone of a call that has failed.
const TONE: Duration = Duration::from_secs(5);
/// One ring and the pause after it.
const RING: Duration = Duration::from_secs(5);
/// Rings before a call is forwarded, where nobody has said how many.
const RINGS: u32 = 3;
/// How often one call is forwarded at most.
const REDIRECTIONS: usize = 5;

/// What is dialled for a device or number: `216`, `sip:216@pbx.example`, `tel:+49-30-1234`; `None` if that cannot be dialled.
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

impl Fate {
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

impl Exchange {
    /// Sends a call to a number.
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
        // A circle of forwardings.
        let device = self.name_of(&number);
        self.fail(key, device, EventCause::DEST_NOT_OBTAINABLE);
    }

    /// Sends a call that alerts at a line elsewhere.
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

    /// A call cannot go on: who is left on it hears a tone, for some seconds.
    pub(super) fn fail(&mut self, key: CallKey, device: DeviceId, cause: EventCause) {
        let lines: Vec<LineId> = self.call(key).lines().collect();
        for line in lines {
            self.set(key, line, State::Failed);
            self.tell(key, line, What::Failed(device.clone()), cause.clone());
            self.alarm(TONE, Alarm::Tone(key, line));
        }
        self.drop_if_deserted(key);
    }

    /// What a call waited for has come, unless the call has gone on without it.
    pub(super) fn fire(&mut self, alarm: &Alarm) {
        let (Alarm::Progress(key)
        | Alarm::Answer(key)
        | Alarm::RequestError(key, _)
        | Alarm::Tone(key, _)) = *alarm;
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        match *alarm {
            Alarm::Progress(_) => self.progress(key),
            Alarm::Answer(_) => {
                if let Some(party) = call.outside(State::Alerting) {
                    party.state = State::Connected;
                    let End::Outside(number, _) = party.end.clone() else {
                        return;
                    };
                    self.announce(key, &What::Established(number), &EventCause::NORMAL);
                }
            }
            Alarm::RequestError(_, line) => {
                let rings = call.party(line).map(|party| party.state) == Some(State::Alerting);
                if let Some(to) = self
                    .forwarding(line, &ForwardingType::FORWARD_NO_ANS)
                    .filter(|_| rings)
                {
                    let number = to.user().to_owned();
                    self.divert_ringing(key, line, number, EventCause::CALL_FORWARD_NO_ANSWER);
                }
            }
            Alarm::Tone(_, line) => {
                let failed = call
                    .party(line)
                    .filter(|party| party.state == State::Failed)
                    .map(|party| party.id.clone());
                if let Some(id) = failed {
                    // The call is the line's own, so it can be cleared.
                    let _ = self.clear(line, &id);
                }
            }
        }
    }

    /// Whether a line takes a call, else where it sends it, else why it fails.
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
        self.join_in(key, party);
        let what = What::Delivered(self.device(line).clone());
        self.announce(key, &what, &cause);
        if let Some(forwarding) = self.forwarding_of(line, &ForwardingType::FORWARD_NO_ANS) {
            let after = match (forwarding.ring_duration, forwarding.ring_count) {
                (Some(seconds), _) => Duration::from_secs(seconds.into()),
                (None, rings) => RING * rings.unwrap_or(RINGS),
            };
            self.alarm(after, Alarm::RequestError(key, line));
        }
    }

    /// A call leaves the line at which it alerts.
    fn divert_ringing(&mut self, key: CallKey, line: LineId, number: String, cause: EventCause) {
        let to = self.name_of(&number);
        self.part(key, line, What::Diverted(to), cause.clone());
        self.call(key).redirected = RedirectionDevice::NumberDialed(self.device(line).clone());
        self.route(key, number, cause);
    }

    /// A call leaves a line before it has alerted there.
    fn divert(&mut self, key: CallKey, line: LineId, id: CallId, to: DeviceId, cause: EventCause) {
        let to = dialled(&to).map_or(to, |number| self.name_of(&number));
        self.tell_as(key, line, id, State::Gone, What::Diverted(to), cause);
        self.call(key).redirected = RedirectionDevice::NumberDialed(self.device(line).clone());
    }

    fn route_away(&mut self, key: CallKey, number: &str, cause: EventCause) {
        let device = DeviceId::from(number);
        let Some(fate) = Fate::of(number) else {
            return self.fail(key, device, EventCause::DEST_NOT_OBTAINABLE);
        };
        let party = Party {
            end: End::Outside(device.clone(), fate),
            state: State::Initiated,
            id: CallId::default(),
        };
        self.join_in(key, party);
        self.announce(key, &What::NetworkReached(device), &cause);
        self.alarm(NETWORK, Alarm::Progress(key));
    }

    fn progress(&mut self, key: CallKey) {
        let Some(party) = self.call(key).outside(State::Initiated) else {
            return;
        };
        let End::Outside(device, fate) = party.end.clone() else {
            return;
        };
        let cause = match fate {
            Fate::Busy => EventCause::BUSY,
            Fate::Unknown => EventCause::NUMBER_UNALLOCATED,
            Fate::Rings | Fate::Answers | Fate::Machine => {
                party.state = State::Alerting;
                self.announce(key, &What::Delivered(device), &EventCause::NETWORK_SIGNAL);
                match fate {
                    Fate::Answers => self.alarm(PICK_UP, Alarm::Answer(key)),
                    Fate::Machine => self.alarm(Duration::ZERO, Alarm::Answer(key)),
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

    fn alarm(&mut self, after: Duration, alarm: Alarm) {
        let serial = self.next_serial();
        self.alarms.insert((self.now + after, serial), alarm);
    }
}
