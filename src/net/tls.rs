//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) for phones and clients, with a certificate that can be exchanged while they talk.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use rustls::{
    ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier,
    client::verify_server_name,
    crypto::ring,
    server::{
        ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    sign::CertifiedKey,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, ServerName,
    pem::{self, PemObject},
};
use tokio_rustls::TlsAcceptor;
use uacsta_config::Settings;

use super::certificate::{self, Certificate};

/// The server's certificate as every handshake takes it: exchanged, it holds for the next one.
#[derive(Debug)]
pub struct Identity {
    current: ArcSwap<Current>,
}

/// Where a certificate chain and its key are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Files {
    /// The certificates, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// What they looked like before they were read.
    pub taken: Stamp,
}

/// What can be told of certificate and key without reading them: when each was changed, and its size; none where it is
/// not there.
pub type Stamp = [Option<(SystemTime, u64)>; 2];

/// A certificate, and where it came from.
struct Current {
    certified: Arc<CertifiedKey>,
    certificate: Certificate,
    files: Files,
    /// What the two files held.
    pem: [Arc<[u8]>; 2],
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not hold what it should.
    #[error("{} {what}", path.display())]
    Body {
        /// Which file.
        path: PathBuf,
        /// The rest of the sentence.
        what: String,
    },
    /// The key is another one's.
    #[error("{} is not the private key of {}", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl TlsError {
    /// The file that is wrong.
    pub fn path(&self) -> &Path {
        match self {
            Self::File { path, .. }
            | Self::Body { path, .. }
            | Self::Mismatch { key: path, .. } => path,
        }
    }
}

impl Identity {
    /// Reads a certificate chain, the server's own first, and its private key (PKCS #8, PKCS #1 or SEC 1), both PEM.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::read_before([certificate, key], certificate, key)
    }

    /// The same of files that are at other places until they are put where they belong: `for_now` the certificate and the key.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_before(
        for_now: [&Path; 2],
        certificate: &Path,
        key: &Path,
    ) -> Result<Self, TlsError> {
        current(for_now, certificate, key).map(|current| Self {
            current: ArcSwap::from_pointee(current),
        })
    }

    /// Takes another's certificate for the handshakes to come; connections that stand are not touched.
    pub fn adopt(&self, other: Self) {
        self.current.store(other.current.into_inner());
    }

    /// The same, unless another was adopted since `files` were those in use; whether it was.
    pub fn adopt_after(&self, files: &Files, other: Self) -> bool {
        let before = self.current.load();
        if before.files != *files {
            return false;
        }
        let now = self
            .current
            .compare_and_swap(&*before, other.current.into_inner());
        Arc::ptr_eq(&before, &now)
    }

    /// What the certificate in use says of itself.
    pub fn certificate(&self) -> Certificate {
        self.current.load().certificate.clone()
    }

    /// What the chain in use lacks for peers that know nothing but their authorities.
    pub fn gap(&self) -> Option<String> {
        certificate::gap(&self.current.load().certified.cert)
    }

    /// The files of certificate and key in use, as they were read.
    pub fn pem(&self) -> [Arc<[u8]>; 2] {
        self.current.load().pem.clone()
    }

    /// Where the certificate in use came from.
    pub fn files(&self) -> Files {
        self.current.load().files.clone()
    }
}

impl Files {
    /// What they look like now.
    pub fn stamp(&self) -> Stamp {
        stamp([&self.certificate, &self.key])
    }
}

fn stamp(files: [&Path; 2]) -> Stamp {
    files.map(|path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

impl fmt::Debug for Current {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.certificate, f)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().certified))
    }
}

/// What phones are offered on TLS, and what clients are: none of them is asked for a certificate unless it is told whose
/// signature counts.
///
/// # Errors
/// The file of an authority cannot be used.
pub fn acceptors(
    identity: &Arc<Identity>,
    settings: &Settings,
) -> Result<[TlsAcceptor; 2], TlsError> {
    let (phones, clients) = (&settings.phones, &settings.clients);
    let offered = |authority: Option<&Path>, demanded| {
        let config = match authority {
            Some(authority) => {
                versions().with_client_cert_verifier(authorities(authority, demanded)?)
            }
            None => versions().with_no_client_auth(),
        };
        let config = config.with_cert_resolver(Arc::clone(identity) as Arc<dyn ResolvesServerCert>);
        Ok(TlsAcceptor::from(Arc::new(config)))
    };
    Ok([
        offered(
            phones.trusted_authority.as_deref(),
            phones.require_certificate,
        )?,
        // Who shows none logs on as ever.
        offered(clients.trusted_authority.as_deref(), false)?,
    ])
}

/// Those in the PEM file `authority` who may sign the certificates that peers show, or must show.
///
/// # Errors
/// The file cannot be used.
pub fn authorities(
    authority: &Path,
    demanded: bool,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |error: &dyn std::fmt::Display| TlsError::Body {
        path: authority.to_owned(),
        what: format!("holds a certificate that cannot sign others: {error}"),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&content(authority, authority)?, authority)? {
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    match demanded {
        true => verifier.build(),
        false => verifier.allow_unauthenticated().build(),
    }
    .map_err(|error| unusable(&error))
}

/// Whether a certificate, which was verified in the handshake, bears a DNS name in its subjectAltName (RFC 6125).
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

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(path, error, "certificate"))?;
    if certificates.is_empty() {
        return Err(wrong(path, pem::Error::NoItemsFound, "certificate"));
    }
    Ok(certificates)
}

/// What a file holds; `path` is the one that an error names.
fn content(file: &Path, path: &Path) -> Result<Arc<[u8]>, TlsError> {
    fs::read(file).map(Arc::from).map_err(|source| {
        let path = path.to_owned();
        TlsError::File { path, source }
    })
}

fn current(for_now: [&Path; 2], certificate: &Path, key: &Path) -> Result<Current, TlsError> {
    let files = Files {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        // What changes from here on is seen as a change.
        taken: stamp(for_now),
    };
    let pem = [content(for_now[0], certificate)?, content(for_now[1], key)?];
    let certified = certified(&pem, certificate, key)?;
    let unreadable = |what: String| TlsError::Body {
        path: certificate.to_owned(),
        what: format!("holds a certificate that cannot be used: {what}"),
    };
    let own = certified
        .end_entity_cert()
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(Current {
        certificate: Certificate::read(own).map_err(unreadable)?,
        certified: Arc::new(certified),
        files,
        pem,
    })
}

fn certified(
    pem: &[Arc<[u8]>; 2],
    certificate: &Path,
    key: &Path,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&pem[0], certificate)?;
    let private =
        PrivateKeyDer::from_pem_slice(&pem[1]).map_err(|error| wrong(key, error, "private key"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        },
        rustls::Error::InvalidCertificate(reason) => TlsError::Body {
            path: certificate.to_owned(),
            what: format!("holds a certificate that cannot be used: {reason}"),
        },
        error => TlsError::Body {
            path: key.to_owned(),
            what: format!("holds a private key that cannot be used: {error}"),
        },
    })
}

fn wrong(path: &Path, error: pem::Error, wanted: &str) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::NoItemsFound => TlsError::Body {
            path,
            what: format!("holds no {wanted} in PEM form"),
        },
        error => TlsError::Body {
            path,
            what: format!("is not PEM: {error}"),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b"] {
            let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
            std::fs::write(path(&format!("{name}.pem")), made.cert.pem()).unwrap();
            let key = made.signing_key.serialize_pem();
            std::fs::write(path(&format!("{name}.key")), key).unwrap();
        }
        std::fs::write(path("text"), "hello").unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(path("broken"), broken).unwrap();
        for (certificate, key, expected) in [
            ("none", "a.key", "none cannot be read: "),
            ("a.pem", "none", "none cannot be read: "),
            ("text", "a.key", "text holds no certificate in PEM form"),
            ("a.pem", "text", "text holds no private key in PEM form"),
            ("a.pem", "a.pem", "a.pem holds no private key in PEM form"),
            (
                "broken",
                "a.key",
                "broken holds a certificate that cannot be used: ",
            ),
            ("a.pem", "b.key", "b.key is not the private key of "),
        ] {
            let error = Identity::read(&path(certificate), &path(key))
                .unwrap_err()
                .to_string();
            let shown = error.replace(&format!("{}/", folder.path().display()), "");
            assert!(shown.starts_with(expected), "{shown}");
        }
        let identity = Identity::read(&path("a.pem"), &path("a.key")).unwrap();
        let error = authorities(&path("text"), false).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("text holds no certificate in PEM form")
        );
        let first = identity.current.load_full();
        identity.adopt(Identity::read(&path("b.pem"), &path("b.key")).unwrap());
        assert!(!Arc::ptr_eq(&first, &identity.current.load_full()));
    }
}
