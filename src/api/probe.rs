//! `/api/phones/{mac}/csta`: an operator asks a phone itself for a service, past what the server would make of it (ECMA-323).

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
    let csta = web::resource("/phones/{mac}/csta").post(ask);
    config.service(only("POST", csta));
}

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A request of ECMA-323; devices are spelled as the phone does.
    request: String,
}

async fn ask(
    api: web::Data<Api>,
    phone: web::Path<String>,
    asked: web::Json<Asked>,
) -> Result<web::Json<ProbeResult>, Refusal> {
    let phone = phones::phone(&phone)?;
    let wrong = |why: String| Refusal::Wrong(format!("the request cannot be sent: {why}"));
    let document = Document::read(asked.into_inner().request.into_bytes().into())
        .map_err(|error| wrong(error.to_string()))?;
    let Some(service) = document.service() else {
        return Err(wrong(format!("{} is not a CSTA request", document.name())));
    };
    let asked = FindLine {
        name: DeviceId::from(phone.bare()),
        session: None,
    };
    let line = api.find.send(asked).await;
    let line = line.map_err(phones::closed)?;
    let actor = line.map_err(|_| Refusal::Lineless(phone))?.phone;
    let probed = actor
        .send(Probe {
            service,
            document: Arc::new(document),
        })
        .await;
    let probed = probed.map_err(|_| Refusal::Unable(format!("{phone} has failed meanwhile")))?;
    let trial = result(service, probed);
    log(phone, &trial);
    Ok(web::Json(trial))
}

fn log(phone: PhoneId, trial: &ProbeResult) {
    let ProbeResult {
        service, outcome, ..
    } = trial;
    tracing::info!(%phone, service, ?outcome, "an operator has asked the phone");
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

/// What a reason says of the phone.
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
    fn what_a_phone_does_not_have_is_told_from_what_it_refuses() {
        fn check(why: Why, expected: ProbeOutcome) {
            assert_eq!(outcome(&why), expected, "{why}");
        }
        let failed = |failure: Failure| Why::Failed {
            failure,
            document: Arc::new(Document::read("<CSTAErrorCode/>".into()).unwrap()),
        };
        // The CSTA error counts, whatever the status that it came with.
        check(
            failed(Failure::SERVICE_NOT_SUPPORTED),
            ProbeOutcome::Lacking,
        );
        check(failed(Failure::NO_ACTIVE_CALL), ProbeOutcome::Refused);
        let other = Failure::new(Category::StateIncompatibility, "serviceNotSupported");
        check(failed(other), ProbeOutcome::Refused);
        // RFC 3261 21.4.6 and 21.5.2.
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
