//! The program as an operator uses it: exit codes, error messages, files of the first start.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use crate::support::{
    PATIENCE,
    cti_client::{self, CtiClient},
    documents::Documents,
    phone::{self, Phone},
    process::{PASSWORDS, Serving, finish, on_free_ports, program, run, within},
    programs,
};

/// The exit code is this, and stderr is one sentence that holds each of these words.
#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    let lines = said.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(lines, 1, "one sentence, not {said:?}");
    assert!(
        !said.contains("panicked") && !said.contains("backtrace"),
        "{said}"
    );
}

/// Every interface on a free port.
const FREE: &str = "[phones]\nlan = { tcp = \"127.0.0.1:0\", tls = \"\" }\n[clients]\nlan = { tcp = \"127.0.0.1:0\", tls = \"\" }\n[web]\nlisten = \"\"\n";

fn settings_file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uacsta.toml");
    std::fs::write(&file, text).unwrap();
    let name = file.to_str().unwrap().to_owned();
    (folder, name)
}

#[test]
fn help_lists_commands_and_examples() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8_lossy(&help.stdout);
    for command in [
        "serve",
        "check-config",
        "phones",
        "certify",
        "simulate",
        "completions",
        "man",
    ] {
        assert!(text.contains(command), "{command} is not in:\n{text}");
        assert!(
            run(&[command, "--help"]).status.success(),
            "{command} --help"
        );
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [&["brew"][..], &["serve", "--nonsense"], &["phones", "on"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn program_without_a_command_prints_its_help_and_exits_with_2() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    for words in ["\nUsage: uacsta", "check-config", "--help"] {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn manual_pages_have_the_title_of_the_command_and_its_examples() {
    for (arguments, title) in [
        (&["man"][..], "uacsta"),
        (&["man", "serve"], "uacsta-serve"),
        (&["man", "certify"], "uacsta-certify"),
    ] {
        let page = run(arguments).stdout;
        let page = String::from_utf8_lossy(&page);
        let heading = format!(".TH {title} 1  \"uacsta ");
        assert!(page.contains(&heading), "{page}");
        assert!(
            page.contains("\n.SH EXAMPLES\n") && !page.contains("EXTRA"),
            "{page}"
        );
    }
}

#[test]
fn completions_and_manual_page_are_printed() {
    assert!(String::from_utf8_lossy(&run(&["completions", "bash"]).stdout).contains("uacsta"));
    assert!(
        String::from_utf8_lossy(&run(&["man"]).stdout).starts_with(".ie")
            || String::from_utf8_lossy(&run(&["man"]).stdout).contains(".TH")
    );
}

#[test]
fn check_config_reports_each_mistake_in_one_sentence() {
    let (_folder, good) = settings_file("[advanced]\nsip_expires = 600\n");
    assert!(run(&["check-config", "--config", &good]).status.success());
    for (text, words) in [
        ("[advanced]\nsip_expires = 5\n", &["sip_expires", "5"][..]),
        (
            "[advanced]\nsip_expire = 300\n",
            &["sip_expire", "sip_expires"],
        ),
        (
            "[phones]\nlan = { tcp = \"anywhere\", tls = \"\" }\n",
            &["tcp", "anywhere"],
        ),
        ("[advanced\n", &["uacsta.toml"]),
        ("[advanced]\ndigest = []\n", &["digest"]),
        ("[tls]\ncertificate = \"/nowhere/c.pem\"\n", &["key"]),
    ] {
        let (_folder, file) = settings_file(text);
        fails(&run(&["check-config", "--config", &file]), 2, words);
        fails(&run(&["serve", "--config", &file]), 2, words);
    }
}

#[test]
fn invalid_maker_table_is_explained() {
    let good = include_str!("../../tools/simulator/makers/snom.toml");
    for (from, to, words) in [
        (
            "edition = 5",
            "edition = 9",
            &["line 6", "9 is not an edition from 2 to 6"][..],
        ),
        (
            "challenge = \"MD5\"",
            "",
            &["line 1", "missing field `challenge`"],
        ),
        (
            "lacks =",
            "lacking =",
            &["unknown field `lacking`; did you mean `lacks`?"],
        ),
    ] {
        let (_folder, file) = settings_file(&good.replace(from, to));
        let output = run(&["simulate", "--maker-file", &file]);
        fails(&output, 2, words);
    }
    fails(
        &run(&["simulate", "--maker-file", "/nowhere/maker.toml"]),
        2,
        &["/nowhere/maker.toml cannot be read"],
    );
    let unknown = run(&["simulate", "--maker", "nortel"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("known are snom, yealink"));
}

#[test]
fn invalid_profile_is_reported_with_file_and_line() {
    let (folder, file) = settings_file(FREE);
    let phones = folder.path().join("data/phones");
    std::fs::create_dir_all(&phones).unwrap();
    let profile = "maker = \"Acme\"\nouis = [\"not one\"]\n";
    std::fs::write(phones.join("acme.toml"), profile).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--config", &file, "--data", data.to_str().unwrap()];
    for (command, code) in [("check-config", 2), ("serve", 1)] {
        let output = finish(program().arg(command).args(arguments));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.contains("acme.toml, line 2: \"not one\" is not an OUI"),
            "{said}"
        );
    }
}

#[test]
fn failed_start_is_in_the_log_file() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (text, reason) in [
        (
            FREE.replacen("127.0.0.1:0", &address.to_string(), 1),
            "the port is in use",
        ),
        ("[phone]\n".to_owned(), "did you mean [phones]?"),
    ] {
        let (folder, file) = settings_file(&text);
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let output = run(&["serve", "--config", &file, "--data", data.to_str().unwrap()]);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.matches(reason).count(), 1, "{said}");
        let log = std::fs::read_to_string(data.join("logs/uacsta.log")).unwrap();
        assert!(log.contains("ERROR") && log.contains(reason), "{log}");
    }
}

#[cfg(unix)]
#[test]
fn server_without_a_terminal_says_where_it_listens() {
    let mut server = Serving::start(tempfile::tempdir().unwrap(), "");
    let mut said = BufReader::new(server.take_stderr())
        .lines()
        .map_while(Result::ok);
    let line = said.find(|line| line.contains(" serves: ")).unwrap();
    for (setting, address) in [
        ("phones.lan.tcp", server.phones),
        ("clients.lan.tls", server.clients_tls),
        ("web.listen", server.web),
    ] {
        assert!(line.contains(&format!("{setting} {address}")), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn standard_error_on_a_full_disk_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap().to_owned();
    let script = "exec \"$@\" 2>/dev/full";
    let server = Serving::under(&["sh", "-c", script, &folder], data, PASSWORDS);
    let phone = server.phone("000413000001", "sip:101@pbx.example");
    phone.start().await;
    assert!(!server.log().contains("panicked"), "{}", server.log());
    let (_folder, file) = settings_file("nonsense = 1");
    let refused = std::process::Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_uacsta")])
        .args(["check-config", "--config", &file])
        .status();
    assert_eq!(refused.unwrap().code(), Some(2));
}

/// What lies in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().to_str().unwrap().to_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// `check-config` refuses what `serve` would, in the same words, and writes nothing.
#[track_caller]
fn predicted(prepare: &dyn Fn(&Path), inside: &str, words: &[&str]) {
    let (folder, file) = settings_file(FREE);
    prepare(folder.path());
    let data = folder.path().join(inside);
    let before = [names(folder.path()), names(&data)];
    let arguments = ["--config", &file, "--data", data.to_str().unwrap()];
    let output = run(&[&["check-config"], &arguments[..]].concat());
    fails(&output, 2, words);
    assert_eq!([names(folder.path()), names(&data)], before, "{words:?}");
    let start = run(&[&["serve"], &arguments[..]].concat());
    assert!(!start.status.success());
    let last = |said: &[u8]| {
        let said = String::from_utf8_lossy(said).into_owned();
        said.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last(&output.stderr), last(&start.stderr));
}

/// Fills a new data folder with a file, or with a folder where a file belongs.
fn filled(name: &'static str, text: Option<&'static str>) -> impl Fn(&Path) {
    move |folder| {
        let path = folder.join("data").join(name);
        std::fs::create_dir(folder.join("data")).unwrap();
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => std::fs::create_dir(path).unwrap(),
        }
    }
}

#[test]
fn check_config_predicts_the_start_without_writing() {
    let in_the_way = |folder: &Path| std::fs::write(folder.join("data"), "").unwrap();
    predicted(&in_the_way, "data", &["/data"]);
    predicted(&in_the_way, "data/deeper", &["/data/deeper"]);
    let rubbish = |folder: &Path| {
        std::fs::create_dir(folder.join("data")).unwrap();
        for name in ["certificate.pem", "key.pem"] {
            std::fs::write(folder.join("data").join(name), "rubbish").unwrap();
        }
    };
    predicted(&rubbish, "data", &["/data/certificate.pem"]);
    for (name, text, words) in [
        (
            "secrets.toml",
            Some("phones = "),
            &["secrets.toml, line 1: is not TOML"][..],
        ),
        ("secrets.toml", None, &["secrets.toml"]),
        (
            "settings.toml",
            Some("[phones\n"),
            &["settings.toml, line 1: is not TOML"],
        ),
        (
            "settings.toml",
            Some("[advanced]\nsip_expires = 5\n"),
            &["settings.toml", "sip_expires"],
        ),
        ("settings.toml", None, &["settings.toml"]),
        (
            "admin.toml",
            Some("[licenses\n"),
            &["admin.toml, line 1: is not TOML"],
        ),
        ("admin.toml", None, &["admin.toml"]),
        ("cli.token", None, &["cli.token cannot be read"]),
        ("trial", None, &["running time", "trial"]),
        (
            "telephones.jsonl",
            Some("rubbish\n"),
            &["cannot read the phone list", "telephones.jsonl"],
        ),
        (
            "telephones.lock",
            None,
            &["telephones.lock cannot be opened"],
        ),
    ] {
        predicted(&filled(name, text), "data", words);
    }
}

/// `unshare -U` takes the rights of root, who may write whatever the mode.
#[cfg(target_os = "linux")]
#[test]
fn check_config_predicts_that_a_folder_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    if !finish(Command::new("unshare").args(["-U", "true"]))
        .status
        .success()
    {
        return programs::skipped("unshare -U is not permitted");
    }
    let (folder, file) = settings_file(FREE);
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o500)).unwrap();
    for (data, words) in [
        (locked.clone(), "locked cannot be written: "),
        (
            locked.join("new/data"),
            "locked/new/data cannot be created: ",
        ),
    ] {
        for command in ["check-config", "serve"] {
            let mut program = program();
            program
                .args([command, "--config", &file, "--data"])
                .arg(&data);
            let output = finish(&mut within(&["unshare", "-U"], &program));
            let code = if command == "serve" { 1 } else { 2 };
            fails(&output, code, &[words, "--data DIR"]);
        }
    }
    assert!(names(&locked).is_empty());
}

#[test]
fn check_config_predicts_that_addresses_overlap() {
    let overlapping = |folder: &Path| {
        let text = format!(
            "{FREE}[phones.wan]\ntcp = \"0.0.0.0:5060\"\ntls = \"127.0.0.1:5060\"\npublic_host = \"pbx.example\"\n"
        );
        std::fs::write(folder.join("uacsta.toml"), text).unwrap();
    };
    let words = &[
        "phones.wan.tls is 127.0.0.1:5060",
        "phones.wan.tcp listens there already",
    ];
    predicted(&overlapping, "data", words);
}

#[cfg(unix)]
#[test]
fn check_config_predicts_that_a_device_is_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for command in ["check-config", "serve"] {
        let arguments = ["--config", "/dev/null", "--data", data.to_str().unwrap()];
        let output = run(&[&[command], &arguments[..]].concat());
        fails(&output, 2, &["/dev/null is not a regular file"]);
    }
}

/// A server with a spoilt authority serves, and generates another when it needs one: a warning, before it is too late.
#[tokio::test]
async fn check_config_warns_of_a_spoilt_authority() {
    let words = "the private authority in the data folder cannot be used";
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let data = server.kill();
    let file = data.path().join("uacsta.toml").display().to_string();
    let folder = data.path().display().to_string();
    let check = || run(&["check-config", &file, "--data", &folder]);
    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said(&check()).contains(words), "{}", said(&check()));
    for (name, fault) in [
        ("ca.pem", "ca.pem is not PEM"),
        ("ca-key.pem", "ca-key.pem: "),
    ] {
        let path = data.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, "rubbish").unwrap();
        let output = check();
        assert!(output.status.success());
        let warning = format!("warning: {words} ({fault}");
        assert!(said(&output).contains(&warning), "{}", said(&output));
        std::fs::write(&path, whole).unwrap();
    }
    std::fs::write(data.path().join("ca.pem"), "rubbish").unwrap();
    let server = Serving::start(data, PASSWORDS);
    server.until_logged(0, words).await;
    let data = server.kill();
    std::fs::remove_file(data.path().join("certificate.pem")).unwrap();
    let server = Serving::start(data, PASSWORDS);
    let replaced = "load this file into the phones and clients that trusted the former certificate";
    server.until_logged(0, replaced).await;
}

#[test]
fn check_config_notes_that_a_data_folder_is_new() {
    let (folder, file) = settings_file(FREE);
    let data = folder.path().join("new/data");
    let output = run(&["check-config", &file, "--data", data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("is valid"),
        "{said}"
    );
    let note = format!("the data folder {} does not exist", data.display());
    assert!(said.contains(&note), "{said}");
    assert_eq!(names(folder.path()), ["uacsta.toml"]);
}

#[test]
fn check_config_warns_about_weak_settings() {
    let (_folder, file) = settings_file("[phones]\npassword = \"1234\"\n");
    let output = run(&["check-config", &file]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let weak = "warning: the password of all phones (phones.password) has fewer than 10 characters";
    assert!(said.contains("is valid") && said.contains(weak), "{said}");
}

#[cfg(unix)]
#[test]
fn check_config_warns_of_what_has_no_effect() {
    use std::os::unix::fs::PermissionsExt;
    let settings = "[phones]\npassword = \"let me ring\"\nlan = { tcp = \"192.0.2.1:5060\", tls = \"\" }\n[clients]\nlan = { tcp = \"\", tls = \"\" }\n[web]\nlisten = \"\"\n[licenses]\ncodes = [\"AAAA\"]\n";
    let (_folder, file) = settings_file(settings);
    for (mode, told) in [(0o644, true), (0o640, false)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let output = run(&["check-config", &file]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        for words in [
            "phones.lan.tcp: this machine does not have the address 192.0.2.1",
            "all interfaces of clients are off",
            "web.listen is off",
            "licenses.codes has no effect",
        ] {
            assert!(said.contains(&format!("warning: {words}")), "{said}");
        }
        let open = format!("every user of this machine may read or change {file}");
        assert_eq!(said.contains(&open), told, "{said}");
    }
}

#[test]
fn check_config_reports_all_occupied_ports_and_the_warnings() {
    let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [one, other] = taken.each_ref().map(|taken| taken.local_addr().unwrap());
    let (folder, file) = settings_file(&format!(
        "[phones]\npassword = \"1234\"\nlan = {{ tcp = \"{one}\", tls = \"\" }}\n[clients]\nlan = {{ tcp = \"{other}\", tls = \"\" }}\n[web]\nlisten = \"127.0.0.1:0\"\n"
    ));
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let output = run(&["check-config", &file, "--data", data]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for address in [one, other] {
        assert!(
            said.contains(&format!("cannot listen on {address}: the port is in use")),
            "{said}"
        );
    }
    let warned = String::from_utf8_lossy(&output.stdout);
    assert!(warned.contains("fewer than 10 characters"), "{warned}");
    assert!(!warned.contains("is valid"), "{warned}");
    // A first start that fails leaves nothing behind.
    let start = run(&["serve", "--config", &file, "--data", data]);
    fails(&start, 1, &["the port is in use"]);
    assert_eq!(names(folder.path()), ["uacsta.toml"]);
}

#[test]
fn demonstration_takes_no_configuration_and_no_data_folder() {
    let (folder, file) = settings_file(FREE);
    let data = folder.path().to_str().unwrap();
    for option in [["--config", &file], ["--data", data]] {
        let output = run(&[&["serve", "--demo"], &option[..]].concat());
        fails(&output, 2, &["--demo has settings", "leave out"]);
    }
}

#[test]
fn missing_file_is_named() {
    fails(
        &run(&["serve", "--config", "/nowhere/uacsta.toml"]),
        2,
        &["/nowhere/uacsta.toml"],
    );
    let (folder, file) = settings_file(&format!(
        "[tls]\ncertificate = \"/nowhere/c.pem\"\nkey = \"/nowhere/k.pem\"\n{}",
        FREE.replace("tls = \"\"", "tls = \"127.0.0.1:0\"")
    ));
    let data = folder.path().join("data");
    let arguments = ["--config", &file, "--data", data.to_str().unwrap()];
    for (command, code) in [("check-config", 2), ("serve", 1)] {
        let output = run(&[&[command], &arguments[..]].concat());
        fails(&output, code, &["/nowhere/c.pem cannot be read"]);
    }
}

#[test]
fn port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = format!(
        "[phones]\nlan = {{ tcp = \"{address}\", tls = \"\" }}\n[clients]\nlan = {{ tcp = \"127.0.0.1:0\", tls = \"\" }}\n[web]\nlisten = \"\"\n"
    );
    let (folder, file) = settings_file(&text);
    let data = folder.path().join("data");
    let output =
        finish(program().args(["serve", "--config", &file, "--data", data.to_str().unwrap()]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains(&address) && last.contains("use"), "{said}");
}

#[test]
fn check_config_reports_ports_of_other_programs_only() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = tempfile::tempdir().unwrap();
    let check = |setting: &str, address: String, data: &Path| {
        let mut command = program();
        on_free_ports(&mut command);
        command.env(format!("UACSTA__{setting}"), address);
        finish(command.args(["check-config", "--data"]).arg(data))
    };
    // The settings of the running server, and those of another one beside it.
    for (setting, address) in [
        ("PHONES__LAN__TCP", server.phones),
        ("CLIENTS__LAN__TLS", server.clients_tls),
        ("WEB__LISTEN", server.web),
    ] {
        let own = check(setting, address.to_string(), server.data());
        assert!(own.status.success(), "{own:?}");
        let beside = check(setting, address.to_string(), other.path());
        fails(&beside, 2, &["the port is in use", &address.to_string()]);
    }
    for (setting, address) in [
        ("PHONES__LAN__TLS", taken.local_addr().unwrap()),
        ("PHONES__UDP", udp.local_addr().unwrap()),
    ] {
        for data in [server.data(), other.path()] {
            let output = check(setting, address.to_string(), data);
            fails(&output, 2, &["the port is in use", &address.to_string()]);
        }
    }
}

#[test]
fn environment_overrides_the_file() {
    let (_folder, file) = settings_file("[advanced]\nsip_expires = 600\n");
    let output = finish(program().env("UACSTA__ADVANCED__SIP_EXPIRES", "7").args([
        "check-config",
        "--config",
        &file,
    ]));
    fails(&output, 2, &["sip_expires", "7"]);
}

/// All that lies in a folder may be read by its owner and nobody else, but for the test's own settings file.
#[cfg(unix)]
fn for_their_owner_alone(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        if path.is_dir() {
            for_their_owner_alone(&path);
        } else if path.file_name().is_none_or(|name| name != "uacsta.toml") {
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
        }
    }
}

#[test]
fn first_start_creates_files_readable_by_the_owner_only() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let files = ["secrets.toml", "cli.token", "certificate.pem", "key.pem"];
    let before = files.map(|file| std::fs::read_to_string(server.data().join(file)).unwrap());
    #[cfg(unix)]
    for_their_owner_alone(server.data());
    let log: String = std::fs::read_dir(server.data().join("logs"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(log.matches("secrets.toml").count(), 1, "{log}");
    for secret in before[0]
        .lines()
        .filter_map(|line| line.split('"').nth(1))
        .filter(|secret| secret.len() > 12)
    {
        assert!(!log.contains(secret), "a secret in the log");
    }
    let again = Serving::start(server.kill(), "");
    assert_eq!(
        files.map(|file| std::fs::read_to_string(again.data().join(file)).unwrap()),
        before
    );
}

#[test]
fn command_line_lists_enables_and_disables_phones() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let url = format!("http://{}", server.web);
    let folder = server.data().to_str().unwrap().to_owned();
    let token = server.data().join("cli.token").to_str().unwrap().to_owned();
    for there in [
        &["--data", &folder][..],
        &["--server", &url, "--token-file", &token],
    ] {
        let list = run(&[&["phones", "--json"], there].concat());
        assert!(
            list.status.success(),
            "{}",
            String::from_utf8_lossy(&list.stderr)
        );
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(0), "{list}");
        for change in ["on", "forget"] {
            let one = ["phones", change, "00:04:13:00:00:01"];
            let output = run(&[&one, there].concat());
            fails(
                &output,
                1,
                &["no phone 00:04:13:00:00:01 in the phone list"],
            );
        }
    }
    let _data = server.kill();
    for (there, words) in [
        (
            &["--data", &folder][..],
            ["no server runs", "uacsta serve --data"],
        ),
        (
            &["--server", &url, "--token-file", &token],
            ["no server runs there", &url],
        ),
    ] {
        fails(&run(&[&["phones"], there].concat()), 1, &words);
    }
}

#[test]
fn program_on_the_port_of_a_killed_server_gets_no_secret() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let at = server.web;
    let data = server.kill();
    let address = data.path().join("api.url");
    assert!(address.exists());
    let folder = data.path().to_str().unwrap();
    let other = TcpListener::bind(at).unwrap();
    let heard = std::thread::spawn(move || {
        let (mut peer, _) = other.accept().unwrap();
        let mut said = [0; 4096];
        let length = peer.read(&mut said).unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    });
    for command in [
        &["phones"][..],
        &["phones", "on", "00:04:13:00:00:01"],
        &["licenses"],
        &["settings", "reload"],
        &["certify", "00:04:13:00:00:01"],
    ] {
        let output = run(&[command, &["--data", folder]].concat());
        fails(&output, 1, &["no server runs with", folder, "uacsta serve"]);
    }

    // The next server has no API: what the other has left is not taken for its own.
    let mut command = program();
    on_free_ports(&mut command);
    let mut next = command
        .env("UACSTA__WEB__LISTEN", "")
        .args(["serve", "--data", folder])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    let said = loop {
        let output = run(&["phones", "--data", folder]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.contains("no server runs") || begun.elapsed() > PATIENCE {
            break said;
        }
    };
    // What the killed one has left is of no use at any moment, and goes as soon as the next one has its files.
    while address.exists() && begun.elapsed() < PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    next.kill().unwrap();
    next.wait().unwrap();
    assert!(said.contains("has no API"), "{said}");
    assert!(!address.exists());

    TcpStream::connect(at).unwrap().write_all(b"last").unwrap();
    assert_eq!(heard.join().unwrap(), "last");
}

#[test]
fn second_server_on_the_same_data_folder_is_refused() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let (_folder, file) = settings_file(FREE);
    let output = finish(
        program()
            .args(["serve", "--config", &file, "--data"])
            .arg(server.data()),
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.lines()
            .last()
            .is_some_and(|line| line.contains(server.data().to_str().unwrap())),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn signal_shuts_the_server_down_cleanly() {
    for signal in ["TERM", "INT"] {
        let server = Serving::start(tempfile::tempdir().unwrap(), "");
        let begun = std::time::Instant::now();
        assert_eq!(server.signal(signal), Some(0), "{signal}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }
}

#[cfg(unix)]
#[test]
fn stop_is_told_in_one_line() {
    let mut server = Serving::start(tempfile::tempdir().unwrap(), "");
    let said = server.take_stderr();
    assert_eq!(server.signal("TERM"), Some(0));
    let said = BufReader::new(said).lines().map_while(Result::ok);
    let stopped: Vec<String> = said.filter(|line| line.contains("stop")).collect();
    assert_eq!(stopped, ["uacsta: stopped by SIGTERM"]);
}

#[test]
fn file_that_cannot_be_written_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none/issuer.key").display().to_string();
    let output = run(&["licenses", "key", &file]);
    fails(&output, 1, &["cannot be written: No such file"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("issuer.key").count(), 1, "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn log_covers_phone_and_client_without_secrets() {
    let settings = "[phones]\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n[logs]\nlevel = \"trace\"\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let documents = Arc::<Documents>::default();
    let line = "sip:101@pbx.example";
    let phone = Phone::new(
        phone::Setup::new(server.phones, "000413000001", "let me ring", line),
        Arc::clone(&documents),
    );
    phone.start().await;
    let setup = cti_client::Setup::new(server.clients, "ecsta", "let me dial");
    let client = CtiClient::connect(setup, Arc::clone(&documents)).await;
    let mut session = client.open(line).await;
    session.watch(line).await;
    session
        .refused("GetDoNotDisturb", "<device>9999</device>")
        .await;
    session.bye().await;
    phone.until_received("MonitorStop", 1).await;
    phone.unregister().await.expect(200);
    documents.check().unwrap();
    let log = server.end();
    for word in [
        "00:04:13:00:00:01",
        "127.0.0.1",
        "ecsta",
        line,
        "REGISTER sip:",
        "INFO sip:",
        "MonitorStartResponse",
    ] {
        assert!(log.contains(word), "{word} is not in the log:\n{log}");
    }
    let proofs = log
        .split("response=\"")
        .skip(1)
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()))
        .count();
    assert!(
        !log.contains("let me") && proofs == 0,
        "secrets in the log:\n{log}"
    );
}

#[test]
fn demo_whose_output_nobody_reads_ends_without_an_error() {
    let mut command = program();
    on_free_ports(&mut command);
    command.args(["serve", "--demo"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(!said.contains("Broken pipe"), "{said}");
}

#[test]
fn demo_shows_a_call_and_keeps_serving() {
    let mut command = program();
    on_free_ports(&mut command);
    let mut child = command
        .args(["serve", "--demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    drop(std::thread::spawn(move || {
        said.lines()
            .map_while(Result::ok)
            .try_for_each(|line| tell.send(line))
    }));
    let mut text = String::new();
    for wanted in [
        "is in service",
        "rings: call from 215",
        "has answered",
        "is out of the call",
        "The server runs until Ctrl-C",
    ] {
        while !text.contains(wanted) {
            let line = told.recv_timeout(PATIENCE);
            if line.is_err() {
                child.kill().unwrap();
            }
            text += &line.unwrap_or_else(|_| panic!("no {wanted} in:\n{text}"));
            text.push('\n');
        }
    }
    let runs = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(runs, "the server still runs:\n{text}");
}
