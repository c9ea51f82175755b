//! `/phones/{phone}/restartSession`: ends the CSTA session with a phone in order, and opens the next.

use actix_web::{post, web};
use uacsta_actors::{
    phone::{NotRestarted, RestartSession},
    registrar::{FindPhone, PhoneDetails},
};
use uacsta_schema::phone_id::PhoneId;

use super::{
    Api, Kind, Operator, Problem,
    phones::{Phone, found},
    stopping,
};
use crate::texts::{Language, Text};

/// Restarts the CSTA session with a phone.
///
/// The phone gets MonitorStop for its monitors and BYE, within two seconds, then the INVITE of the next session. Clients keep
/// their monitors: they are told OutOfService, and BackInService when the phone has started them again. Their requests wait for
/// the next session. Answered when the session has ended; a phone that is away, disabled or without a licence has none, and gets
/// 409 with its reason. A phone that has refused the session is asked again at once. `phone.changed` follows.
#[utoipa::path(
    operation_id = "restartSession", tag = "phones", params(("phone" = String, Path, description = "MAC address or extension.")),
    responses((status = 200, description = "The phone, whose next session is being opened.", body = Phone)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/phones/{phone}/restartSession")]
pub(in crate::api) async fn restart_session(
    Operator(who): Operator,
    api: web::Data<Api>,
    name: web::Path<String>,
    language: Language,
) -> Result<web::Json<Phone>, Problem> {
    let phone = found(&api, &name).await?.entry.id;
    let actor = api.actor.send(FindPhone(phone)).await.map_err(stopping)?;
    let restarted = match actor {
        Some(actor) => actor.send(RestartSession).await.map_err(|_| {
            Problem::unavailable(Text::new("phone-failed").with("phone", phone.to_string()))
        })?,
        None => Err(NotRestarted::NoSession),
    };
    let after = found(&api, &phone.bare()).await?;
    match restarted {
        Ok(()) => {
            tracing::info!(%phone, by = who.name, "session with the phone restarted by an operator");
            Ok(web::Json(Phone::new(after, language)))
        }
        Err(NotRestarted::Ending) => {
            let detail = Text::new("session-restarts").with("phone", phone.to_string());
            Err(Problem::new(Kind::INVALID_STATE, detail))
        }
        Err(NotRestarted::NoSession) => Err(no_session(phone, &after, language)),
    }
}

/// The refusal for a phone that has no session, with the reason why.
pub(super) fn no_session(phone: PhoneId, details: &PhoneDetails, language: Language) -> Problem {
    let detail = Text::new("no-session-with-phone").with("phone", phone.to_string());
    let why = match &details.reason {
        Some(reason) => {
            let cause = &reason.cause;
            let remedy = language.remedy(cause.code());
            format!("{} {remedy}", language.reason(cause))
        }
        None => language.text("phone-is-away"),
    };
    Problem::new(Kind::LINE_OUT_OF_SERVICE, detail.with("why", why))
}
