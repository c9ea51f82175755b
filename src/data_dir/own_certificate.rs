//! The certificate that the server generates if the settings name none: when it is due, and its files.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tracing::warn;
use uacsta_config::Settings;
use uacsta_connect::data_dir::CERTIFICATE;

use super::{
    DataDirError,
    authority::{self, Authority},
    drafts::{Draft, Why},
    files::Prepared,
    host_names::{self, Names},
};
use crate::net::certificate::{Certificate, Validity};

/// The certificate of a data folder, and what it should be.
pub(super) struct OwnCertificate {
    files: [PathBuf; 2],
    authority_files: [PathBuf; 2],
    /// `None` if it is missing or invalid.
    certificate: Option<Certificate>,
    /// Which of its files are missing.
    missing: [bool; 2],
    authority: Result<Option<Authority>, String>,
    names: Names,
}

/// Why a certificate is generated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    Missing,
    ExpiresSoon,
    OtherNames,
}

/// The files of certificate and key.
pub(super) fn files(data: &Path) -> [PathBuf; 2] {
    [data.join(CERTIFICATE), data.join("key.pem")]
}

impl OwnCertificate {
    pub(super) fn inspect(data: &Path, settings: &Settings) -> Self {
        let files = files(data);
        let certificate = CertificateDer::from_pem_file(&files[0]).ok();
        let certificate = certificate.and_then(|der| Certificate::read(&der).ok());
        // Where the machine's addresses cannot be read, those in the certificate stay.
        let names = host_names::names(settings).ok();
        let names = names.or_else(|| certificate.as_ref().map(names_of));
        Self {
            names: names.unwrap_or_else(|| host_names::names_in_settings(settings)),
            certificate,
            missing: files.each_ref().map(|path| !path.exists()),
            authority: Authority::load(data, &files[0]),
            authority_files: authority::files(data),
            files,
        }
    }

    /// Which of its files are missing: certificate and key.
    pub(super) fn missing(&self) -> [bool; 2] {
        self.missing
    }

    /// Whether and why it has to be generated. A certificate that the authority did not sign is kept as long as it is valid,
    /// because phones may trust it.
    pub(super) fn due(&self, now: Timestamp) -> Option<Due> {
        if self.missing.contains(&true) {
            return Some(Due::Missing);
        }
        let certificate = self.certificate.as_ref()?;
        let expires_soon = matches!(
            certificate.validity(now),
            Validity::ExpiresWithin(_) | Validity::Expired
        );
        let Some(authority) = self.signer() else {
            return expires_soon.then_some(Due::ExpiresSoon);
        };
        // Near the end of the authority a new certificate would not be valid for longer.
        let gains = authority.end_of_next(now) > certificate.until + 24.hours();
        if expires_soon && (gains || is_over(authority, now)) {
            return Some(Due::ExpiresSoon);
        }
        (names_of(certificate) != self.names).then_some(Due::OtherNames)
    }

    /// The authority, if it signed the certificate.
    pub(super) fn signer(&self) -> Option<&Authority> {
        let authority = self.authority.as_ref().ok()?.as_ref()?;
        let signed = |certificate| authority.signed(certificate);
        self.certificate
            .as_ref()
            .is_some_and(signed)
            .then_some(authority)
    }

    /// Logs what an operator should change about a certificate that is kept.
    pub(super) fn warn(&self) {
        let (Some(certificate), None) = (&self.certificate, self.signer()) else {
            return;
        };
        let named = names_of(certificate);
        let lacks: Vec<&str> = self.names.difference(&named).map(String::as_str).collect();
        if !lacks.is_empty() {
            warn!(
                file = %self.files[0].display(),
                lacks = lacks.join(" "),
                "the generated certificate lacks names of this server and is kept because phones may trust it; for one that has them, remove certificate.pem and key.pem, restart, and load ca.pem into the phones"
            );
        }
    }

    /// Generates the certificate, and the authority if there is none; as files that are not in place yet.
    pub(super) fn generate(&self, due: Due, now: Timestamp) -> Result<Vec<Draft>, DataDirError> {
        let mut drafts = Vec::new();
        let [file, key_file] = &self.authority_files;
        let known = self.authority.as_ref().ok().and_then(Option::as_ref);
        let known = known.filter(|authority| !is_over(authority, now));
        let made;
        let authority = if let Some(known) = known {
            if !file.exists() {
                drafts.push(draft(file, &known.pem, Why::Missing)?);
            }
            known
        } else {
            let (authority, key) = Authority::generate(&host_names::host_name(), now)?;
            let why = match due {
                Due::Missing if !file.exists() => Why::Authority,
                _ => Why::OtherAuthority,
            };
            drafts.push(draft(key_file, &key, Why::Generated)?);
            drafts.push(draft(file, &authority.pem, why)?);
            made = authority;
            &made
        };
        let host = host_names::host_name();
        let common_name = if host.is_empty() { "uacsta" } else { &host };
        let names = self.names.iter().map(String::as_str);
        let [chain, key] = authority.issue(names, common_name, now)?;
        // The key is written first: a certificate is complete only with its key.
        drafts.push(draft(&self.files[1], &key, Why::Generated)?);
        drafts.push(draft(&self.files[0], &chain, Why::Certificate(due))?);
        Ok(drafts)
    }
}

fn names_of(certificate: &Certificate) -> Names {
    certificate.names.iter().cloned().collect()
}

fn is_over(authority: &Authority, now: Timestamp) -> bool {
    authority.certificate.until <= now + 24.hours()
}

fn draft(path: &Path, pem: &str, why: Why) -> Result<Draft, DataDirError> {
    let file = Prepared::new(path, pem.as_bytes())?;
    Ok(Draft { file, why })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    const NOW: &str = "2026-03-01T12:00:00Z";

    /// A folder with a certificate that was generated at [`NOW`].
    fn generated() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        generate(folder.path(), Due::Missing, NOW);
        folder
    }

    fn generate(data: &Path, due: Due, now: &str) {
        let own = OwnCertificate::inspect(data, &Settings::builtin());
        for draft in own.generate(due, now.parse().unwrap()).unwrap() {
            draft.file.persist().unwrap();
        }
    }

    fn due(data: &Path, change: impl FnOnce(&mut Settings), now: &str) -> Option<Due> {
        let mut settings = Settings::builtin();
        change(&mut settings);
        OwnCertificate::inspect(data, &settings).due(now.parse().unwrap())
    }

    #[test]
    fn certificate_is_due_if_it_expires_or_names_change_while_the_authority_stays() {
        let folder = generated();
        let data = folder.path();
        let authority = fs::read(data.join(authority::FILE)).unwrap();
        let host = |settings: &mut Settings| settings.phones.wan.public_host = "cti.example".into();
        for (now, named, expected) in [
            (NOW, false, None),
            (NOW, true, Some(Due::OtherNames)),
            ("2027-02-28T12:00:00Z", false, None),
            ("2027-03-03T12:00:00Z", false, Some(Due::ExpiresSoon)),
            ("2028-03-01T12:00:00Z", false, Some(Due::ExpiresSoon)),
        ] {
            let change = |settings: &mut Settings| {
                if named {
                    host(settings);
                }
            };
            assert_eq!(due(data, change, now), expected, "{now}");
        }
        generate(data, Due::ExpiresSoon, "2028-03-01T12:00:00Z");
        assert_eq!(due(data, |_| {}, "2028-03-01T12:00:00Z"), None);
        assert_eq!(fs::read(data.join(authority::FILE)).unwrap(), authority);
        // The last certificate ends with the authority, and a new one would not be valid for longer.
        generate(data, Due::ExpiresSoon, "2036-01-10T12:00:00Z");
        assert_eq!(due(data, |_| {}, "2036-02-20T12:00:00Z"), None);
        assert_eq!(
            due(data, |_| {}, "2036-02-28T12:00:00Z"),
            Some(Due::ExpiresSoon)
        );
        generate(data, Due::ExpiresSoon, "2036-02-28T12:00:00Z");
        assert!(fs::read(data.join(authority::FILE)).unwrap() != authority);
    }

    #[test]
    fn removed_authority_file_is_taken_from_the_chain() {
        let folder = generated();
        let (data, file) = (folder.path(), folder.path().join(authority::FILE));
        let authority = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(due(data, |_| {}, NOW), None);
        generate(data, Due::OtherNames, NOW);
        assert_eq!(fs::read(&file).unwrap(), authority);
    }

    #[test]
    fn certificate_of_another_authority_is_kept_until_it_expires() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2027, 3, 1);
        let key = KeyPair::generate().unwrap();
        let [certificate, key_file] = files(data);
        fs::write(certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        assert_eq!(due(data, |_| {}, NOW), None);
        assert_eq!(
            due(data, |_| {}, "2027-02-10T00:00:00Z"),
            Some(Due::ExpiresSoon)
        );
        fs::remove_file(key_file).unwrap();
        assert_eq!(due(data, |_| {}, NOW), Some(Due::Missing));
    }

    #[test]
    fn unusable_authority_does_not_stop_the_server() {
        let folder = generated();
        let data = folder.path();
        let other = KeyPair::generate().unwrap().serialize_pem();
        for key in [Some("no key"), Some(&other), None] {
            let file = data.join(authority::KEY);
            let _ = key.map_or_else(|| fs::remove_file(&file), |key| fs::write(&file, key));
            assert_eq!(due(data, |_| {}, NOW), None, "{key:?}");
            let later = due(data, |_| {}, "2027-03-20T12:00:00Z");
            assert_eq!(later, Some(Due::ExpiresSoon), "{key:?}");
        }
    }
}
