//! Which layer of the settings overrides which.

use super::*;

#[test]
fn defaults_are_valid() {
    let settings = Settings::builtin();
    settings.check().unwrap();
    assert_eq!(settings.advanced.sip_expires, Duration::from_secs(300));
    assert_eq!(settings.advanced.digest, [Digest::Sha256, Digest::Md5]);
    assert_eq!(settings.limits.message_head.as_usize(), 65536);
    assert!(settings.phones.wan.tcp.address().is_none());
    assert!(settings.tls.certificate.is_none());
}

#[test]
fn layers_override_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (
        folder.path().join("uacsta.toml"),
        folder.path().join("data"),
    );
    fs::create_dir_all(folder.path().join("conf.d")).unwrap();
    fs::create_dir_all(&data).unwrap();
    fs::write(
        &file,
        "[advanced]\nsip_expires = 600\nrealm = 'a'\nkeep_alive = 9\n",
    )
    .unwrap();
    fs::write(folder.path().join("conf.d/2.toml"), "advanced.realm = 'c'").unwrap();
    fs::write(folder.path().join("conf.d/1.toml"), "advanced.realm = 'b'").unwrap();
    fs::write(folder.path().join("conf.d/readme"), "not a setting").unwrap();
    fs::write(data.join("admin.toml"), "[logs]\nlevel = 'debug'").unwrap();
    fs::write(
        data.join("secrets.toml"),
        "phones.password = 'made'\nclients.password = 'made'",
    )
    .unwrap();
    let environment = variables(&[
        ("UACSTA__ADVANCED__KEEP_ALIVE", "7"),
        ("UACSTA__ADVANCED__DIGEST", "MD5"),
        ("UACSTA__PHONES__LAN__TCP", "[::1]:0"),
        ("UACSTA__CLIENTS__PASSWORD", "007"),
        ("UACSTA__CLIENTS__TRUSTED", r#"["10.0.0.1", "10.2.0.0/16"]"#),
        ("UACSTA__LOGS__MAX_SIZE", "1MiB"),
        ("UACSTA__LOGS__LEVEL", "trace"),
        ("UACSTA__ADVANCED__AUTO_ACTIVATE", "false"),
        ("PATH", "/bin"),
    ]);
    let settings = load_with(Some(&file), Some(&data), None, environment).unwrap();
    assert_eq!(settings.advanced.sip_expires, Duration::from_secs(600));
    assert_eq!(settings.advanced.realm, "c");
    assert_eq!(settings.advanced.keep_alive, Duration::from_secs(7));
    assert_eq!(settings.advanced.digest, [Digest::Md5]);
    assert_eq!(settings.phones.lan.tcp.to_string(), "[::1]:0");
    assert_eq!(settings.phones.lan.tls.to_string(), "0.0.0.0:5061");
    assert_eq!(settings.phones.password.expose(), "made");
    assert_eq!(settings.clients.password.expose(), "007");
    let trusted: Vec<String> = settings
        .clients
        .trusted
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(trusted, ["10.0.0.1/32", "10.2.0.0/16"]);
    assert_eq!(settings.logs.max_size.bytes(), 1 << 20);
    assert_eq!(settings.logs.level, Level::Debug);
    assert!(!settings.advanced.auto_activate);
}

#[test]
fn operators_override_files_and_the_environment_overrides_operators() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("uacsta.toml"), folder.path());
    let toml =
        "[advanced]\nkeep_alive = 9\nsip_expires = 600\nmin_expires = 70\nrequest_timeout = 3";
    fs::write(&file, toml).unwrap();
    let operator = "[advanced]\nkeep_alive = 10\nsip_expires = 700\nrequest_timeout = 4";
    fs::write(data.join("settings.toml"), operator).unwrap();
    fs::write(data.join("admin.toml"), "advanced.request_timeout = 5").unwrap();
    let environment = variables(&[("UACSTA__ADVANCED__KEEP_ALIVE", "11")]);
    let load = |operator| load_with(Some(&file), Some(data), operator, environment.clone());
    let seen = |settings: Settings, key: &str| {
        let list = settings.list();
        let one = list.iter().find(|one| one.key == key).unwrap();
        (one.value.clone(), one.source, one.locked)
    };
    let settings = load(None).unwrap();
    for (key, value, source, locked) in [
        ("advanced.keep_alive", 11, Source::Environment, true),
        ("advanced.sip_expires", 700, Source::Operator, false),
        ("advanced.min_expires", 70, Source::File, false),
        ("advanced.request_timeout", 5, Source::File, true),
        ("advanced.arbiters", 0, Source::Default, false),
    ] {
        let expected = (value.into(), source, locked);
        assert_eq!(seen(settings.clone(), key), expected, "{key}");
    }
    assert_eq!(
        settings.place("advanced.sip_expires"),
        Some(&*format!(
            "{}, line 3",
            data.join("settings.toml").display()
        ))
    );
    // A change takes the place of the operators' file.
    let changed = load(Some("[advanced]\nmin_expires = 80")).unwrap();
    let of = |key| seen(changed.clone(), key);
    let operator = (80.into(), Source::Operator, false);
    assert_eq!(of("advanced.min_expires"), operator);
    let reset = (600.into(), Source::File, false);
    assert_eq!(of("advanced.sip_expires"), reset);
}

#[test]
fn accounts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uacsta.toml");
    let text = "[[clients.accounts]]\nuser = 'front'\npassword = 'x'\nlines = ['100']\n\
                [[clients.accounts]]\nuser = 'wall'\npassword = 'y'\ncontrol = false";
    fs::write(&file, text).unwrap();
    let accounts = load_with(Some(&file), None, None, [])
        .unwrap()
        .clients
        .accounts;
    assert_eq!(accounts.len(), 2);
    assert!(accounts[0].control && accounts[0].lines == ["100"]);
    assert!(!accounts[1].control && accounts[1].lines.is_empty());
}

#[test]
fn a_file_that_is_not_there() {
    let error = load_with(Some(Path::new("no-such-file.toml")), None, None, []).unwrap_err();
    assert_eq!(error.place(), Some("no-such-file.toml"));
    assert!(
        error
            .to_string()
            .starts_with("no-such-file.toml: cannot be read: ")
    );
}
