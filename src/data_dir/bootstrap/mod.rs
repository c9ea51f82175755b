//! Generates what a data folder lacks: passwords, the command line's token, a private authority and a certificate.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use tracing::warn;
use uacsta_config::{OPERATOR_FILE, Secret, Settings, remedy};
use uacsta_connect::data_dir::{API_TOKEN, JOURNAL, SECRETS};

use super::{
    authority::{self, Authority},
    drafts::{Draft, Drafts, Why},
    files::{self, Prepared, create_folder, may_be_filled, read},
    own_certificate::{self, Due, OwnCertificate},
};
use crate::net::tls::{Identity, TlsError};

/// Certificate, key and token of a data folder, generated now or earlier.
#[derive(Debug)]
pub struct DataDir {
    /// PEM file of the certificate: the settings' own, or the generated one.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// The command line's token for the API.
    pub token: Secret,
    drafts: Drafts,
}

/// What a running server uses of the generated files.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The token of the command line.
    pub token: Secret,
    /// The passwords of phones, clients and administrator.
    pub passwords: [Secret; 3],
    /// The generated certificate and its key, PEM, if the server uses them.
    pub own_certificate: Option<[Arc<[u8]>; 2]>,
}

impl DataDir {
    /// Reads certificate and key, also if they are not written yet.
    ///
    /// # Errors
    /// As [`Identity::read`].
    pub fn identity(&self) -> Result<Identity, TlsError> {
        let drafts: Vec<&Prepared> = self.drafts.0.iter().map(|draft| &draft.file).collect();
        let paths = [&self.certificate, &self.key].map(|path| {
            let draft = drafts.iter().find(|draft| draft.path() == path);
            draft.map_or(path.as_path(), |draft| draft.temporary_path())
        });
        Identity::read_from(paths, &self.certificate, &self.key)
    }

    /// Writes the files that are new or were removed.
    ///
    /// # Errors
    /// The first file that cannot be written.
    pub fn write(&mut self) -> Result<(), DataDirError> {
        std::mem::take(&mut self.drafts).write()
    }
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// A file operation failed.
    #[error("{} cannot be {action}: {source}{}", path.display(), remedy(source))]
    File {
        /// The operation.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The data folder itself cannot be created, or written.
    #[error(
        "the data folder {} cannot be {action}: {source}{}", absolute(path).display(), folder_remedy(source)
    )]
    Folder {
        /// The operation.
        action: &'static str,
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file is not TOML.
    #[error("{} is not TOML: {reason}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The token is too short to be secure.
    #[error(
        "{} contains a token of fewer than {TOKEN_LENGTH} characters, too short to be secure: remove the file, and a new one is generated", path.display()
    )]
    Token {
        /// The file.
        path: PathBuf,
    },
    /// The certificate cannot be generated.
    #[error("cannot generate a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The system provides no random numbers.
    #[error("the system provides no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// A relative folder says nothing to who does not know where the program runs.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn folder_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; name a folder that this user may write with --data DIR, or run the command as the user of the server"
        }
        _ => "",
    }
}

/// Makes all files that the process creates from now on private: log files and the phone list show who called whom.
pub fn keep_from_others() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Creates `data` if it is missing, generates the files that the settings do not replace, and fills in the settings' empty
/// passwords from `secrets.toml`. Existing files stay.
///
/// # Errors
/// A file cannot be read or written, or the system provides no random numbers.
pub fn prepare(data: &Path, settings: &mut Settings) -> Result<DataDir, DataDirError> {
    create_folder(data)?;
    let mut data_dir = gather(data, settings, None)?;
    data_dir.write()?;
    Ok(data_dir)
}

/// As [`prepare`], for a running server: files removed since are restored from `in_force`, not generated, since their users
/// would not know the new values. Nothing is written before [`DataDir::write`].
///
/// # Errors
/// As [`prepare`].
pub fn renew(
    data: &Path,
    settings: &mut Settings,
    in_force: &InForce,
) -> Result<DataDir, DataDirError> {
    create_folder(data)?;
    gather(data, settings, Some(in_force))
}

/// Checks what [`prepare`] would do, without writing. Returns the files of certificate and key, `None` if it would generate
/// them.
///
/// # Errors
/// The folder cannot be created or written, or a file cannot be read.
pub fn plan(data: &Path, settings: &Settings) -> Result<Option<(PathBuf, PathBuf)>, DataDirError> {
    may_be_filled(data)?;
    stored_token(&data.join(API_TOKEN))?;
    Ok(match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        _ => {
            let due = OwnCertificate::inspect(data, settings).due(Timestamp::now());
            due.is_none().then(|| own_certificate::files(data).into())
        }
    })
}

/// Whether `certificate` is the file of this data folder's generated certificate.
pub fn is_own(data: &Path, certificate: &Path) -> bool {
    own_certificate::files(data)[0] == certificate
}

/// A new certificate, if the generated one is due: it expires, or the names of the server have changed. A certificate that is not
/// signed by the data folder's authority is left to [`prepare`] and [`renew`].
///
/// # Errors
/// A file cannot be written.
pub fn due_certificate(data: &Path, settings: &Settings) -> Result<Drafts, DataDirError> {
    if settings.tls.certificate.is_some() {
        return Ok(Drafts::default());
    }
    let (own, now) = (OwnCertificate::inspect(data, settings), Timestamp::now());
    match own.due(now) {
        Some(due) if own.signer().is_some() && due != Due::Missing => {
            own.generate(due, now).map(Drafts)
        }
        _ => Ok(Drafts::default()),
    }
}

/// Why the private authority in the data folder cannot be used, if the server's certificate is to be signed by it.
pub fn authority_fault(data: &Path, settings: &Settings) -> Option<String> {
    let [certificate, _] = own_certificate::files(data);
    let own = settings.tls.certificate.is_none();
    own.then(|| Authority::load(data, &certificate).err())?
}

/// Files with secrets, and the data folder itself, that every user of this machine may read or change.
pub fn open_to_all(data: Option<&Path>, settings: &Settings) -> Vec<PathBuf> {
    let mut all = settings.files_with_secrets();
    if let Some(data) = data {
        let [_, own_key] = own_certificate::files(data);
        let files = [
            SECRETS,
            API_TOKEN,
            "admin.toml",
            OPERATOR_FILE,
            authority::KEY,
        ];
        all.extend(files.iter().map(|name| data.join(name)));
        all.extend([data.to_owned(), own_key]);
    }
    all.extend(settings.tls.key.clone());
    all.retain(|path| files::is_open_to_all(path));
    all.sort();
    all.dedup();
    all
}

/// Characters of generated passwords, 5 bits each; look-alikes are left out.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Characters of a token at least. A generated one has twice as many.
const TOKEN_LENGTH: usize = 24;
/// The sections whose passwords are generated.
const SECTIONS: [&str; 3] = ["phones", "clients", "web"];

fn gather(
    data: &Path,
    settings: &mut Settings,
    in_force: Option<&InForce>,
) -> Result<DataDir, DataDirError> {
    let mut drafts = Vec::new();
    drafts.extend(secrets(&data.join(SECRETS), settings, in_force)?);
    let (token, draft) = token(&data.join(API_TOKEN), in_force)?;
    drafts.extend(draft);
    let [certificate, key] = match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => [certificate.clone(), key.clone()],
        _ => {
            drafts.extend(own_certificate(data, settings, in_force)?);
            own_certificate::files(data)
        }
    };
    let drafts = Drafts(drafts);
    Ok(DataDir {
        certificate,
        key,
        token,
        drafts,
    })
}

fn secrets(
    path: &Path,
    settings: &mut Settings,
    in_force: Option<&InForce>,
) -> Result<Option<Draft>, DataDirError> {
    let text = read(path)?.unwrap_or_default();
    let mut file: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let (path, reason) = (path.to_owned(), error.message().to_owned());
        DataDirError::NotToml { path, reason }
    })?;
    let mut why = None;
    let wanted = [
        &mut settings.phones.password,
        &mut settings.clients.password,
        &mut settings.web.password,
    ];
    for (index, (section, secret)) in SECTIONS.into_iter().zip(wanted).enumerate() {
        if !secret.is_empty() {
            continue;
        }
        let stored = file
            .get(section)
            .and_then(|section| section.get("password"));
        let stored = stored.and_then(toml::Value::as_str).unwrap_or_default();
        if !stored.is_empty() {
            *secret = stored.into();
            continue;
        }
        let known = in_force.and_then(|in_force| in_force.passwords.get(index));
        let known = known.filter(|known| !known.is_empty());
        why.get_or_insert_with(|| match known {
            Some(_) => Why::Missing,
            None if has_phones(path) => Why::OtherPasswords,
            None => Why::Passwords,
        });
        let password = match known {
            Some(known) => known.expose().to_owned(),
            None => password()?,
        };
        let entry = file
            .entry(section)
            .or_insert_with(|| toml::Table::new().into());
        if let Some(entry) = entry.as_table_mut() {
            entry.insert("password".to_owned(), password.clone().into());
        }
        *secret = password.into();
    }
    let Some(why) = why else { return Ok(None) };
    let text = format!(
        "# Generated at the first start; passwords in other settings override these.\n{file}"
    );
    let file = Prepared::new(path, text.as_bytes())?;
    Ok(Some(Draft { file, why }))
}

/// Whether the phone list beside the file `secrets` has had entries.
fn has_phones(secrets: &Path) -> bool {
    std::fs::metadata(secrets.with_file_name(JOURNAL)).is_ok_and(|journal| journal.len() > 0)
}

/// The stored token, if any. It grants an operator's rights, so a short one is an error.
fn stored_token(path: &Path) -> Result<Option<Secret>, DataDirError> {
    let stored = read(path)?.unwrap_or_default();
    match stored.trim() {
        "" => Ok(None),
        short if short.chars().count() < TOKEN_LENGTH => Err(DataDirError::Token {
            path: path.to_owned(),
        }),
        stored => Ok(Some(stored.into())),
    }
}

fn token(path: &Path, in_force: Option<&InForce>) -> Result<(Secret, Option<Draft>), DataDirError> {
    if let Some(stored) = stored_token(path)? {
        return Ok((stored, None));
    }
    let (token, why) = match in_force {
        Some(in_force) => (in_force.token.clone(), Why::Missing),
        None => (
            format!("{}{}", password()?, password()?).into(),
            Why::Generated,
        ),
    };
    let file = Prepared::new(path, token.expose().as_bytes())?;
    Ok((token, Some(Draft { file, why })))
}

/// The files of the generated certificate that are missing, or all of them if it is due.
fn own_certificate(
    data: &Path,
    settings: &Settings,
    in_force: Option<&InForce>,
) -> Result<Vec<Draft>, DataDirError> {
    let (own, now) = (OwnCertificate::inspect(data, settings), Timestamp::now());
    let Some(due) = own.due(now) else {
        own.warn();
        return Ok(Vec::new());
    };
    let known = in_force.and_then(|in_force| in_force.own_certificate.as_ref());
    if let Some(known) = known.filter(|_| due == Due::Missing) {
        let files = own_certificate::files(data);
        let files = files.iter().zip(known).zip(own.missing());
        let drafts = files.filter(|(_, missing)| *missing);
        let drafts = drafts.map(|((path, pem), _)| {
            let file = Prepared::new(path, pem)?;
            let why = Why::Missing;
            Ok(Draft { file, why })
        });
        return drafts.collect();
    }
    match own.generate(due, now) {
        // For example, the disk is full. The phones are served with the old certificate.
        Err(error) if due != Due::Missing => {
            warn!(%error, "cannot replace the generated certificate; still using it");
            Ok(Vec::new())
        }
        drafts => drafts,
    }
}

fn password() -> Result<String, getrandom::Error> {
    let mut random = [0; 24];
    getrandom::fill(&mut random)?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte & 31)]);
    Ok(random.into_iter().map(letter).collect())
}

#[cfg(test)]
mod tests;
