//! `/phones/{phone}/certify`: tries every CSTA service at a phone in the background, and compares it with its maker's profile.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use uacsta_actors::{
    phone::{Probe, Status},
    registrar::{FindPhone, ListPhones, PhoneDetails},
};
use uacsta_connect::{CommandError, ProbeOutcome, ProbeResult};
use uacsta_console::certify::{Asker, Certification, Later, Listed, Report, Row, Wanted};
use uacsta_schema::{csta::Document, phone_id::PhoneId};
use utoipa::ToSchema;

use super::{
    Api, Body, Kind, Operator, Problem, accepted, csta,
    operations::{OperationShown, begin},
    phones::found,
    restart::no_session,
    stopping, wrong_value,
};
use crate::{
    operations::{self, Made, Work},
    texts::{Language, Text},
};

/// A certification to begin.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewCertification {
    /// The number of the phone's line, where it has several; the first if it is left out.
    #[serde(default)]
    line: Option<String>,
    /// A number that the phone calls; it must answer by itself, take two calls, and hang up by itself. Without it nobody is called.
    #[serde(default)]
    call: Option<String>,
    /// The number of another phone's line, which calls the phone; only with `call`.
    #[serde(default)]
    caller: Option<String>,
}

/// What a phone did in a certification.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct CertifiedPhone {
    phone: String,
    /// The line that was tried.
    line: String,
    /// How many services contradict the profile.
    contradictions: usize,
    services: Vec<CertifiedService>,
}

/// What a phone did with a service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct CertifiedService {
    /// Root element of its request.
    service: String,
    /// The profile's entry: the first firmware, `yes`, `no` or `unlisted`, with `, emulated` if the server does it.
    profile: String,
    outcome: CertifiedOutcome,
    /// Why it failed, or was not tried.
    reason: Option<String>,
    /// Whether the phone has the service, if the outcome shows that.
    has: Option<bool>,
    /// How the outcome contradicts the profile.
    #[schema(value_type = Option<String>)]
    contradiction: Option<&'static str>,
}

/// What a phone did with the request of a service.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum CertifiedOutcome {
    /// It carried it out.
    Done,
    /// It answered that it lacks the service.
    Lacking,
    /// It knows the service, and refused this request.
    Refused,
    /// It answered, but not as ECMA-323 says.
    Useless,
    /// It did not answer in time.
    Silent,
    /// The request was not sent; `reason` says why.
    NotTried,
}

impl From<&Report> for CertifiedPhone {
    fn from(report: &Report) -> Self {
        let services: Vec<_> = report.rows().iter().map(CertifiedService::from).collect();
        let contradicting = services.iter().filter(|row| row.contradiction.is_some());
        Self {
            phone: report.phone().to_owned(),
            line: report.line().to_owned(),
            contradictions: contradicting.count(),
            services,
        }
    }
}

impl From<&Row> for CertifiedService {
    fn from(row: &Row) -> Self {
        Self {
            service: row.service.clone(),
            profile: row.profile.clone(),
            outcome: match row.outcome {
                Some(ProbeOutcome::Done) => CertifiedOutcome::Done,
                Some(ProbeOutcome::Lacking) => CertifiedOutcome::Lacking,
                Some(ProbeOutcome::Refused) => CertifiedOutcome::Refused,
                Some(ProbeOutcome::Useless) => CertifiedOutcome::Useless,
                Some(ProbeOutcome::Silent) => CertifiedOutcome::Silent,
                Some(ProbeOutcome::NotAsked) | None => CertifiedOutcome::NotTried,
            },
            reason: (!row.why.is_empty()).then(|| row.why.clone()),
            has: row.has,
            contradiction: row.contradiction,
        }
    }
}

/// Certifies a phone.
///
/// For a new model or firmware: tries every CSTA service and compares what the phone does with its maker's profile. Answers at
/// once with an operation, whose `certification` has the outcomes when it is done; a phone may take minutes. Without `call`
/// nobody is disturbed: settings are set to their present values, and services that need a call are tried on one that does not
/// exist. With it the phone makes calls. A phone that is in a call is not tried. DELETE of the operation breaks it off, and clears
/// its calls and monitors.
#[utoipa::path(
    operation_id = "certifyPhone", tag = "phones", request_body = NewCertification,
    params(("phone" = String, Path, description = "MAC address or extension.")),
    responses((status = 202, description = "The operation that certifies it.", body = OperationShown)),
    extensions(("x-effect" = json!("rings")))
)]
#[post("/phones/{phone}/certify")]
pub(in crate::api) async fn certify(
    Operator(log_on): Operator,
    api: web::Data<Api>,
    name: web::Path<String>,
    language: Language,
    Body(new): Body<NewCertification>,
) -> Result<HttpResponse, Problem> {
    let details = found(&api, &name).await?;
    let phone = details.entry.id;
    if details.status != Status::Controlled {
        return Err(no_session(phone, &details, language));
    }
    let NewCertification { line, call, caller } = new;
    if caller.is_some() && call.is_none() {
        return Err(Problem::member("caller", Text::new("caller-needs-call")));
    }
    let wanted = Wanted {
        phone,
        line,
        call,
        caller,
    };
    let certification = Certification::new(&wanted, &listed(&api).await?);
    let certification = certification.map_err(|error| match error {
        CommandError::Usage(detail) => Problem::invalid([(String::new(), wrong_value(detail))]),
        other => Problem::new(Kind::INVALID_STATE, Text::verbatim(other)),
    })?;
    let work = begin(&api, operations::Kind::Certification, &log_on)?;
    let operation = Arc::clone(work.operation());
    tracing::info!(%phone, by = log_on.name, "certification of a phone begun by an operator");
    actix_rt::spawn(async move {
        let asker = OperatorAsker {
            api: &api,
            work: &work,
        };
        let report = certification.run(&asker).await;
        let made = report.map(|report| Made::Certification(Arc::new(report)));
        work.finish(made.map_err(Text::verbatim));
    });
    let place = format!("/api/v1/operations/{}", operation.id);
    Ok(accepted(&place, &OperationShown::new(&operation, language)))
}

/// Asks phones by their own queues, as an operator's probe does, until the operation is cancelled.
struct OperatorAsker<'a> {
    api: &'a Api,
    work: &'a Work,
}

/// How often it is looked whether the operation is cancelled.
const LOOK: Duration = Duration::from_millis(200);

impl Asker for OperatorAsker<'_> {
    fn ask(&self, phone: PhoneId, request: String) -> Later<'_, Result<ProbeResult, CommandError>> {
        Box::pin(async move {
            let result = probe(self.api, phone, request).await;
            self.work.step();
            result.map_err(CommandError::Failed)
        })
    }

    fn wait(&self, time: Duration) -> Later<'_, bool> {
        Box::pin(async move {
            let until = Instant::now() + time;
            while self.work.goes_on() && Instant::now() < until {
                sleep(LOOK.min(until - Instant::now())).await;
            }
            !self.work.goes_on()
        })
    }
}

async fn probe(api: &Api, phone: PhoneId, request: String) -> Result<ProbeResult, String> {
    let document = Document::read(request.into_bytes().into());
    let document = document.map_err(|error| error.to_string())?;
    let service = document.service().ok_or("the request names no service")?;
    let gone = || format!("phone {phone} is no longer there");
    let actor = api.actor.send(FindPhone(phone)).await;
    let actor = actor.ok().flatten().ok_or_else(gone)?;
    let document = Arc::new(document);
    let probed = actor.send(Probe { service, document }).await;
    Ok(csta::result(service, probed.map_err(|_| gone())?))
}

/// All phones, as a certification knows them.
async fn listed(api: &Api) -> Result<Vec<Listed>, Problem> {
    let (mut after, mut phones) = (None, Vec::new());
    loop {
        let batch = api.list.send(ListPhones { after }).await;
        let batch: Vec<PhoneDetails> = batch.map_err(stopping)?;
        let Some(last) = batch.last() else {
            return Ok(phones);
        };
        after = Some(last.entry.id);
        phones.extend(batch.into_iter().map(|details| Listed {
            id: details.entry.id.to_string(),
            maker: details.entry.maker,
            model: details.entry.model,
            firmware: details.entry.firmware,
            state: match details.status {
                Status::Controlled => "controlled".to_owned(),
                Status::Registered => "registered".to_owned(),
                Status::Away => "away".to_owned(),
            },
            lines: details.entry.lines,
            reason: None,
        }));
    }
}
