//! Makes, answers, holds and ends calls (ECMA-269).

use uacsta_schema::csta::{CallId, DeviceId, EventCause, Failure};

use super::{CallEventKind, CallKey, End, LineId, Party, Pbx, State, routing::dialled};

impl Pbx {
    /// Calls a number. With `prompts`, the line waits for its user to go off hook ([`Self::answer`]).
    ///
    /// # Errors
    /// The number cannot be dialled, or the line is engaged.
    pub fn make_call(
        &mut self,
        line: LineId,
        number: &DeviceId,
        prompts: bool,
    ) -> Result<CallId, Failure> {
        let number = dialled(number).ok_or(Failure::INVALID_CALLED_DEVICE_ID)?;
        if self.is_engaged(line) {
            return Err(Failure::INVALID_CALLING_DEVICE_STATE);
        }
        let (key, id) = self.initiate(line, &number, EventCause::MAKE_CALL);
        if !prompts {
            self.originate(key, line, number, EventCause::NEW_CALL);
        }
        Ok(id)
    }

    /// Answers an alerting call, or goes off hook for a prompted one.
    ///
    /// # Errors
    /// There is no such call, nothing to answer, or another call is active.
    pub fn answer(&mut self, line: LineId, id: &CallId) -> Result<(), Failure> {
        let (key, state) = self.own(line, id)?;
        match state {
            State::Initiated => {
                let number = self.call(key).called.user().to_owned();
                self.originate(key, line, number, EventCause::NEW_CALL);
            }
            State::Alerting if self.is_engaged(line) => return Err(Failure::INVALID_DEVICE_STATE),
            State::Alerting => {
                self.set(key, line, State::Connected);
                let answering = self.device(line).clone();
                self.report_to_all(
                    key,
                    &CallEventKind::Established(answering),
                    &EventCause::NORMAL,
                );
            }
            _ => return Err(Failure::NO_CALL_TO_ANSWER),
        }
        Ok(())
    }

    /// Clears a line's connection. The last two parties leave together.
    ///
    /// # Errors
    /// There is no such call.
    pub fn clear(&mut self, line: LineId, id: &CallId) -> Result<(), Failure> {
        let (key, state) = self.own(line, id)?;
        let device = self.device(line).clone();
        let what = CallEventKind::Cleared(device.clone());
        self.leave(key, line, what, EventCause::NORMAL_CLEARING);
        if state == State::Alerting {
            // The caller's call fails, as with SIP 486 or 603.
            self.fail(key, device, EventCause::BUSY);
        } else {
            self.party_left(key, device);
        }
        Ok(())
    }

    /// Holds a call.
    ///
    /// # Errors
    /// There is no such call, or no other party.
    pub fn hold(&mut self, line: LineId, id: &CallId) -> Result<(), Failure> {
        self.hold_because(line, id, &EventCause::NORMAL)
    }

    /// Retrieves a held call.
    ///
    /// # Errors
    /// There is no such call, it is not held, or another one is active.
    pub fn retrieve(&mut self, line: LineId, id: &CallId) -> Result<(), Failure> {
        let (key, state) = self.own(line, id)?;
        if state != State::Held {
            return Err(Failure::NO_HELD_CALL);
        }
        if self.is_engaged(line) {
            return Err(Failure::INVALID_CONNECTION_STATE);
        }
        self.set(key, line, State::Connected);
        let what = CallEventKind::Retrieved(self.device(line).clone());
        self.report_to_all(key, &what, &EventCause::NORMAL);
        Ok(())
    }

    /// Holds a call and calls another number. Returns the new call's ID.
    ///
    /// # Errors
    /// There is no such call, no other party, or the number cannot be dialled.
    pub fn consult(
        &mut self,
        line: LineId,
        id: &CallId,
        number: &DeviceId,
    ) -> Result<CallId, Failure> {
        let number = dialled(number).ok_or(Failure::INVALID_DESTINATION)?;
        self.hold_because(line, id, &EventCause::CONSULTATION)?;
        let (key, id) = self.initiate(line, &number, EventCause::CONSULTATION);
        self.originate(key, line, number, EventCause::CONSULTATION);
        Ok(id)
    }

    /// Reports that `leaver` left. A party that is left alone leaves too.
    pub(super) fn party_left(&mut self, key: CallKey, leaver: DeviceId) {
        let lines: Vec<LineId> = self.call(key).lines().collect();
        let alone = self.call(key).parties.len() == 1;
        for line in lines {
            let alerting =
                self.call(key).party(line).map(|party| party.state) == Some(State::Alerting);
            if !(alone && alerting) {
                let what = CallEventKind::Cleared(leaver.clone());
                self.report(key, line, what, EventCause::NORMAL_CLEARING);
            }
            if alone {
                let own = CallEventKind::Cleared(self.device(line).clone());
                let cause = if alerting {
                    EventCause::CALL_CANCELLED
                } else {
                    EventCause::NORMAL_CLEARING
                };
                self.leave(key, line, own, cause);
            }
        }
        self.drop_if_empty(key);
    }

    fn hold_because(
        &mut self,
        line: LineId,
        id: &CallId,
        cause: &EventCause,
    ) -> Result<(), Failure> {
        let (key, state) = self.own(line, id)?;
        match state {
            State::Held => return Err(Failure::NO_ACTIVE_CALL),
            State::Connected if self.call(key).is_established_for(line) => {}
            _ => return Err(Failure::INVALID_CONNECTION_STATE),
        }
        self.set(key, line, State::Held);
        let what = CallEventKind::Held(self.device(line).clone());
        self.report_to_all(key, &what, cause);
        Ok(())
    }

    fn initiate(&mut self, line: LineId, number: &str, cause: EventCause) -> (CallKey, CallId) {
        let id = self.call_id(line);
        let caller = Party {
            end: End::Line(line),
            state: State::Initiated,
            id: id.clone(),
        };
        let key = self.new_call(caller, number);
        self.report(key, line, CallEventKind::Initiated, cause);
        (key, id)
    }

    fn originate(&mut self, key: CallKey, line: LineId, number: String, cause: EventCause) {
        self.set(key, line, State::Connected);
        self.report(key, line, CallEventKind::Originated, cause);
        self.route(key, number, EventCause::NEW_CALL);
    }
}
