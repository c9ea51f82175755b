//! `/phones/{phone}/csta`: sends a CSTA request of an operator to a phone, without emulation.

mod audited;

use std::sync::Arc;

use actix_web::{HttpRequest, post, web};
use serde::{Deserialize, Serialize};
use uacsta_actors::{
    phone::{Probe, ProbeAnswer, ProfileEntry},
    refusal::Refusal as Why,
    registrar::FindLine,
};
use uacsta_connect::{ProbeOutcome, ProbeResult};
use uacsta_schema::{
    csta::{DeviceId, Document, Failure, ServiceId},
    phone_id::PhoneId,
    sip::Status,
};
use utoipa::ToSchema;

use self::audited::AuditedRequest;
use super::{Api, Body, Kind, Operator, Problem, note_after, phones, stopping};
use crate::texts::Text;

/// A CSTA request for a phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CstaRequest {
    /// A request of ECMA-323 with the phone's own names for devices.
    request: String,
}

/// What a phone did with a CSTA request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct CstaResult {
    /// Root element of the request.
    service: String,
    /// Whether the phone supports the service according to its profile; services that the profile does not list are assumed.
    expected: bool,
    /// The profile's entry: the first firmware, `yes` or `no`.
    listed: Option<String>,
    /// Whether the server emulates the service by others.
    emulated: bool,
    /// What the phone did: `done`, `lacking`, `refused`, `useless`, `silent` or `notAsked`.
    #[schema(value_type = String)]
    outcome: ProbeOutcome,
    /// Why it failed, in words.
    reason: Option<String>,
    /// The phone's document.
    document: Option<String>,
}

impl From<ProbeResult> for CstaResult {
    fn from(result: ProbeResult) -> Self {
        let ProbeResult {
            service,
            expected,
            listed,
            emulated,
            outcome,
            reason,
            document,
        } = result;
        Self {
            service,
            expected,
            listed,
            emulated,
            outcome,
            reason,
            document,
        }
    }
}

/// Sends a CSTA request to a phone.
///
/// For trying what a phone can do: the request goes to the phone as it is, without emulation, and the phone may ring. The audit
/// log has service, line and result, and the number that is called without its last three digits.
#[utoipa::path(
    operation_id = "sendCsta", tag = "phones", request_body = CstaRequest,
    params(("phone" = String, Path, description = "MAC address or extension.")),
    responses((status = 200, description = "What the phone did.", body = CstaResult)),
    extensions(("x-effect" = json!("rings")))
)]
#[post("/phones/{phone}/csta")]
pub(in crate::api) async fn send(
    _: Operator,
    api: web::Data<Api>,
    name: web::Path<String>,
    asker: HttpRequest,
    Body(CstaRequest { request }): Body<CstaRequest>,
) -> Result<web::Json<CstaResult>, Problem> {
    let invalid = |why| Problem::member("request", Text::new("invalid-csta").with("why", why));
    let document = Document::read(request.into_bytes().into());
    let document = document.map_err(|error| invalid(Text::verbatim(error)))?;
    let Some(service) = document.service() else {
        let name = document.name();
        return Err(invalid(Text::new("no-csta-request").with("name", name)));
    };
    // What else is in the request is not kept.
    let mut audited = AuditedRequest::of(service.name(), &document);
    note_after(&asker, &audited);
    let phone = phones::found(&api, &name).await?.entry.id;
    let asked = FindLine {
        name: DeviceId::from(phone.bare()),
        session: None,
    };
    let line = api.find.send(asked).await.map_err(stopping)?;
    let no_lines = |_| {
        let detail = Text::new("lines-not-listed").with("phone", phone.to_string());
        Problem::new(Kind::LINE_OUT_OF_SERVICE, detail)
    };
    let actor = line.map_err(no_lines)?.phone;
    let document = Arc::new(document);
    let probed = actor.send(Probe { service, document }).await;
    let probed = probed.map_err(|_| {
        Problem::unavailable(Text::new("phone-failed").with("phone", phone.to_string()))
    })?;
    let result = result(service, probed);
    audited.result = Some(result.outcome);
    note_after(&asker, &audited);
    log(phone, &result);
    Ok(web::Json(result.into()))
}

fn log(phone: PhoneId, result: &ProbeResult) {
    let ProbeResult {
        service, outcome, ..
    } = result;
    tracing::info!(%phone, service, %outcome, "phone probed by an operator");
}

pub(super) fn result(service: ServiceId, probed: ProbeAnswer) -> ProbeResult {
    let ProfileEntry {
        has,
        since,
        emulated,
    } = probed.profile;
    let text = |document: &Document| String::from_utf8_lossy(document.raw()).into_owned();
    let (outcome, reason, document) = match probed.answer {
        Ok(document) => (ProbeOutcome::Done, None, Some(text(&document))),
        Err(why) => {
            let document = match &why {
                Why::Failed { document, .. } => Some(text(document)),
                _ => None,
            };
            (outcome(&why), Some(why.to_string()), document)
        }
    };
    ProbeResult {
        service: service.name().to_owned(),
        expected: has,
        listed: since,
        emulated,
        outcome,
        reason,
        document,
    }
}

/// What a refusal says about the phone.
fn outcome(why: &Why) -> ProbeOutcome {
    match why {
        Why::Failed { failure, .. } if *failure == Failure::SERVICE_NOT_SUPPORTED => {
            ProbeOutcome::Lacking
        }
        Why::Refused(Status::NOT_IMPLEMENTED | Status::METHOD_NOT_ALLOWED) => ProbeOutcome::Lacking,
        Why::Failed { .. } | Why::Refused(_) => ProbeOutcome::Refused,
        Why::TimedOut => ProbeOutcome::Silent,
        Why::NotCsta(_) => ProbeOutcome::Useless,
        _ => ProbeOutcome::NotAsked,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_schema::csta::Category;

    use super::*;

    #[test]
    fn missing_service_is_distinguished_from_rejected_request() {
        fn check(why: Why, expected: ProbeOutcome) {
            assert_eq!(outcome(&why), expected, "{why}");
        }
        let failed = |failure: Failure| Why::Failed {
            failure,
            document: Arc::new(Document::read("<CSTAErrorCode/>".into()).unwrap()),
        };
        // The CSTA error counts, not the SIP status.
        check(
            failed(Failure::SERVICE_NOT_SUPPORTED),
            ProbeOutcome::Lacking,
        );
        check(failed(Failure::NO_ACTIVE_CALL), ProbeOutcome::Refused);
        let other = Failure::new(Category::StateIncompatibility, "serviceNotSupported");
        check(failed(other), ProbeOutcome::Refused);
        // RFC 3261, sections 21.4.6 and 21.5.2.
        check(
            Why::Refused(Status::METHOD_NOT_ALLOWED),
            ProbeOutcome::Lacking,
        );
        check(Why::Refused(Status::NOT_IMPLEMENTED), ProbeOutcome::Lacking);
        check(Why::Refused(Status::BAD_REQUEST), ProbeOutcome::Refused);
        check(Why::TimedOut, ProbeOutcome::Silent);
        check(Why::NotCsta("no".to_owned()), ProbeOutcome::Useless);
        check(Why::Away, ProbeOutcome::NotAsked);
        check(Why::Busy, ProbeOutcome::NotAsked);
    }
}
