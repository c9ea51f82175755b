//! The buttons of a phone, which act on the call that a user would mean.

use uacsta_schema::csta::{CallId, DeviceId, Failure, LocalConnectionState};

use super::{Forwarding, LineId, Pbx};

/// A button of a phone, or an action of its menu.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Button {
    /// Dials a number.
    Dial(DeviceId),
    /// Answers the ringing call, or goes off hook when the phone prompts.
    Answer,
    /// Ends the active call, else one that failed, rings or is held.
    HangUp,
    /// Holds the active call.
    Hold,
    /// Retrieves the held call.
    Retrieve,
    /// Presses digits during a call.
    Digits(Box<str>),
    /// Holds the call and dials another number.
    Consult(DeviceId),
    /// Connects the held and the active party.
    Transfer,
    /// Transfers the other party to a number without consultation.
    TransferTo(DeviceId),
    /// Joins the held and the active call.
    Conference,
    /// Deflects the ringing call to a number.
    Deflect(DeviceId),
    /// Sets do not disturb.
    DoNotDisturb(bool),
    /// Sets a forwarding.
    Forward(Forwarding),
    /// Sets the message waiting lamp.
    MessageWaiting(bool),
}

/// Presses a button at a line.
///
/// # Errors
/// The failure with which the phone would reject the same request by CSTA.
pub(super) fn press(pbx: &mut Pbx, line: LineId, button: Button) -> Result<(), Failure> {
    let call = |pbx: &Pbx, states: &[LocalConnectionState]| -> Option<CallId> {
        let calls = pbx.calls(line);
        let of = |state: &LocalConnectionState| calls.iter().find(|call| call.state == *state);
        states.iter().find_map(of).map(|call| call.id.clone())
    };
    let active = call(pbx, &[LocalConnectionState::CONNECTED]);
    let held = call(pbx, &[LocalConnectionState::HOLD]);
    let rings = call(
        pbx,
        &[
            LocalConnectionState::ALERTING,
            LocalConnectionState::INITIATED,
        ],
    );
    let active = active.ok_or(Failure::NO_ACTIVE_CALL);
    let held = held.ok_or(Failure::NO_HELD_CALL);
    let rings = rings.ok_or(Failure::NO_CALL_TO_ANSWER);
    match button {
        Button::Dial(number) => pbx.make_call(line, &number, false).map(drop),
        Button::Answer => pbx.answer(line, &rings?),
        Button::HangUp => {
            let states = [
                LocalConnectionState::CONNECTED,
                LocalConnectionState::INITIATED,
                LocalConnectionState::FAIL,
                LocalConnectionState::ALERTING,
                LocalConnectionState::HOLD,
            ];
            let call = call(pbx, &states).ok_or(Failure::NO_CALL_TO_CLEAR)?;
            pbx.clear(line, &call)
        }
        Button::Hold => pbx.hold(line, &active?),
        Button::Retrieve => pbx.retrieve(line, &held?),
        Button::Digits(digits) => pbx.generate_digits(line, &active?, &digits),
        Button::Consult(number) => pbx.consult(line, &active?, &number).map(drop),
        Button::Transfer => pbx.transfer(line, &held?, &active?).map(drop),
        Button::TransferTo(number) => pbx.single_step_transfer(line, &active?, &number).map(drop),
        Button::Conference => pbx.conference(line, &held?, &active?).map(drop),
        Button::Deflect(number) => pbx.deflect(line, &rings?, &number),
        Button::DoNotDisturb(on) => {
            pbx.set_do_not_disturb(line, on);
            Ok(())
        }
        Button::Forward(forwarding) => pbx.set_forwarding(line, forwarding),
        Button::MessageWaiting(on) => {
            pbx.set_message_waiting(line, on);
            Ok(())
        }
    }
}
