//! What the first start makes in the data folder: passwords, the token of the command line, a self-signed certificate.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use settings::{Secret, Settings};
use tracing::{info, warn};

use crate::net::certificate::{Certificate, Stage};

/// What the server goes by, whether this start made it or an earlier one.
#[derive(Debug)]
pub struct Belongings {
    /// PEM file of the certificate: the settings' own, or the self-signed one.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// What the command line shows to the API.
    pub token: Secret,
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
    secrets(&data.join("secrets.toml"), settings)?;
    let token = token(&data.join("cli.token"))?;
    let (certificate, key) = match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => self_signed(data, settings)?,
    };
    Ok(Belongings {
        certificate,
        key,
        token,
    })
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
    read(&data.join("cli.token"))?;
    Ok(match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        _ => made_before(data),
    })
}

/// 24 characters of 5 bits each, none of which is easily taken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

fn secrets(path: &Path, settings: &mut Settings) -> Result<(), FirstStartError> {
    let text = read(path)?.unwrap_or_default();
    let mut file: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let (path, reason) = (path.to_owned(), error.message().to_owned());
        FirstStartError::Secrets { path, reason }
    })?;
    let mut made = false;
    for (section, secret) in [
        ("phones", &mut settings.phones.password),
        ("clients", &mut settings.clients.password),
        ("web", &mut settings.web.password),
    ] {
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
        let password = password()?;
        let entry = toml::Table::from_iter([("password".to_owned(), password.clone().into())]);
        file.insert(section.to_owned(), entry.into());
        *secret = password.into();
        made = true;
    }
    if made {
        let text = format!(
            "# Made at the first start; a password that the settings name goes before.\n{file}"
        );
        write_private(path, text.as_bytes())?;
        info!(file = %path.display(), "passwords were made; they are in this file");
    }
    Ok(())
}

fn token(path: &Path) -> Result<Secret, FirstStartError> {
    let stored = read(path)?.unwrap_or_default();
    if !stored.trim().is_empty() {
        return Ok(stored.trim().into());
    }
    let token = format!("{}{}", password()?, password()?);
    write_private(path, token.as_bytes())?;
    Ok(token.into())
}

fn self_signed(data: &Path, settings: &Settings) -> Result<(PathBuf, PathBuf), FirstStartError> {
    if let Some(made) = made_before(data) {
        return Ok(made);
    }
    let (certificate, key) = own_files(data);
    if certificate.exists() && key.exists() {
        warn!(file = %certificate.display(), "the self-signed certificate ends within 30 days and is made anew: load it into the phones that know the old one");
    }
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
    // From yesterday on: phones without a clock of their own are often some hours off.
    let today = jiff::Zoned::now().date();
    let start = today.yesterday().unwrap_or(today);
    let date = |year: i16| {
        // The 29th of February has no counterpart in most years.
        date_time_ymd(
            year.into(),
            start.month().unsigned_abs(),
            start.day().unsigned_abs().min(28),
        )
    };
    params.not_before = date(start.year());
    params.not_after = date(start.year() + 10);
    let pair = KeyPair::generate()?;
    let made = params.self_signed(&pair)?;
    write_private(&key, pair.serialize_pem().as_bytes())?;
    write_private(&certificate, made.pem().as_bytes())?;
    info!(file = %certificate.display(), names = unique.join(" "), "a self-signed certificate was made");
    Ok((certificate, key))
}

/// Where the self-signed certificate and its key are.
fn own_files(data: &Path) -> (PathBuf, PathBuf) {
    (data.join("certificate.pem"), data.join("key.pem"))
}

/// The same, where an earlier start has made them and they serve for a while.
fn made_before(data: &Path) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = own_files(data);
    let serves = certificate.exists() && key.exists() && !is_ending(&certificate);
    serves.then_some((certificate, key))
}

/// Whether the certificate that an earlier start made has 30 days at most.
fn is_ending(file: &Path) -> bool {
    let read = CertificateDer::from_pem_file(file)
        .ok()
        .and_then(|der| Certificate::read(&der).ok());
    let stage = read.map(|certificate| certificate.stage(Timestamp::now()));
    matches!(stage, Some(Stage::Within(_) | Stage::Over))
}

/// The name by which this machine calls itself, where it is a name that a certificate can hold.
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

fn password() -> Result<String, getrandom::Error> {
    let mut random = [0; 24];
    getrandom::fill(&mut random)?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte & 31)]);
    Ok(random.into_iter().map(letter).collect())
}

fn read(path: &Path) -> Result<Option<String>, FirstStartError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

fn create_folder(data: &Path) -> Result<(), FirstStartError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(data).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    });
    made.map_err(failed("created", data))
}

/// Whether a folder can be written, or made where there is none.
fn may_be_filled(data: &Path) -> Result<(), FirstStartError> {
    for folder in data.ancestors() {
        let is_data = folder == data;
        let action = if is_data { "written" } else { "created" };
        // What is left of a relative path is the folder that we are in.
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        match folder.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("created", data)(error)),
            Ok(found) if !found.is_dir() => {
                let error = io::ErrorKind::NotADirectory;
                return Err(failed("created", data)(error.into()));
            }
            Ok(found) => return may_write(folder, &found).map_err(failed(action, data)),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn may_write(folder: &Path, _: &fs::Metadata) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_write(_: &Path, found: &fs::Metadata) -> io::Result<()> {
    match found.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

/// Writes a file that its owner alone may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), FirstStartError> {
    let mut fresh = path.to_owned();
    fresh.add_extension("new");
    // One that a crash has left might be readable by others.
    if fresh.exists() {
        fs::remove_file(&fresh).map_err(failed("removed", &fresh))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&fresh)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(|error| {
            // On a full disk the rest of it would only be in the way.
            let _ = fs::remove_file(&fresh);
            failed("written", path)(error)
        })
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FirstStartError {
    let path = path.to_owned();
    move |source| FirstStartError::File {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::net::tls::Identity;

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
