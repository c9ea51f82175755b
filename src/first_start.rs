//! What the first start makes in the data folder: passwords, the token of the command line, a self-signed certificate.

mod files;
mod self_signed;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use settings::{Secret, Settings};
use tracing::{info, warn};

use crate::net::tls::{Identity, TlsError};
pub use files::create_folder;
pub(crate) use files::write_private;
use files::{Prepared, may_be_filled, read};

/// What the server goes by, whether this start made it or an earlier one.
#[derive(Debug)]
pub struct Belongings {
    /// PEM file of the certificate: the settings' own, or the self-signed one.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// What the command line shows to the API.
    pub token: Secret,
    /// What is to be written yet.
    drafts: Vec<Draft>,
}

/// What a running server goes by of all that is in its data folder.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The token of the command line.
    pub token: Secret,
    /// The passwords of phones, clients and administrator.
    pub passwords: [Secret; 3],
    /// The certificate and its key, PEM, where the server made them.
    pub self_signed: Option<[Arc<[u8]>; 2]>,
}

/// A file that is to stand in the data folder, and what is to be said of it then.
#[derive(Debug)]
struct Draft {
    file: Prepared,
    why: Why,
}

#[derive(Clone, Copy, Debug)]
enum Why {
    /// It is new, and nobody needs to know.
    Needed,
    Passwords,
    Certificate,
    /// It had gone.
    Missed,
}

impl Belongings {
    /// Reads certificate and key, also those that are to be written yet.
    ///
    /// # Errors
    /// As [`Identity::read`].
    pub fn identity(&self) -> Result<Identity, TlsError> {
        let drafts: Vec<&Prepared> = self.drafts.iter().map(|draft| &draft.file).collect();
        let for_now = [&self.certificate, &self.key].map(|path| {
            let draft = drafts.iter().find(|draft| draft.path() == path);
            draft.map_or(path.as_path(), |draft| draft.for_now())
        });
        Identity::read_before(for_now, &self.certificate, &self.key)
    }

    /// Puts what is new, or had gone, into the data folder.
    ///
    /// # Errors
    /// The first file that cannot be put there.
    pub fn write(&mut self) -> Result<(), FirstStartError> {
        for Draft { file, why } in self.drafts.drain(..) {
            let path = file.path().to_owned();
            file.put()?;
            let file = path.display();
            match why {
                Why::Needed => {}
                Why::Passwords => info!(%file, "passwords were made; they are in this file"),
                Why::Certificate => info!(%file, "a self-signed certificate was made"),
                Why::Missed => {
                    warn!(%file, "the file had gone; it is written again with what is in force");
                }
            }
        }
        Ok(())
    }
}

/// Why the data folder cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// The file system refused.
    #[error("{} cannot be {action}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody edited the passwords' file.
    #[error("{} is not TOML: {reason}", path.display())]
    Secrets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody wrote a token that is soon guessed.
    #[error(
        "{} holds a token of fewer than {ENOUGH} characters, which is soon guessed: remove the file, and it is made again", path.display()
    )]
    Token {
        /// The file.
        path: PathBuf,
    },
    /// No certificate can be made.
    #[error("no self-signed certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// Whatever the process writes from now on, nobody else may read: log files and the telephone list tell who called whom.
pub fn keep_from_others() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Fills `data`, which is created where it is missing, with what the settings leave open, and the settings' empty
/// passwords with those in `secrets.toml`. What is there already stays.
///
/// # Errors
/// When a file cannot be read or written, or the system has no random numbers.
pub fn prepare(data: &Path, settings: &mut Settings) -> Result<Belongings, FirstStartError> {
    create_folder(data)?;
    let mut belongings = gather(data, settings, None)?;
    belongings.write()?;
    Ok(belongings)
}

/// The same for a server that runs: what has gone from `data` since is taken from what is `in_force` and not made anew, for
/// nobody would know it. Nothing is changed before [`Belongings::write`].
///
/// # Errors
/// As [`prepare`].
pub fn renew(
    data: &Path,
    settings: &mut Settings,
    in_force: &InForce,
) -> Result<Belongings, FirstStartError> {
    create_folder(data)?;
    gather(data, settings, Some(in_force))
}

/// What [`prepare`] would find in `data`, and nothing is made: the files of certificate and key, none where it would make
/// them.
///
/// # Errors
/// What would keep [`prepare`] from its work: a folder that cannot be made or written, a file that cannot be read.
pub fn foresee(
    data: &Path,
    settings: &Settings,
) -> Result<Option<(PathBuf, PathBuf)>, FirstStartError> {
    may_be_filled(data)?;
    stored_token(&data.join("cli.token"))?;
    Ok(match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        _ => {
            let [certificate, key] = self_signed::files(data);
            let serves =
                certificate.exists() && key.exists() && !self_signed::is_ending(&certificate);
            serves.then_some((certificate, key))
        }
    })
}

/// Whether that is the file of the certificate that a server with this data folder makes for itself.
pub fn is_own(data: &Path, certificate: &Path) -> bool {
    self_signed::files(data)[0] == certificate
}

/// What of the data folder, or the private key elsewhere, every user of this machine may read or change.
pub fn open_to_all(data: &Path, settings: &Settings) -> Vec<PathBuf> {
    let [_, own_key] = self_signed::files(data);
    let files = ["secrets.toml", "cli.token", "admin.toml"];
    let mut all: Vec<PathBuf> = files.iter().map(|name| data.join(name)).collect();
    all.extend([data.to_owned(), own_key]);
    all.extend(settings.tls.key.clone());
    all.retain(|path| files::is_open_to_all(path));
    all
}

/// 24 characters of 5 bits each, none of which is easily taken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How many characters a token has at least; one that is made has twice as many.
const ENOUGH: usize = 24;
/// The sections of the passwords that a first start makes.
const SECTIONS: [&str; 3] = ["phones", "clients", "web"];

fn gather(
    data: &Path,
    settings: &mut Settings,
    in_force: Option<&InForce>,
) -> Result<Belongings, FirstStartError> {
    let mut drafts = Vec::new();
    drafts.extend(secrets(&data.join("secrets.toml"), settings, in_force)?);
    let (token, draft) = token(&data.join("cli.token"), in_force)?;
    drafts.extend(draft);
    let [certificate, key] = match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => [certificate.clone(), key.clone()],
        _ => {
            drafts.extend(own_certificate(data, settings, in_force)?);
            self_signed::files(data)
        }
    };
    Ok(Belongings {
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
) -> Result<Option<Draft>, FirstStartError> {
    let text = read(path)?.unwrap_or_default();
    let mut file: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let (path, reason) = (path.to_owned(), error.message().to_owned());
        FirstStartError::Secrets { path, reason }
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
        why = why.or(Some(match known {
            Some(_) => Why::Missed,
            None => Why::Passwords,
        }));
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
        "# Made at the first start; a password that the settings name goes before.\n{file}"
    );
    let file = Prepared::new(path, text.as_bytes())?;
    Ok(Some(Draft { file, why }))
}

/// The token that is there, if one is; whoever has it may do what an operator may.
fn stored_token(path: &Path) -> Result<Option<Secret>, FirstStartError> {
    let stored = read(path)?.unwrap_or_default();
    match stored.trim() {
        "" => Ok(None),
        short if short.chars().count() < ENOUGH => Err(FirstStartError::Token {
            path: path.to_owned(),
        }),
        stored => Ok(Some(stored.into())),
    }
}

fn token(
    path: &Path,
    in_force: Option<&InForce>,
) -> Result<(Secret, Option<Draft>), FirstStartError> {
    if let Some(stored) = stored_token(path)? {
        return Ok((stored, None));
    }
    let (token, why) = match in_force {
        Some(in_force) => (in_force.token.clone(), Why::Missed),
        None => (
            format!("{}{}", password()?, password()?).into(),
            Why::Needed,
        ),
    };
    let file = Prepared::new(path, token.expose().as_bytes())?;
    Ok((token, Some(Draft { file, why })))
}

/// What of the server's own certificate and key is not there, or ends soon.
fn own_certificate(
    data: &Path,
    settings: &Settings,
    in_force: Option<&InForce>,
) -> Result<Vec<Draft>, FirstStartError> {
    let files = self_signed::files(data);
    let missing = |path: &&PathBuf| !path.exists();
    let gone = files.iter().filter(missing).count();
    if gone == 0 && !self_signed::is_ending(&files[0]) {
        return Ok(Vec::new());
    }
    let known = in_force.and_then(|in_force| in_force.self_signed.as_ref());
    if let Some(known) = known.filter(|_| gone > 0) {
        let missed = files.iter().zip(known).filter(|(path, _)| missing(path));
        let drafts = missed.map(|(path, pem)| {
            let file = Prepared::new(path, pem)?;
            let why = Why::Missed;
            Ok(Draft { file, why })
        });
        return drafts.collect();
    }
    if gone == 0 {
        warn!(file = %files[0].display(), "the self-signed certificate ends within 30 days and is made anew: load it into the phones that know the old one");
    }
    let pem = self_signed::make(settings)?;
    let drafts = files.iter().zip(pem).zip([Why::Certificate, Why::Needed]);
    // The key goes first: a certificate without its key would be taken for a whole one.
    let drafts = drafts.rev().map(|((path, pem), why)| {
        let file = Prepared::new(path, pem.as_bytes())?;
        Ok(Draft { file, why })
    });
    match drafts.collect() {
        // As on a full disk: with one that ends, the phones are served still.
        Err(error) if gone == 0 => {
            warn!(%error, "the self-signed certificate serves on, since no other can be put in its place");
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use jiff::Timestamp;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::net::certificate::Stage;

    #[test]
    fn the_first_start_makes_and_the_second_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let mut first = Settings::builtin();
        first.clients.password = "chosen".into();
        let made = prepare(&data, &mut first).unwrap();
        assert!(first.phones.password.expose().len() >= 20);
        assert_eq!(first.clients.password.expose(), "chosen");
        first.check().unwrap();
        Identity::read(&made.certificate, &made.key).unwrap();
        let certificate = fs::read(&made.certificate).unwrap();

        let mut second = Settings::builtin();
        let kept = prepare(&data, &mut second).unwrap();
        assert_eq!(second.phones.password, first.phones.password);
        assert_eq!(second.web.password, first.web.password);
        assert!(second.clients.password.expose().len() >= 20);
        assert_eq!(kept.token, made.token);
        assert_eq!(fs::read(&kept.certificate).unwrap(), certificate);

        let loaded = settings::load(None, Some(&data)).unwrap();
        assert_eq!(loaded.clients.password, second.clients.password);
    }

    #[test]
    fn a_self_signed_certificate_is_made_anew_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let made = prepare(data, &mut Settings::builtin()).unwrap();
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(2020, 1, 1);
        let pair = KeyPair::generate().unwrap();
        let over = params.self_signed(&pair).unwrap();
        fs::write(&made.certificate, over.pem()).unwrap();
        fs::write(&made.key, pair.serialize_pem()).unwrap();

        let again = prepare(data, &mut Settings::builtin()).unwrap();
        let identity = Identity::read(&again.certificate, &again.key).unwrap();
        let stage = identity.certificate().stage(Timestamp::now());
        assert_eq!(stage, Stage::Fresh);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        prepare(&data, &mut Settings::builtin()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        for name in ["secrets.toml", "cli.token", "key.pem"] {
            assert_eq!(mode(&data.join(name)), 0o600, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    #[allow(clippy::print_stdout, reason = "it says why it is skipped")]
    fn a_folder_that_cannot_be_written_is_foreseen() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let locked = folder.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
        if fs::write(locked.join("file"), "").is_ok() {
            return println!("SKIPPED: this user may write whatever the mode");
        }
        for (data, words) in [
            (locked.clone(), "locked cannot be written: "),
            (
                locked.join("new/data"),
                "locked/new/data cannot be created: ",
            ),
        ] {
            let error = foresee(&data, &Settings::builtin()).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_token_that_is_soon_guessed_is_refused() {
        let check = |token: &str, holds: bool| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("cli.token"), token).unwrap();
            let made = prepare(folder.path(), &mut Settings::builtin());
            let foreseen = foresee(folder.path(), &Settings::builtin());
            assert_eq!(
                (made.is_ok(), foreseen.is_ok()),
                (holds, holds),
                "{token:?}"
            );
            let told = made
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            assert!(
                holds || told.contains("cli.token holds a token of fewer"),
                "{told}"
            );
        };
        check("x", false);
        check(&"x".repeat(ENOUGH - 1), false);
        check(&"x".repeat(ENOUGH), true);
        // An empty file is none.
        check("\n", true);
    }

    #[test]
    fn what_else_stands_in_the_passwords_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.toml");
        fs::write(&file, "[phones]\nuser = 'kept'\n").unwrap();
        prepare(folder.path(), &mut Settings::builtin()).unwrap();
        assert!(
            fs::read_to_string(&file)
                .unwrap()
                .contains("user = \"kept\"")
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_everybody_may_read_is_found() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let settings = Settings::builtin();
        prepare(&data, &mut settings.clone()).unwrap();
        assert!(open_to_all(&data, &settings).is_empty());
        for (name, mode, expected) in [
            ("secrets.toml", 0o644, 1),
            ("key.pem", 0o640, 1),
            ("cli.token", 0o602, 2),
            ("certificate.pem", 0o644, 2),
            ("", 0o755, 2),
            ("", 0o757, 3),
        ] {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(data.join(name), permissions).unwrap();
            let found = open_to_all(&data, &settings);
            assert_eq!(found.len(), expected, "{name}: {found:?}");
        }
    }

    #[test]
    fn a_spoilt_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secrets.toml"), "phones = ").unwrap();
        let error = prepare(folder.path(), &mut Settings::builtin()).unwrap_err();
        assert!(
            error.to_string().contains("secrets.toml is not TOML: "),
            "{error}"
        );
    }
}
