//! Tests of the phone list.

#![allow(clippy::unwrap_used)]
use uacsta_connect::data_dir::JOURNAL;
use uacsta_schema::mac::Mac;

use super::{
    database::{FOLDER, LAYOUT},
    files::KEPT,
    *,
};

const A: PhoneId = PhoneId::Mac(Mac::new([0, 4, 0x13, 0, 0, 1]));
const B: PhoneId = PhoneId::Mac(Mac::new([0, 4, 0x13, 0, 0, 2]));

fn open(folder: &Path) -> Result<(Store, Entries<String>), StoreError> {
    Store::open(folder)
}

fn put(key: PhoneId, value: &str) -> Change<String> {
    (key, Some(value.to_owned()))
}

/// A closed store with two entries, one of them changed.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, entries) = open(folder.path()).unwrap();
    assert!(entries.is_empty());
    store.commit(&[put(A, "a"), put(B, "b")]).unwrap();
    store.commit(&[put(A, "c")]).unwrap();
    folder
}

#[test]
fn extensions_are_stored_like_mac_addresses() {
    let folder = filled();
    let (short, number) = ("2", "215");
    let id = |text: &str| text.parse::<PhoneId>();
    let (mut store, _) = open(folder.path()).unwrap();
    let changes = [short, number].map(|text| put(id(text).unwrap(), text));
    store.commit(&changes).unwrap();
    drop(store);
    let mut expected = Entries::from([(A, "c".to_owned()), (B, "b".to_owned())]);
    expected.extend([short, number].map(|text| (id(text).unwrap(), text.to_owned())));
    let read = || open(folder.path()).unwrap().1;
    assert_eq!(read(), expected);
    // And so it is in the journal.
    fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
    assert_eq!(read(), expected);
}

#[track_caller]
fn holds_both(folder: &Path) {
    let (_, entries) = open(folder).unwrap();
    assert_eq!(entries, Entries::from([(A, "c".into()), (B, "b".into())]));
}

fn damaged(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("damaged")).count()
}

#[test]
fn committed_changes_survive_reopening() {
    let folder = filled();
    holds_both(folder.path());
    let (mut store, _) = open(folder.path()).unwrap();
    store.commit::<String>(&[(A, None)]).unwrap();
    drop(store);
    let (_, entries) = open(folder.path()).unwrap();
    assert_eq!(entries, Entries::from([(B, "b".into())]));
}

#[cfg(unix)]
#[test]
fn removed_files_are_written_again_with_next_change() {
    for gone in ["", FOLDER, JOURNAL] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let (mut store, _) = open(&data).unwrap();
        store.commit(&[put(A, "a")]).unwrap();
        match gone == JOURNAL {
            true => fs::remove_file(data.join(gone)).unwrap(),
            false => fs::remove_dir_all(data.join(gone)).unwrap(),
        }
        store.commit(&[put(B, "b")]).unwrap();
        let second = open(&data).unwrap_err();
        assert!(matches!(second, StoreError::InUse { .. }), "{second}");
        drop(store);
        for path in [FOLDER, JOURNAL] {
            let (_, entries) = open(&data).unwrap();
            let both = Entries::from([(A, "a".into()), (B, "b".into())]);
            assert_eq!(entries, both, "{gone:?} was removed, then {path}");
            let other = data.join(path);
            if other.is_dir() {
                fs::remove_dir_all(other).unwrap();
            }
        }
    }
}

#[test]
fn second_process_is_rejected() {
    let folder = filled();
    let _first = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn damaged_database_is_kept_and_restored_from_journal() {
    let long = [0xff; 70_000];
    for (name, damage) in [
        ("db", &b""[..]),
        ("db", b"garbage"),
        ("db", &long),
        ("conf", &long),
    ] {
        let folder = filled();
        fs::write(folder.path().join(FOLDER).join(name), damage).unwrap();
        holds_both(folder.path());
        holds_both(folder.path());
        assert_eq!(damaged(folder.path()), 1, "{name} {}", damage.len());
    }
}

#[test]
fn copies_of_damaged_databases_do_not_fill_the_disk() {
    let folder = filled();
    // The journal may have what no other file has.
    let journal = folder.path().join("telephones.damaged-1.jsonl");
    fs::write(&journal, "").unwrap();
    for time in 0..2 * KEPT {
        fs::write(folder.path().join(FOLDER).join("db"), b"garbage").unwrap();
        holds_both(folder.path());
        assert_eq!(damaged(folder.path()), 1 + KEPT.min(time + 1));
    }
    assert!(journal.exists());
}

#[test]
fn flipped_byte_loses_nothing() {
    let folder = filled();
    let path = folder.path().join(FOLDER).join("db");
    let whole = fs::read(&path).unwrap();
    for position in (0..whole.len().min(4096)).step_by(61) {
        let folder = filled();
        let path = folder.path().join(FOLDER).join("db");
        let mut bytes = fs::read(&path).unwrap();
        bytes[position] ^= 0xff;
        fs::write(&path, bytes).unwrap();
        holds_both(folder.path());
    }
}

#[test]
fn crash_between_journal_and_database_is_no_damage() {
    let folder = filled();
    let path = folder.path().join(JOURNAL);
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"mac\":\"00:04:13:00:00:03\",\"telephone\":\"d\"}\n");
    fs::write(&path, text).unwrap();
    let (_, entries) = open(folder.path()).unwrap();
    assert_eq!((entries.len(), damaged(folder.path())), (3, 0));
}

#[test]
fn missing_database_is_restored_from_journal() {
    let folder = filled();
    fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
    holds_both(folder.path());
}

#[test]
fn damaged_journal_is_kept_and_restored_from_database() {
    let folder = filled();
    fs::write(folder.path().join(JOURNAL), "garbage\n{}\n").unwrap();
    holds_both(folder.path());
    assert_eq!(damaged(folder.path()), 1);
    fs::remove_file(folder.path().join(JOURNAL)).unwrap();
    holds_both(folder.path());
}

#[test]
fn torn_last_line_is_no_damage() {
    let folder = filled();
    let path = folder.path().join(JOURNAL);
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"mac\":\"00:04:13:0");
    fs::write(&path, text).unwrap();
    holds_both(folder.path());
    assert_eq!(damaged(folder.path()), 0);
}

#[test]
fn last_line_without_line_feed_is_read() {
    // As an editor leaves it; with another journal in the way, it is gone on with.
    for new in [false, true] {
        let folder = filled();
        let path = folder.path().join(JOURNAL);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.trim_end()).unwrap();
        fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
        if new {
            fs::create_dir(folder.path().join("telephones.jsonl.new")).unwrap();
        }
        let (mut store, entries) = open(folder.path()).unwrap();
        assert_eq!(entries[&A], "c", "{new}");
        store.commit(&[put(B, "d"), put(B, "b")]).unwrap();
        store.commit(&[put(B, "b")]).unwrap();
        drop(store);
        fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
        holds_both(folder.path());
        assert_eq!(damaged(folder.path()), 0);
    }
}

/// The state after a start on a full disk.
fn without_database(folder: &Path) -> (Store, Entries<String>) {
    let (mut store, entries) = open(folder).unwrap();
    store.database = None;
    (store, entries)
}

#[test]
fn database_opened_late_is_completed_from_journal() {
    let behind: [fn(&Path); 3] = [
        |_| {},
        |folder| fs::remove_dir_all(folder.join(FOLDER)).unwrap(),
        |folder| fs::write(folder.join(FOLDER).join("db"), "garbage").unwrap(),
    ];
    for (case, behind) in behind.into_iter().enumerate() {
        let folder = filled();
        let (mut store, entries) = without_database(folder.path());
        assert!(!store.has_database() && entries[&A] == "c");
        behind(folder.path());
        store.commit(&[put(B, "b")]).unwrap();
        assert!(store.has_database(), "{case}");
        drop(store);
        // The database has it all, without the journal.
        fs::remove_file(folder.path().join(JOURNAL)).unwrap();
        holds_both(folder.path());
    }
}

#[test]
fn journal_that_cannot_be_compacted_is_appended_to() {
    let folder = filled();
    fs::create_dir(folder.path().join("telephones.jsonl.new")).unwrap();
    let (mut store, _) = open(folder.path()).unwrap();
    for round in 0..100 {
        store.commit(&[put(A, &round.to_string())]).unwrap();
    }
    store.commit(&[put(A, "c")]).unwrap();
    drop(store);
    holds_both(folder.path());
    assert_eq!(damaged(folder.path()), 0);
}

/// A child process between fork and exec holds all files of its parent, with their locks.
#[test]
fn database_locked_for_a_moment_is_not_damaged() {
    let folder = filled();
    let file = fs::File::open(folder.path().join(FOLDER).join("db")).unwrap();
    file.lock().unwrap();
    let held = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        drop(file);
    });
    holds_both(folder.path());
    held.join().unwrap();
    assert_eq!(damaged(folder.path()), 0);
}

#[test]
fn unnumbered_layout_is_accepted_and_later_layout_rejected() {
    let folder = filled();
    let about = |layout: Option<u32>| {
        let path = folder.path().join(FOLDER);
        let sled = sled::Config::new().path(path).open().unwrap();
        let tree = sled.open_tree("about").unwrap();
        match layout {
            Some(layout) => tree.insert("layout", &layout.to_be_bytes()).unwrap(),
            None => tree.remove("layout").unwrap(),
        };
        sled.flush().unwrap();
    };
    about(None);
    holds_both(folder.path());
    about(Some(LAYOUT + 1));
    for _ in 0..2 {
        let error = open(folder.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { found: 2, .. }),
            "{error}"
        );
    }
    assert_eq!(damaged(folder.path()), 0);
    about(Some(LAYOUT));
    holds_both(folder.path());
}

#[test]
fn start_is_refused_without_readable_file() {
    let folder = filled();
    fs::write(folder.path().join(FOLDER).join("db"), "garbage").unwrap();
    fs::write(folder.path().join(JOURNAL), "garbage\n").unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    assert_eq!(damaged(folder.path()), 0);
    assert_eq!(
        fs::read(folder.path().join(FOLDER).join("db")).unwrap(),
        b"garbage"
    );
    let again = open(folder.path()).unwrap_err();
    assert!(matches!(again, StoreError::Unreadable { .. }), "{again}");
}

#[test]
fn journal_is_compacted() {
    let folder = filled();
    let (mut store, _) = open(folder.path()).unwrap();
    for round in 0..200 {
        store.commit(&[put(A, &round.to_string())]).unwrap();
    }
    let lines = fs::read_to_string(folder.path().join(JOURNAL)).unwrap();
    assert!(lines.lines().count() <= 65, "{}", lines.lines().count());
    drop(store);
    let (_, entries) = open(folder.path()).unwrap();
    assert_eq!(entries[&A], "199");
}
