//! Data folders of earlier builds: phones, operators' changes, licences and trial are kept.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use serde_json::Value;
use tempfile::TempDir;
use uacsta_actors::licence::code::Issuer;

use crate::support::{
    process::{PASSWORDS, Serving},
    server::Server,
};

/// The folders of each layout: one of a server that was stopped, and one of a server that was killed.
const LAYOUTS: [&str; 2] = ["data-0.1/stopped", "data-0.1/killed"];

/// Each phone of `data-0.1`: name, last identity, whether it has listed a line, whether it is enabled.
const TELEPHONES: [(&str, &str, bool, bool); 16] = [
    ("00:04:13:00:00:d7", "sip:215@pbx.example", true, true),
    ("00:04:13:00:00:d8", "sip:216@pbx.example", true, true),
    ("00:04:13:00:00:d9", "sip:217@pbx.example", true, true),
    ("00:08:5d:00:00:eb", "235@pbx.example", true, true),
    ("00:08:5d:00:00:ec", "236@pbx.example", true, false),
    ("00:08:5d:00:00:ed", "237@pbx.example", true, true),
    ("00:09:52:00:00:f5", "sip:245@pbx.example", true, true),
    ("00:09:52:00:00:f6", "sip:246@pbx.example", true, true),
    ("0c:38:3e:00:00:ff", "sip:255@pbx.example:5060", true, true),
    ("0c:38:3e:00:01:00", "sip:256@pbx.example:5060", true, true),
    ("0c:38:3e:00:01:01", "sip:257@pbx.example:5060", true, true),
    ("80:5e:c0:00:00:e1", "sip:225@pbx.example:5060", true, true),
    ("80:5e:c0:00:00:e2", "sip:226@pbx.example:5060", true, true),
    ("80:5e:c0:00:00:e3", "sip:227@pbx.example:5060", true, true),
    ("301", "sip:301@pbx.example", false, true),
    // Listed under the MAC address in its User-Agent until now.
    ("302", "sip:302@pbx.example", false, true),
];

/// A copy of a folder of the fixtures.
fn copy_of(layout: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&fixture(layout), copy.path());
    copy
}

fn fixture(layout: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(layout)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

fn described(phone: &Value) -> (&str, &str, bool, bool) {
    (
        phone["id"].as_str().unwrap(),
        phone["identity"].as_str().unwrap(),
        phone["lines"]
            .as_array()
            .is_some_and(|lines| lines == &[phone["identity"].clone()]),
        phone["inOperation"].as_bool().unwrap(),
    )
}

#[tokio::test]
async fn phones_stored_by_an_earlier_build_are_listed_and_served() {
    for layout in LAYOUTS {
        let server = Server::of(uacsta::Server::default(), copy_of(layout));
        let (status, list) = server.http("GET", "/api/v1/phones", "").await;
        assert_eq!(status, 200, "{list}");
        let list: Value = serde_json::from_str(&list).unwrap();
        let listed: Vec<_> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(described)
            .collect();
        assert_eq!(listed, TELEPHONES, "{layout}");

        let phone = server.phone("0004130000d7");
        phone.start().await;
        phone.in_session().await;
        let off = server.phone("00085d0000ec");
        assert_eq!(off.register().await.status(), 200);
        let listed = server.listed("00:08:5d:00:00:ec").await;
        assert_eq!(listed["inOperation"], false, "{layout}");
    }
}

#[tokio::test]
async fn licences_and_trial_days_of_an_earlier_build_count() {
    for layout in LAYOUTS {
        let issuer = Issuer::with(&SigningKey::from_bytes(&[7; 32]));
        let server = Server::licensed_by(issuer, copy_of(layout));
        let (status, licences) = server.http("GET", "/api/v1/licenses", "").await;
        assert_eq!(status, 200, "{licences}");
        let licences: Value = serde_json::from_str(&licences).unwrap();
        let serials: Vec<_> = licences["licenses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|licence| (licence["serial"].as_u64(), licence["lines"].as_u64()))
            .collect();
        assert_eq!(serials, [(Some(7), Some(40)), (Some(8), Some(5))]);
        // Ten of its 45 days were used.
        let left = licences["evaluationSecondsLeft"].as_u64().unwrap();
        let days = 24 * 3600;
        assert!((34 * days..=35 * days).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn secrets_and_certificate_of_an_earlier_build_are_kept() {
    for layout in LAYOUTS {
        let server = Serving::start(copy_of(layout), PASSWORDS);
        let list = server.list().await;
        assert!(
            TELEPHONES.iter().all(|(name, ..)| list.contains(name)),
            "{layout}: {list}"
        );
        let data = server.kill();
        for file in ["secrets.toml", "certificate.pem", "key.pem", "admin.toml"] {
            assert_eq!(
                fs::read(data.path().join(file)).unwrap(),
                fs::read(fixture(layout).join(file)).unwrap(),
                "{layout}/{file}"
            );
        }
    }
}
