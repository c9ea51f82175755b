//! Tests of the data folder's generated files.

#![allow(clippy::unwrap_used)]
use std::fs;

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;
use crate::{net::certificate::Validity, password_policy::weakness};

#[test]
fn first_start_generates_and_second_keeps() {
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

    let loaded = uacsta_config::load(None, Some(&data)).unwrap();
    assert_eq!(loaded.clients.password, second.clients.password);
}

#[test]
fn unwritable_data_folder_is_named_in_full_with_the_cure() {
    let error = DataDirError::Folder {
        action: "created",
        path: "uacsta-data".into(),
        source: io::ErrorKind::PermissionDenied.into(),
    };
    let folder = std::env::current_dir().unwrap().join("uacsta-data");
    let said = error.to_string();
    let named = format!("the data folder {} cannot be created: ", folder.display());
    assert!(said.starts_with(&named), "{said}");
    assert!(said.contains("--data DIR"), "{said}");
}

#[test]
fn generated_passwords_are_secure() {
    for _ in 0..100 {
        let made = password().unwrap();
        assert_eq!(weakness(&made, &["admin", "ecsta"]), None, "{made}");
    }
}

#[test]
fn generated_certificate_is_renewed_before_it_expires() {
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
    let validity = identity.certificate().validity(Timestamp::now());
    assert_eq!(validity, Validity::Valid);
}

#[cfg(unix)]
#[test]
fn generated_files_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    prepare(&data, &mut Settings::builtin()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for name in ["secrets.toml", "cli.token", "key.pem", "ca-key.pem"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

#[test]
fn token_that_is_too_short_is_rejected() {
    let check = |token: &str, holds: bool| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cli.token"), token).unwrap();
        let made = prepare(folder.path(), &mut Settings::builtin());
        let planned = plan(folder.path(), &Settings::builtin());
        assert_eq!((made.is_ok(), planned.is_ok()), (holds, holds), "{token:?}");
        let told = made
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            holds || told.contains("cli.token contains a token of fewer"),
            "{told}"
        );
    };
    check("x", false);
    check(&"x".repeat(TOKEN_LENGTH - 1), false);
    check(&"x".repeat(TOKEN_LENGTH), true);
    // An empty file is none.
    check("\n", true);
}

#[test]
fn lost_passwords_are_warned_of_where_phones_are_listed() {
    for (journal, lost) in [(None, false), (Some(""), false), (Some("{}\n"), true)] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(journal) = journal {
            fs::write(folder.path().join(JOURNAL), journal).unwrap();
        }
        let path = folder.path().join(SECRETS);
        let draft = secrets(&path, &mut Settings::builtin(), None).unwrap();
        let warns = matches!(draft.unwrap().why, Why::OtherPasswords);
        assert_eq!(warns, lost, "{journal:?}");
    }
}

#[test]
fn other_content_of_secrets_file_stays() {
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
fn world_readable_files_are_found() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = Settings::builtin();
    prepare(&data, &mut settings.clone()).unwrap();
    assert!(open_to_all(Some(&data), &settings).is_empty());
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
        let found = open_to_all(Some(&data), &settings);
        assert_eq!(found.len(), expected, "{name}: {found:?}");
    }
}

#[test]
fn invalid_secrets_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secrets.toml"), "phones = ").unwrap();
    let error = prepare(folder.path(), &mut Settings::builtin()).unwrap_err();
    assert!(
        error.to_string().contains("secrets.toml is not TOML: "),
        "{error}"
    );
}
