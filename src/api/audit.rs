//! Writes the audit log: one place sees every request, so that no operation that changes something can forget it.

use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header::LOCATION},
    middleware::Next,
    web,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uacsta_config::Settings;

use super::{
    Api,
    access::{LogOn, address},
    answer::RequestId,
    authentication::Keys,
    document::Document,
    idempotency::Replayed,
    problem::Problem,
};
use crate::audit::{Entry, Outcome, bounded, differences, masked};

/// What a request is about to change, as far as its handler and its body say so.
#[derive(Clone, Debug, Default)]
struct Change {
    before: Value,
    after: Value,
}

/// Notes who asks.
pub(super) fn note_log_on(request: &HttpRequest, log_on: &LogOn) {
    request.extensions_mut().insert(log_on.clone());
}

/// Notes the present state of what a request changes; of a PATCH the members that it names are written.
pub(super) fn note_before(request: &HttpRequest, before: &impl Serialize) {
    // Values of ours always have a JSON form.
    let before = masked(&serde_json::to_value(before).unwrap_or_default());
    with_change(request, |change| change.before = before);
}

/// Notes the values that a request sets: its body, unless the handler says it better.
pub(super) fn note_after(request: &HttpRequest, after: &impl Serialize) {
    let after = masked(&serde_json::to_value(after).unwrap_or_default());
    with_change(request, |change| change.after = after);
}

/// Notes which settings a request has changed.
pub(super) fn note_settings(request: &HttpRequest, former: &Settings, now: &Settings) {
    let (before, after) = differences(former, now);
    with_change(request, |change| *change = Change { before, after });
}

fn with_change(request: &HttpRequest, note: impl FnOnce(&mut Change)) {
    let mut extensions = request.extensions_mut();
    let mut change = extensions.remove::<Change>().unwrap_or_default();
    note(&mut change);
    extensions.insert(change);
}

/// Writes an entry for each operation that may have changed something, and for requests that were refused.
pub(super) async fn record(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    let api = response.request().app_data::<web::Data<Api>>().cloned();
    if let Some(api) = api
        && let Some(entry) = entry(&response, &api)
    {
        api.audit.record(entry).await;
    }
    Ok(response)
}

/// The entry for a request; `None` where it changes nothing, or is one of many that are refused.
fn entry(response: &ServiceResponse<impl MessageBody>, api: &Api) -> Option<Entry> {
    let request = response.request();
    let document = request.app_data::<web::Data<Document>>()?;
    let operation = document.operation(request);
    let status = response.status();
    let outcome = outcome(status);
    if outcome != Outcome::Refused && operation.is_none_or(|operation| operation.is_read()) {
        return None;
    }
    let from = address(request, request.app_data::<web::Data<Keys>>()?);
    let name = operation.map(|operation| operation.id.as_str());
    let extensions = request.extensions();
    if extensions.contains::<Replayed>() {
        return None;
    }
    let log_on = extensions.get::<LogOn>();
    let times = match (outcome, log_on) {
        (Outcome::Done, _) | (Outcome::Failed, Some(_)) => 1,
        _ => {
            let kind = format!("{status} {}", name.unwrap_or_default());
            api.audit
                .refusals
                .admit(from, &kind, api.context.clock.now())?
        }
    };
    let Change { mut before, after } = extensions.get::<Change>().cloned().unwrap_or_default();
    if request.method() == Method::PATCH {
        retain_members(&mut before, &after);
    }
    let place = response.headers().get(LOCATION);
    let place = place.and_then(|place| place.to_str().ok());
    let path = request.path();
    let problem = response.response().error();
    Some(Entry {
        who: log_on.map(|log_on| bounded(&log_on.name)),
        from: Some(from.to_string()),
        operation: name.map(str::to_owned),
        target: Some(bounded(place.unwrap_or(path))),
        before,
        // What cannot be read may hold a secret anywhere.
        after: match status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Value::Null,
            _ => after,
        },
        outcome,
        status: Some(status.as_u16()),
        detail: problem.map(|error| match error.as_error::<Problem>() {
            Some(problem) => bounded(&problem.to_string()),
            None => bounded(&error.to_string()),
        }),
        times,
        request_id: extensions.get().map(RequestId::to_string),
        ..Entry::new("", Timestamp::now())
    })
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::TOO_MANY_REQUESTS => Outcome::Refused,
        _ if status.is_success() => Outcome::Done,
        _ => Outcome::Failed,
    }
}

/// Leaves the members that a merge patch names.
fn retain_members(before: &mut Value, after: &Value) {
    if let (Some(before), Some(after)) = (before.as_object_mut(), after.as_object()) {
        before.retain(|name, _| after.contains_key(name));
    }
}
