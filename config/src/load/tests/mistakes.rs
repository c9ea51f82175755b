//! Each mistake is one sentence with its place and what would be right.

use super::*;

#[test]
fn wrong_settings_are_explained() {
    refused(
        "[advanced]\nsip_expire = 300",
        "uacsta.toml, line 2: advanced.sip_expire is not a setting; did you mean advanced.sip_expires?",
    );
    refused(
        "[clients]\ntrusted = ['10.0.0.1', '0.0.0.0/0']",
        "uacsta.toml, line 2: clients.trusted[1] is \"0.0.0.0/0\", but must be an address (\"10.1.2.3\"), a network (\"10.1.0.0/16\", a prefix of 1 or more) or the name in a certificate (\"ocs.example.com\")",
    );
    refused(
        "[clients]\ntrusted = ['ocs.example.com']",
        "uacsta.toml, line 2: clients.trusted names the certificate ocs.example.com, but clients.trusted_authority is empty: set it to the PEM file of the authority that signed it",
    );
    refused(
        "[colours]\nsky = 'blue'",
        "uacsta.toml, line 1: colours is not a setting; default.toml lists them all",
    );
    refused(
        "[advanced]\n\nsip_expires = 'soon'",
        "uacsta.toml, line 3: advanced.sip_expires is a string, but must be an integer",
    );
    refused(
        "[phones]\nwan = { public_tcp_port = 70000 }",
        "uacsta.toml, line 2: phones.wan.public_tcp_port is 64-bit unsigned integer `70000`, but must be an unsigned 16 bit integer",
    );
    refused(
        "[phones.lan]\ntcp = 'pbx:5060'",
        "uacsta.toml, line 2: phones.lan.tcp is \"pbx:5060\", but must be an IP address with a port such as \"0.0.0.0:5060\" or \"[::]:5060\", or \"\" for off",
    );
    refused(
        "[logs]\nlevel = 'loud'",
        "uacsta.toml, line 2: logs.level is \"loud\", but must be one of error, warn, info, debug, trace",
    );
    refused(
        "[phones]\npassword = { a = 1 }",
        "uacsta.toml, line 2: phones.password is a value, not a section",
    );
    refused(
        "logs = 'loud'",
        "uacsta.toml, line 1: logs is a section: write its keys under [logs]",
    );
    refused(
        "[advanced]\nmin_expires = 400",
        "uacsta.toml, line 2: advanced.min_expires is 400, but must be a number of seconds from 10 to 300 (advanced.sip_expires)",
    );
    // The place is one that was written, never a default's.
    refused(
        "[advanced]\nmin_expires = 60\n[phones]\nwan = { tcp = '127.0.0.1:15065' }",
        "uacsta.toml, line 4: phones.wan.tcp is set, so phones.wan.public_host is needed: the host name or address by which outside peers reach the server",
    );
    refused(
        "[clients.wan]\n\ntls = '127.0.0.1:15065'",
        "uacsta.toml, line 3: clients.wan.tls is set, so clients.wan.public_host is needed: the host name or address by which outside peers reach the server",
    );
    refused(
        "[phones.lan]\ntcp = '127.0.0.1:5070'",
        "uacsta.toml, line 2: phones.lan.tcp is 127.0.0.1:5070, but clients.lan.tcp listens there already, on 0.0.0.0:5070",
    );
    refused(
        "[clients.lan]\ntls = '127.0.0.1:5060'",
        "uacsta.toml, line 2: clients.lan.tls is 127.0.0.1:5060, but phones.lan.tcp listens there already, on 0.0.0.0:5060",
    );
    refused(
        "[[clients.accounts]]\nuser = 'front'",
        "uacsta.toml, line 1: clients.accounts[0].password is missing",
    );
    refused(
        "[[clients.accounts]]\nuser = 'front'\npassword = 'x'\nline = ['215']",
        "uacsta.toml, line 1: clients.accounts[0] cannot be used: unknown field `line`; did you mean `lines`?",
    );
    for (key, port, meant) in [
        ("web.listen", "8080", "127.0.0.1:8080"),
        ("web.listen", ":8080", "127.0.0.1:8080"),
        ("phones.lan.tcp", "5060", "0.0.0.0:5060"),
    ] {
        let said = format!(
            "uacsta.toml, line 1: {key} is {port:?}, but must be an IP address with a port; did you mean {meant:?}?"
        );
        refused(&format!("{key} = '{port}'"), &said);
    }
    refused(
        "[phones]\npassword = ",
        "uacsta.toml, line 2: is not TOML: string values must be quoted, expected literal string",
    );
}

#[test]
fn all_mistakes_are_reported_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uacsta.toml");
    let text = "[advanced]\nsip_expire = 300\nkeep_alive = 1\n[logs]\nlevel = 'loud'\nformat = 'prose'\nkeep = 'x'\n\
                [limits]\nxml_depth = 7\n[[clients.accounts]]\nuser = 'a'";
    let wrong = [
        "uacsta.toml, line 2: advanced.sip_expire is not a setting; did you mean advanced.sip_expires?",
        "uacsta.toml, line 3: advanced.keep_alive is 1, but must be a number of seconds from 5 to 3600",
        "uacsta.toml, line 5: logs.level is \"loud\", but must be one of error, warn, info, debug, trace",
        "uacsta.toml, line 6: logs.format is \"prose\", but must be one of text, json",
        "uacsta.toml, line 7: logs.keep is a string, but must be an integer",
        "uacsta.toml, line 9: limits.xml_depth is 7, but must be a number from 8 to 256",
        "uacsta.toml, line 10: clients.accounts[0].password is missing",
        "environment variable UACSTA__ADVANCED__ARBITER: is not a setting; did you mean UACSTA__ADVANCED__ARBITERS?",
    ];
    fs::write(&file, text).unwrap();
    let typo = variables(&[("UACSTA__ADVANCED__ARBITER", "2")]);
    let error = load_with(Some(&file), None, None, typo.clone()).unwrap_err();
    let shown = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    let all: Vec<String> = error.all().map(&shown).collect();
    assert_eq!(all, wrong);
    let first = format!("{} (the first of 8 mistakes)", wrong[0]);
    assert_eq!(shown(error.to_string()), first);
    // A file that cannot be read may contain what the others need.
    fs::write(&file, "[advanced").unwrap();
    let conf_d = folder.path().join("conf.d");
    fs::create_dir(&conf_d).unwrap();
    fs::write(conf_d.join("a.toml"), "phones.require_certificate = true").unwrap();
    let error = load_with(Some(&file), None, None, typo).unwrap_err();
    assert_eq!(
        error.all().count(),
        2,
        "{:?}",
        error.all().collect::<Vec<_>>()
    );
}

#[test]
fn values_of_another_type_than_the_default_are_refused() {
    for (text, expected) in [
        (
            "[phones]\nextensions = 'yes'",
            "phones.extensions is a string, but must be true or false",
        ),
        (
            "[phones]\nextensions = 'true'",
            "phones.extensions is a string, but must be true or false",
        ),
        (
            "[advanced]\nauto_activate = 1",
            "advanced.auto_activate is a number, but must be true or false",
        ),
        (
            "[advanced]\narbiters = true",
            "advanced.arbiters is a boolean, but must be an integer",
        ),
        (
            "[advanced]\narbiters = '2'",
            "advanced.arbiters is a string, but must be an integer",
        ),
        (
            "[advanced]\nrealm = 5",
            "advanced.realm is a number, but must be a quoted string",
        ),
        (
            "[advanced]\ndigest = 'MD5'",
            "advanced.digest is a string, but must be a list",
        ),
    ] {
        refused(text, &format!("uacsta.toml, line 2: {expected}"));
    }
    let account = "[[clients.accounts]]\nuser = 'a'\npassword = 'b'\ncontrol = 0";
    refused(
        account,
        "uacsta.toml, line 4: clients.accounts[0].control is an integer, but must be true or false",
    );
    for text in ["yes", "1", "TRUE", ""] {
        refused_variable(
            "UACSTA__PHONES__EXTENSIONS",
            text,
            "environment variable UACSTA__PHONES__EXTENSIONS: phones.extensions is a string, but must be true or false",
        );
    }
}

#[test]
fn similar_section_is_suggested() {
    for (wrong, right) in [
        (
            "[phone]\nudp = ''",
            "phone is not a setting; did you mean [phones]?",
        ),
        (
            "[client]\nuser = 'a'",
            "client is not a setting; did you mean [clients]?",
        ),
        (
            "[phones.lam]\ntcp = ''",
            "phones.lam is not a setting; did you mean [phones.lan]?",
        ),
    ] {
        refused(wrong, &format!("uacsta.toml, line 1: {right}"));
    }
}

#[test]
fn wrong_variables_are_explained() {
    refused_variable(
        "UACSTA__ADVANCED__SIP_EXPIRE",
        "300",
        "environment variable UACSTA__ADVANCED__SIP_EXPIRE: is not a setting; did you mean UACSTA__ADVANCED__SIP_EXPIRES?",
    );
    refused_variable(
        "UACSTA__ADVANCED__KEEP_ALIVE",
        "often",
        "environment variable UACSTA__ADVANCED__KEEP_ALIVE: advanced.keep_alive is a string, but must be an integer",
    );
    for (name, meant) in [
        ("UACSTA_PHONES__LAN__TCP", "UACSTA__PHONES__LAN__TCP"),
        ("UACSTA_PHONES_LAN_TCP", "UACSTA__PHONES__LAN__TCP"),
        ("UACSTA__PHONES_LAN_TCP", "UACSTA__PHONES__LAN__TCP"),
        ("uacsta__logs__level", "UACSTA__LOGS__LEVEL"),
        ("UACSTA_LOGS_LEVEL", "UACSTA__LOGS__LEVEL"),
    ] {
        let expected =
            format!("environment variable {name}: is not a setting; did you mean {meant}?");
        refused_variable(name, "", &expected);
    }
    refused_variable(
        "UACSTA__FOO",
        "1",
        "environment variable UACSTA__FOO: is not a setting; default.toml lists them all",
    );
    // Those of commands and of the build.
    for name in [
        "UACSTA_CLIENTS_PASSWORD",
        "UACSTA_PHONES_PASSWORD",
        "UACSTA_ISSUER",
    ] {
        load_with(None, None, None, variables(&[(name, "x")])).unwrap();
    }
    refused_variable(
        "UACSTA__ADVANCED__DIGEST",
        "",
        "environment variable UACSTA__ADVANCED__DIGEST: advanced.digest is empty, but must name at least one of SHA-256 and MD5",
    );
}
