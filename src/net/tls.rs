//! TLS 1.2 and 1.3 for phones and clients (RFC 5246, RFC 8446), and the authorities of peers' certificates.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier,
    client::verify_server_name,
    crypto::ring,
    server::{
        ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier,
    },
};
use rustls_pki_types::{
    CertificateDer, ServerName,
    pem::{self, PemObject},
};
use tokio_rustls::TlsAcceptor;
use uacsta_config::{Settings, remedy};

pub use super::identity::{FilesStamp, Identity, IdentityFiles};

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}{}", path.display(), remedy(source))]
    File {
        /// Certificate, key or authority.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The content is invalid.
    #[error("{} {what}", path.display())]
    Content {
        /// Certificate, key or authority.
        path: PathBuf,
        /// Completes the sentence.
        what: String,
    },
    /// The key does not belong to the certificate.
    #[error("{} is not the private key of {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

impl TlsError {
    /// The file that is wrong.
    pub fn path(&self) -> &Path {
        match self {
            Self::File { path, .. }
            | Self::Content { path, .. }
            | Self::Mismatch { key: path, .. } => path,
        }
    }
}

/// The acceptors for phones and for clients. Peers are asked for a certificate only if the settings name an authority.
///
/// # Errors
/// The file of an authority cannot be used.
pub fn acceptors(
    identity: &Arc<Identity>,
    settings: &Settings,
) -> Result<[TlsAcceptor; 2], TlsError> {
    let (phones, clients) = (&settings.phones, &settings.clients);
    let acceptor = |authority: Option<&Path>, required| {
        let config = match authority {
            Some(authority) => {
                versions().with_client_cert_verifier(authorities(authority, required)?)
            }
            None => versions().with_no_client_auth(),
        };
        let config = config.with_cert_resolver(Arc::clone(identity) as Arc<dyn ResolvesServerCert>);
        Ok(TlsAcceptor::from(Arc::new(config)))
    };
    Ok([
        acceptor(
            phones.trusted_authority.as_deref(),
            phones.require_certificate,
        )?,
        // Clients without a certificate are challenged.
        acceptor(clients.trusted_authority.as_deref(), false)?,
    ])
}

/// The acceptor for the HTTP server, whose peers are asked for no certificate.
pub fn web_acceptor(identity: &Arc<Identity>) -> TlsAcceptor {
    let resolver = Arc::clone(identity) as Arc<dyn ResolvesServerCert>;
    let mut config = versions()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// A verifier for peers' certificates signed by those in the PEM file `authority`. `required` rejects peers without one.
///
/// # Errors
/// The file cannot be used.
pub fn authorities(
    authority: &Path,
    required: bool,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let invalid = |error: &dyn std::fmt::Display| TlsError::Content {
        path: authority.to_owned(),
        what: format!("contains a certificate that cannot sign others: {error}"),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&read(authority, authority)?, authority)? {
        roots.add(certificate).map_err(|error| invalid(&error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = if required {
        verifier
    } else {
        verifier.allow_unauthenticated()
    };
    verifier.build().map_err(|error| invalid(&error))
}

/// Whether a verified certificate contains a DNS name in its subjectAltName (RFC 6125).
pub fn is_of(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let (Ok(certificate), Ok(name)) = (
        ParsedCertificate::try_from(certificate),
        ServerName::try_from(name),
    ) else {
        return false;
    };
    verify_server_name(&certificate, &name).is_ok()
}

fn versions() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("the ring provider has suites for both versions")
}

/// At least one certificate; `path` is for errors.
pub(super) fn certificates(
    pem: &[u8],
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem_error(path, error, "certificate"))?;
    if certificates.is_empty() {
        return Err(pem_error(path, pem::Error::NoItemsFound, "certificate"));
    }
    Ok(certificates)
}

/// The content of `file`; `path` is for errors.
pub(super) fn read(file: &Path, path: &Path) -> Result<Arc<[u8]>, TlsError> {
    fs::read(file).map(Arc::from).map_err(|source| {
        let path = path.to_owned();
        TlsError::File { path, source }
    })
}

pub(super) fn pem_error(path: &Path, error: pem::Error, wanted: &str) -> TlsError {
    let what = match error {
        pem::Error::NoItemsFound => format!("contains no {wanted} in PEM form"),
        error => format!("is not PEM: {error}"),
    };
    let path = path.to_owned();
    TlsError::Content { path, what }
}
