//! `/bundles`: a support bundle, built in the background: settings without secrets, state, logs and messages.

use std::{io, sync::Arc};

use actix_web::{HttpResponse, get, http::header::CONTENT_DISPOSITION, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uacsta_actors::{ladder::Party, registrar::ListPhones};
use uacsta_schema::phone_id::PhoneId;
use utoipa::ToSchema;

use super::{
    Api, Body, Kind, Operator, Problem, Reader, accepted, certificate, logs, metrics,
    operations::{OperationShown, begin, found},
    phones::Phone,
    settings, status, stopping,
    trace::TracedMessage,
};
use crate::{
    api::{access::may, octets::octets},
    bundle::Bundle,
    ladder::{diagram::Diagram, pcap::Capture},
    logs::reading,
    operations::{self, Made, ResultFile, State, Work},
    operators::Right,
    texts::{Language, Text},
};

/// A bundle to build.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewBundle {
    /// The phones whose last messages it has, by MAC address or extension; at most 16.
    #[serde(default)]
    phones: Vec<String>,
}

/// The most phones whose messages are in a bundle.
const PHONES: usize = 16;
/// The language of bundles, for who supports the server.
const LANGUAGE: Language = Language::English;

/// Builds a support bundle.
///
/// Answers at once with an operation, whose `results.url` has the zip file when it is done: versions, state, settings without
/// secrets, certificate, metrics, phones with their reasons, the last 64 MiB of the log, and the last messages of the named
/// phones, which only administrators see.
#[utoipa::path(
    operation_id = "addBundle", tag = "operations", request_body = NewBundle,
    responses((status = 202, description = "The operation that builds it.", body = OperationShown)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/bundles")]
pub(in crate::api) async fn add(
    Operator(log_on): Operator,
    api: web::Data<Api>,
    language: Language,
    Body(NewBundle { phones }): Body<NewBundle>,
) -> Result<HttpResponse, Problem> {
    if !phones.is_empty() && !may(&log_on, Right::Admin) {
        let detail = Text::new("messages-for-administrators");
        return Err(Problem::new(Kind::NO_RIGHT, detail));
    }
    if phones.len() > PHONES {
        let detail = Text::new("phones-at-most").with("most", PHONES);
        return Err(Problem::member("phones", detail));
    }
    let named = phones.iter().enumerate().map(|(at, name)| {
        name.parse::<PhoneId>()
            .map_err(|_| Problem::member(&format!("phones/{at}"), Text::new("no-phone-id")))
    });
    let phones = named.collect::<Result<Vec<_>, _>>()?;
    let work = begin(&api, operations::Kind::Bundle, &log_on)?;
    let operation = Arc::clone(work.operation());
    actix_rt::spawn(async move {
        let built = build(&api, &phones, &work).await;
        work.finish(built.map(|file| Made::File(Arc::new(file))));
    });
    let place = format!("/api/v1/operations/{}", operation.id);
    Ok(accepted(&place, &OperationShown::new(&operation, language)))
}

/// Downloads a support bundle.
///
/// Once its operation is done; for who began it and for administrators.
#[utoipa::path(
    operation_id = "getBundle", tag = "operations", params(("operation" = String, Path, description = "The id of its operation.")),
    responses((status = 200, description = "The bundle.", body = Vec<u8>, content_type = "application/zip")),
    extensions(("x-effect" = json!("read")))
)]
#[get("/bundles/{operation}")]
pub(in crate::api) async fn show(
    Reader(log_on): Reader,
    api: web::Data<Api>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let operation = found(&api, &log_on, &id)?;
    if !may(&log_on, Right::Admin) && log_on.name != operation.by {
        let detail = Text::new("bundle-of-another");
        return Err(Problem::new(Kind::NO_RIGHT, detail));
    }
    let State::Done(Made::File(result)) = operation.progress().state else {
        let detail = Text::new("bundle-not-done");
        return Err(Problem::new(Kind::INVALID_STATE, detail));
    };
    let name = operation.begun_at.strftime("%Y%m%d-%H%M%S");
    let name = format!("attachment; filename=\"uacsta-bundle-{name}.zip\"");
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((CONTENT_DISPOSITION, name))
        .body(octets(Arc::clone(&result.file), 0, result.size)))
}

/// A part that is gathered from the running server.
#[derive(Clone, Copy)]
enum Part {
    Versions,
    Status,
    Settings,
    Certificate,
    Metrics,
    Phones,
}

impl Part {
    const ALL: [Self; 6] = [
        Self::Versions,
        Self::Status,
        Self::Settings,
        Self::Certificate,
        Self::Metrics,
        Self::Phones,
    ];

    fn file(self) -> &'static str {
        match self {
            Self::Versions => "versions.json",
            Self::Status => "status.json",
            Self::Settings => "settings.json",
            Self::Certificate => "certificate.json",
            Self::Metrics => "metrics.txt",
            Self::Phones => "phones.json",
        }
    }

    /// Its content; where it cannot be had, why.
    async fn content(self, api: &web::Data<Api>) -> Vec<u8> {
        let content = match self {
            Self::Versions => Ok(json_of(&versions(api))),
            Self::Status => status::of(api, LANGUAGE)
                .await
                .map(|status| json_of(&status)),
            Self::Settings => Ok(json_of(&settings::all(api))),
            Self::Certificate => Ok(json_of(&certificate::of(api, LANGUAGE))),
            Self::Metrics => metrics::exposition(api).await.map(String::into_bytes),
            Self::Phones => phones(api).await.map(|phones| json_of(&phones)),
        };
        content.unwrap_or_else(|problem| problem.body(LANGUAGE, ""))
    }
}

/// Builds the bundle step by step: each part is gathered, then written on a thread that may wait for the disk.
async fn build(api: &web::Data<Api>, phones: &[PhoneId], work: &Work) -> Result<ResultFile, Text> {
    let (data, folder) = (api.data.clone(), logs::folder(api));
    let listed = folder.clone();
    let (mut bundle, logs) =
        on_disk(move || Ok((Bundle::begin(&data)?, reading::list(&listed)?))).await?;
    work.plan(Part::ALL.len() + phones.len() + logs.len() + 1);
    for part in Part::ALL {
        let content = part.content(api).await;
        bundle = on_disk(move || {
            bundle.add(part.file(), &content)?;
            Ok(bundle)
        })
        .await?;
        step(work)?;
    }
    for phone in phones {
        let messages = api.context.ladder.read(&Party::Phone(*phone)).await;
        let phone = *phone;
        bundle = on_disk(move || {
            let name = |kind: &str| format!("messages/{}.{kind}", phone.bare());
            let diagram = Diagram::of(&Party::Phone(phone), &messages);
            bundle.add(&name("txt"), diagram.as_bytes())?;
            bundle.add(&name("pcap"), &Capture::of(&messages))?;
            let messages: Vec<_> = messages.iter().map(TracedMessage::of).collect();
            bundle.add(&name("json"), &json_of(&messages))?;
            Ok(bundle)
        })
        .await?;
        step(work)?;
    }
    for log in logs {
        let folder = folder.clone();
        bundle = on_disk(move || {
            bundle.add_log(&folder, &log)?;
            Ok(bundle)
        })
        .await?;
        step(work)?;
    }
    on_disk(move || bundle.finish()).await
}

/// Counts a step; an error if somebody has cancelled the operation.
fn step(work: &Work) -> Result<(), Text> {
    match work.step() {
        true => Ok(()),
        false => Err(Text::new("operation-cancelled")),
    }
}

/// Runs work on a thread that may wait for the disk.
async fn on_disk<T: Send + 'static>(
    write: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Text> {
    let written = web::block(write).await.map_err(Text::verbatim)?;
    written.map_err(|error| Text::new("bundle-not-written").with("error", error.to_string()))
}

fn versions(api: &Api) -> serde_json::Value {
    json!({
        "uacsta": env!("CARGO_PKG_VERSION"),
        "operatingSystem": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "startedAt": api.started_at.to_string(),
        "writtenAt": jiff::Timestamp::now().to_string(),
    })
}

/// All phones with their reasons.
async fn phones(api: &Api) -> Result<Vec<Phone>, Problem> {
    let (mut after, mut phones) = (None, Vec::new());
    loop {
        let batch = api.list.send(ListPhones { after }).await;
        let batch = batch.map_err(stopping)?;
        let Some(last) = batch.last() else {
            return Ok(phones);
        };
        after = Some(last.entry.id);
        let batch = batch.into_iter();
        phones.extend(batch.map(|phone| Phone::new(phone, LANGUAGE)));
    }
}

fn json_of(value: &impl Serialize) -> Vec<u8> {
    // Values of ours always have a JSON form.
    serde_json::to_vec_pretty(value).unwrap_or_default()
}
