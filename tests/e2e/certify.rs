//! `uacsta certify` compared with the profiles of simulated phones of every maker.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use uacsta_connect::ServerAddress;
use uacsta_schema::csta::LocalConnectionState;
use uacsta_simulator::{Fleet, FleetOptions, Maker, Phone};

use crate::support::{
    PATIENCE, maker,
    phone::Reaction,
    process::{PASSWORDS, Serving, finish, program},
    server::{PHONES_PASSWORD, Server},
};

/// Two phones of each maker, whose lines are 215 and 216, 225 and 226 ...
pub(super) async fn fleet(server: &Server, makers: &[Maker]) -> Fleet {
    let documents = Arc::clone(&server.documents);
    let at = ServerAddress::new(&server.addresses.phones_tcp.unwrap().to_string(), None).unwrap();
    let password = server.settings.phones.password.expose();
    let mut options = FleetOptions::new(at, password).tapped(Arc::new(move |_, document| {
        documents.received(std::str::from_utf8(document).unwrap());
    }));
    for (maker, first) in makers.iter().zip((215..).step_by(10)) {
        options = options.phones(maker, 2, first);
    }
    let fleet = Fleet::start(options).await.unwrap();
    fleet.ready().await;
    fleet
}

/// `uacsta certify`, told where the server's data is and where to save.
fn certify(server: &Server, mac: &str, folder: &Path) -> Command {
    certify_at(server.data(), mac, folder)
}

fn certify_at(data: &Path, mac: &str, folder: &Path) -> Command {
    let mut command = program();
    command
        .args(["certify", mac, "--data"])
        .arg(data)
        .arg("--save")
        .arg(folder);
    command
}

fn saved(folder: &Path, mac: &str) -> (Value, String) {
    let read = |ending: &str| {
        std::fs::read_to_string(folder.join(format!("certify-{mac}.{ending}"))).unwrap()
    };
    (serde_json::from_str(&read("json")).unwrap(), read("md"))
}

/// The row of a service.
fn row<'a>(report: &'a Value, service: &str) -> &'a Value {
    let rows = report["services"].as_array().unwrap();
    let row = rows.iter().find(|row| row["service"] == service);
    row.unwrap_or_else(|| panic!("{service} is not in {report:#}"))
}

/// Every service is tried, in calls too, and each maker's phone turns out to be what its table makes it.
#[test]
fn certify_recognises_phones_of_each_maker() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &Maker::shipped()).await;
        let folder = tempfile::tempdir().unwrap();
        let phones: Vec<_> = fleet.phones().iter().step_by(2).collect();
        // They take their calls at the same time.
        let children: Vec<_> = phones
            .iter()
            .map(|phone| {
                let number: u32 = phone.device().user().parse().unwrap();
                let caller = (number + 1).to_string();
                certify(&server, &phone.mac().bare(), folder.path())
                    .args(["--call", "0401234567", "--caller", &caller])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for ((child, phone), table) in children.into_iter().zip(phones).zip(maker::Maker::all()) {
            let ended = child.wait_with_output().unwrap();
            let (said, complained) = (
                String::from_utf8_lossy(&ended.stdout),
                String::from_utf8_lossy(&ended.stderr),
            );
            assert!(ended.status.success(), "{complained}{said}");
            assert!(
                said.contains("The phone does what its profile says."),
                "{said}"
            );
            let (report, markdown) = saved(folder.path(), &phone.mac().bare());
            assert_eq!(report["maker"], table.name.as_str());
            assert_eq!(report["model"], table.model.as_str());
            assert_eq!(report["contradictions"], 0);
            for row in report["services"].as_array().unwrap() {
                let service = row["service"].as_str().unwrap();
                let has = !table.lacks.iter().any(|lacking| lacking == service);
                match row["has"].as_bool() {
                    Some(found) => assert_eq!(found, has, "{}: {row}", table.name),
                    None => assert_eq!(row["phone"], "not tried", "{}: {row}", table.name),
                }
                assert!(markdown.contains(&format!("| {service} | ")), "{markdown}");
            }
            for done in DONE {
                let found = &row(&report, done)["phone"];
                assert_eq!(found, "done", "{}: {done}\n{said}", table.name);
            }
            assert!(phone.calls().await.is_empty(), "it leaves no call behind");
        }
    });
}

/// Yealink's phones refuse by a bare 501 what they lack and what is not there.
#[test]
fn certify_reports_no_deviation_for_a_uniformly_refusing_phone() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &[Maker::yealink()]).await;
        let folder = tempfile::tempdir().unwrap();
        let mac = fleet.phones()[0].mac().bare();
        let ended = certify(&server, &mac, folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{said}");
        let (report, _) = saved(folder.path(), &mac);
        assert_eq!(report["contradictions"], 0);
        for untold in ["AnswerCall", "HoldCall", "DialDigits"] {
            assert_eq!(row(&report, untold)["phone"], "not tried", "{said}");
        }
        assert_eq!(row(&report, "SetForwarding")["phone"], "done", "{said}");
        assert_eq!(row(&report, "SystemRegister")["has"], false, "{said}");
    });
}

/// What each of the five does in a call, or with one that rings.
const DONE: &[&str] = &[
    "MakeCall",
    "AnswerCall",
    "HoldCall",
    "RetrieveCall",
    "GenerateDigits",
    "ConsultationCall",
    "ReconnectCall",
    "ConferenceCall",
    "TransferCall",
    "SingleStepTransferCall",
    "DeflectCall",
    "ClearConnection",
    "SnapshotDevice",
    "MonitorStop",
    "SetForwarding",
];

/// `uacsta simulate` as a child; it is killed when dropped.
struct Simulating(Child);

impl Drop for Simulating {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A phone of the maker in that file, once the server has its line.
async fn simulated(server: &Server, file: &Path) -> Simulating {
    let phone = program()
        .args(["simulate", "--phones", "1", "--server"])
        .arg(server.addresses.phones_tcp.unwrap().to_string())
        .arg("--maker-file")
        .arg(file)
        .env(
            "UACSTA_PHONES_PASSWORD",
            server.settings.phones.password.expose(),
        )
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let phone = Simulating(phone);
    until(server, "state", "controlled").await;
    until(server, "lines", "sip:215@pbx.example").await;
    phone
}

/// Waits until the phone list says that of the phone.
async fn until(server: &Server, key: &str, says: &str) {
    let wait = async {
        loop {
            let told = &server.listed("00:04:13:00:00:d7").await[key];
            if told == says || told == &serde_json::json!([says]) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

/// A phone, played from a file, lacks what its profile has and has what it lacks. What certify has found is a profile.
#[test]
fn certify_reports_phone_that_contradicts_its_profile() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let folder = tempfile::tempdir().unwrap();
        let table = include_str!("../../tools/simulator/makers/snom.toml")
            .replace("\"SnapshotCall\"", "\"HoldCall\"")
            .replace("refusal = 200", "refusal = 405");
        let file = folder.path().join("odd.toml");
        std::fs::write(&file, table).unwrap();
        let phone = simulated(&server, &file).await;

        let ended = finish(&mut certify(&server, "00:04:13:00:00:d7", folder.path()));
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let complained = String::from_utf8_lossy(&ended.stderr);
        let two = "contradicts its profile in 2 services";
        assert!(complained.contains(two), "{complained}");
        for told in [
            "- HoldCall: the profile has it, the phone does not",
            "- SnapshotCall: the profile lacks it, the phone knows it",
        ] {
            assert!(said.contains(told), "{said}");
        }
        let (report, markdown) = saved(folder.path(), "0004130000d7");
        assert_eq!(row(&report, "HoldCall")["profile"], "8.7.3");
        assert_eq!(row(&report, "MakeCall")["phone"], "not tried");
        assert_eq!(row(&report, "AlternateCall")["contradiction"], Value::Null);
        drop(phone);

        // What was found takes the place of the services in the shipped profile.
        let shipped = include_str!("../../config/phones/snom.toml");
        let (head, _) = shipped.split_once("[services]").unwrap();
        let (_, found) = markdown.split_once("```toml\n").unwrap();
        let (found, _) = found.split_once("```").unwrap();
        std::fs::create_dir(server.data().join("phones")).unwrap();
        let profile = server.data().join("phones/snom.toml");
        std::fs::write(profile, format!("{head}{found}")).unwrap();
        let server = server.restart(|_| {});
        let _phone = simulated(&server, &file).await;
        let ended = finish(&mut certify(&server, "00:04:13:00:00:d7", folder.path()));
        let complained = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{complained}");
    });
}

#[test]
fn certify_leaves_unsuitable_phone_alone() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &[Maker::snom()]).await;
        let folder = tempfile::tempdir().unwrap();
        let mac = fleet.phone(0).mac().bare();
        let refused = |mac: &str, arguments: &[&str], code: i32, says: &str| {
            let ended = finish(certify(&server, mac, folder.path()).args(arguments));
            let complained = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(code), "{complained}");
            assert!(complained.contains(says), "{complained}");
        };
        refused(
            "0004130000ff",
            &[],
            1,
            "no phone 00:04:13:00:00:ff in the phone list",
        );
        refused(&mac, &["--line", "999"], 2, "its lines are: 215");
        refused(
            &mac,
            &["--call", "1", "--caller", "999"],
            2,
            "has the line 999",
        );
        refused(
            &mac,
            &["--call", "1", "--caller", "215"],
            2,
            "a line of the phone itself",
        );
        refused(&mac, &["--call", "0301"], 1, "0301 does not answer");
        assert!(fleet.phone(0).calls().await.is_empty());
        fleet.phone(0).dial("216").await.unwrap();
        refused(&mac, &[], 1, "is in a call; certify it when it is idle");
        fleet.phone(0).hang_up().await.unwrap();
        fleet.phone(0).go_away();
        fleet.phone(0).is_away().await;
        until(&server, "state", "away").await;
        refused(&mac, &[], 1, "cannot be asked: ");
    });
}

/// The report's folder is checked first: the tries take minutes and disturb the phone.
#[test]
fn certify_that_cannot_save_its_report_asks_the_phone_nothing() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let phone = server.phone("000413000001");
        phone.start().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let requests = || phone.count("INVITE") + phone.count("INFO");
        let before = requests();
        for wrong in [folder.path().join("missing"), file] {
            let mut command = certify(&server, "000413000001", &wrong);
            let ended = tokio::task::spawn_blocking(move || finish(&mut command));
            let ended = ended.await.unwrap();
            let complained = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(2), "{complained}");
            let words = format!("cannot write into the folder {} (--save)", wrong.display());
            assert!(complained.contains(&words), "{complained}");
        }
        assert_eq!(requests(), before, "the phone is not asked");
    });
}

/// Waits until a call of the phone rings at its other end.
pub(super) async fn hears_ringing(phone: &Phone) {
    let rings = |(_, state): &(_, LocalConnectionState)| *state == LocalConnectionState::ALERTING;
    let wait = async {
        while !phone
            .calls()
            .await
            .iter()
            .any(|call| call.others.iter().any(rings))
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

/// Sends the signal of Ctrl-C; exit code and standard error.
async fn interrupted(child: Child) -> (Option<i32>, String) {
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    ended(child).await
}

/// Exit code and standard error of a child, which may need the phones of this thread.
async fn ended(child: Child) -> (Option<i32>, String) {
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output());
    let ended = ended.await.unwrap().unwrap();
    let complained = String::from_utf8(ended.stderr).unwrap();
    (ended.status.code(), complained)
}

/// A number that rings for ever.
pub(super) const RINGS: &str = "0101";

#[test]
fn interrupted_certify_clears_its_calls() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &[Maker::snom()]).await;
        let folder = tempfile::tempdir().unwrap();
        let mut command = certify(&server, &fleet.phone(0).mac().bare(), folder.path());
        command.args(["--call", RINGS]).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        hears_ringing(&fleet.phone(0)).await;
        let (code, complained) = interrupted(child).await;
        assert_eq!(code, Some(130), "{complained}");
        let cleared = "interrupted; the calls of 215 are cleared\n";
        assert!(complained.ends_with(cleared), "{complained}");
        assert!(fleet.phone(0).calls().await.is_empty());
    });
}

#[test]
fn interrupted_certify_stops_its_monitor() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let phone = server.phone("0004130000d7");
        phone.start().await;
        until(&server, "state", "controlled").await;
        let late = Reaction::Late(Duration::from_secs(3));
        phone.once("ChangeMonitorFilter", late);
        let folder = tempfile::tempdir().unwrap();
        let mut command = certify(&server, "0004130000d7", folder.path());
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        phone.until_received("ChangeMonitorFilter", 1).await;
        let (code, complained) = interrupted(child).await;
        assert_eq!(code, Some(130), "{complained}");
        let stopped = "interrupted; the monitor of 00d7 is stopped\n";
        assert!(complained.ends_with(stopped), "{complained}");
        assert_eq!(phone.count("MonitorStop"), 1);
    });
}

#[test]
fn certify_says_what_it_leaves_at_the_phone_when_the_server_ends() {
    actix_rt::System::new().block_on(async {
        let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
        let at = ServerAddress::new(&server.phones.to_string(), None).unwrap();
        let options = FleetOptions::new(at, PHONES_PASSWORD);
        let fleet = Fleet::start(options.phones(&Maker::snom(), 1, 215)).await;
        let fleet = fleet.unwrap();
        fleet.ready().await;
        let folder = tempfile::tempdir().unwrap();
        let mac = fleet.phone(0).mac().bare();
        let mut command = certify_at(server.data(), &mac, folder.path());
        command.args(["--call", RINGS]).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        hears_ringing(&fleet.phone(0)).await;
        let data = server.kill();
        let (code, complained) = ended(child).await;
        assert_eq!(code, Some(1), "{complained}");
        let left = "; left at the phone: calls of 215\n";
        assert!(complained.ends_with(left), "{complained}");
        drop(data);
    });
}
