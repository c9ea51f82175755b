//! The private authority that signs the server's certificate: `ca.pem`, which phones are to trust, and its key.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
    date_time_ymd,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{DataDirError, files::read};
use crate::net::certificate::Certificate;

/// An authority with its key.
pub(super) struct Authority {
    /// Its own certificate.
    pub(super) certificate: Certificate,
    /// The same as PEM.
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Its certificate, for phones. It stays when the server's certificate is generated anew.
pub(super) const FILE: &str = "ca.pem";
/// Its private key.
pub(super) const KEY: &str = "ca-key.pem";
/// How long an authority is valid.
const YEARS: i32 = 10;
/// How long a certificate is valid. Some clients reject more than 398 days.
const DAYS: i32 = 397;
/// Key purposes of a SIP server: id-kp-serverAuth, and id-kp-sipDomain (RFC 5924, section 4).
const SIP_DOMAIN: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 20];

impl Authority {
    /// Reads it from a data folder; `None` if the folder has no key of an authority. A lost `ca.pem` is taken from the chain in
    /// `served`.
    ///
    /// # Errors
    /// Why its files cannot be used.
    pub(super) fn load(data: &Path, served: &Path) -> Result<Option<Self>, String> {
        let text = |path: &Path| read(path).map_err(|error| error.to_string());
        let Some(key) = text(&data.join(KEY))? else {
            return Ok(None);
        };
        let pem = match text(&data.join(FILE))? {
            Some(pem) => pem,
            None => match last_of_chain(&text(served)?.unwrap_or_default()) {
                Some(pem) => pem,
                None => return Ok(None),
            },
        };
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("{FILE} is not PEM: {error}"))?;
        let key = KeyPair::from_pem(&key).map_err(|error| format!("{KEY}: {error}"))?;
        let parsed = X509Certificate::from_der(&der);
        let belongs = parsed.is_ok_and(|(_, parsed)| {
            parsed.is_ca() && parsed.public_key().raw == key.subject_public_key_info()
        });
        if !belongs {
            return Err(format!("{KEY} is not the private key of {FILE}"));
        }
        Ok(Some(Self {
            certificate: Certificate::read(&der)?,
            pem,
            issuer: Issuer::from_ca_cert_der(&der, key).map_err(|error| error.to_string())?,
        }))
    }

    /// Generates one, and its private key as PEM. `host` is part of its name.
    pub(super) fn generate(host: &str, now: Timestamp) -> Result<(Self, String), DataDirError> {
        let start = yesterday(now);
        let mut params = CertificateParams::default();
        // Authorities of one name with different keys confuse phones.
        let name = format!("uacsta CA {host} {:08X}", getrandom::u32()?);
        params.distinguished_name = named(&name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, start, start.saturating_add(YEARS.years()));
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(params, key)?;
        let certificate =
            Certificate::read(issuer.der()).map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
        let key = KeyPair::from_pem(&key_pem)?;
        let authority = Self {
            certificate,
            pem: issuer.pem(),
            issuer: Issuer::from_ca_cert_der(issuer.der(), key)?,
        };
        Ok((authority, key_pem))
    }

    /// Signs a certificate for DNS names and addresses: its chain and its private key as PEM.
    pub(super) fn issue<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        common_name: &str,
        now: Timestamp,
    ) -> Result<[String; 2], DataDirError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(common_name);
        params.subject_alt_names = names
            .map(|name| match name.parse() {
                Ok(address) => Ok(SanType::IpAddress(address)),
                Err(_) => name.try_into().map(SanType::DnsName),
            })
            .collect::<Result<_, _>>()?;
        // socat resolves a name that it has not found before the first address, and gives up where that fails.
        params
            .subject_alt_names
            .sort_by_key(|name| matches!(name, SanType::IpAddress(_)));
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::Other(SIP_DOMAIN.to_vec()),
        ];
        set_validity(&mut params, yesterday(now), day(self.end_of_next(now)));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok([certificate.pem() + &self.pem, key.serialize_pem()])
    }

    /// Until when a certificate is valid that it signs now: not longer than itself.
    pub(super) fn end_of_next(&self, now: Timestamp) -> Timestamp {
        let own = self.certificate.until;
        let end = yesterday(now).saturating_add(DAYS.days());
        let end = end.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        end.map_or(own, |end| end.min(own))
    }

    /// Whether it signed a certificate.
    pub(super) fn signed(&self, certificate: &Certificate) -> bool {
        certificate.issuer == self.certificate.subject
    }
}

/// The files of certificate and key in a data folder.
pub(super) fn files(data: &Path) -> [PathBuf; 2] {
    [data.join(FILE), data.join(KEY)]
}

/// The last certificate of a PEM file with several.
fn last_of_chain(pem: &str) -> Option<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let (first, _) = pem.match_indices(BEGIN).next()?;
    let (last, _) = pem.match_indices(BEGIN).last()?;
    (last > first).then(|| pem.get(last..).unwrap_or_default().to_owned())
}

/// A name of at most 64 characters (RFC 5280, appendix A.1).
fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    let short: String = common_name.chars().take(64).collect();
    name.push(DnType::CommonName, short);
    name
}

/// The first day of a certificate: the clocks of phones are often some hours off.
fn yesterday(now: Timestamp) -> Date {
    day(now).saturating_sub(1.day())
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

fn set_validity(params: &mut CertificateParams, from: Date, until: Date) {
    let date = |day: Date| {
        let unsigned = |number: i8| number.unsigned_abs();
        date_time_ymd(
            day.year().into(),
            unsigned(day.month()),
            unsigned(day.day()),
        )
    };
    params.not_before = date(from);
    params.not_after = date(until);
}
