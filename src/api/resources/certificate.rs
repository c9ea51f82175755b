//! `/certificate`: the TLS certificate in use, its names and its validity.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, Reader, Tagged, Time};
use crate::texts::Language;

/// The certificate that phones and clients are shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct CertificateInUse {
    /// Distinguished name of its owner.
    subject: String,
    /// Distinguished name of the authority that signed it.
    issuer: String,
    /// DNS names and addresses.
    names: Vec<String>,
    valid_from: Time,
    valid_until: Time,
    /// SHA-256 in hexadecimal, with colons.
    fingerprint: String,
    /// Why peers may reject its chain, if they may.
    chain_fault: Option<String>,
}

/// Shows the TLS certificate in use.
///
/// It is replaced when its files change.
#[utoipa::path(
    operation_id = "getCertificate", tag = "certificate",
    responses((status = 200, description = "The certificate.", body = CertificateInUse)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/certificate")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    language: Language,
) -> Tagged<CertificateInUse> {
    Tagged(of(&api, language))
}

pub(in crate::api) fn of(api: &Api, language: Language) -> CertificateInUse {
    let certificate = api.identity.certificate();
    CertificateInUse {
        subject: certificate.subject,
        issuer: certificate.issuer,
        names: certificate.names,
        valid_from: Time(certificate.from),
        valid_until: Time(certificate.until),
        fingerprint: certificate.fingerprint,
        chain_fault: api
            .identity
            .chain_fault()
            .map(|fault| fault.written(language)),
    }
}
