//! linphone, baresip and pjsua as phones. None of them speaks CSTA: the server asks once and leaves them in peace.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use crate::{
    programs::Program,
    support::{PATIENCE, process::Serving, programs::find},
};

/// Seconds; the least that `SETTINGS` allow, so that a refresh can be waited for.
const EXPIRES: &str = "12";
const PASSWORD: &str = "letmering";
// baresip 1.0 supports no other digest.
const SETTINGS: &str = "[phones]\npassword = \"letmering\"\nextensions = true\nudp = \"127.0.0.1:0\"\n\
    [advanced]\nmin_expires = 10\ndigest = [\"MD5\"]\n";
/// The extensions that a softphone registers, one over each transport.
const USERS: [(&str, &str); 3] = [("201", "tcp"), ("202", "tls"), ("203", "udp")];

/// Where the server listens for that transport.
fn port(server: &Serving, transport: &str) -> u16 {
    let address = match transport {
        "tls" => server.phones_tls,
        "udp" => server.phones_udp.expect("the setting is on"),
        _ => server.phones,
    };
    address.port()
}

fn authority(server: &Serving) -> String {
    server.data().join("ca.pem").display().to_string()
}

fn baresip(program: PathBuf, server: &Serving) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "sip_listen 127.0.0.1:0\nsip_cafile {}\naudio_player aufile,/dev/null\naudio_source aufile,/dev/null\n\
         audio_alert aufile,/dev/null\nmodule_path /usr/lib/baresip/modules\nmodule stdio.so\nmodule g711.so\n\
         module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n",
        authority(server)
    );
    let accounts = USERS.map(|(user, transport)| {
        let port = port(server, transport);
        format!(
            "<sip:{user}@127.0.0.1:{port};transport={transport}>;auth_user={user};auth_pass={PASSWORD};regint={EXPIRES}\n"
        )
    });
    for (file, text) in [("config", settings), ("accounts", accounts.concat())] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let mut command = Command::new(program);
    command.arg("-s").arg("-f").arg(folder.path());
    Program::start(command, folder, None)
}

fn pjsua(python: PathBuf, server: &Serving) -> Program {
    let mut command = Command::new(python);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/pjsua.py"))
        .args([PASSWORD, &authority(server), EXPIRES]);
    for (user, transport) in USERS {
        command.arg(format!("{user}:{transport}:{}", port(server, transport)));
    }
    Program::start(command, tempfile::tempdir().unwrap(), None)
}

/// The entry of a phone in the list; null when it is not there.
async fn listed(server: &Serving, user: &str) -> Value {
    let list: Value = serde_json::from_str(&server.list().await).unwrap();
    let phones = list["phones"].as_array().unwrap();
    let found = phones.iter().find(|phone| phone["mac"] == user);
    found.cloned().unwrap_or(Value::Null)
}

/// Waits for an entry of a phone that is as it should be.
async fn until_listed(server: &Serving, user: &str, what: &str, such: impl Fn(&Value) -> bool) {
    let wait = async { while !such(&listed(server, user).await) {} };
    if tokio::time::timeout(PATIENCE, wait).await.is_err() {
        panic!(
            "{user} is not {what}: {}\n{}",
            listed(server, user).await,
            server.log()
        );
    }
}

/// What a softphone is expected to do with the CSTA INVITE, and the server with it.
struct Expected {
    /// What ends the softphone.
    quit: &'static str,
    /// What the reason in the phone list says.
    reason: &'static str,
    /// How many INVITEs may come until it refreshes its registration: with back-off, four in 12 s.
    invites: usize,
}

/// What every softphone does: it registers over each transport, is asked for a session, refreshes its registration,
/// registers again with a server that was restarted, and logs off. `softphones` are one for all users, or one for each.
async fn check_life(mut server: Serving, mut softphones: Vec<Program>, expected: Expected) {
    for round in 1..=2 {
        let users = || USERS.iter().zip(softphones.iter().cycle());
        let mut asked = Vec::new();
        for ((user, _), softphone) in users() {
            softphone
                .until("a registration", 2 * round - 1, |sip| sip.registers(user))
                .await;
            let refused = |phone: &Value| {
                let reason = phone["reason"].as_str();
                reason.is_some_and(|why| why.contains(expected.reason))
            };
            until_listed(&server, user, expected.reason, refused).await;
            asked.push(softphone.count(|sip| sip.is("INVITE", user)));
        }
        for ((number, (user, _)), softphone) in
            USERS.iter().enumerate().zip(softphones.iter().cycle())
        {
            softphone
                .until("a refresh", 2 * round, |sip| sip.registers(user))
                .await;
            let invites = softphone.count(|sip| sip.is("INVITE", user)) + 1 - asked[number];
            let trace = || softphone.trace();
            assert!(
                invites <= expected.invites,
                "{user}: {invites} INVITEs\n{}",
                trace()
            );
        }
        if round == 1 {
            server = tokio::task::spawn_blocking(move || server.restart(SETTINGS))
                .await
                .unwrap();
        }
    }
    for softphone in &mut softphones {
        softphone.say(expected.quit);
    }
    for softphone in &mut softphones {
        softphone.ended().await;
    }
    for (user, _) in USERS {
        until_listed(&server, user, "away", |phone| phone["status"] == "away").await;
    }
    assert_eq!(server.metric("uacsta_phones_connected").await, 0);
    assert_eq!(server.metric("uacsta_panics_total").await, 0);
}

fn start() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), SETTINGS)
}
#[tokio::test]
async fn baresip_that_refuses_is_not_asked_again_each_minute() {
    let Some(program) = find("baresip", "baresip-core") else {
        return;
    };
    let server = start();
    let softphone = baresip(program, &server);
    let expected = Expected {
        quit: "/quit",
        reason: "500",
        invites: 4,
    };
    check_life(server, vec![softphone], expected).await;
}

/// baresip 1.0 gives up at a challenge that offers SHA-256 first.
#[tokio::test]
async fn baresip_that_knows_md5_alone_is_explained_in_the_log() {
    let Some(program) = find("baresip", "baresip-core") else {
        return;
    };
    let settings = SETTINGS.replace("digest = [\"MD5\"]", "[limits]\nunauthenticated_time = 2");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let _softphone = baresip(program, &server);
    server.until_logged(0, "set advanced.digest = [").await;
}

#[tokio::test]
async fn pjsua_that_refuses_is_not_asked_again_each_minute() {
    let Some(python) = python() else {
        return;
    };
    let server = start();
    let softphone = pjsua(python, &server);
    let expected = Expected {
        quit: "quit",
        reason: "415 Unsupported Media Type; ",
        invites: 4,
    };
    check_life(server, vec![softphone], expected).await;
}

/// The interpreter that has pjsua: that of the virtual environment that `.ci/steps programs` makes.
fn python() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target")),
        PathBuf::from,
    );
    crate::support::programs::at(
        target.join("pjsua/bin/python"),
        "pjsua (.ci/steps programs)",
    )
}
