//! The PBX between the simulated phones: pure call logic that turns requests and time into events.
//!
//! Every line that is a party to a call reports its own view of it, with its own CallID, in the order in which phones
//! report events (ECMA-269; ECMA TR/87, section 7.3). Unknown numbers that begin with `0` or `+` are outside;
//! [`OutsideBehavior`] lists how calls to them proceed.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use uacsta_schema::csta::{CallId, DeviceId, EventCause, Failure, LocalConnectionState};

pub(crate) mod actor;
mod audio;
mod button;
mod call;
mod control;
mod event;
mod feature;
mod features;
mod routing;
mod service;
#[cfg(test)]
mod tests;
mod transfer;

pub use audio::Audio;
pub use button::Button;
use call::{Call, CallKey, End, Party, State};
use event::CallEventKind;
pub use event::{CallEvent, LineEvent};
pub use feature::Forwarding;
pub use routing::OutsideBehavior;
use routing::Timer;

/// All lines, and the calls between them.
#[derive(Default)]
pub struct Pbx {
    lines: Vec<Line>,
    numbers: HashMap<Box<str>, LineId>,
    calls: HashMap<CallKey, Call>,
    alarms: BTreeMap<(Duration, u64), Timer>,
    events: Vec<(LineId, LineEvent)>,
    now: Duration,
    /// Last serial number given to a call, a CallID or a timer.
    serial: u64,
}

/// Identifies a line of the PBX.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LineId(usize);

/// A call as one of its lines sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallView {
    /// The line's CallID.
    pub id: CallId,
    /// The state of the line's connection.
    pub state: LocalConnectionState,
    /// The other parties and the states of their connections.
    pub others: Vec<(DeviceId, LocalConnectionState)>,
}

struct Line {
    device: DeviceId,
    /// Template of its CallIDs, in which `{serial}` is replaced by a number.
    call: Box<str>,
    in_service: bool,
    do_not_disturb: bool,
    message_waiting: bool,
    audio: Audio,
    forwardings: Vec<Forwarding>,
    calls: Vec<CallKey>,
}

impl Pbx {
    /// Adds a line, out of service. Its number is the user part of `device`. `call` is the template of its CallIDs, in which
    /// `{serial}` is replaced by a number.
    pub fn add(&mut self, device: DeviceId, call: &str) -> LineId {
        let line = LineId(self.lines.len());
        self.numbers.insert(device.user().into(), line);
        self.lines.push(Line {
            device,
            call: call.into(),
            in_service: false,
            do_not_disturb: false,
            message_waiting: false,
            audio: Audio::default(),
            forwardings: Vec::new(),
            calls: Vec::new(),
        });
        line
    }

    /// Removes a line: its calls end, and its number is free.
    pub fn remove(&mut self, line: LineId) {
        self.set_in_service(line, false);
        let number = self.lines[line.0].device.user();
        self.numbers.remove(number);
    }

    /// The line with this device, given as a URI or as its number alone.
    pub fn line(&self, device: &DeviceId) -> Option<LineId> {
        self.numbers.get(device.user()).copied()
    }

    /// A line's DeviceID.
    pub fn device(&self, line: LineId) -> &DeviceId {
        &self.lines[line.0].device
    }

    /// Puts a line into or out of service. Out of service, its calls end.
    pub fn set_in_service(&mut self, line: LineId, in_service: bool) {
        self.lines[line.0].in_service = in_service;
        if !in_service {
            for view in self.calls(line) {
                // Clearing one call may have ended another already.
                let _ = self.clear(line, &view.id);
            }
        }
    }

    /// The calls of a line, oldest first.
    pub fn calls(&self, line: LineId) -> Vec<CallView> {
        let view = |key: &CallKey| {
            let call = &self.calls[key];
            let party = call.party(line)?;
            Some(CallView {
                id: party.id.clone(),
                state: party.state.local(),
                others: call
                    .others(line)
                    .map(|other| (self.name(&other.end), other.state.local()))
                    .collect(),
            })
        };
        self.lines[line.0].calls.iter().filter_map(view).collect()
    }

    /// Runs the timers that are due at `now`, in order.
    pub fn advance(&mut self, now: Duration) {
        while let Some(entry) = self
            .alarms
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            self.now = entry.key().0;
            let alarm = entry.remove();
            self.fire(&alarm);
        }
        self.now = now;
    }

    /// When the next timer is due.
    pub fn due(&self) -> Option<Duration> {
        self.alarms.keys().next().map(|(at, _)| *at)
    }

    /// Takes the events since the last call, in order.
    pub fn take_events(&mut self) -> Vec<(LineId, LineEvent)> {
        std::mem::take(&mut self.events)
    }

    /// A call from an outside number arrives.
    ///
    /// # Errors
    /// The called number cannot be dialled.
    pub fn call_in(&mut self, from: &DeviceId, to: &DeviceId) -> Result<(), Failure> {
        let number = routing::dialled(to).ok_or(Failure::INVALID_CALLED_DEVICE_ID)?;
        let caller = Party {
            end: End::Outside(from.clone(), OutsideBehavior::Answers),
            state: State::Connected,
            id: CallId::default(),
        };
        let key = self.new_call(caller, &number);
        self.route(key, number, EventCause::NEW_CALL);
        Ok(())
    }

    fn new_call(&mut self, caller: Party, number: &str) -> CallKey {
        let key = CallKey(self.next_serial());
        let call = Call {
            calling: self.name(&caller.end),
            called: self.name_of(number),
            redirected: Default::default(),
            parties: Vec::with_capacity(2),
        };
        self.calls.insert(key, call);
        self.add_party(key, caller);
        key
    }

    fn add_party(&mut self, key: CallKey, party: Party) {
        if let End::Line(line) = party.end {
            self.lines[line.0].calls.push(key);
        }
        self.call(key).parties.push(party);
    }

    /// A call. Keys are used only while their call exists.
    fn call(&mut self, key: CallKey) -> &mut Call {
        self.calls
            .get_mut(&key)
            .expect("a key is used only while its call stands")
    }

    /// Finds a line's call and the state of the line's connection.
    fn own(&self, line: LineId, id: &CallId) -> Result<(CallKey, State), Failure> {
        self.lines[line.0]
            .calls
            .iter()
            .find_map(|key| {
                let party = self.calls[key].party(line)?;
                (party.id == *id).then_some((*key, party.state))
            })
            .ok_or(Failure::INVALID_CONNECTION_ID)
    }

    fn set(&mut self, key: CallKey, line: LineId, state: State) {
        if let Some(party) = self.call(key).party_mut(line) {
            party.state = state;
        }
    }

    /// Whether a line is connected, dialling or hearing a tone, so that it cannot start another call.
    fn is_engaged(&self, line: LineId) -> bool {
        self.lines[line.0].calls.iter().any(|key| {
            self.calls[key].party(line).is_some_and(|party| {
                matches!(
                    party.state,
                    State::Initiated | State::Connected | State::Failed
                )
            })
        })
    }

    fn name(&self, end: &End) -> DeviceId {
        match end {
            End::Line(line) => self.lines[line.0].device.clone(),
            End::Outside(number, _) => number.clone(),
        }
    }

    fn name_of(&self, number: &str) -> DeviceId {
        match self.numbers.get(number) {
            Some(line) => self.lines[line.0].device.clone(),
            None => DeviceId::from(number),
        }
    }

    /// A new CallID of a line.
    fn call_id(&mut self, line: LineId) -> CallId {
        let serial = self.next_serial().to_string();
        CallId::from(self.lines[line.0].call.replace("{serial}", &serial))
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Reports an event to every line that is a party.
    fn report_to_all(&mut self, key: CallKey, what: &CallEventKind, cause: &EventCause) {
        let lines: Vec<LineId> = self.call(key).lines().collect();
        for line in lines {
            self.report(key, line, what.clone(), cause.clone());
        }
    }

    /// Reports an event to one line that is a party.
    fn report(&mut self, key: CallKey, line: LineId, what: CallEventKind, cause: EventCause) {
        if let Some((id, state)) = self.calls[&key]
            .party(line)
            .map(|party| (party.id.clone(), party.state))
        {
            self.report_as(key, line, id, state, what, cause);
        }
    }

    fn report_as(
        &mut self,
        key: CallKey,
        line: LineId,
        call: CallId,
        state: State,
        what: CallEventKind,
        cause: EventCause,
    ) {
        let about = &self.calls[&key];
        let event = CallEvent {
            call,
            own: self.lines[line.0].device.clone(),
            calling: about.calling.clone(),
            called: about.called.clone(),
            redirected: about.redirected.clone(),
            local: state.local(),
            what,
            cause,
        };
        self.events.push((line, LineEvent::Call(Box::new(event))));
    }

    /// Removes a line from a call, and reports it to the line.
    fn leave(&mut self, key: CallKey, line: LineId, what: CallEventKind, cause: EventCause) {
        self.set(key, line, State::Gone);
        self.report(key, line, what, cause);
        self.call(key).leave(line);
        self.lines[line.0].calls.retain(|call| *call != key);
    }

    /// Removes a call without lines.
    fn drop_if_empty(&mut self, key: CallKey) {
        if self
            .calls
            .get(&key)
            .is_some_and(|call| call.lines().next().is_none())
        {
            self.calls.remove(&key);
        }
    }
}
