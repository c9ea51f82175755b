//! The exchange that simulated phones call each other by: pure call logic that turns requests and time into notices.
//!
//! Every phone that is a party to a call is told its own view of it, with its own CallID, in the order in which a phone
//! reports events (ECMA-269; TR/87 7.3). Numbers that belong to nobody here and begin with `0` or `+` are
//! outside; [`Fate`] says what becomes of a call to them.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use uacsta_schema::csta::{CallId, DeviceId, EventCause, Failure, LocalConnectionState};

mod apparatus;
mod call;
mod control;
mod feature;
mod joining;
mod notice;
mod routing;
#[cfg(test)]
mod tests;

pub use apparatus::Apparatus;
use call::{Call, CallKey, End, Party, State};
pub use feature::Forwarding;
use notice::What;
pub use notice::{CallNotice, Notice};
use routing::Alarm;
pub use routing::Fate;

/// All lines, and the calls between them.
#[derive(Default)]
pub struct Exchange {
    lines: Vec<Line>,
    numbers: HashMap<Box<str>, LineId>,
    calls: HashMap<CallKey, Call>,
    alarms: BTreeMap<(Duration, u64), Alarm>,
    notices: Vec<(LineId, Notice)>,
    now: Duration,
    /// Counts calls, names of calls and alarms.
    serial: u64,
}

/// A line of an exchange.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LineId(usize);

/// A call as one of its lines has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallView {
    /// The line's own name for the call.
    pub id: CallId,
    /// The line's connection.
    pub state: LocalConnectionState,
    /// The other parties, and their connections.
    pub others: Vec<(DeviceId, LocalConnectionState)>,
}

struct Line {
    device: DeviceId,
    /// How it names its calls, of which `{serial}` counts; makers differ.
    call: Box<str>,
    in_service: bool,
    do_not_disturb: bool,
    message_waiting: bool,
    apparatus: Apparatus,
    forwardings: Vec<Forwarding>,
    calls: Vec<CallKey>,
}

impl Exchange {
    /// Adds a line that is out of service yet. Its number is the user part of its device; its calls are named by `call`,
    /// in which `{serial}` counts.
    pub fn add(&mut self, device: DeviceId, call: &str) -> LineId {
        let line = LineId(self.lines.len());
        self.numbers.insert(device.user().into(), line);
        self.lines.push(Line {
            device,
            call: call.into(),
            in_service: false,
            do_not_disturb: false,
            message_waiting: false,
            apparatus: Apparatus::default(),
            forwardings: Vec::new(),
            calls: Vec::new(),
        });
        line
    }

    /// Takes a line away: its calls end, and its number is nobody's.
    pub fn remove(&mut self, line: LineId) {
        self.set_in_service(line, false);
        let number = self.lines[line.0].device.user();
        self.numbers.remove(number);
    }

    /// The line with this device, by its URI or its number alone.
    pub fn line(&self, device: &DeviceId) -> Option<LineId> {
        self.numbers.get(device.user()).copied()
    }

    /// What a line is called in documents.
    pub fn device(&self, line: LineId) -> &DeviceId {
        &self.lines[line.0].device
    }

    /// Plugs a line in, or out: then its calls end.
    pub fn set_in_service(&mut self, line: LineId, in_service: bool) {
        self.lines[line.0].in_service = in_service;
        if !in_service {
            for view in self.calls(line) {
                // The call is the line's own, so it can be cleared unless another end has done so before.
                let _ = self.clear(line, &view.id);
            }
        }
    }

    /// The calls of a line, the oldest first.
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

    /// Lets time pass: calls that wait for it go on.
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

    /// When [`Self::advance`] has something to do.
    pub fn due(&self) -> Option<Duration> {
        self.alarms.keys().next().map(|(at, _)| *at)
    }

    /// What lines have to report, in order.
    pub fn take_notices(&mut self) -> Vec<(LineId, Notice)> {
        std::mem::take(&mut self.notices)
    }

    /// A call comes in from outside. Whether it reaches a line is seen from what that reports.
    ///
    /// # Errors
    /// The number called cannot be dialled.
    pub fn call_in(&mut self, from: &DeviceId, to: &DeviceId) -> Result<(), Failure> {
        let number = routing::dialled(to).ok_or(Failure::INVALID_CALLED_DEVICE_ID)?;
        let caller = Party {
            end: End::Outside(from.clone(), Fate::Answers),
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
        self.join_in(key, caller);
        key
    }

    fn join_in(&mut self, key: CallKey, party: Party) {
        if let End::Line(line) = party.end {
            self.lines[line.0].calls.push(key);
        }
        self.call(key).parties.push(party);
    }

    /// A call; keys are only handed out for calls that stand, and dropped with them.
    fn call(&mut self, key: CallKey) -> &mut Call {
        self.calls
            .get_mut(&key)
            .expect("a key is used only while its call stands")
    }

    /// The call and the state in which a line has it.
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

    /// Whether a line speaks, dials or hears a tone, so that it cannot begin another call.
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

    /// A name for a call at a line, which no other has.
    fn call_id(&mut self, line: LineId) -> CallId {
        let serial = self.next_serial().to_string();
        CallId::from(self.lines[line.0].call.replace("{serial}", &serial))
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Tells every line that is a party.
    fn announce(&mut self, key: CallKey, what: &What, cause: &EventCause) {
        let lines: Vec<LineId> = self.call(key).lines().collect();
        for line in lines {
            self.tell(key, line, what.clone(), cause.clone());
        }
    }

    /// Tells one line that is a party.
    fn tell(&mut self, key: CallKey, line: LineId, what: What, cause: EventCause) {
        if let Some((id, state)) = self.calls[&key]
            .party(line)
            .map(|party| (party.id.clone(), party.state))
        {
            self.tell_as(key, line, id, state, what, cause);
        }
    }

    fn tell_as(
        &mut self,
        key: CallKey,
        line: LineId,
        call: CallId,
        state: State,
        what: What,
        cause: EventCause,
    ) {
        let about = &self.calls[&key];
        let notice = CallNotice {
            call,
            own: self.lines[line.0].device.clone(),
            calling: about.calling.clone(),
            called: about.called.clone(),
            redirected: about.redirected.clone(),
            local: state.local(),
            what,
            cause,
        };
        self.notices.push((line, Notice::Call(Box::new(notice))));
    }

    /// A line leaves a call, and is told so.
    fn part(&mut self, key: CallKey, line: LineId, what: What, cause: EventCause) {
        self.set(key, line, State::Gone);
        self.tell(key, line, what, cause);
        self.call(key).leave(line);
        self.lines[line.0].calls.retain(|call| *call != key);
    }

    /// Forgets a call that has no line any more.
    fn drop_if_deserted(&mut self, key: CallKey) {
        if self
            .calls
            .get(&key)
            .is_some_and(|call| call.lines().next().is_none())
        {
            self.calls.remove(&key);
        }
    }
}
