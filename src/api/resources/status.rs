//! `/status`: the server as a whole.

use actix_web::{get, web};
use serde::Serialize;
use uacsta_actors::{
    licensing::{CountPermits, GetLicences},
    registrar::{CountPhones, OnDisk},
};
use utoipa::ToSchema;

use super::{Api, Problem, Reader, Tagged, Time, service::Service, stopping};
use crate::texts::{Language, Text, licence_warning};

/// The server as a whole.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ServerStatus {
    version: String,
    started_at: Time,
    service: Service,
    phones: PhoneCounts,
    /// Connected phones that hold a licence permit.
    connected_phones: usize,
    monitored_lines: usize,
    /// Open CSTA sessions of clients.
    client_sessions: u64,
    connections: ConnectionCount,
    phone_list: PhoneListState,
    /// What an operator should look after.
    warnings: Vec<String>,
}

/// Listed phones by state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct PhoneCounts {
    listed: usize,
    away: usize,
    registered: usize,
    controlled: usize,
}

/// Open SIP connections.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ConnectionCount {
    open: usize,
    unauthenticated: usize,
}

/// Whether the phone list is on disk.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct PhoneListState {
    /// Whether the last write succeeded.
    writable: bool,
    /// Phones whose last change is not on disk.
    unsaved: usize,
}

/// Shows the state of the server.
///
/// Counts of phones, lines and connections, and what an operator should look after.
#[utoipa::path(
    operation_id = "getStatus", tag = "status",
    responses((status = 200, description = "The state of the server.", body = ServerStatus)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/status")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    language: Language,
) -> Result<Tagged<ServerStatus>, Problem> {
    of(&api, language).await.map(Tagged)
}

pub(in crate::api) async fn of(api: &Api, language: Language) -> Result<ServerStatus, Problem> {
    let permits = api.count.send(CountPermits).await.map_err(stopping)?;
    let counts = api.phones.send(CountPhones).await.map_err(stopping)?;
    let [away, registered, controlled] = counts;
    let OnDisk { writable, unsaved } = api.on_disk().await?;
    let (open, unauthenticated) = api.open.totals();
    let mut warnings = Vec::new();
    if !writable {
        warnings.push(Text::new("phone-list-unwritable"));
    }
    let licences = api.licences.send(GetLicences).await.map_err(stopping)?;
    warnings.extend(licences.warnings().into_iter().map(licence_warning));
    warnings.extend(api.audit.warning());
    warnings.extend(api.identity.chain_fault());
    Ok(ServerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Time(api.started_at),
        service: Service::of(api),
        phones: PhoneCounts {
            listed: counts.iter().sum(),
            away,
            registered,
            controlled,
        },
        connected_phones: permits.phones,
        monitored_lines: permits.lines,
        client_sessions: api.context.counters.client_sessions(),
        connections: ConnectionCount {
            open,
            unauthenticated,
        },
        phone_list: PhoneListState { writable, unsaved },
        warnings: warnings.iter().map(|text| text.written(language)).collect(),
    })
}
