//! `/api/certificate`: what the server shows in TLS handshakes, and until when.

use actix_web::web;
use serde::Serialize;

use super::{
    Api,
    methods::{READ, only},
};
use crate::net::certificate::Certificate;

/// Adds the path.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let certificate = web::resource("/certificate").get(certificate);
    config.service(only(READ, certificate));
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    certificate: Certificate,
    /// What its chain lacks, if anything.
    gap: Option<String>,
}

async fn certificate(api: web::Data<Api>) -> web::Json<Shown> {
    web::Json(Shown {
        certificate: api.identity.certificate(),
        gap: api.identity.chain_fault(),
    })
}
