//! End of the trial and new licences: running calls continue and nothing is lost or restarted.

use std::{sync::Arc, time::Duration};

use ed25519_dalek::SigningKey;
use uacsta_actors::licence::code::{Issuer, Licence};

use crate::{
    panics::Trap,
    support::{
        PATIENCE,
        csta::{Call, element},
        phone::{Phone, Reaction},
        process::{Serving, run},
        server::Server,
    },
};

/// As long as the trial lasts.
pub(super) const TRIAL: u64 = 45 * 24 * 3600;

pub(super) fn issuer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A server that has run for so many seconds already.
fn after(seconds: u64) -> Server {
    Server::licensed_by(Issuer::with(&issuer()), used_for(seconds))
}

/// The data folder of such a server.
pub(super) fn used_for(seconds: u64) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("trial"), seconds.to_string()).unwrap();
    data
}

/// One phone and one line.
const ONE: Licence = Licence {
    serial: 1,
    phones: 1,
    lines: 1,
};

/// Waits until the trial is over.
async fn until_over(server: &Server) {
    let over = async {
        while !server
            .http("GET", "/api/v1/licenses", "")
            .await
            .1
            .contains("\"evaluationSecondsLeft\":0")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap();
}

pub(super) async fn add(server: &Server, licence: Licence) -> (u16, String) {
    let body = format!("{{\"code\": \"{}\"}}", licence.code(&issuer()));
    server.http("POST", "/api/v1/licenses", &body).await
}

async fn reload(server: &Server) {
    let (status, body) = server.http("POST", "/api/v1/settings/reload", "").await;
    assert_eq!(status, 200, "{body}");
}

/// Waits until a phone of the list is so.
async fn until_listed(server: &Server, mac: &str, status: &str) -> serde_json::Value {
    until_listed_for(server, mac, status, "").await
}

/// Waits until a phone of the list is so for a reason whose sentence contains this.
async fn until_listed_for(
    server: &Server,
    mac: &str,
    status: &str,
    reason: &str,
) -> serde_json::Value {
    let wait = async {
        loop {
            let listed = server.listed(mac).await;
            let why = listed["reason"]["detail"].as_str().unwrap_or_default();
            if listed["state"] == status && why.contains(reason) {
                return listed;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("{mac} is not {status}"))
}

#[tokio::test]
async fn trial_ends_after_the_last_call_and_a_licence_restores_service() {
    let server = after(TRIAL - 3);
    let phone = server.phone("000413000001");
    phone.start().await;
    let client = server.client().await;
    let mut session = client.open(phone.line()).await;
    session.watch(phone.line()).await;
    let call = Call::seen_by(phone.line(), "-12", phone.line(), "sip:300@pbx.example");
    for (event, name) in [
        (call.initiated(), "ServiceInitiatedEvent"),
        (call.originated(), "OriginatedEvent"),
        (call.delivered(), "DeliveredEvent"),
    ] {
        phone.event(&event).await.expect(200);
        session.expect(name).await;
    }
    // Another phone, which comes after the end, is let in and listed, and not controlled.
    until_over(&server).await;
    let late = server.phone("000413000002");
    late.register().await.expect(200);
    until_listed_for(&server, "00:04:13:00:00:02", "registered", "licence").await;

    // The call goes on to its end, with every event and request.
    phone.event(&call.established()).await.expect(200);
    session.expect("EstablishedEvent").await;
    session.done("GetDoNotDisturb", "").await;
    phone.event(&call.cleared()).await.expect(200);
    session.expect("ConnectionClearedEvent").await;
    session.expect("OutOfServiceEvent").await;
    let (_, value) = session.refused("GetDoNotDisturb", "").await;
    assert_eq!(value, "deviceOutOfService");
    phone.until_received("BYE", 1).await;
    until_listed(&server, "00:04:13:00:00:01", "registered").await;
    assert_eq!(
        late.count("INVITE"),
        0,
        "nothing is sent to a phone without a licence"
    );

    // One licence for one phone: who has waited longest gets it, and the line that a client has held all the time is back.
    let (status, body) = add(&server, ONE).await;
    assert_eq!(status, 201, "{body}");
    session.expect("BackInServiceEvent").await;
    session.done("GetDoNotDisturb", "").await;
    assert_eq!(
        server.listed("00:04:13:00:00:02").await["state"],
        "registered"
    );
    let (status, body) = add(&server, ONE).await;
    assert!(status == 409 && body.contains("was added before"), "{body}");
    let (status, _) = add(&server, Licence { serial: 2, ..ONE }).await;
    assert_eq!(status, 201);
    until_listed(&server, "00:04:13:00:00:02", "controlled").await;
    let kept = uacsta_config::load(None, Some(server.data())).unwrap();
    assert_eq!(kept.licenses.codes.len(), 2);
}

#[tokio::test]
async fn code_added_to_the_file_counts_beside_codes_added_at_run_time() {
    let server = after(TRIAL);
    assert_eq!(add(&server, ONE).await.0, 201);
    let file = tempfile::tempdir().unwrap();
    let file = file.path().join("uacsta.toml");
    let [known, other] = [1, 2].map(|serial| Licence { serial, ..ONE }.code(&issuer()));
    std::fs::write(
        &file,
        format!("[licenses]\ncodes = [{known:?}, {other:?}]\n"),
    )
    .unwrap();
    let settings = uacsta_config::load(Some(&file), Some(server.data())).unwrap();
    assert_eq!(settings.licenses.codes, [known, other]);
    // An invalid code is reported where it stands.
    std::fs::write(&file, "[licenses]\ncodes = [\n'AAAA',\n]\n").unwrap();
    let settings = uacsta_config::load(Some(&file), Some(server.data())).unwrap();
    let program = uacsta::Server::default().licensed_by(Issuer::with(&issuer()));
    let error = program.check(&settings, None).errors[0].to_string();
    assert!(
        error.contains("uacsta.toml") && error.contains("line 3"),
        "{error}"
    );
}

#[tokio::test]
async fn refused_code_does_not_count_after_the_next_reload() {
    let server = after(TRIAL);
    let profiles = server.data().join("phones");
    std::fs::create_dir(&profiles).unwrap();
    std::fs::write(profiles.join("snom.toml"), "rubbish").unwrap();
    let (status, body) = add(&server, ONE).await;
    assert!(
        status == 422 && body.contains("configuration is unchanged"),
        "{body}"
    );
    std::fs::remove_dir_all(&profiles).unwrap();
    let serials = async || {
        let licenses = server.get("/api/v1/licenses").await["licenses"].take();
        let licenses = licenses.as_array().cloned().unwrap();
        let serials = licenses.iter().map(|one| one["serial"].as_u64());
        serials.collect::<Vec<_>>()
    };
    assert_eq!(add(&server, Licence { serial: 2, ..ONE }).await.0, 201);
    assert_eq!(serials().await, [Some(2)]);
    assert_eq!(add(&server, ONE).await.0, 201);
    assert!(serials().await.contains(&Some(1)));
}

#[tokio::test]
async fn licence_is_removed_where_it_was_added() {
    let server = after(TRIAL);
    assert_eq!(add(&server, ONE).await.0, 201);
    let phone = server.phone("000413000001");
    phone.start().await;
    let (status, body) = server.http("DELETE", "/api/v1/licenses/1", "").await;
    assert_eq!(status, 204, "{body}");
    phone.until_received("BYE", 1).await;
    let (status, body) = server.http("DELETE", "/api/v1/licenses/1", "").await;
    assert_eq!(status, 404, "{body}");
    let kept = uacsta_config::load(None, Some(server.data())).unwrap();
    assert_eq!(kept.licenses.codes.len(), 0);
}

#[tokio::test]
async fn removed_file_does_not_begin_the_trial_again() {
    for name in ["trial", "telephones.time"] {
        let server = after(TRIAL);
        let data = server.data().to_owned();
        let server = server.restart(|_| {});
        // While it is stopped: as it stops it writes both.
        let server = server.restart(|_| std::fs::remove_file(data.join(name)).unwrap());
        let (_, body) = server.http("GET", "/api/v1/licenses", "").await;
        assert!(
            body.contains("\"evaluationSecondsLeft\":0"),
            "{name}: {body}"
        );
    }
}

#[tokio::test]
async fn freed_licence_goes_to_a_waiting_line() {
    let server = after(TRIAL);
    assert_eq!(add(&server, ONE).await.0, 201);
    let first = server.phone("000413000001");
    first.start().await;
    let second = server.phone("000413000002");
    second.register().await.expect(200);
    until_listed(&server, "00:04:13:00:00:02", "registered").await;
    first.unregister().await.expect(200);
    until_listed(&server, "00:04:13:00:00:02", "controlled").await;

    // One line, two watchers: one seat. Another line: none, until both have left.
    let third = server.phone_as("000413000002", |setup| {
        setup.identities.push("sip:other@pbx.example".to_owned());
    });
    third.start().await;
    until_listed(&server, "00:04:13:00:00:02", "controlled").await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    let reference = session.watch(third.line()).await;
    let again = session.watch(third.line()).await;
    let other = session.monitor("sip:other@pbx.example").await;
    session.expect("OutOfServiceEvent").await;
    session.unwatch(&reference).await;
    session.unwatch(&again).await;
    session.expect("BackInServiceEvent").await;
    session.unwatch(&other).await;
}

#[tokio::test]
async fn few_free_licences_are_warned_of_and_their_holders_listed() {
    let server = after(TRIAL - 3600);
    let warned = async || server.get("/api/v1/licenses").await["warnings"].clone();
    assert_eq!(warned().await[0]["code"], "trialEnds");
    let server = after(TRIAL);
    let warned = async || server.get("/api/v1/licenses").await["warnings"].clone();
    assert_eq!(warned().await[0]["code"], "trialOver");
    assert_eq!(add(&server, ONE).await.0, 201);
    assert_eq!(warned().await, serde_json::json!([]));
    server.phone("000413000001").start().await;
    until_listed(&server, "00:04:13:00:00:01", "controlled").await;
    assert_eq!(warned().await[0]["code"], "fewPhones");
    let status = server.get("/api/v1/status").await["warnings"].to_string();
    assert!(status.contains("1 of 1 licensed phones"), "{status}");
    server.phone("000413000002").register().await.expect(200);
    until_listed(&server, "00:04:13:00:00:02", "registered").await;
    let holders = server.get("/api/v1/licenses/holders").await;
    let state = |at: usize| {
        (
            &holders["items"][at]["phone"],
            &holders["items"][at]["state"],
        )
    };
    let expected = [
        ("00:04:13:00:00:01", "holding"),
        ("00:04:13:00:00:02", "waiting"),
    ];
    for (at, (phone, is)) in expected.into_iter().enumerate() {
        assert_eq!(state(at), (&phone.into(), &is.into()), "{holders}");
    }
}

#[tokio::test]
async fn wall_clock_does_not_end_the_trial() {
    let server = after(TRIAL - 3600);
    let left = |body: &str| {
        let told: serde_json::Value = serde_json::from_str(body).unwrap();
        told["evaluationSecondsLeft"].as_u64().unwrap()
    };
    let (_, body) = server.http("GET", "/api/v1/licenses", "").await;
    let first = left(&body);
    assert!((3590..=3600).contains(&first), "{body}");
    // What is left is kept, and a restart begins nothing anew.
    let server = server.restart(|_| {});
    let (_, body) = server.http("GET", "/api/v1/licenses", "").await;
    assert!(left(&body) <= first && left(&body) > 3500, "{body}");
}

#[tokio::test]
async fn only_surplus_licences_are_withdrawn_and_requests_finish() {
    // Whose turn is when differs from run to run.
    let server = after(TRIAL).restart(|settings| settings.advanced.arbiters = 3);
    let licences = [(1, 10), (2, 1), (3, 1)].map(|(serial, phones)| Licence {
        serial,
        phones,
        ..ONE
    });
    for licence in licences {
        assert_eq!(add(&server, licence).await.0, 201);
    }
    let phones: Vec<Phone> = (10..22)
        .map(|number| server.phone(&format!("0004130000{number}")))
        .collect();
    for phone in &phones {
        phone.start().await;
    }
    let count = |what| phones.iter().map(|phone| phone.count(what)).sum::<usize>();
    let only = async |left: &[Licence]| {
        let codes = left.iter().map(|licence| licence.code(&issuer()));
        let file = format!("[licenses]\ncodes = {:?}\n", codes.collect::<Vec<_>>());
        std::fs::write(server.data().join("admin.toml"), file).unwrap();
        reload(&server).await;
    };
    let ended = async |phones| {
        let wait = async {
            while count("BYE") < phones {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
        let in_use = format!("\"phones\":{{\"used\":{0},\"licensed\":{0},", 12 - phones);
        let (_, body) = server.http("GET", "/api/v1/licenses", "").await;
        assert!(body.contains(&in_use), "{body}");
        assert_eq!((count("BYE"), count("INVITE")), (phones, 12));
    };
    only(&licences[..2]).await;
    ended(1).await;
    assert_eq!(phones[11].count("BYE"), 1, "the newest first");

    let session = server.client().await.open_server().await;
    let mut answers = Vec::new();
    for phone in phones.iter().filter(|phone| phone.count("BYE") == 0) {
        phone.once("GetDoNotDisturb", Reaction::Late(Duration::from_secs(2)));
        let device = element("device", phone.line());
        answers.push(session.begin("GetDoNotDisturb", &device));
        phone.until_received("GetDoNotDisturb", 1).await;
    }
    only(&licences[..1]).await;
    for answer in &mut answers {
        let answer = crate::support::wire::final_of(answer).await.unwrap();
        assert!(
            answer.body.contains("GetDoNotDisturbResponse"),
            "{}",
            answer.body
        );
    }
    ended(2).await;
    assert_eq!(phones[10].count("BYE"), 1, "then the one before");
}

#[tokio::test]
async fn busy_phone_without_a_licence_gets_monitor_stop_and_bye_after_its_answer() {
    let server = after(TRIAL);
    assert_eq!(add(&server, ONE).await.0, 201);
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    phone.once("GetDoNotDisturb", Reaction::Late(Duration::from_secs(2)));
    let mut answer = session.begin("GetDoNotDisturb", "");
    phone.until_received("GetDoNotDisturb", 1).await;
    std::fs::write(server.data().join("admin.toml"), "").unwrap();
    reload(&server).await;
    let answer = crate::support::wire::final_of(&mut answer).await.unwrap();
    assert!(
        answer.body.contains("GetDoNotDisturbResponse"),
        "{}",
        answer.body
    );
    session.expect("OutOfServiceEvent").await;
    phone.until_received("BYE", 1).await;
    assert_eq!(phone.count("MonitorStop"), 1);
}

#[tokio::test]
async fn returning_phone_still_needs_a_licence_for_its_line() {
    let server = after(TRIAL);
    assert_eq!(add(&server, Licence { phones: 2, ..ONE }).await.0, 201);
    let (first, second) = (server.phone("000413000021"), server.phone("000413000022"));
    first.start().await;
    second.start().await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(first.line()).await;
    session.monitor(second.line()).await;
    session.expect("OutOfServiceEvent").await;
    second.reboot();
    second.start().await;
    // Whatever its return set going has been done when this is answered.
    session
        .done("GetDoNotDisturb", &element("device", second.line()))
        .await;
    assert_eq!(second.count("MonitorStart"), 0);
    session.unwatch(&reference).await;
    session.expect("BackInServiceEvent").await;
    assert_eq!(second.count("MonitorStart"), 1);
}

/// B10: a line loses its licence while the phone is at its MonitorStart.
#[tokio::test]
async fn monitor_started_after_licence_withdrawal_is_stopped() {
    let server = after(TRIAL);
    let held = |serial, lines| Licence {
        serial,
        phones: 1,
        lines,
    };
    for licence in [held(1, 0), held(2, 1)] {
        assert_eq!(add(&server, licence).await.0, 201);
    }
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut session = server.client().await.open_server().await;
    phone.once("MonitorStart", Reaction::Late(Duration::from_secs(3)));
    session.monitor(phone.line()).await;
    phone.until_received("MonitorStart", 1).await;
    let left = format!("[licenses]\ncodes = [{:?}]\n", held(1, 0).code(&issuer()));
    std::fs::write(server.data().join("admin.toml"), left).unwrap();
    reload(&server).await;
    session.expect("OutOfServiceEvent").await;
    phone.until_received("MonitorStop", 1).await;
    phone
        .until("no monitor", |state| {
            state.monitors.is_empty().then_some(())
        })
        .await;
    assert_eq!(add(&server, held(3, 1)).await.0, 201);
    session.expect("BackInServiceEvent").await;
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (2, 1)
    );
}

#[tokio::test]
async fn restarted_licensing_keeps_counts_and_waiting_lines() {
    let trap = Trap::new();
    let program = uacsta::Server::default().by(trap.clone() as Arc<_>);
    let program = program.licensed_by(Issuer::with(&issuer()));
    let server = Server::of(program, used_for(TRIAL));
    assert_eq!(add(&server, ONE).await.0, 201);
    let (first, second) = (server.phone("000413000031"), server.phone("000413000032"));
    first.start().await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(first.line()).await;
    second.register().await.expect(200);
    until_listed(&server, "00:04:13:00:00:32", "registered").await;
    for failed in 1..=3 {
        // The API reads the clock for its rate limit, then licensing does.
        trap.spring_at(2);
        let (status, body) = server.http("GET", "/api/v1/licenses", "").await;
        assert_eq!(status, 503, "{body}");
        server.until_failed(failed).await;
        let (status, body) = server.http("GET", "/api/v1/licenses", "").await;
        assert_eq!(status, 200, "{body}");
        for counts in [
            r#""phones":{"used":1,"licensed":1,"free":0}"#,
            r#""lines":{"used":1,"licensed":1,"free":0}"#,
        ] {
            assert!(body.contains(counts), "{body}");
        }
    }
    // Who had a seat has noticed nothing, and who waits still does and says why.
    let line = first.line();
    let event = Call::seen_by(line, "s", line, "102").originated();
    first.event(&event).await.expect(200);
    session.expect("OriginatedEvent").await;
    let listed = until_listed(&server, "00:04:13:00:00:32", "registered").await;
    let reason = listed["reason"]["detail"].as_str().unwrap_or_default();
    assert!(reason.contains("licence"), "{listed}");
    assert_eq!((first.count("INVITE"), second.count("INVITE")), (1, 0));
    session.unwatch(&reference).await;
    first.unregister().await.expect(200);
    until_listed(&server, "00:04:13:00:00:32", "controlled").await;
    session.watch(second.line()).await;
}

/// What a command says when it ends with that exit code.
fn said(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8(words).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    words
}

#[test]
fn command_line_creates_keys_and_codes_and_shows_licences() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issuer.key");
    let key = file.to_str().unwrap();
    let words = said(0, &["licenses", "key", key]);
    let public = words
        .split_once("UACSTA_ISSUER=")
        .and_then(|(_, rest)| rest.split(' ').next())
        .unwrap();
    let issuer = Issuer::of(public).unwrap();
    let words = said(1, &["licenses", "key", key]);
    assert!(words.contains("exists; overwriting"), "{words}");

    let issue = [
        "licenses", "issue", "--serial", "7", "--phones", "25", "--key",
    ];
    let code = said(0, &[&issue[..], &[key]].concat());
    let licence = Licence {
        serial: 7,
        phones: 25,
        lines: 25,
    };
    assert_eq!(issuer.read(&code), Ok(licence));
    let (missing, other) = (folder.path().join("none"), folder.path().join("other"));
    std::fs::write(&other, "secret").unwrap();
    for (file, wrong) in [
        (missing, "cannot be read"),
        (other, "is not an issuer's key"),
    ] {
        let words = said(2, &[&issue[..], &[file.to_str().unwrap()]].concat());
        assert!(words.contains(wrong), "{words}");
    }

    // The program that the tests are built with has no issuer: it limits nothing, and takes no code.
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let data = ["--data", server.data().to_str().unwrap()];
    let words = said(0, &[&["licenses"], &data[..]].concat());
    assert!(words.contains("phones   0 in use, not limited"), "{words}");
    let words = said(0, &[&["licenses", "show", "--json"], &data[..]].concat());
    assert!(words.contains("\"evaluationSecondsLeft\""), "{words}");
    let words = said(1, &[&["licenses", "add", code.trim()], &data[..]].concat());
    assert!(words.contains("built without an issuer"), "{words}");
}

#[test]
fn licence_of_nothing_is_not_issued() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issuer.key");
    let key = file.to_str().unwrap();
    said(0, &["licenses", "key", key]);
    for option in ["--serial", "--phones", "--lines"] {
        let mut arguments = vec!["licenses", "issue", "--key", key];
        for (name, number) in [("--serial", "7"), ("--phones", "25"), ("--lines", "25")] {
            arguments.extend([name, if name == option { "0" } else { number }]);
        }
        let words = said(2, &arguments);
        assert!(
            words.contains(option) && words.contains("must be a whole number from 1 to 4294967295"),
            "{words}"
        );
    }
}
