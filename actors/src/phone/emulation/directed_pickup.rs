//! DirectedPickupCall by a call to the feature code of the phone system, `phones.pickup` (ECMA-269).

use uacsta_schema::csta::{
    AutoOriginate, ConnectionId, DeviceId, DirectedPickupCall, DirectedPickupCallResponse,
    Document, MakeCall, Message, Response,
};

use super::outcome::PhoneView;
use crate::refusal::Refusal;

/// The call to the feature code; the number of the ringing phone replaces `{number}`.
///
/// # Errors
/// The feature code needs the number, and the request contains none.
pub(super) fn call(
    request: &DirectedPickupCall,
    phone: &PhoneView<'_>,
) -> Result<MakeCall, Refusal> {
    let code = phone.pickup_code;
    let device = request.call_to_be_picked_up.device_id.as_ref();
    let number = match device.map(DeviceId::user) {
        Some(user) => code.replace("{number}", user),
        None if code.contains("{number}") => {
            return Err(Refusal::Malformed(
                "callToBePickedUp names no device, whose number the feature code needs".to_owned(),
            ));
        }
        None => code.to_owned(),
    };
    Ok(MakeCall {
        calling_device: phone.line.clone(),
        called_directory_number: DeviceId::from(number),
        auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
        correlator_data: request.correlator_data.clone(),
        user_data: request.user_data.clone(),
        ..MakeCall::default()
    })
}

/// The phone answered MakeCall: its call is the picked-up call.
pub(super) fn call_answered(
    answer: Result<Document, Refusal>,
) -> Result<DirectedPickupCallResponse, Refusal> {
    made_call(answer).map(|picked_call| DirectedPickupCallResponse { picked_call })
}

/// The connection of the call that the phone made.
pub(super) fn made_call(answer: Result<Document, Refusal>) -> Result<ConnectionId, Refusal> {
    match answer?.message() {
        Ok(Message::Response(Response::MakeCallResponse(response))) => Ok(response.calling_device),
        Ok(_) => Err(Refusal::NotCsta("it is not MakeCallResponse".to_owned())),
        Err(error) => Err(Refusal::NotCsta(error.to_string())),
    }
}
