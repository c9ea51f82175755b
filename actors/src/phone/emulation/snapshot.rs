//! SnapshotDevice and SnapshotCall from the calls that events reported (ECMA-269).

use uacsta_schema::csta::{
    CallId, Document, Failure, Message, Response, ServiceId, Snapshot, SnapshotCallResponse,
    SnapshotDevice,
};

use super::outcome::{EmulationOutcome, PhoneView};
use crate::{monitor::parties_of, refusal::Refusal};

/// SnapshotDevice of a monitored line; an unmonitored line may have unreported calls.
pub(super) fn device(phone: &PhoneView<'_>) -> Result<Message, Refusal> {
    phone
        .calls
        .filter(|_| phone.is_monitored)
        .map(|calls| calls.snapshot(phone.line).into())
        .ok_or(Refusal::NotSupported)
}

/// SnapshotCall: asks a phone with SnapshotDevice whether the call still exists.
pub(super) fn call(
    call: Option<CallId>,
    phone: &PhoneView<'_>,
) -> EmulationOutcome<Option<CallId>> {
    if !phone
        .capabilities
        .is_worth_asking(ServiceId::SnapshotDevice)
    {
        return EmulationOutcome::answer(tracked(call.as_ref(), phone).map(Message::from));
    }
    let request = SnapshotDevice {
        snapshot_object: phone.line.clone(),
    };
    EmulationOutcome::ask(call, request)
}

/// The phone answered SnapshotDevice: responds with the tracked call if the phone still lists it, else with the listed data.
pub(super) fn device_answered(
    call: Option<&CallId>,
    answer: Result<Document, Refusal>,
    phone: &PhoneView<'_>,
) -> Result<SnapshotCallResponse, Refusal> {
    let tracked = tracked(call, phone);
    let listed = match answer.as_ref().map(Document::message) {
        Ok(Ok(Message::Response(Response::SnapshotDeviceResponse(response)))) => response.data,
        Ok(_) => return tracked,
        Err(refusal) if refusal.failure() == Failure::SERVICE_NOT_SUPPORTED => return tracked,
        Err(refusal) => return Err(refusal.clone()),
    };
    let Snapshot::Data(listed) = listed else {
        return tracked;
    };
    // An item without a call may stand for this one.
    if listed.iter().any(|listed| listed.call_id().is_none()) {
        return tracked;
    }
    let listed = listed
        .iter()
        .find(|listed| call.is_some() && listed.call_id() == call.map(CallId::as_str))
        .ok_or(Refusal::NoCall)?;
    Ok(tracked.unwrap_or_else(|_| parties_of(listed, phone.line)))
}

fn tracked(call: Option<&CallId>, phone: &PhoneView<'_>) -> Result<SnapshotCallResponse, Refusal> {
    phone
        .calls
        .zip(call)
        .and_then(|(calls, call)| calls.find(call.as_str()))
        .map(|call| call.snapshot(phone.line))
        .ok_or(Refusal::NoCall)
}
