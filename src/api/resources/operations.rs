//! `/operations`: long work that is under way or over.

use std::sync::Arc;

use actix_web::{HttpResponse, delete, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, Kind, List, Page, PageParams, Problem, ProblemBody, Reader, Row, Time,
    certify::CertifiedPhone,
};
use crate::{
    api::access::{LogOn, may},
    operations::{self, Made, Operation, State, Work},
    operators::Right,
    texts::{Language, Text},
};

/// Long work that an operator has begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct OperationShown {
    id: String,
    kind: OperationKind,
    state: OperationState,
    /// Steps that are done.
    done: usize,
    /// All steps; 0 while that is not known.
    total: usize,
    /// Of a bundle that is done, where it is.
    results: Option<OperationResults>,
    /// Of a certification that is done, what the phone did.
    certification: Option<CertifiedPhone>,
    /// Of an operation that has failed, why.
    problem: Option<ProblemBody>,
    /// Who began it.
    by: String,
    begun_at: Time,
    ended_at: Option<Time>,
}

/// What an operation makes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum OperationKind {
    Bundle,
    Certification,
}

/// The state of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum OperationState {
    Running,
    Done,
    Failed,
    Cancelled,
}

/// What an operation has made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct OperationResults {
    /// Where it can be downloaded.
    #[schema(format = "uri-reference")]
    url: String,
    /// In octets.
    size: u64,
}

impl OperationShown {
    /// An operation whose problem is in this language.
    pub(super) fn new(operation: &Operation, language: Language) -> Self {
        let progress = operation.progress();
        let (mut results, mut certification, mut problem) = (None, None, None);
        let state = match progress.state {
            State::Running => OperationState::Running,
            State::Cancelled => OperationState::Cancelled,
            State::Done(Made::Certification(report)) => {
                certification = Some(CertifiedPhone::from(&*report));
                OperationState::Done
            }
            State::Done(Made::File(file)) => {
                results = Some(OperationResults {
                    url: format!("/api/v1/bundles/{}", operation.id),
                    size: file.size,
                });
                OperationState::Done
            }
            State::Failed(reason) => {
                problem = Some(Problem::unavailable(reason).written(language, ""));
                OperationState::Failed
            }
        };
        Self {
            id: operation.id.clone(),
            kind: match operation.kind {
                operations::Kind::Bundle => OperationKind::Bundle,
                operations::Kind::Certification => OperationKind::Certification,
            },
            state,
            done: progress.done,
            total: progress.total,
            results,
            certification,
            problem,
            by: operation.by.clone(),
            begun_at: Time(operation.begun_at),
            ended_at: progress.ended_at.map(Time),
        }
    }
}

impl Row for OperationShown {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["kind", "state", "by", "begunAt"];

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// Lists the operations.
///
/// Those that the log-on has begun; those of others too, if it may operate. The last eight are kept, until the server stops.
#[utoipa::path(
    operation_id = "listOperations", tag = "operations", params(PageParams),
    responses((status = 200, description = "A page of the operations.", body = List<OperationShown>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/operations")]
pub(in crate::api) async fn list(
    Reader(log_on): Reader,
    api: web::Data<Api>,
    language: Language,
    page: Page,
) -> Result<web::Json<List<OperationShown>>, Problem> {
    let all = api.operations.all();
    let own = all.iter().filter(|one| may_see(&log_on, one));
    let shown = own.map(|one| OperationShown::new(one, language)).collect();
    Ok(web::Json(page.of(shown)?))
}

/// Shows an operation.
///
/// Ask again until its state is no longer `running`.
#[utoipa::path(
    operation_id = "getOperation", tag = "operations", params(("operation" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The operation.", body = OperationShown)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/operations/{operation}")]
pub(in crate::api) async fn show(
    Reader(log_on): Reader,
    api: web::Data<Api>,
    language: Language,
    id: web::Path<String>,
) -> Result<web::Json<OperationShown>, Problem> {
    let operation = found(&api, &log_on, &id)?;
    Ok(web::Json(OperationShown::new(&operation, language)))
}

/// Cancels an operation, or removes one that is over.
///
/// What a removed operation has made is gone.
#[utoipa::path(
    operation_id = "cancelOperation", tag = "operations", params(("operation" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is cancelled or removed.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/operations/{operation}")]
pub(in crate::api) async fn cancel(
    Reader(log_on): Reader,
    api: web::Data<Api>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let operation = found(&api, &log_on, &id)?;
    api.operations.end(&operation.id);
    Ok(HttpResponse::NoContent().finish())
}

/// Begins an operation, unless too many run.
pub(super) fn begin(api: &Api, kind: operations::Kind, log_on: &LogOn) -> Result<Work, Problem> {
    let begun = api.operations.begin(kind, &log_on.name);
    let begun = begun.map_err(|error| Problem::unavailable(Text::verbatim(error)))?;
    begun.ok_or_else(|| Problem::too_many(Text::new("operations-in-progress"), 5))
}

fn may_see(log_on: &LogOn, operation: &Operation) -> bool {
    may(log_on, Right::Operate) || log_on.name == operation.by
}

/// The operation with this id, if the log-on may see it.
pub(super) fn found(api: &Api, log_on: &LogOn, id: &str) -> Result<Arc<Operation>, Problem> {
    let operation = api.operations.find(id);
    let operation = operation.filter(|operation| may_see(log_on, operation));
    operation.ok_or_else(|| Problem::new(Kind::NOT_FOUND, Text::new("no-operation")))
}
