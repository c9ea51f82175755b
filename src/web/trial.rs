//! `/api/phones/{mac}/csta`: an operator asks a phone itself for a service, past what the server would make of it (ECMA-323).

use std::sync::Arc;

use actix_web::web;
use serde::{Deserialize, Serialize};
use uacsta_actors::phone::{Said, Tried, Try};
use uacsta_actors::refusal::Refusal as Why;
use uacsta_actors::registrar::Find;
use uacsta_schema::csta::{DeviceId, Document, Failure, Kind};
use uacsta_schema::phone_id::PhoneId;
use uacsta_schema::sip::Status;

use super::methods::only;
use super::{Api, Refusal, phones};

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

/// What came of asking a phone for a service.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Trial {
    /// The root element of the request.
    pub service: String,
    /// Whether the phone has the service by its maker's profile, which assumes what it does not list.
    pub expected: bool,
    /// What the profile lists: the first firmware, `yes` or `no`.
    pub listed: Option<String>,
    /// Whether the server makes the service out of others.
    pub emulated: bool,
    /// What the phone did.
    pub outcome: Outcome,
    /// Why it was not done, in words.
    pub reason: Option<String>,
    /// The phone's document.
    pub document: Option<String>,
}

/// What a phone did with a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did it.
    Done,
    /// It refused, as it does not have the service.
    Lacking,
    /// It refused for another reason, so it knows the service.
    Refused,
    /// Its answer is of no use.
    Useless,
    /// It did not answer in time, or went away.
    Silent,
    /// It was not asked: it is away, out of operation or busy.
    NotAsked,
}

async fn ask(
    api: web::Data<Api>,
    mac: web::Path<String>,
    asked: web::Json<Asked>,
) -> Result<web::Json<Trial>, Refusal> {
    let mac = phones::mac(&mac)?;
    let wrong = |why: String| Refusal::Wrong(format!("the request cannot be sent: {why}"));
    let document = Document::read(asked.into_inner().request.into_bytes().into())
        .map_err(|error| wrong(error.to_string()))?;
    if document.kind() != Kind::Request {
        return Err(wrong(format!("{} is not a CSTA request", document.name())));
    }
    let service = document.name().to_owned();
    let asked = Find {
        name: DeviceId::from(mac.bare()),
        session: None,
    };
    let line = api.find.send(asked).await;
    let line = line.map_err(phones::closed)?;
    let phone = line.map_err(|_| Refusal::Lineless(mac))?.phone;
    let tried = phone.send(Try(Arc::new(document))).await;
    let tried = tried.map_err(|_| Refusal::Unable(format!("{mac} has failed meanwhile")))?;
    let trial = Trial::of(service, tried);
    log(mac, &trial);
    Ok(web::Json(trial))
}

fn log(mac: PhoneId, trial: &Trial) {
    let Trial {
        service, outcome, ..
    } = trial;
    tracing::info!(%mac, service, ?outcome, "an operator has asked the phone");
}

impl Trial {
    fn of(service: String, tried: Tried) -> Self {
        let Said {
            has,
            since,
            emulated,
        } = tried.said;
        let text = |document: &Document| String::from_utf8_lossy(document.raw()).into_owned();
        let (outcome, reason, document) = match tried.answer {
            Ok(document) => (Outcome::Done, None, Some(text(&document))),
            Err(why) => {
                let document = match &why {
                    Why::Failed { document, .. } => Some(text(document)),
                    _ => None,
                };
                (outcome(&why), Some(why.to_string()), document)
            }
        };
        Self {
            service,
            expected: has,
            listed: since,
            emulated,
            outcome,
            reason,
            document,
        }
    }
}

/// What a reason says of the phone.
fn outcome(why: &Why) -> Outcome {
    match why {
        Why::Failed { failure, .. } if *failure == Failure::SERVICE_NOT_SUPPORTED => {
            Outcome::Lacking
        }
        Why::Refused(Status::NOT_IMPLEMENTED | Status::METHOD_NOT_ALLOWED) => Outcome::Lacking,
        Why::Failed { .. } | Why::Refused(_) => Outcome::Refused,
        Why::TimedOut => Outcome::Silent,
        Why::NotCsta(_) => Outcome::Useless,
        _ => Outcome::NotAsked,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_schema::csta::Category;

    use super::*;

    #[test]
    fn what_a_phone_does_not_have_is_told_from_what_it_refuses() {
        fn check(why: Why, expected: Outcome) {
            assert_eq!(outcome(&why), expected, "{why}");
        }
        let failed = |failure: Failure| Why::Failed {
            failure,
            document: Arc::new(Document::read("<CSTAErrorCode/>".into()).unwrap()),
        };
        // The CSTA error counts, whatever the status that it came with.
        check(failed(Failure::SERVICE_NOT_SUPPORTED), Outcome::Lacking);
        check(failed(Failure::NO_ACTIVE_CALL), Outcome::Refused);
        let other = Failure::new(Category::StateIncompatibility, "serviceNotSupported");
        check(failed(other), Outcome::Refused);
        // RFC 3261 21.4.6 and 21.5.2.
        check(Why::Refused(Status::METHOD_NOT_ALLOWED), Outcome::Lacking);
        check(Why::Refused(Status::NOT_IMPLEMENTED), Outcome::Lacking);
        check(Why::Refused(Status::BAD_REQUEST), Outcome::Refused);
        check(Why::TimedOut, Outcome::Silent);
        check(Why::NotCsta("no".to_owned()), Outcome::Useless);
        check(Why::Away, Outcome::NotAsked);
        check(Why::Busy, Outcome::NotAsked);
    }
}
