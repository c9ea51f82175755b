//! `/status/service`: stops the service for phones and clients, and starts it again.

use actix_web::{HttpRequest, put, web};
use serde::{Deserialize, Serialize};
use uacsta_actors::service;
use utoipa::ToSchema;

use super::{Api, Body, Operator, Problem, Time, note_before};
use crate::{service::ServiceRequest, texts::Text};

/// The service for phones and clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Service {
    state: ServiceState,
    /// Since when.
    since: Option<Time>,
    /// The operator who stopped or started it; null since the start of the server.
    by: Option<String>,
}

/// Whether phones and clients are served.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum ServiceState {
    Running,
    Stopped,
}

/// The wanted state of the service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ServiceChange {
    state: WantedState,
}

/// Whether phones and clients are to be served.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum WantedState {
    Running,
    Stopped,
}

impl Service {
    pub(super) fn of(api: &Api) -> Self {
        let service::ServiceState {
            is_running,
            since,
            by,
        } = (*api.context.service.state()).clone();
        Self {
            state: match is_running {
                true => ServiceState::Running,
                false => ServiceState::Stopped,
            },
            since: Time::from_seconds(since),
            by: by.map(String::from),
        }
    }
}

/// Stops or starts the service for phones and clients.
///
/// A stop is that of the server, but for the API: clients get the answers to their requests, SystemRegisterAbort and BYE,
/// phones MonitorStop and BYE, then all interfaces and connections are closed. The API, its pages, licences and settings go on;
/// phones say `serviceStopped`, `/readyz` 503. A start opens the interfaces of the present settings; phones and clients come back
/// by themselves. Answered when it is done, within six seconds. A server that is started again serves in any case. `phone.changed`
/// and `client.removed` follow.
#[utoipa::path(
    operation_id = "changeService", tag = "status", request_body = ServiceChange,
    responses((status = 200, description = "The service as it is now.", body = Service)),
    extensions(("x-effect" = json!("destructive")))
)]
#[put("/status/service")]
pub(in crate::api) async fn change(
    Operator(who): Operator,
    api: web::Data<Api>,
    asker: HttpRequest,
    Body(ServiceChange { state }): Body<ServiceChange>,
) -> Result<web::Json<Service>, Problem> {
    note_before(&asker, &Service::of(&api));
    let run = matches!(state, WantedState::Running);
    let (request, outcome) = ServiceRequest::new(run, &who.name);
    let stopping = || Problem::unavailable(Text::new("server-stopping"));
    api.service.send(request).await.map_err(|_| stopping())?;
    let changed = outcome.await.map_err(|_| stopping())?;
    changed.map_err(|error| {
        Problem::unavailable(Text::new("service-not-started").with("error", error))
    })?;
    Ok(web::Json(Service::of(&api)))
}
