//! The server's certificate and key: loaded from PEM files, replaced while connections stay.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use rustls::{
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use super::{
    certificate::{self, Certificate},
    tls::{TlsError, certificates, pem_error, read},
};
use crate::texts::Text;

/// The certificate of all TLS interfaces. A replacement applies to the next handshake.
#[derive(Debug)]
pub struct Identity {
    current: ArcSwap<Loaded>,
}

/// The files of a certificate chain and its key, PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityFiles {
    /// The server's certificate first.
    pub certificate: PathBuf,
    /// PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// Their stamp before they were read.
    pub loaded: FilesStamp,
}

/// Modification time and size of certificate and key; `None` for a missing file.
pub type FilesStamp = [Option<(SystemTime, u64)>; 2];

struct Loaded {
    certified: Arc<CertifiedKey>,
    certificate: Certificate,
    files: IdentityFiles,
    pem: [Arc<[u8]>; 2],
}

impl Identity {
    /// Loads a certificate chain and its private key.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::read_from([certificate, key], certificate, key)
    }

    /// As [`Self::read`], but certificate and key are still in the files `temporary`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_from(
        temporary: [&Path; 2],
        certificate: &Path,
        key: &Path,
    ) -> Result<Self, TlsError> {
        load(temporary, certificate, key).map(|loaded| Self {
            current: ArcSwap::from_pointee(loaded),
        })
    }

    /// Uses the certificate of `other` from the next handshake on.
    pub fn replace(&self, other: Self) {
        self.current.store(other.current.into_inner());
    }

    /// As [`Self::replace`], if `files` are still in use. Returns whether they were.
    pub fn replace_if(&self, files: &IdentityFiles, other: Self) -> bool {
        let before = self.current.load();
        if before.files != *files {
            return false;
        }
        let now = self
            .current
            .compare_and_swap(&*before, other.current.into_inner());
        Arc::ptr_eq(&before, &now)
    }

    /// The certificate in use.
    pub fn certificate(&self) -> Certificate {
        self.current.load().certificate.clone()
    }

    /// Why peers may reject the chain in use, as [`certificate::chain_fault`].
    pub fn chain_fault(&self) -> Option<Text> {
        certificate::chain_fault(&self.current.load().certified.cert)
    }

    /// The contents of both files as they were loaded.
    pub fn pem(&self) -> [Arc<[u8]>; 2] {
        self.current.load().pem.clone()
    }

    /// The files in use.
    pub fn files(&self) -> IdentityFiles {
        self.current.load().files.clone()
    }
}

impl IdentityFiles {
    /// Their stamp now.
    pub fn stamp(&self) -> FilesStamp {
        stamp([&self.certificate, &self.key])
    }
}

fn stamp(files: [&Path; 2]) -> FilesStamp {
    files.map(|path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

impl fmt::Debug for Loaded {
    /// Omits the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.certificate, f)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().certified))
    }
}

fn load(temporary: [&Path; 2], certificate: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let files = IdentityFiles {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        // Before reading, so that a change from here on is noticed.
        loaded: stamp(temporary),
    };
    let pem = [read(temporary[0], certificate)?, read(temporary[1], key)?];
    let certified = certified_key(&pem, certificate, key)?;
    let invalid = |what: String| TlsError::Content {
        path: certificate.to_owned(),
        what: format!("contains an invalid certificate: {what}"),
    };
    let own = certified
        .end_entity_cert()
        .map_err(|error| invalid(error.to_string()))?;
    Ok(Loaded {
        certificate: Certificate::read(own).map_err(invalid)?,
        certified: Arc::new(certified),
        files,
        pem,
    })
}

fn certified_key(
    pem: &[Arc<[u8]>; 2],
    certificate: &Path,
    key: &Path,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&pem[0], certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&pem[1])
        .map_err(|error| pem_error(key, error, "private key"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        },
        rustls::Error::InvalidCertificate(reason) => TlsError::Content {
            path: certificate.to_owned(),
            what: format!("contains an invalid certificate: {reason}"),
        },
        error => TlsError::Content {
            path: key.to_owned(),
            what: format!("contains an invalid private key: {error}"),
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;
    use crate::net::tls::authorities;

    #[test]
    fn unusable_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b"] {
            let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
            fs::write(path(&format!("{name}.pem")), made.cert.pem()).unwrap();
            let key = made.signing_key.serialize_pem();
            fs::write(path(&format!("{name}.key")), key).unwrap();
        }
        fs::write(path("text"), "hello").unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(path("broken"), broken).unwrap();
        for (certificate, key, expected) in [
            ("none", "a.key", "none cannot be read: "),
            ("a.pem", "none", "none cannot be read: "),
            ("text", "a.key", "text contains no certificate in PEM form"),
            ("a.pem", "text", "text contains no private key in PEM form"),
            (
                "a.pem",
                "a.pem",
                "a.pem contains no private key in PEM form",
            ),
            (
                "broken",
                "a.key",
                "broken contains an invalid certificate: ",
            ),
            ("a.pem", "b.key", "b.key is not the private key of "),
        ] {
            let error = Identity::read(&path(certificate), &path(key))
                .unwrap_err()
                .to_string();
            let shown = error.replace(&format!("{}/", folder.path().display()), "");
            assert!(shown.starts_with(expected), "{shown}");
        }
        let error = authorities(&path("text"), false).unwrap_err().to_string();
        assert!(
            error.ends_with("text contains no certificate in PEM form"),
            "{error}"
        );
        let identity = Identity::read(&path("a.pem"), &path("a.key")).unwrap();
        let first = identity.current.load_full();
        identity.replace(Identity::read(&path("b.pem"), &path("b.key")).unwrap());
        assert!(!Arc::ptr_eq(&first, &identity.current.load_full()));
    }
}
