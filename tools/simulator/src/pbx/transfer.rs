//! Transfer and conference: joins two calls, or moves a party to another number (ECMA-269).

use uacsta_schema::csta::{
    CallId, ConnectionId, ConnectionListItem, DeviceId, Endpoint, EventCause, Failure,
    SubjectDevice,
};

use super::{CallEventKind, CallKey, End, LineId, Pbx, State, routing::dialled};

/// The resulting call, as the requesting line sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JoinedCall {
    /// The call, and a device in it.
    pub connection: ConnectionId,
    /// The former and the new connections.
    pub connections: Vec<ConnectionListItem>,
}

/// Parties of a conference at most.
const MEMBERS: usize = 6;

/// A party before the join: its end, and its former CallID.
struct Moved {
    device: DeviceId,
    end: End,
    old: CallId,
}

impl Pbx {
    /// Connects the parties of a held and an active call (TransferCall).
    ///
    /// # Errors
    /// There are no such calls, or they are not held and active.
    pub fn transfer(
        &mut self,
        line: LineId,
        held: &CallId,
        active: &CallId,
    ) -> Result<JoinedCall, Failure> {
        let (held, active) = self.two(line, held, active)?;
        Ok(self.join(line, held, active, false))
    }

    /// Joins a held and an active call (ConferenceCall).
    ///
    /// # Errors
    /// There are no such calls, they are not held and active, the active one is not answered, or there are too many parties.
    pub fn conference(
        &mut self,
        line: LineId,
        held: &CallId,
        active: &CallId,
    ) -> Result<JoinedCall, Failure> {
        let (held, active) = self.two(line, held, active)?;
        if !self.call(active).is_established_for(line) {
            return Err(Failure::INVALID_CONNECTION_STATE);
        }
        if self.call(held).parties.len() + self.call(active).parties.len() > MEMBERS + 1 {
            return Err(Failure::CONFERENCE_MEMBER_LIMIT_EXCEEDED);
        }
        Ok(self.join(line, held, active, true))
    }

    /// Moves the other party of a call to another number (SingleStepTransferCall).
    ///
    /// # Errors
    /// There is no such call, it does not have two connected parties, or the destination cannot be dialled.
    pub fn single_step_transfer(
        &mut self,
        line: LineId,
        id: &CallId,
        to: &DeviceId,
    ) -> Result<JoinedCall, Failure> {
        let (key, state) = self.own(line, id)?;
        let number = dialled(to).ok_or(Failure::INVALID_DESTINATION_DEVICE_ID)?;
        let speaks = matches!(state, State::Connected | State::Held)
            && self.call(key).is_established_for(line)
            && self.call(key).parties.len() == 2;
        if !speaks {
            return Err(Failure::INVALID_CONNECTION_STATE);
        }
        let to = self.name_of(&number);
        let moved = self.moved(key, line);
        let new = self.call_id(line);
        self.call(key).leave(line);
        self.lines[line.0].calls.retain(|call| *call != key);
        if let Some(other) = moved.first() {
            self.call(key).calling = other.device.clone();
        }
        self.call(key).called = to.clone();
        let connections = list(&new, id, &moved);
        let what = CallEventKind::Transferred {
            second: None,
            by: self.device(line).clone(),
            to: to.clone(),
            connections: connections.clone(),
        };
        let cause = EventCause::SINGLE_STEP_TRANSFER;
        self.report_as(key, line, id.clone(), State::Gone, what, cause.clone());
        self.rename(
            key,
            &moved,
            |by, connections| CallEventKind::Transferred {
                second: None,
                by,
                to: to.clone(),
                connections,
            },
            line,
            &cause,
        );
        self.route(key, number, EventCause::NEW_CALL);
        Ok(JoinedCall {
            connection: ConnectionId::new(new, to),
            connections,
        })
    }

    /// Finds a line's held and active call.
    fn two(
        &self,
        line: LineId,
        held: &CallId,
        active: &CallId,
    ) -> Result<(CallKey, CallKey), Failure> {
        let (held, held_state) = self.own(line, held)?;
        let (active, active_state) = self.own(line, active)?;
        if held_state != State::Held {
            return Err(Failure::NO_HELD_CALL);
        }
        if active_state != State::Connected {
            return Err(Failure::NO_ACTIVE_CALL);
        }
        Ok((held, active))
    }

    /// Joins both calls in the active one, whose timers stay.
    fn join(&mut self, line: LineId, held: CallKey, active: CallKey, stays: bool) -> JoinedCall {
        let by = self.device(line).clone();
        let (first, second) = (self.moved(held, line), self.moved(active, line));
        let [held_id, active_id] = [held, active].map(|key| {
            self.calls[&key]
                .party(line)
                .map_or_else(CallId::default, |party| party.id.clone())
        });
        let new = self.call_id(line);

        // Move the held call's parties, and take the line out of one call or both.
        let leaves = if stays {
            vec![held]
        } else {
            vec![held, active]
        };
        for key in leaves {
            self.call(key).leave(line);
            self.lines[line.0].calls.retain(|call| *call != key);
        }
        let parties = self.calls.remove(&held).map(|call| call.parties);
        for party in parties.into_iter().flatten() {
            if let End::Line(other) = party.end {
                self.lines[other.0].calls.retain(|call| *call != held);
            }
            self.add_party(active, party);
        }
        if let Some(party) = self.call(active).party_mut(line) {
            party.id = new.clone();
        }
        let (calling, to) = (device_of(&first, &by), device_of(&second, &by));
        let call = self.call(active);
        (call.calling, call.called) = (calling, to.clone());

        let mut connections = list(&new, &held_id, &first);
        connections.extend(list(&new, &active_id, &second));
        let what = |by, second, connections| {
            let to = to.clone();
            if stays {
                CallEventKind::Conferenced {
                    second,
                    by,
                    added: to,
                    connections,
                }
            } else {
                CallEventKind::Transferred {
                    second,
                    by,
                    to,
                    connections,
                }
            }
        };
        let (state, cause) = if stays {
            connections.push(item(&new, Some(&active_id), &by));
            (State::Connected, EventCause::CONFERENCE)
        } else {
            (State::Gone, EventCause::TRANSFER)
        };
        let own = what(by.clone(), Some(active_id), connections.clone());
        self.report_as(active, line, held_id, state, own, cause.clone());
        for moved in [&first, &second] {
            self.rename(
                active,
                moved,
                |by, connections| what(by, None, connections),
                line,
                &cause,
            );
        }
        JoinedCall {
            connection: ConnectionId::new(new, if stays { by } else { to }),
            connections,
        }
    }

    /// The other parties of a call at this moment.
    fn moved(&self, key: CallKey, line: LineId) -> Vec<Moved> {
        self.calls[&key]
            .others(line)
            .map(|party| Moved {
                device: self.name(&party.end),
                end: party.end.clone(),
                old: party.id.clone(),
            })
            .collect()
    }

    /// Gives the moved lines new CallIDs, and reports the event to them.
    fn rename(
        &mut self,
        key: CallKey,
        moved: &[Moved],
        what: impl Fn(DeviceId, Vec<ConnectionListItem>) -> CallEventKind,
        by: LineId,
        cause: &EventCause,
    ) {
        for party in moved {
            let End::Line(line) = party.end else { continue };
            let new = self.call_id(line);
            let Some(own) = self.call(key).party_mut(line) else {
                continue;
            };
            own.id = new.clone();
            let state = own.state;
            let parties: Vec<DeviceId> = self.calls[&key]
                .parties
                .iter()
                .map(|party| self.name(&party.end))
                .collect();
            let connections = parties
                .iter()
                .map(|device| {
                    item(
                        &new,
                        (*device == party.device).then_some(&party.old),
                        device,
                    )
                })
                .collect();
            let what = what(self.device(by).clone(), connections);
            self.report_as(key, line, party.old.clone(), state, what, cause.clone());
        }
    }
}

fn list(new: &CallId, old: &CallId, moved: &[Moved]) -> Vec<ConnectionListItem> {
    moved
        .iter()
        .map(|party| item(new, Some(old), &party.device))
        .collect()
}

fn item(new: &CallId, old: Option<&CallId>, device: &DeviceId) -> ConnectionListItem {
    ConnectionListItem {
        new_connection: Some(ConnectionId::new(new.as_str(), device.as_str())),
        old_connection: old.map(|old| ConnectionId::new(old.as_str(), device.as_str())),
        endpoint: Some(Endpoint(SubjectDevice::Device(device.clone()))),
        associated_nid: None,
    }
}

/// The device of the first party, else `otherwise`.
fn device_of(moved: &[Moved], otherwise: &DeviceId) -> DeviceId {
    moved
        .first()
        .map_or_else(|| otherwise.clone(), |party| party.device.clone())
}
