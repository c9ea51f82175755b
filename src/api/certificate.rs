//! `/api/certificate`: the TLS certificate in use, its names and its validity.

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
struct CertificateInUse {
    #[serde(flatten)]
    certificate: Certificate,
    /// Why clients may reject its chain, if they may.
    gap: Option<String>,
}

async fn certificate(api: web::Data<Api>) -> web::Json<CertificateInUse> {
    web::Json(CertificateInUse {
        certificate: api.identity.certificate(),
        gap: api.identity.chain_fault(),
    })
}
