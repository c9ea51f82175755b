//! The administrator's pages: what the API answers, as HTML, for whoever has logged on in a browser.

mod clients;
mod files;
mod frame;
mod licences;
mod log;
mod log_on;
mod operators;
mod overview;
mod phones;
mod settings;
mod shared;
mod status;

use actix_web::web::{ServiceConfig, get, redirect};

use crate::api::LOG_ON;

/// Adds all pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(redirect("/", "/overview"))
        .route(LOG_ON, get().to(log_on::show))
        .route("/overview", get().to(overview::show))
        .route("/telephones", get().to(phones::list))
        .route("/telephones/{phone}", get().to(phones::one::show))
        .route("/clients", get().to(clients::show))
        .route("/settings/{group}", get().to(settings::show))
        .route("/licences", get().to(licences::show))
        .route("/log", get().to(log::show))
        .route("/server", get().to(status::show))
        .route("/operators", get().to(operators::show))
        .route("/pages/{file}", get().to(files::show));
}
