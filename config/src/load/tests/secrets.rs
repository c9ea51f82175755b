//! Wrong secrets are explained, and no message repeats one.

use super::*;

#[test]
fn wrong_secrets_are_explained() {
    fn check(text: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secrets.toml"), text).unwrap();
        let error = load_with(None, Some(folder.path()), None, []).unwrap_err();
        let shown = error.to_string();
        let shown = shown.replace(&format!("{}/", folder.path().display()), "");
        assert_eq!(shown, expected);
    }
    check(
        "[phones]\n\nudp = '127.0.0.1:5060'",
        "secrets.toml, line 3: phones.udp does not belong in this file, which has only phones.password, clients.password, web.password",
    );
    check(
        "[web]\npassword = 12345678901",
        "secrets.toml, line 2: web.password is a number, but must be a quoted string",
    );
    check(
        "[clients]\nuser = 'a'\n[web]\npassword = 'short'",
        "secrets.toml, line 2: clients.user does not belong in this file, which has only phones.password, clients.password, web.password (the first of 2 mistakes)",
    );
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets.toml");
    fs::write(&secrets, "[web]\npassword = 'short'").unwrap();
    let error = load_with(None, Some(folder.path()), None, []).unwrap_err();
    let place = format!("{}, line 2", secrets.display());
    assert_eq!(
        (error.place(), error.key()),
        (Some(&*place), Some("web.password"))
    );
    // One that is not used does no harm.
    let set = variables(&[("UACSTA__WEB__PASSWORD", "long enough for all")]);
    let settings = load_with(None, Some(folder.path()), None, set).unwrap();
    let variable = "environment variable UACSTA__WEB__PASSWORD";
    assert_eq!(settings.place("web.password"), Some(variable));
    assert_eq!(settings.place("web.listen"), None);
}

#[test]
fn a_secret_in_a_wrong_place_is_not_repeated() {
    for (text, place) in [
        (
            "accounts = 'anna:geheim99'",
            "clients.accounts is a string, but must be ",
        ),
        (
            "accounts = ['anna:geheim99']",
            "clients.accounts[0] is a string, but must be a table",
        ),
        (
            "accounts = ['a, expected geheim99']",
            "clients.accounts[0] is a string, but must be a table",
        ),
        (
            "accounts = [12345678]",
            "clients.accounts[0] is an integer, but must be a table",
        ),
        ("accounts = 12345678", "clients.accounts is a"),
        (
            "accounts = []\n[tls]\nkey = \"-----BEGIN PRIVATE KEY-----\\ngeheim99\"",
            "line 4: tls.key is the secret itself",
        ),
        (
            "accounts = [{ user = 'a', password = 'x', lines = 'geheim99' }]",
            "clients.accounts[0].lines is a string, but must be ",
        ),
        (
            "accounts = [{ user = 'a', password = 'x', control = 'geheim99' }]",
            "clients.accounts[0].control is a string, but must be true or false",
        ),
        (
            "password = 1234567890123456789012345678901234567890",
            "is too large",
        ),
        (
            "accounts = []\n[licenses]\ncodes = 'geheim99'",
            "licenses.codes is a string, but must be ",
        ),
        (
            "accounts = []\n[licenses]\ncodes = [['geheim99']]",
            "licenses.codes[0] is a sequence, but must be a string",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("uacsta.toml");
        fs::write(&file, format!("[clients]\n{text}")).unwrap();
        let error = load_with(Some(&file), None, None, [])
            .unwrap_err()
            .to_string();
        assert!(error.contains(place), "{text}: {error}");
        let told = error.contains("geheim") || error.contains("12345678");
        assert!(!told, "{error}");
    }
    let accounts = "UACSTA__CLIENTS__ACCOUNTS";
    for text in ["a:geheim99", "['a:geheim99']"] {
        let error = load_with(None, None, None, variables(&[(accounts, text)])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("is a string, but must be a table"),
            "{error}"
        );
        assert!(
            !error.contains("geheim") && error.contains(accounts),
            "{error}"
        );
    }
}
