//! Tests of the log file.

#![allow(clippy::unwrap_used)]
use std::{
    fs, io,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::Zoned;

use super::{line::one_line, *};

fn config(folder: &Path, max_size: u64, keep: u32, delete_daily: bool) -> FileConfig {
    FileConfig {
        folder: folder.to_owned(),
        max_size,
        keep,
        delete_daily,
    }
}

fn rotating(folder: &Path, max_size: u64, keep: u32, delete_daily: bool) -> RotatingFile<Vec<u8>> {
    let shared = config(folder, max_size, keep, delete_daily);
    RotatingFile::new(Arc::new(ArcSwap::from_pointee(shared)), Vec::new())
}

fn contents(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

#[test]
fn file_is_rotated_at_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = rotating(folder.path(), 10, 3, false);
    for line in [
        "one\n",
        "two\n",
        "three\n",
        "four five six\n",
        "seven\n",
        "8\n",
    ] {
        file.write_all(line.as_bytes()).unwrap();
    }
    let expected = named(&[
        ("uacsta.log", "seven\n8\n"),
        ("uacsta.log.1", "four five six\n"),
        ("uacsta.log.2", "three\n"),
    ]);
    assert_eq!(contents(folder.path()), expected);

    // The next run appends, and keeps fewer files.
    let mut file = rotating(folder.path(), 10, 1, false);
    file.write_all(b"9\n").unwrap();
    file.write_all(b"ten\n").unwrap();
    assert_eq!(contents(folder.path())[0].1, "ten\n");
}

#[test]
fn surplus_files_are_deleted_and_foreign_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Arc::new(ArcSwap::from_pointee(config(folder.path(), 4, 10, false)));
    let mut file = RotatingFile::new(Arc::clone(&shared), Vec::new());
    for line in 1..=9 {
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
        file.write_all(b"-\n").unwrap();
    }
    let others = ["uacsta.log.1.gz", "uacsta.log.07", "uacsta.log.old"];
    for name in others {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(contents(folder.path()).len(), 9 + 3);
    shared.store(Arc::new(config(folder.path(), 4, 3, false)));
    file.write_all(b"new\n").unwrap();
    let kept = |expected: &[(&str, &str)]| {
        let mut found = contents(folder.path());
        found.retain(|(name, _)| !others.contains(&name.as_str()));
        assert_eq!(found, named(expected));
    };
    kept(&[
        ("uacsta.log", "new\n"),
        ("uacsta.log.1", "9\n-\n"),
        ("uacsta.log.2", "8\n-\n"),
    ]);
    // The next run keeps fewer files.
    rotating(folder.path(), 10, 2, false)
        .write_all(b"more\n")
        .unwrap();
    kept(&[("uacsta.log", "new\nmore\n"), ("uacsta.log.1", "9\n-\n")]);
    // At midnight all are deleted, whatever their number.
    fs::write(folder.path().join("uacsta.log.5"), "").unwrap();
    let mut daily = rotating(folder.path(), 10, 9, true);
    let tomorrow = Zoned::now().date().tomorrow().unwrap();
    daily.try_write(b"day\n", tomorrow).unwrap();
    kept(&[("uacsta.log", "day\n")]);
    assert_eq!(contents(folder.path()).len(), 1 + 3);
}

#[test]
fn delete_daily_applies_from_next_midnight() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Arc::new(ArcSwap::from_pointee(config(folder.path(), 99, 3, false)));
    let mut file = RotatingFile::new(Arc::clone(&shared), Vec::new());
    let today = Zoned::now().date();
    let tomorrow = today.tomorrow().unwrap();
    file.try_write(b"one\n", today).unwrap();
    file.try_write(b"two\n", tomorrow).unwrap();
    shared.store(Arc::new(config(folder.path(), 99, 3, true)));
    file.try_write(b"three\n", tomorrow).unwrap();
    assert_eq!(contents(folder.path())[0].1, "one\ntwo\nthree\n");
    let after = tomorrow.tomorrow().unwrap();
    file.try_write(b"four\n", after).unwrap();
    assert_eq!(contents(folder.path()), named(&[("uacsta.log", "four\n")]));
}

#[test]
fn changed_folder_applies_to_next_line() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shared = Arc::new(ArcSwap::from_pointee(config(here.path(), 100, 3, false)));
    let mut file = RotatingFile::new(Arc::clone(&shared), Vec::new());
    file.write_all(b"one\n").unwrap();
    shared.store(Arc::new(config(there.path(), 5, 2, false)));
    file.write_all(b"two\n").unwrap();
    file.write_all(b"three\n").unwrap();
    assert_eq!(contents(here.path()), named(&[("uacsta.log", "one\n")]));
    let expected = named(&[("uacsta.log", "three\n"), ("uacsta.log.1", "two\n")]);
    assert_eq!(contents(there.path()), expected);
}

#[test]
fn files_are_deleted_at_midnight() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = rotating(folder.path(), 5, 3, true);
    let day = Zoned::now().date();
    for line in [b"one\n", b"two\n"] {
        file.try_write(line, day).unwrap();
    }
    assert_eq!(contents(folder.path()).len(), 2);
    file.try_write(b"new\n", day.tomorrow().unwrap()).unwrap();
    assert_eq!(contents(folder.path()), named(&[("uacsta.log", "new\n")]));
}

#[test]
fn unwritable_folder_is_reported_and_retried() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::write(&logs, "in the way").unwrap();
    let mut file = rotating(&logs, 100, 3, false);
    file.write_all(b"lost\n").unwrap_err();
    let told = String::from_utf8(file.error_output.clone()).unwrap();
    assert!(told.contains("are lost") && told.contains("logs"), "{told}");
    fs::remove_file(&logs).unwrap();
    file.write_all(b"written\n").unwrap();
    assert_eq!(contents(&logs), named(&[("uacsta.log", "written\n")]));
}

#[test]
fn write_test_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (here, new) = (folder.path().join("here"), folder.path().join("new/logs"));
    fs::create_dir(&here).unwrap();
    fs::write(here.join(NAME), "one\n").unwrap();
    let test_write = |folder: &Path| config(folder, 9, 9, false).test_write();
    for folder in [&here, &new] {
        test_write(folder).unwrap();
    }
    assert_eq!(contents(&here), named(&[(NAME, "one\n")]));
    assert!(!folder.path().join("new").exists());
    test_write(&here.join(NAME).join("logs")).unwrap_err();
}

#[test]
fn lost_lines_are_reported_once_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = rotating(folder.path(), 100, 3, false);
    let (begun, error) = (Instant::now(), io::Error::from(io::ErrorKind::StorageFull));
    for (second, told) in [
        (0, 1),
        (1, 1),
        (59, 1),
        (60, 2),
        (61, 2),
        (119, 2),
        (500, 3),
    ] {
        file.report_error(&error, begun + Duration::from_secs(second));
        let lines = file
            .error_output
            .iter()
            .filter(|octet| **octet == b'\n')
            .count();
        assert_eq!(lines, told, "{second}");
    }
}

#[test]
fn line_breaks_are_escaped() {
    assert_eq!(one_line(b"a\r\nERROR b\n", &[]), "a\\r\\nERROR b\n");
}
