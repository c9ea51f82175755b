//! The self-signed certificate, used if the settings name none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use uacsta_config::Settings;
use uacsta_connect::data_dir::CERTIFICATE;

use super::DataDirError;
use crate::net::certificate::{Certificate, Validity};

/// The files of certificate and key.
pub(super) fn files(data: &Path) -> [PathBuf; 2] {
    [data.join(CERTIFICATE), data.join("key.pem")]
}

/// Generates certificate and key, valid for ten years, as PEM.
pub(super) fn generate(settings: &Settings) -> Result<[String; 2], DataDirError> {
    let mut names = vec![
        host_name(),
        "localhost".into(),
        "127.0.0.1".into(),
        "::1".into(),
    ];
    for wan in [&settings.phones.wan, &settings.clients.wan] {
        names.push(wan.public_host.trim_matches(['[', ']']).to_owned());
    }
    names.retain(|name| !name.is_empty());
    let mut unique = Vec::new();
    names.into_iter().for_each(|name| {
        if !unique.contains(&name) {
            unique.push(name);
        }
    });
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let common = unique.first().map_or("uacsta", String::as_str);
    params.distinguished_name.push(DnType::CommonName, common);
    params.subject_alt_names = unique
        .iter()
        .map(|name| match name.parse() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => name.as_str().try_into().map(SanType::DnsName),
        })
        .collect::<Result<_, _>>()?;
    // Valid from yesterday: the clocks of phones are often some hours off.
    let today = jiff::Zoned::now().date();
    let start = today.yesterday().unwrap_or(today);
    let date = |year: i16| {
        // Most years have no 29th of February.
        date_time_ymd(
            year.into(),
            start.month().unsigned_abs(),
            start.day().unsigned_abs().min(28),
        )
    };
    params.not_before = date(start.year());
    params.not_after = date(start.year() + 10);
    let pair = KeyPair::generate()?;
    let certificate = params.self_signed(&pair)?;
    Ok([certificate.pem(), pair.serialize_pem()])
}

/// Whether the certificate expires within 30 days.
pub(super) fn expires_soon(file: &Path) -> bool {
    let read = CertificateDer::from_pem_file(file)
        .ok()
        .and_then(|der| Certificate::read(&der).ok());
    let validity = read.map(|certificate| certificate.validity(Timestamp::now()));
    matches!(
        validity,
        Some(Validity::ExpiresWithin(_) | Validity::Expired)
    )
}

/// This machine's host name, if a certificate can contain it, else empty.
fn host_name() -> String {
    let asked = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    let name = asked.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    match name.chars().all(fits) {
        true => name.to_owned(),
        false => String::new(),
    }
}
