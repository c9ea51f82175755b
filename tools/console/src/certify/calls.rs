//! Tries the call services on a nonexistent call, or in calls made for the test (ECMA-269, clauses 17 and 18).

use uacsta_connect::CommandError;
use uacsta_schema::csta::*;

use super::device_under_test::{DeviceUnderTest, Observation};

const ALERTING: &[LocalConnectionState] = &[LocalConnectionState::ALERTING];
const TALKING: &[LocalConnectionState] = &[
    LocalConnectionState::CONNECTED,
    LocalConnectionState::CONNECTED,
];

/// Tries each call service on a nonexistent call. Makes no call.
pub(super) async fn try_without(dut: &mut DeviceUnderTest<'_>) -> Result<(), CommandError> {
    dut.skip(
        ServiceId::MakeCall,
        "it calls somebody: give a number to call",
    );
    let number = dut.line().clone();
    let nonexistent = ConnectionId::new("0", dut.line().as_str());
    try_on_nonexistent(dut, &nonexistent, &number).await
}

/// Tries every call service except MakeCall; none can succeed.
async fn try_on_nonexistent(
    dut: &mut DeviceUnderTest<'_>,
    call: &ConnectionId,
    number: &DeviceId,
) -> Result<(), CommandError> {
    dut.use_nonexistent_call(call).await?;
    dut.probe(AnswerCall {
        call_to_be_answered: call.clone(),
        ..AnswerCall::default()
    })
    .await?;
    in_call(dut, call).await?;
    pair(dut, call, call).await?;
    dut.probe(ConferenceCall {
        held_call: call.clone(),
        active_call: call.clone(),
    })
    .await?;
    dut.probe(TransferCall {
        held_call: call.clone(),
        active_call: call.clone(),
    })
    .await?;
    consult(dut, call, number).await?;
    dut.probe(SingleStepConferenceCall {
        active_call: call.clone(),
        device_to_join: number.clone(),
        participation_type: ParticipationType::SILENT,
        ..SingleStepConferenceCall::default()
    })
    .await?;
    dut.probe(SingleStepTransferCall {
        active_call: call.clone(),
        transferred_to: number.clone(),
        ..SingleStepTransferCall::default()
    })
    .await?;
    deflect(dut, call, number).await?;
    dut.probe(DirectedPickupCall {
        call_to_be_picked_up: call.clone(),
        requesting_device: dut.line().clone(),
        ..DirectedPickupCall::default()
    })
    .await?;
    dut.probe(DialDigits {
        dialling_connection: call.clone(),
        dialling_sequence: number.clone(),
        correlator_data: None,
    })
    .await?;
    clear(dut, call).await
}

/// Makes calls to `number`, and calls the line from `caller`.
pub(super) async fn try_with(
    dut: &mut DeviceUnderTest<'_>,
    number: &str,
    caller: Option<&mut DeviceUnderTest<'_>>,
) -> Result<(), CommandError> {
    let number = DeviceId::from(number);
    if let Some(call) = make(dut, &number, AutoOriginate::PROMPT).await? {
        dut.probe(DialDigits {
            dialling_connection: call,
            dialling_sequence: number.clone(),
            correlator_data: None,
        })
        .await?;
        dut.hang_up().await?;
    }
    if let Some(call) = talk(dut, &number).await? {
        in_call(dut, &call).await?;
        if let Some(second) = consult(dut, &call, &number).await? {
            pair(dut, &call, &second).await?;
        }
        dut.hang_up().await?;
    }
    if let Some((held, active)) = two(dut, &number).await? {
        dut.probe(ConferenceCall {
            held_call: held,
            active_call: active,
        })
        .await?;
        dut.hang_up().await?;
    }
    if let Some((held, active)) = two(dut, &number).await? {
        dut.probe(TransferCall {
            held_call: held,
            active_call: active,
        })
        .await?;
        dut.hang_up().await?;
    }
    if let Some(call) = talk(dut, &number).await? {
        dut.probe(SingleStepConferenceCall {
            active_call: call.clone(),
            device_to_join: number.clone(),
            participation_type: ParticipationType::ACTIVE,
            ..SingleStepConferenceCall::default()
        })
        .await?;
        dut.probe(SingleStepTransferCall {
            active_call: call,
            transferred_to: number.clone(),
            ..SingleStepTransferCall::default()
        })
        .await?;
        dut.hang_up().await?;
    }
    if let Some(caller) = caller {
        if let Some(call) = called(dut, caller).await? {
            dut.probe(AnswerCall {
                call_to_be_answered: call,
                ..AnswerCall::default()
            })
            .await?;
            dut.wait_for_call(TALKING).await?;
            dut.hang_up().await?;
            caller.hang_up().await?;
        }
        if let Some(call) = called(dut, caller).await? {
            deflect(dut, &call, &number).await?;
            caller.hang_up().await?;
            dut.hang_up().await?;
        }
    }
    // Try what was not reached in a call; better results are kept.
    let nonexistent = ConnectionId::new("0", dut.line().as_str());
    try_on_nonexistent(dut, &nonexistent, &number).await
}

/// Calls `number`. Returns the line's connection.
async fn make(
    dut: &mut DeviceUnderTest<'_>,
    number: &DeviceId,
    how: AutoOriginate,
) -> Result<Option<ConnectionId>, CommandError> {
    // One without an answer may have made it.
    dut.unfinished.has_calls = true;
    let made = dut
        .probe(MakeCall {
            calling_device: dut.line().clone(),
            called_directory_number: number.clone(),
            auto_originate: Some(how),
            ..MakeCall::default()
        })
        .await?;
    let call = made.map(|made| made.calling_device);
    dut.unfinished.connections.extend(call.clone());
    Ok(call)
}

/// Calls `number` and waits for the answer.
async fn talk(
    dut: &mut DeviceUnderTest<'_>,
    number: &DeviceId,
) -> Result<Option<ConnectionId>, CommandError> {
    let made = make(dut, number, AutoOriginate::DO_NOT_PROMPT).await?;
    if made.is_some() {
        is_answered(dut, number).await?;
    }
    Ok(made)
}

/// Waits until the call to `number` is answered.
///
/// # Errors
/// Nobody answers: the call services cannot be tried.
async fn is_answered(dut: &mut DeviceUnderTest<'_>, number: &DeviceId) -> Result<(), CommandError> {
    match dut.wait_for_call(TALKING).await? {
        Observation::Call(_) | Observation::Unknown => Ok(()),
        Observation::TimedOut => {
            dut.hang_up().await?;
            Err(CommandError::Failed(format!(
                "{number} does not answer; give --call a number that answers by itself"
            )))
        }
    }
}

/// Sets up a held and an active call.
async fn two(
    dut: &mut DeviceUnderTest<'_>,
    number: &DeviceId,
) -> Result<Option<(ConnectionId, ConnectionId)>, CommandError> {
    let Some(held) = talk(dut, number).await? else {
        return Ok(None);
    };
    let active = consult(dut, &held, number).await?;
    if active.is_none() {
        dut.hang_up().await?;
    }
    Ok(active.map(|active| (held, active)))
}

/// Calls the line from another phone. Returns the line's connection when it rings.
async fn called(
    dut: &mut DeviceUnderTest<'_>,
    caller: &mut DeviceUnderTest<'_>,
) -> Result<Option<ConnectionId>, CommandError> {
    let number = DeviceId::from(dut.line().user());
    dut.unfinished.has_calls = true;
    if make(caller, &number, AutoOriginate::DO_NOT_PROMPT)
        .await?
        .is_none()
    {
        return Ok(None);
    }
    match dut.wait_for_call(ALERTING).await? {
        Observation::Call(call) => Ok(Some(call)),
        Observation::TimedOut | Observation::Unknown => {
            caller.hang_up().await?;
            Ok(None)
        }
    }
}

async fn consult(
    dut: &mut DeviceUnderTest<'_>,
    call: &ConnectionId,
    number: &DeviceId,
) -> Result<Option<ConnectionId>, CommandError> {
    let consulted = dut
        .probe(ConsultationCall {
            existing_call: call.clone(),
            consulted_device: number.clone(),
            ..ConsultationCall::default()
        })
        .await?;
    let call = consulted.map(|consulted| consulted.initiated_call);
    dut.unfinished.connections.extend(call.clone());
    if call.is_some() {
        is_answered(dut, number).await?;
    }
    Ok(call)
}

/// Tries the services of a single call.
async fn in_call(dut: &mut DeviceUnderTest<'_>, call: &ConnectionId) -> Result<(), CommandError> {
    dut.probe(GenerateDigits {
        connection_to_send_digits: call.clone(),
        characters_to_send: "1".to_owned(),
        ..GenerateDigits::default()
    })
    .await?;
    dut.probe(SnapshotCall {
        snapshot_object: call.clone(),
    })
    .await?;
    dut.probe(HoldCall {
        call_to_be_held: call.clone(),
        connection_reservation: None,
    })
    .await?;
    dut.probe(RetrieveCall {
        call_to_be_retrieved: call.clone(),
    })
    .await?;
    Ok(())
}

/// Tries the services of a held and an active call.
async fn pair(
    dut: &mut DeviceUnderTest<'_>,
    held: &ConnectionId,
    active: &ConnectionId,
) -> Result<(), CommandError> {
    let alternated = dut
        .probe(AlternateCall {
            held_call: held.clone(),
            active_call: active.clone(),
            ..AlternateCall::default()
        })
        .await?;
    let (held, active) = match alternated {
        Some(_) => (active, held),
        None => (held, active),
    };
    dut.probe(ReconnectCall {
        active_call: active.clone(),
        held_call: held.clone(),
    })
    .await?;
    Ok(())
}

async fn deflect(
    dut: &mut DeviceUnderTest<'_>,
    call: &ConnectionId,
    number: &DeviceId,
) -> Result<(), CommandError> {
    dut.probe(DeflectCall {
        call_to_be_diverted: call.clone(),
        new_destination: number.clone().into(),
        ..DeflectCall::default()
    })
    .await?;
    Ok(())
}

async fn clear(dut: &mut DeviceUnderTest<'_>, call: &ConnectionId) -> Result<(), CommandError> {
    dut.probe(ClearConnection {
        connection_to_be_cleared: call.clone(),
        ..ClearConnection::default()
    })
    .await?;
    Ok(())
}
