//! The log at INFO: one line for each act, which a program can parse.

use uacsta_connect::ServerAddress;
use uacsta_simulator::{Fleet, FleetOptions, Maker};

use crate::support::{
    digest::Account,
    line::Line,
    process::{PASSWORDS, Serving},
    server::PHONES_PASSWORD,
};

/// The message of each INFO line with the names of its fields.
fn acts(log: &str) -> Vec<String> {
    let infos = log.lines().filter_map(|line| line.split_once("  INFO "));
    infos
        .map(|(_, line)| {
            let (_, text) = line.split_once(": ").unwrap();
            let (message, fields) = parsed(text);
            let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
            format!("{message}: {}", names.join(" "))
        })
        .collect()
}

/// Message and fields of the text of a line. A value with space is quoted, and `\` escapes within quotes.
fn parsed(text: &str) -> (String, Vec<(String, String)>) {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => {
                escaped = true;
                continue;
            }
            '"' => {
                quoted = !quoted;
                continue;
            }
            ' ' if !quoted => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.push(word);
    let is_field = |word: &String| word.contains('=');
    let first = words.iter().position(is_field).unwrap_or(words.len());
    let fields = words.split_off(first).into_iter().map(|field| {
        let (name, value) = field.split_once('=').expect("no field after the message");
        (name.to_owned(), value.to_owned())
    });
    (words.join(" "), fields.collect())
}

#[cfg(unix)]
#[tokio::test]
async fn each_act_of_a_day_is_one_info_line() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = server.phone("000413000001", "sip:1@pbx.example");
    phone.start().await;
    phone.in_session().await;
    server.until_logged(0, "phone listed its lines").await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    let monitor = session.watch(phone.line()).await;
    session.make_call(phone.line(), "102").await;
    session.unwatch(&monitor).await;
    session.bye().await;
    server.until_logged(0, "server session closed").await;
    client.wire.close();
    server.until_logged(0, "client logged off").await;
    phone.unregister().await.expect(200);
    server.until_logged(0, "phone logged off").await;
    server.reload(PASSWORDS).await;
    let log = server.end();
    let expected = [
        "generated passwords; they are in this file: file",
        "generated a private certificate authority; load this file into phones and clients that verify the server: file",
        "generated a certificate: file",
        "server started: version data listed listening",
        "phone registered: phone peer maker user_agent expires is_new enabled",
        "CSTA session with the phone opened: phone edition",
        "phone listed its lines: phone lines",
        "client logged on: client peer trusted",
        "server session opened: client peer from",
        "monitor started: client peer phone line monitor",
        "monitor stopped: client peer phone line monitor",
        "server session closed: client peer reason",
        "client logged off: client peer reason",
        "phone logged off: phone peer",
        "configuration reloaded: ",
        "server stopping: signal",
    ];
    assert_eq!(acts(&log), expected, "{log}");
}

/// Snom's phones list the identity that they log on with beside their lines.
#[test]
fn listed_lines_are_counted_without_the_log_on_identity() {
    actix_rt::System::new().block_on(async {
        let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
        let at = ServerAddress::new(&server.phones.to_string(), None).unwrap();
        let options = FleetOptions::new(at, PHONES_PASSWORD);
        let fleet = Fleet::start(options.phones(&Maker::snom(), 1, 215)).await;
        fleet.unwrap().ready().await;
        let log = server.until_logged(0, "phone listed its lines").await;
        let listed = log
            .lines()
            .find(|line| line.contains("phone listed its lines"));
        assert!(listed.unwrap().ends_with(" lines=1"), "{log}");
    });
}

#[tokio::test]
async fn refused_log_on_names_user_and_address() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let user = format!("o=ne{}", "x".repeat(200));
    let mut client = Line::to(server.clients).await;
    let wrong = Account::new(&user, "let me in");
    client.log_on(&wrong).await.expect(401);
    let mut phone = Line::to(server.phones).await;
    let wrong = Account::new("000413000001", "let me in");
    phone.log_on(&wrong).await.expect(401);
    let log = server.until_logged(0, " log-on refused phone=").await;
    let line = |what: &str| {
        let line = log.lines().find(|line| line.contains(what)).unwrap();
        parsed(line.split_once(": ").unwrap().1)
    };
    let (message, fields) = line("client log-on refused");
    assert_eq!(message, "client log-on refused");
    let value = |name: &str| fields.iter().find(|(known, _)| known == name);
    let shown = &value("client").unwrap().1;
    assert!(shown.starts_with("o=nexxx") && shown.len() < 120, "{shown}");
    assert!(value("peer").unwrap().1.starts_with("127.0.0.1:"), "{log}");
    assert!(value("reason").is_some(), "{log}");
    let (_, fields) = line(" log-on refused phone=");
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["phone", "peer", "reason"], "{log}");
}
