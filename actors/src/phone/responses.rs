//! Reads the phone's response to a service, and relays it to the client.

use bytes::Bytes;
use uacsta_schema::csta::{
    self, Dialect, Document, Kind, Message, MonitorCrossRefId, Response, ServiceId,
    SystemStatusValue,
};

use super::{
    session::{Accepted, Outlook, Unusable},
    system_status::SystemState,
};
use crate::{
    ServerContext,
    reason::Cause,
    refusal::Refusal,
    sip::{
        responder::Responder,
        session::{Body, RequestError},
    },
    truncated::Truncated,
};

/// Responds to a client: with the phone's response, or with the CSTA error of the refusal.
pub(super) fn relay(responder: Responder, dialect: &Dialect, result: Result<Document, Refusal>) {
    let relayed = |document| Body::Relayed {
        document,
        edition: dialect.edition,
        cross_ref: None,
        device: None,
    };
    match result {
        Ok(document) => responder.csta(relayed(document.into())),
        Err(Refusal::Failed { document, .. }) => responder.csta(relayed(document)),
        Err(refusal) => responder.csta(csta::write(&refusal.failure().into(), dialect)),
    }
}

/// Reads the response to a service. A CSTA error counts in a 200 as in a 4xx or 5xx.
pub(super) fn read(
    context: &ServerContext,
    response: Result<Bytes, RequestError>,
    service: ServiceId,
) -> Result<Document, Refusal> {
    let (body, status) = match response {
        Ok(body) => (body, None),
        Err(RequestError::Refused { body, status, .. }) => (body, Some(status)),
        Err(RequestError::TimedOut) => return Err(Refusal::TimedOut),
        Err(
            RequestError::Ended
            | RequestError::ConnectionLost
            | RequestError::NoDialog
            | RequestError::Rang,
        ) => return Err(Refusal::Away),
        Err(RequestError::TooLarge) => return Err(Refusal::TooLarge),
    };
    let document = match context.read(body) {
        Ok(document) => document,
        Err(error) => {
            return Err(
                status.map_or_else(|| Refusal::NotCsta(error.to_string()), Refusal::Refused)
            );
        }
    };
    if document.kind() == Kind::Failure {
        return Err(match document.message() {
            Ok(Message::Failure(failure)) => Refusal::Failed {
                failure,
                document: document.into(),
            },
            Ok(_) => Refusal::NotCsta("a CSTAErrorCode without an error".to_owned()),
            Err(error) => Refusal::NotCsta(error.to_string()),
        });
    }
    if let Some(status) = status {
        return Err(Refusal::Refused(status));
    }
    if document.kind() == Kind::Response(service) {
        Ok(document)
    } else {
        Err(Refusal::NotCsta(format!(
            "{} came instead of {service}Response",
            Truncated(document.name())
        )))
    }
}

/// The cross reference in the response to MonitorStart.
pub(super) fn cross_ref(response: Result<Document, Refusal>) -> Result<MonitorCrossRefId, Refusal> {
    let document = response?;
    match document.message() {
        Ok(Message::Response(Response::MonitorStartResponse(started))) => {
            Ok(started.monitor_cross_ref_id)
        }
        Ok(_) => Err(Refusal::NotCsta(format!(
            "{} came instead of MonitorStartResponse",
            Truncated(document.name())
        ))),
        Err(error) => Err(Refusal::NotCsta(error.to_string())),
    }
}

/// The CSTA error in the body of a response, in words.
pub(super) fn csta_error(context: &ServerContext, body: Bytes) -> Option<Box<str>> {
    match context.read(body).ok()?.message() {
        Ok(Message::Failure(failure)) => Some(Truncated(&failure.to_string()).to_string().into()),
        _ => None,
    }
}

/// Reads the response to RequestSystemStatus: the phone's edition and status, or why it cannot be controlled.
pub(super) fn check_status(context: &ServerContext, body: Bytes) -> Result<Accepted, Unusable> {
    // A phone without CSTA may accept the INVITE as an ordinary call.
    let is_useless = |refusal: Refusal| Unusable {
        cause: Cause::NoCsta(match refusal {
            Refusal::NotCsta(why) => why.into(),
            refusal => refusal.to_string().into(),
        }),
        outlook: Outlook::Lasting,
    };
    let (status, document) = system_status(context, body).map_err(is_useless)?;
    match SystemState::of(&status) {
        Some(system) if system != SystemState::Disabled => Ok(Accepted {
            edition: document.edition(),
            system,
        }),
        _ => Err(Unusable {
            cause: Cause::PhoneOutOfService(Truncated(status.as_str()).to_string().into()),
            outlook: Outlook::Passing,
        }),
    }
}

fn system_status(
    context: &ServerContext,
    body: Bytes,
) -> Result<(SystemStatusValue, Document), Refusal> {
    let document = context
        .read(body)
        .map_err(|error| Refusal::NotCsta(error.to_string()))?;
    match document
        .message()
        .map_err(|error| Refusal::NotCsta(error.to_string()))?
    {
        Message::Response(Response::RequestSystemStatusResponse(response)) => {
            Ok((response.system_status, document))
        }
        Message::Failure(failure) => Err(Refusal::Failed {
            failure,
            document: document.into(),
        }),
        _ => Err(Refusal::NotCsta(format!(
            "{} came instead of RequestSystemStatusResponse",
            Truncated(document.name())
        ))),
    }
}
