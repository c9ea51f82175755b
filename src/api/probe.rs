//! `/api/phones/{mac}/csta`: sends a CSTA request of an operator to a phone, without emulation.

use std::sync::Arc;

use actix_web::web;
use serde::Deserialize;
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

use super::{Api, Refusal, methods::only, phones};

/// Adds the path.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let csta = web::resource("/phones/{mac}/csta").post(probe);
    config.service(only("POST", csta));
}

/// The body of a probe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeRequest {
    /// A CSTA request (ECMA-323) with the phone's own names for devices.
    request: String,
}

async fn probe(
    api: web::Data<Api>,
    phone: web::Path<String>,
    body: web::Json<ProbeRequest>,
) -> Result<web::Json<ProbeResult>, Refusal> {
    let phone = phones::phone(&phone)?;
    let invalid = |why: String| Refusal::Invalid(format!("invalid CSTA request: {why}"));
    let document = Document::read(body.into_inner().request.into_bytes().into())
        .map_err(|error| invalid(error.to_string()))?;
    let Some(service) = document.service() else {
        let name = document.name();
        return Err(invalid(format!("{name} is not a CSTA request")));
    };
    let asked = FindLine {
        name: DeviceId::from(phone.bare()),
        session: None,
    };
    let line = api.find.send(asked).await;
    let line = line.map_err(phones::closed)?;
    let actor = line.map_err(|_| Refusal::NoLines(phone))?.phone;
    let probed = actor
        .send(Probe {
            service,
            document: Arc::new(document),
        })
        .await;
    let probed = probed.map_err(|_| {
        Refusal::Unavailable(format!("the actor of phone {phone} failed; try again"))
    })?;
    let result = result(service, probed);
    log(phone, &result);
    Ok(web::Json(result))
}

fn log(phone: PhoneId, result: &ProbeResult) {
    let ProbeResult {
        service, outcome, ..
    } = result;
    tracing::info!(%phone, service, ?outcome, "phone probed by an operator");
}

fn result(service: ServiceId, probed: ProbeAnswer) -> ProbeResult {
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
