//! linphone, baresip and pjsua as phones. None of them speaks CSTA: the server asks once and leaves them in peace.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

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

/// One process for each user: linphone has one call that rings at a time.
fn linphone(program: &Path, server: &Serving, (user, transport): (&str, &str)) -> Program {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".local/share/linphone")).unwrap();
    // It takes no address from a certificate.
    let host = if transport == "tls" {
        "localhost"
    } else {
        "127.0.0.1"
    };
    let settings = format!(
        "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\nroot_ca={}\n[rtp]\naudio_rtp_port=-1\n\
         [proxy_0]\nreg_proxy=<sip:{host}:{};transport={transport}>\nreg_identity=sip:{user}@{host}\n\
         reg_expires={EXPIRES}\nreg_sendregister=1\n\
         [auth_info_0]\nusername={user}\npasswd={PASSWORD}\nrealm=uacsta\n",
        authority(server),
        port(server, transport)
    );
    std::fs::write(folder.path().join("linphonerc"), settings).unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .args(["-c", "linphonerc", "-d", "6", "-l", "trace"]);
    Program::start(command, folder, Some("trace"))
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
    let phones = list["items"].as_array().unwrap();
    let found = phones.iter().find(|phone| phone["id"] == user);
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
    /// Whether it comes back to a restarted server within seconds.
    returns: bool,
    /// What the sentence of the reason in the phone list says.
    reason: &'static str,
    /// How many INVITEs may come until it refreshes its registration: with back-off, four in 12 s.
    invites: usize,
}

/// What every softphone does: it registers over each transport, is asked for a session, refreshes its registration,
/// registers again with a server that was restarted if it does so soon, and logs off. `softphones` are one for all users, or one for each.
async fn check_life(mut server: Serving, mut softphones: Vec<Program>, expected: Expected) {
    for round in 1..=1 + usize::from(expected.returns) {
        let users = || USERS.iter().zip(softphones.iter().cycle());
        let mut asked = Vec::new();
        for ((user, _), softphone) in users() {
            softphone
                .until("a registration", 2 * round - 1, |sip| sip.registers(user))
                .await;
            let refused = |phone: &Value| {
                let reason = phone["reason"]["detail"].as_str();
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
        if round == 1 && expected.returns {
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
        until_listed(&server, user, "away", |phone| phone["state"] == "away").await;
    }
    assert_eq!(server.metric("uacsta_phones_connected").await, 0);
    assert_eq!(server.metric("uacsta_panics_total").await, 0);
}

fn start() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), SETTINGS)
}

/// linphone rings on any INVITE, and nobody is there to answer.
#[tokio::test]
async fn linphone_is_cancelled_after_2_s_and_not_rung_again() {
    let Some(program) = find("linphonec", "linphone-cli") else {
        return;
    };
    let server = start();
    let softphones: Vec<Program> = USERS
        .iter()
        .map(|user| linphone(&program, &server, *user))
        .collect();
    for ((user, _), softphone) in USERS.iter().zip(&softphones) {
        softphone
            .until("ringing", 1, |sip| sip.is("180", user))
            .await;
        softphone
            .until("a CANCEL", 1, |sip| sip.is("CANCEL", user))
            .await;
        softphone
            .until("the end of the call", 1, |sip| sip.is("487", user))
            .await;
    }
    let expected = Expected {
        quit: "quit",
        // It waits for a minute.
        returns: false,
        reason: "The phone rang",
        invites: 1,
    };
    check_life(server, softphones, expected).await;
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
        returns: true,
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
        returns: true,
        reason: "415 Unsupported Media Type",
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
