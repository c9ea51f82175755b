//! What a hand does at a phone: keys that act on the call which a person would mean.

use uacsta_schema::csta::{CallId, DeviceId, Failure, LocalConnectionState};

use super::exchange::{Exchange, Forwarding, LineId};

/// Something that a hand does at a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// Dials a number.
    Dial(DeviceId),
    /// Answers the call that rings, or goes off hook where the phone prompts.
    Answer,
    /// Ends the call that is spoken on, else the one that fails, rings or is held.
    HangUp,
    /// Holds the call that is spoken on.
    Hold,
    /// Retrieves the held call.
    Retrieve,
    /// Presses digits during a call.
    Digits(Box<str>),
    /// Holds the call and dials another number.
    Consult(DeviceId),
    /// Connects the held party with the one that is spoken to.
    Transfer,
    /// Sends the other party to a number.
    TransferTo(DeviceId),
    /// Puts the held party and the one that is spoken to into one call.
    Conference,
    /// Sends the call that rings to a number.
    Deflect(DeviceId),
    /// Switches do not disturb.
    DoNotDisturb(bool),
    /// Sets a forwarding.
    Forward(Forwarding),
    /// Switches the lamp that says that a message waits.
    MessageWaiting(bool),
}

/// Presses a key at a line.
///
/// # Errors
/// What a phone would refuse by CSTA as well.
pub(super) fn press(exchange: &mut Exchange, line: LineId, key: Key) -> Result<(), Failure> {
    let call = |exchange: &Exchange, states: &[LocalConnectionState]| -> Option<CallId> {
        let calls = exchange.calls(line);
        let of = |state: &LocalConnectionState| calls.iter().find(|call| call.state == *state);
        states.iter().find_map(of).map(|call| call.id.clone())
    };
    let active = call(exchange, &[LocalConnectionState::CONNECTED]);
    let held = call(exchange, &[LocalConnectionState::HOLD]);
    let rings = call(
        exchange,
        &[
            LocalConnectionState::ALERTING,
            LocalConnectionState::INITIATED,
        ],
    );
    let active = active.ok_or(Failure::NO_ACTIVE_CALL);
    let held = held.ok_or(Failure::NO_HELD_CALL);
    let rings = rings.ok_or(Failure::NO_CALL_TO_ANSWER);
    match key {
        Key::Dial(number) => exchange.make_call(line, &number, false).map(drop),
        Key::Answer => exchange.answer(line, &rings?),
        Key::HangUp => {
            let states = [
                LocalConnectionState::CONNECTED,
                LocalConnectionState::INITIATED,
                LocalConnectionState::FAIL,
                LocalConnectionState::ALERTING,
                LocalConnectionState::HOLD,
            ];
            let call = call(exchange, &states).ok_or(Failure::NO_CALL_TO_CLEAR)?;
            exchange.clear(line, &call)
        }
        Key::Hold => exchange.hold(line, &active?),
        Key::Retrieve => exchange.retrieve(line, &held?),
        Key::Digits(digits) => exchange.generate_digits(line, &active?, &digits),
        Key::Consult(number) => exchange.consult(line, &active?, &number).map(drop),
        Key::Transfer => exchange.transfer(line, &held?, &active?).map(drop),
        Key::TransferTo(number) => exchange.send_away(line, &active?, &number).map(drop),
        Key::Conference => exchange.conference(line, &held?, &active?).map(drop),
        Key::Deflect(number) => exchange.deflect(line, &rings?, &number),
        Key::DoNotDisturb(on) => {
            exchange.set_do_not_disturb(line, on);
            Ok(())
        }
        Key::Forward(forwarding) => exchange.set_forwarding(line, forwarding),
        Key::MessageWaiting(on) => {
            exchange.set_message_waiting(line, on);
            Ok(())
        }
    }
}
