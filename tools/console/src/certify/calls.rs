//! Services of a call: asked for one that does not exist, or for calls that are made for it (ECMA-269, clauses 17 and 18).

use uacsta_schema::csta::*;

use super::subject::{Seen, Subject};
use uacsta_connect::CommandError as Stop;

const ALERTING: &[LocalConnectionState] = &[LocalConnectionState::ALERTING];
const TALKING: &[LocalConnectionState] = &[
    LocalConnectionState::CONNECTED,
    LocalConnectionState::CONNECTED,
];

/// Asks for each service in a call that does not exist. No call is made.
pub(super) fn try_without(subject: &mut Subject<'_>) -> Result<(), Stop> {
    subject.leave_out("MakeCall", "it calls somebody: --call NUMBER");
    let number = subject.line().clone();
    let nowhere = ConnectionId::new("0", subject.line().as_str());
    on_nothing(subject, &nowhere, &number)
}

/// Every service of a call but MakeCall, none of which can succeed.
fn on_nothing(
    subject: &mut Subject<'_>,
    call: &ConnectionId,
    number: &DeviceId,
) -> Result<(), Stop> {
    subject.expects_refusals(call)?;
    subject.ask(AnswerCall {
        call_to_be_answered: call.clone(),
        ..AnswerCall::default()
    })?;
    in_call(subject, call)?;
    pair(subject, call, call)?;
    subject.ask(ConferenceCall {
        held_call: call.clone(),
        active_call: call.clone(),
    })?;
    subject.ask(TransferCall {
        held_call: call.clone(),
        active_call: call.clone(),
    })?;
    consult(subject, call, number)?;
    subject.ask(SingleStepConferenceCall {
        active_call: call.clone(),
        device_to_join: number.clone(),
        participation_type: ParticipationType::SILENT,
        ..SingleStepConferenceCall::default()
    })?;
    subject.ask(SingleStepTransferCall {
        active_call: call.clone(),
        transferred_to: number.clone(),
        ..SingleStepTransferCall::default()
    })?;
    deflect(subject, call, number)?;
    subject.ask(DirectedPickupCall {
        call_to_be_picked_up: call.clone(),
        requesting_device: subject.line().clone(),
        ..DirectedPickupCall::default()
    })?;
    subject.ask(DialDigits {
        dialling_connection: call.clone(),
        dialling_sequence: number.clone(),
        correlator_data: None,
    })?;
    clear(subject, call)
}

/// Makes calls to `number`, and has `caller` call the line.
pub(super) fn try_with(
    subject: &mut Subject<'_>,
    number: &str,
    caller: Option<Subject<'_>>,
) -> Result<(), Stop> {
    let number = DeviceId::from(number);
    if let Some(call) = make(subject, &number, AutoOriginate::PROMPT)? {
        subject.ask(DialDigits {
            dialling_connection: call,
            dialling_sequence: number.clone(),
            correlator_data: None,
        })?;
        subject.hang_up()?;
    }
    if let Some(call) = talk(subject, &number)? {
        in_call(subject, &call)?;
        if let Some(second) = consult(subject, &call, &number)? {
            pair(subject, &call, &second)?;
        }
        subject.hang_up()?;
    }
    if let Some((held, active)) = two(subject, &number)? {
        subject.ask(ConferenceCall {
            held_call: held,
            active_call: active,
        })?;
        subject.hang_up()?;
    }
    if let Some((held, active)) = two(subject, &number)? {
        subject.ask(TransferCall {
            held_call: held,
            active_call: active,
        })?;
        subject.hang_up()?;
    }
    if let Some(call) = talk(subject, &number)? {
        subject.ask(SingleStepConferenceCall {
            active_call: call.clone(),
            device_to_join: number.clone(),
            participation_type: ParticipationType::ACTIVE,
            ..SingleStepConferenceCall::default()
        })?;
        subject.ask(SingleStepTransferCall {
            active_call: call,
            transferred_to: number.clone(),
            ..SingleStepTransferCall::default()
        })?;
        subject.hang_up()?;
    }
    if let Some(mut caller) = caller {
        if let Some(call) = called(subject, &mut caller)? {
            subject.ask(AnswerCall {
                call_to_be_answered: call,
                ..AnswerCall::default()
            })?;
            subject.until(TALKING)?;
            subject.hang_up()?;
            caller.hang_up()?;
        }
        if let Some(call) = called(subject, &mut caller)? {
            deflect(subject, &call, &number)?;
            caller.hang_up()?;
            subject.hang_up()?;
        }
    }
    // What a call did not come to is at least asked for; what was done stays so.
    let nowhere = ConnectionId::new("0", subject.line().as_str());
    on_nothing(subject, &nowhere, &number)
}

/// Calls; the line's connection.
fn make(
    subject: &mut Subject<'_>,
    number: &DeviceId,
    how: AutoOriginate,
) -> Result<Option<ConnectionId>, Stop> {
    let made = subject.ask(MakeCall {
        calling_device: subject.line().clone(),
        called_directory_number: number.clone(),
        auto_originate: Some(how),
        ..MakeCall::default()
    })?;
    Ok(made.map(|made| made.calling_device))
}

/// Calls, and waits until it is answered.
fn talk(subject: &mut Subject<'_>, number: &DeviceId) -> Result<Option<ConnectionId>, Stop> {
    let made = make(subject, number, AutoOriginate::DO_NOT_PROMPT)?;
    if made.is_some() {
        is_answered(subject, number)?;
    }
    Ok(made)
}

/// Makes sure that the call to `number` is answered; without that the rest shows nothing.
fn is_answered(subject: &mut Subject<'_>, number: &DeviceId) -> Result<(), Stop> {
    match subject.until(TALKING)? {
        Seen::Call(_) | Seen::Untold => Ok(()),
        Seen::Nothing => {
            subject.hang_up()?;
            Err(Stop::Failed(format!(
                "nobody answers at {number}; name a number by --call that answers by itself"
            )))
        }
    }
}

/// A call that is held, and one that is spoken on.
fn two(
    subject: &mut Subject<'_>,
    number: &DeviceId,
) -> Result<Option<(ConnectionId, ConnectionId)>, Stop> {
    let Some(held) = talk(subject, number)? else {
        return Ok(None);
    };
    let active = consult(subject, &held, number)?;
    if active.is_none() {
        subject.hang_up()?;
    }
    Ok(active.map(|active| (held, active)))
}

/// Has another phone call the line; the line's connection when it rings.
fn called(
    subject: &mut Subject<'_>,
    caller: &mut Subject<'_>,
) -> Result<Option<ConnectionId>, Stop> {
    let number = DeviceId::from(subject.line().user());
    if make(caller, &number, AutoOriginate::DO_NOT_PROMPT)?.is_none() {
        return Ok(None);
    }
    match subject.until(ALERTING)? {
        Seen::Call(call) => Ok(Some(call)),
        Seen::Nothing | Seen::Untold => {
            caller.hang_up()?;
            Ok(None)
        }
    }
}

fn consult(
    subject: &mut Subject<'_>,
    call: &ConnectionId,
    number: &DeviceId,
) -> Result<Option<ConnectionId>, Stop> {
    let consulted = subject.ask(ConsultationCall {
        existing_call: call.clone(),
        consulted_device: number.clone(),
        ..ConsultationCall::default()
    })?;
    if consulted.is_some() {
        is_answered(subject, number)?;
    }
    Ok(consulted.map(|consulted| consulted.initiated_call))
}

/// What is done within one call.
fn in_call(subject: &mut Subject<'_>, call: &ConnectionId) -> Result<(), Stop> {
    subject.ask(GenerateDigits {
        connection_to_send_digits: call.clone(),
        characters_to_send: "1".to_owned(),
        ..GenerateDigits::default()
    })?;
    subject.ask(SnapshotCall {
        snapshot_object: call.clone(),
    })?;
    subject.ask(HoldCall {
        call_to_be_held: call.clone(),
        connection_reservation: None,
    })?;
    subject.ask(RetrieveCall {
        call_to_be_retrieved: call.clone(),
    })?;
    Ok(())
}

/// What is done with a held call and one that is spoken on.
fn pair(subject: &mut Subject<'_>, held: &ConnectionId, active: &ConnectionId) -> Result<(), Stop> {
    let alternated = subject.ask(AlternateCall {
        held_call: held.clone(),
        active_call: active.clone(),
        ..AlternateCall::default()
    })?;
    let (held, active) = match alternated {
        Some(_) => (active, held),
        None => (held, active),
    };
    subject.ask(ReconnectCall {
        active_call: active.clone(),
        held_call: held.clone(),
    })?;
    Ok(())
}

fn deflect(subject: &mut Subject<'_>, call: &ConnectionId, number: &DeviceId) -> Result<(), Stop> {
    subject.ask(DeflectCall {
        call_to_be_diverted: call.clone(),
        new_destination: number.clone().into(),
        ..DeflectCall::default()
    })?;
    Ok(())
}

fn clear(subject: &mut Subject<'_>, call: &ConnectionId) -> Result<(), Stop> {
    subject.ask(ClearConnection {
        connection_to_be_cleared: call.clone(),
        ..ClearConnection::default()
    })?;
    Ok(())
}
