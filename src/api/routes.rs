//! All routes of `/api/v1`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::resources::{
    accounts, audit, bundles, certificate, certify, clients, csta, document, events, licenses,
    lines, links, logs, operations, operators, phones, problems, restart, service, session,
    sessions, settings, status, tickets, tokens, trace,
};

/// Where the API begins.
pub(super) const BASE: &str = "/api/v1";

/// Adds each operation; the OpenAPI document is made of the same calls.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(phones::list)
        .service(phones::add)
        .service(phones::show)
        .service(phones::change)
        .service(phones::remove)
        .service(restart::restart_session)
        .service(certify::certify)
        .service(csta::send)
        .service(trace::phone)
        .service(trace::client)
        .service(clients::list)
        .service(clients::show)
        .service(clients::end)
        .service(lines::list)
        .service(lines::show)
        .service(status::show)
        .service(service::change)
        .service(licenses::show)
        .service(licenses::holders)
        .service(licenses::add)
        .service(licenses::remove)
        .service(certificate::show)
        .service(settings::list)
        .service(settings::change)
        .service(settings::history::list_changes)
        .service(settings::undo_change)
        .service(settings::reload_files)
        .service(settings::show)
        .service(session::begin)
        .service(session::show)
        .service(session::end)
        .service(links::add)
        .service(sessions::list)
        .service(sessions::end)
        .service(operators::list)
        .service(operators::add)
        .service(operators::show)
        .service(operators::change)
        .service(operators::remove)
        .service(accounts::list)
        .service(accounts::add)
        .service(accounts::show)
        .service(accounts::change)
        .service(accounts::remove)
        .service(tokens::list)
        .service(tokens::add)
        .service(tokens::revoke)
        .service(audit::list)
        .service(operations::list)
        .service(operations::show)
        .service(operations::cancel)
        .service(bundles::add)
        .service(bundles::show)
        .service(logs::list)
        .service(logs::search)
        .service(logs::download::show)
        .service(events::follow)
        .service(tickets::add)
        .service(document::show)
        .service(problems::show);
}
