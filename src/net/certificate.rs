//! The fields of the server's certificate that operators see, and its validity (RFC 5280, section 4.1.2.5).

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

use crate::texts::Text;

/// The server's certificate, as the log and the API show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Distinguished name of its owner.
    pub subject: String,
    /// Distinguished name of the authority that signed it.
    pub issuer: String,
    /// DNS names and addresses (subjectAltName).
    pub names: Vec<String>,
    /// Not valid before.
    #[serde(serialize_with = "shown")]
    pub from: Timestamp,
    /// Not valid after.
    #[serde(serialize_with = "shown")]
    pub until: Timestamp,
    /// SHA-256 in hexadecimal, with colons.
    pub fingerprint: String,
}

/// The validity of a certificate at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Not valid yet.
    NotYet,
    /// Valid for more than 30 days.
    Valid,
    /// Expires within so many days: 30, 7 or 1.
    ExpiresWithin(i64),
    /// Expired.
    Expired,
}

impl Certificate {
    /// Parses a certificate.
    ///
    /// # Errors
    /// The parser's message.
    pub fn read(der: &CertificateDer<'_>) -> Result<Self, String> {
        let certificate = parsed(der)?;
        let time = |seconds| Timestamp::from_second(seconds).map_err(|error| error.to_string());
        let validity = certificate.validity();
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names(&certificate),
            from: time(validity.not_before.timestamp())?,
            until: time(validity.not_after.timestamp())?,
            fingerprint: Sha256::digest(der)
                .iter()
                .map(|octet| format!("{octet:02X}"))
                .collect::<Vec<_>>()
                .join(":"),
        })
    }

    /// Its validity at `now`.
    pub fn validity(&self, now: Timestamp) -> Validity {
        let days = |days| SignedDuration::from_hours(24 * days);
        let left = self.until.duration_since(now);
        if now < self.from {
            Validity::NotYet
        } else if left < SignedDuration::ZERO {
            Validity::Expired
        } else {
            [1, 7, 30]
                .into_iter()
                .find(|within| left <= days(*within))
                .map_or(Validity::Valid, Validity::ExpiresWithin)
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            issuer,
            from,
            until,
            ..
        } = self;
        write!(f, "{subject}, signed by {issuer}, {from} to {until}")
    }
}

/// Why peers may reject a chain (RFC 5246, section 7.4.2; RFC 8446, section 4.4.2): its order is wrong, or an intermediate
/// certificate is missing. The server's certificate comes first. A self-signed certificate is complete.
pub fn chain_fault(chain: &[CertificateDer<'_>]) -> Option<Text> {
    let chain: Vec<X509Certificate<'_>> = chain.iter().filter_map(|der| parsed(der).ok()).collect();
    for (signed, signer) in chain.iter().zip(chain.iter().skip(1)) {
        if signed.issuer() != signer.subject() {
            let fault = Text::new("chain-out-of-order")
                .with("subject", signed.subject().to_string())
                .with("issuer", signed.issuer().to_string())
                .with("next", signer.subject().to_string());
            return Some(fault);
        }
    }
    let [alone] = chain.as_slice() else {
        return None;
    };
    let issuer = alone.issuer();
    (issuer != alone.subject())
        .then(|| Text::new("chain-incomplete").with("issuer", issuer.to_string()))
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) => Ok(certificate),
        Err(error) => Err(error.to_string()),
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) => address(octets),
            _ => None,
        })
        .collect()
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(std::net::Ipv4Addr::from(octets).to_string());
    }
    let octets = <[u8; 16]>::try_from(octets).ok()?;
    Some(std::net::Ipv6Addr::from(octets).to_string())
}

fn shown<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;
    use crate::texts::Language;

    fn authority(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    #[test]
    fn certificate_fields_and_validity_are_read() {
        let names = ["pbx.example", "192.0.2.1", "2001:db8::1"];
        let mut params = CertificateParams::new(names.map(str::to_owned)).unwrap();
        params.distinguished_name.push(DnType::CommonName, "pbx");
        params.not_before = rcgen::date_time_ymd(2026, 3, 1);
        params.not_after = rcgen::date_time_ymd(2027, 3, 1);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = Certificate::read(made.der()).unwrap();
        assert_eq!(read.subject, read.issuer);
        assert!(read.subject.contains("CN=pbx"), "{}", read.subject);
        assert_eq!(read.names, names);
        assert_eq!(read.until.to_string(), "2027-03-01T00:00:00Z");
        assert_eq!(read.fingerprint.len(), 32 * 3 - 1);
        Certificate::read(&CertificateDer::from(vec![0x30, 3, 1])).unwrap_err();

        let check = |now: &str, validity| {
            assert_eq!(read.validity(now.parse().unwrap()), validity, "{now}");
        };
        check("2026-02-28T23:59:59Z", Validity::NotYet);
        check("2026-03-01T00:00:00Z", Validity::Valid);
        check("2027-01-29T23:59:59Z", Validity::Valid);
        check("2027-01-30T00:00:00Z", Validity::ExpiresWithin(30));
        check("2027-02-21T23:59:59Z", Validity::ExpiresWithin(30));
        check("2027-02-22T00:00:00Z", Validity::ExpiresWithin(7));
        check("2027-02-28T00:00:00Z", Validity::ExpiresWithin(1));
        check("2027-03-01T00:00:00Z", Validity::ExpiresWithin(1));
        check("2027-03-01T00:00:01Z", Validity::Expired);
    }

    #[test]
    fn chain_leads_from_server_to_authority() {
        let root =
            CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap()).unwrap();
        let middle =
            CertifiedIssuer::signed_by(authority("middle"), KeyPair::generate().unwrap(), &root)
                .unwrap();
        let own = authority("pbx")
            .signed_by(&KeyPair::generate().unwrap(), &middle)
            .unwrap();
        let (root, middle, own) = (root.der().clone(), middle.der().clone(), own.der().clone());
        let check = |chain: &[&CertificateDer<'static>], expected: Option<&str>| {
            let chain: Vec<_> = chain.iter().map(|der| (*der).clone()).collect();
            let found = chain_fault(&chain).map(|fault| fault.written(Language::English));
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            let part = expected.unwrap_or_default();
            assert!(found.unwrap_or_default().contains(part), "{part}");
        };
        check(&[&root], None);
        check(&[&own, &middle], None);
        check(&[&own, &middle, &root], None);
        check(&[&own], Some("that do not trust CN=middle reject it"));
        check(
            &[&own, &root],
            Some("but the next certificate in the file is CN=root"),
        );
        check(
            &[&own, &root, &middle],
            Some("CN=pbx is signed by CN=middle"),
        );
    }
}
