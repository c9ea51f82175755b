//! sipvicious and nmap, which find neither names nor passwords.

use std::process::Command;

use futures_util::future::join_all;

use crate::{
    programs::Program,
    support::{phone::Phone, process::Serving, programs::find},
};

const PASSWORD: &str = "let me ring";
const SETTINGS: &str = "[phones]\npassword = \"let me ring\"\nextensions = true\nudp = \"127.0.0.1:0\"\n\
    [advanced]\ndigest = [\"MD5\"]\n";
/// How fast to scan.
const PACE: [&str; 2] = ["-t", "0.001"];

/// A server with a phone of that extension.
async fn site(extension: &str) -> (Serving, Phone) {
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    let phone = Phone::at(server.phones, extension, PASSWORD, "sip:204@pbx.example");
    phone.start().await;
    (server, phone)
}

/// Lets a tool of sipvicious scan the server, and returns what it printed.
async fn scan(server: &Serving, tool: &str, arguments: &[&str]) -> Option<String> {
    let tool = find(tool, "sipvicious")?;
    let port = server.phones_udp.expect("the setting is on").port();
    let mut command = Command::new(tool);
    command
        .args(PACE)
        .args(["-b", "127.0.0.1", "-p", &port.to_string()])
        .args(arguments)
        .arg("127.0.0.1");
    let mut program = Program::start(command, tempfile::tempdir().unwrap(), None);
    program.ended().await;
    Some(program.trace())
}

/// The same with several sets of arguments at once; what all scans printed.
async fn scan_all(server: &Serving, tool: &str, sets: &[Vec<&str>]) -> Vec<String> {
    let scans = sets.iter().map(|arguments| scan(server, tool, arguments));
    join_all(scans).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn svmap_learns_no_name_of_the_server() {
    let (server, _phone) = site("204").await;
    let sets = ["OPTIONS", "REGISTER", "INVITE"].map(|method| vec!["-m", method]);
    for found in scan_all(&server, "svmap", &sets).await {
        assert!(
            found.contains("| unknown ") && !found.contains("uacsta"),
            "{found}"
        );
    }
}

/// 204 is registered, the others are not.
#[tokio::test]
async fn svwar_cannot_tell_a_known_extension_from_others() {
    let (server, phone) = site("204").await;
    let mut sets = Vec::new();
    for method in ["REGISTER", "OPTIONS", "INVITE"] {
        let polite = vec!["-m", method, "-e", "200-210"];
        sets.push([&polite[..], &["--force"]].concat());
        sets.push(polite);
    }
    for found in scan_all(&server, "svwar", &sets).await {
        assert!(found.contains("found nothing"), "{found}");
    }
    phone.register().await.expect(200);
}

/// It finds a password among its first words; one that comes after 200 others it does not reach.
#[tokio::test]
async fn svcrack_is_held_back_before_it_tries_the_password() {
    let (server, phone) = site("204").await;
    let words = tempfile::NamedTempFile::new().unwrap();
    let dictionary = words.path().to_str().unwrap();
    let wrong: String = (0..200).map(|number| format!("secret{number}\n")).collect();
    // A port each: the server has questions to the "phone" that the first one made.
    for (user, port, before, success) in
        [("205", "25060", "", true), ("204", "25061", &*wrong, false)]
    {
        std::fs::write(words.path(), format!("{before}{PASSWORD}\n")).unwrap();
        let arguments = ["-u", user, "-P", port, "-d", dictionary];
        let Some(found) = scan(&server, "svcrack", &arguments).await else {
            return;
        };
        assert_eq!(found.contains(PASSWORD), success, "{found}");
        assert_eq!(found.contains("found nothing"), !success, "{found}");
    }
    let held = "uacsta_log_ons_held_back_total{limit=\"limits.failed_log_ons\"}";
    assert!(server.metric(held).await > 0);
    phone.register().await.expect(200);
}

#[tokio::test]
async fn nmap_enumerates_no_user() {
    let Some(nmap) = find("nmap", "nmap") else {
        return;
    };
    let (server, phone) = site("204").await;
    let port = server.phones.port().to_string();
    let range = "sip-enum-users.minext=200,sip-enum-users.maxext=210,sip-enum-users.padding=3";
    let scripts = [
        "--script",
        "+sip-methods,+sip-enum-users",
        "--script-args",
        range,
    ];
    let mut command = Command::new(nmap);
    command
        .args(["-n", "-Pn", "-sT", "-p", &port])
        .args(scripts)
        .arg("127.0.0.1");
    let mut program = Program::start(command, tempfile::tempdir().unwrap(), None);
    program.ended().await;
    let found = program.trace();
    // It lists a user as `|     204: Auth required`; the number alone may be part of a port or a latency.
    let names_user = |line: &str| line.trim_start_matches(['|', '_', ' ']).starts_with("204:");
    assert!(
        found.contains("sip-methods") && !found.lines().any(names_user),
        "{found}"
    );
    phone.register().await.expect(200);
}
