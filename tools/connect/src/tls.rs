//! Which certificate of a server is trusted, and why a handshake failed.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore,
    SignatureScheme, WantsVerifier,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use crate::connect_error::ConnectError;

/// Which certificates are accepted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those in this PEM file, and those that they signed.
    File(PathBuf),
    /// The first one in this PEM file alone, whatever host it names.
    Exactly(PathBuf),
    /// Those that the operating system trusts.
    System,
    /// Any: the connection is encrypted, but the server is not authenticated.
    AnyCertificate,
}

/// What is wrong where the answer is not TLS.
pub(crate) const NO_TLS: &str =
    "the server does not speak TLS there; leave out --tls, or connect to its TLS port";

/// Why a connection cannot be opened.
pub(crate) enum ConnectFault {
    /// Nothing listens there.
    Refused,
    /// The certificate is not signed by a trusted issuer.
    UnknownIssuer,
    /// The certificate is for other hosts.
    OtherHost,
    /// The certificate has expired.
    Expired,
    /// The server does not speak TLS.
    NoTls,
    /// Anything else, in the system's words.
    Other(String),
}

impl From<&io::Error> for ConnectFault {
    fn from(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match (error.kind(), tls) {
            (io::ErrorKind::ConnectionRefused, _) => Self::Refused,
            (_, Some(rustls::Error::InvalidCertificate(wrong))) => match wrong {
                // A stranger of the same name is BadSignature.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Self::UnknownIssuer
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::OtherHost,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                _ => Self::Other(error.to_string()),
            },
            (_, Some(rustls::Error::InvalidMessage(_))) => Self::NoTls,
            // The server closes a connection whose first octets it cannot read.
            (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset, _) => Self::NoTls,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// TLS settings that accept any certificate whose owner signs the handshake.
pub fn trusting() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    builder(&provider)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified {
            provider,
            only: None,
        }))
        .with_no_client_auth()
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("the ring provider has suites for both versions")
}

pub(crate) fn client_config(trust: &Trust) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let builder = builder(&provider);
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::AnyCertificate => return Ok(trusting()),
        Trust::Exactly(path) => {
            let only = certificates(path)?.into_iter().next();
            let verifier = Arc::new(Unverified { provider, only });
            let builder = builder
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            return Ok(builder.with_no_client_auth());
        }
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            // Stores have certificates that webpki cannot use.
            roots.add_parsable_certificates(found.certs);
        }
        Trust::File(path) => {
            for certificate in certificates(path)? {
                let added = roots.add(certificate);
                added.map_err(|error| unusable(path, error.to_string()))?;
            }
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(path, error.to_string()))?;
    if certificates.is_empty() {
        let reason = "contains no certificate in PEM form".to_owned();
        return Err(unusable(path, reason));
    }
    Ok(certificates)
}

fn unusable(path: &Path, reason: String) -> ConnectError {
    let path = path.to_owned();
    ConnectError::Certificates { path, reason }
}

/// Accepts any certificate whose owner signs the handshake, or only one.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
    only: Option<CertificateDer<'static>>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.only {
            Some(only) if only != certificate => Err(CertificateError::UnknownIssuer.into()),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
