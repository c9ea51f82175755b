//! Tests of the audit log on disk: order, bounds, age, a full disk and masked secrets.
#![allow(clippy::unwrap_used)]

use std::{fs, time::Duration};

use serde_json::json;
use uacsta_config::Settings;

use super::*;
use crate::texts::Language;

fn settings() -> Audit {
    Settings::builtin().audit
}

fn entry(operation: &str) -> Entry {
    Entry::new(operation, Timestamp::now())
}

fn all(log: &AuditLog) -> Vec<Entry> {
    let query = Query {
        limit: 1 << 20,
        ..Query::default()
    };
    log.read(&query).unwrap()
}

#[actix_web::test]
async fn entries_are_read_latest_first_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let log = AuditLog::open(folder.path(), &settings()).unwrap();
        for number in 0..3 {
            log.record(entry(&format!("operation{}", round * 3 + number)))
                .await;
        }
        let ids: Vec<u64> = all(&log).iter().map(|entry| entry.id).collect();
        let expected: Vec<u64> = (1..=round * 3 + 3).rev().collect();
        assert_eq!(ids, expected);
    }
    let log = AuditLog::open(folder.path(), &settings()).unwrap();
    let query = Query {
        before: Some(6),
        limit: 2,
        ..Query::default()
    };
    let page: Vec<_> = log.read(&query).unwrap();
    let page: Vec<u64> = page.iter().map(|entry| entry.id).collect();
    assert_eq!(
        page,
        [5, 4, 3],
        "one more than the limit, since there are more"
    );
}

#[actix_web::test]
async fn filters_choose_entries() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path(), &settings()).unwrap();
    let at = |second| Timestamp::from_second(Timestamp::now().as_second() - 100 + second).unwrap();
    for (who, operation, second) in [("anna", "a", 1), ("Bert", "a", 2), ("anna", "b", 3)] {
        let entry = Entry {
            who: Some(who.to_owned()),
            after: json!({ "name": format!("Value{second}") }),
            ..Entry::new(operation, at(second))
        };
        log.record(entry).await;
    }
    let query = || Query {
        limit: 10,
        ..Query::default()
    };
    for (query, expected) in [
        (query(), &[3, 2, 1][..]),
        (
            Query {
                who: Some("ANNA".into()),
                ..query()
            },
            &[3, 1],
        ),
        (
            Query {
                who: Some("ann".into()),
                ..query()
            },
            &[],
        ),
        (
            Query {
                operation: Some("a".into()),
                ..query()
            },
            &[2, 1],
        ),
        (
            Query {
                since: Some(at(2)),
                ..query()
            },
            &[3, 2],
        ),
        (
            Query {
                until: Some(at(2)),
                ..query()
            },
            &[1],
        ),
        (
            Query {
                text: Some("value2".into()),
                ..query()
            },
            &[2],
        ),
    ] {
        let found = log.read(&query).unwrap();
        let found: Vec<u64> = found.iter().map(|entry| entry.id).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[actix_web::test]
async fn files_stay_within_their_size_and_refused_requests_displace_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(
        folder.path(),
        &Audit {
            max_size: uacsta_config::ByteSize::new(16 << 10),
            ..settings()
        },
    )
    .unwrap();
    log.record(entry("change")).await;
    for _ in 0..500 {
        let refused = Entry {
            outcome: Outcome::Refused,
            ..entry("refused")
        };
        log.record(refused).await;
    }
    let found = all(&log);
    assert_eq!(found.last().unwrap().operation.as_deref(), Some("change"));
    assert!((40..200).contains(&found.len()), "{}", found.len());
    assert_eq!(found[0].id, 501);
    let sizes = fs::read_dir(folder.path()).unwrap();
    let sizes = sizes.map(|file| file.unwrap().metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert!(size <= 17 << 10, "{size}");
}

#[actix_web::test]
async fn entries_are_kept_for_days_and_read_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let days = |keep_days| Audit {
        keep_days,
        ..settings()
    };
    let log = AuditLog::open(folder.path(), &days(30)).unwrap();
    let ago =
        |hours: i64| Timestamp::from_second(Timestamp::now().as_second() - hours * 3600).unwrap();
    for hours in [24 * 31, 24 * 29, 1] {
        log.record(Entry::new("change", ago(hours))).await;
    }
    assert_eq!(all(&log).len(), 2);
    log.set_bounds(&days(1));
    assert_eq!(all(&log).len(), 1);
    // What is too old begins no file anew for ever: its file is deleted when its last entry is too old.
    let old = std::time::SystemTime::now() - Duration::from_secs(50 * 3600);
    log.record(entry("new file")).await;
    let file = fs::File::options()
        .append(true)
        .open(folder.path().join("audit.jsonl.1"));
    file.unwrap().set_modified(old).unwrap();
    log.record(entry("prunes")).await;
    assert!(!folder.path().join("audit.jsonl.1").exists());
}

#[cfg(unix)]
#[actix_web::test]
async fn full_disk_delays_no_change_and_entries_are_written_when_there_is_room() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let log = AuditLog::open(folder.path(), &settings()).unwrap();
    // What is written there finds no room (ENOSPC).
    symlink("/dev/full", &file).unwrap();
    for _ in 0..2 * QUEUE {
        log.record(entry("change")).await;
    }
    let warning = log.warning().unwrap();
    let warning = warning.written(Language::English);
    assert!(warning.contains("No space left"), "{warning}");
    fs::remove_file(&file).unwrap();
    let recovered = async {
        while all(&log)
            .first()
            .is_none_or(|entry| entry.operation.as_deref() != Some("auditLog"))
        {
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recovered)
        .await
        .unwrap();
    assert_eq!(log.warning(), None);
    let found = all(&log);
    let missing = found
        .iter()
        .filter(|entry| entry.operation.as_deref() == Some("auditLog"));
    let lost: u32 = missing.clone().map(|entry| entry.times).sum();
    let written = found.len() - missing.count();
    assert_eq!(written + usize::try_from(lost).unwrap(), 2 * QUEUE);
    assert!(written >= QUEUE, "{written}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn secrets_are_masked_and_values_are_bounded() {
    let long = "ü".repeat(1000);
    let value = json!({
        "name": "Anna\n", "password": "correct horse", "clients.accounts": [{ "user": "x", "password": "y" }],
        "licenses.codes": ["AAAA"], "endsAt": null, "isSecret": true, "long": long, "list": vec![1; 1000],
        "deep": { "a": { "b": { "c": { "d": 1 } } } },
    });
    let masked = masked(&value);
    let expected = json!({
        "name": "Anna\n", "password": "***", "clients.accounts": [{ "user": "x", "password": "***" }],
        "licenses.codes": "***", "endsAt": null, "isSecret": true, "long": format!("{}…", "ü".repeat(256)),
        "list": vec![1; 64], "deep": { "a": { "b": { "c": "…" } } },
    });
    assert_eq!(masked, expected);
    let rights = vec![json!({ "lines": vec!["2".repeat(250); 60] }); 16];
    let short = super::masked(&json!({ "user": "x", "rights": rights }));
    assert_eq!(
        short,
        json!({ "user": "x", "rights": vec![json!({ "lines": "…" }); 16] })
    );
}

#[test]
fn settings_that_differ_are_told_without_secrets() {
    let former = Settings::builtin();
    let mut now = former.clone();
    now.advanced.realm = "elsewhere".to_owned();
    now.web.password = "correct horse battery".into();
    now.licenses.codes = vec!["AAAA".to_owned()];
    let (before, after) = differences(&former, &now);
    assert_eq!(before["advanced.realm"], former.advanced.realm.as_str());
    assert_eq!(after["advanced.realm"], "elsewhere");
    let changed: Vec<_> = after.as_object().unwrap().keys().collect();
    assert_eq!(
        changed,
        ["advanced.realm", "licenses.codes", "web.password"]
    );
    for key in ["licenses.codes", "web.password"] {
        assert_eq!(after[key], "***", "{key}");
    }
}
