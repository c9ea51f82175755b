//! Tests of the search in log files.

#![allow(clippy::unwrap_used)]
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use uacsta_config::Level;

use super::{lines::Lines, *};

/// A line of the text format.
fn line(second: u32, level: &str, rest: &str) -> String {
    format!(
        "2026-12-02T10:{:02}:{:02}.000Z {level:>5} uacsta: {rest}\n",
        second / 60,
        second % 60
    )
}

fn json(second: u32, level: &str, phone: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-12-02T10:00:{second:02}.000Z\",\"level\":\"{level}\",\"message\":\"came\",\"phone\":\"{phone}\",\"target\":\"uacsta\"}}\n"
    )
}

fn append(folder: &Path, name: &str, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options
        .append(true)
        .create(true)
        .open(folder.join(name))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Four lines in two files, in both formats.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let older = [
        line(1, "INFO", "server started"),
        line(2, "DEBUG", "phone asked phone=00:04:13:00:00:01"),
    ];
    append(folder.path(), "uacsta.log.1", &older.concat());
    let newer = [
        json(3, "WARN", "00:04:13:00:00:01"),
        json(4, "ERROR", "00:04:13:00:00:02"),
    ];
    append(folder.path(), "uacsta.log", &newer.concat());
    append(
        folder.path(),
        "secrets.toml",
        &line(5, "ERROR", "no log file"),
    );
    append(
        folder.path(),
        "uacsta.log.old",
        &line(6, "ERROR", "no log file"),
    );
    folder
}

fn query(order: Order) -> Query {
    Query {
        level: None,
        phone: None,
        text: None,
        since: None,
        order,
        limit: 100,
    }
}

/// The seconds of lines that `written` has.
fn seconds(lines: &[Entry]) -> Vec<i8> {
    let second = |entry: &Entry| {
        let at = entry.at.unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        at.second() + 60 * at.minute()
    };
    lines.iter().map(second).collect()
}

fn found(folder: &Path, query: &Query) -> Vec<i8> {
    let found = search(folder, query, None).unwrap();
    assert!(found.is_end && !found.missed);
    seconds(&found.lines)
}

#[test]
fn lines_of_both_formats_are_found_in_both_orders() {
    let folder = written();
    let all = query(Order::NewestFirst);
    assert_eq!(found(folder.path(), &all), [4, 3, 2, 1]);
    assert_eq!(
        found(folder.path(), &query(Order::OldestFirst)),
        [1, 2, 3, 4]
    );
    let phone = Some("000413000001".parse().unwrap());
    let since = Some("2026-12-02T10:00:03Z".parse().unwrap());
    for (query, expected) in [
        (
            Query {
                level: Some(Level::Warn),
                ..all.clone()
            },
            &[4, 3][..],
        ),
        (
            Query {
                level: Some(Level::Info),
                ..all.clone()
            },
            &[4, 3, 1],
        ),
        (
            Query {
                phone,
                ..all.clone()
            },
            &[3, 2],
        ),
        (
            Query {
                text: Some("server".to_owned()),
                ..all.clone()
            },
            &[1],
        ),
        (
            Query {
                text: Some("nothing".to_owned()),
                ..all.clone()
            },
            &[],
        ),
        (
            Query {
                since,
                ..all.clone()
            },
            &[4, 3],
        ),
        (
            Query {
                since,
                order: Order::OldestFirst,
                ..all.clone()
            },
            &[3, 4],
        ),
    ] {
        assert_eq!(found(folder.path(), &query), expected, "{query:?}");
    }
    let none = folder.path().join("none");
    assert_eq!(found(&none, &all), [] as [i8; 0]);
}

#[test]
fn search_goes_on_at_its_position_also_after_a_rotation() {
    for (order, expected) in [
        (Order::NewestFirst, [4, 3, 2, 1]),
        (Order::OldestFirst, [1, 2, 3, 4]),
    ] {
        let folder = written();
        let one = Query {
            limit: 1,
            ..query(order)
        };
        let (mut at, mut all) = (None, Vec::new());
        for step in 0..4 {
            if step == 2 {
                for (from, to) in [
                    ("uacsta.log.1", "uacsta.log.2"),
                    ("uacsta.log", "uacsta.log.1"),
                ] {
                    fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
                }
            }
            let found = search(folder.path(), &one, at).unwrap();
            assert!(!found.is_end && !found.missed);
            at = found.at.map(|at| at.to_string().parse().unwrap());
            all.extend(seconds(&found.lines));
        }
        assert_eq!(all, expected);
        let rest = search(folder.path(), &one, at).unwrap();
        assert!(rest.is_end && rest.lines.is_empty());
    }
}

#[test]
fn deleted_file_of_a_position_is_told() {
    for (order, rest) in [(Order::OldestFirst, &[3, 4][..]), (Order::NewestFirst, &[])] {
        let folder = written();
        let first = Query {
            limit: 1,
            ..query(Order::OldestFirst)
        };
        let at = search(folder.path(), &first, None).unwrap().at;
        fs::remove_file(folder.path().join("uacsta.log.1")).unwrap();
        let found = search(folder.path(), &query(order), at).unwrap();
        assert!(found.missed && found.is_end);
        assert_eq!(seconds(&found.lines), rest);
    }
}

#[test]
fn incomplete_last_line_is_found_once_it_is_complete() {
    let folder = written();
    let (start, rest) = ("2026-12-02T10:00:05.000Z  INFO uacsta: half", " and half\n");
    append(folder.path(), "uacsta.log", start);
    let at = end(folder.path()).unwrap();
    assert_eq!(
        found(folder.path(), &query(Order::NewestFirst)),
        [4, 3, 2, 1]
    );
    let forward = query(Order::OldestFirst);
    assert!(
        search(folder.path(), &forward, at)
            .unwrap()
            .lines
            .is_empty()
    );
    append(folder.path(), "uacsta.log", rest);
    let whole = search(folder.path(), &forward, at).unwrap();
    assert_eq!(whole.lines[0].message.as_deref(), Some("half and half"));
}

#[test]
fn one_search_reads_a_bounded_part() {
    let folder = tempfile::tempdir().unwrap();
    // More than 16 MiB, in lines longer than what is read at a time.
    let long = "x".repeat(200_000);
    for second in 0..100 {
        append(folder.path(), "uacsta.log", &line(second, "INFO", &long));
    }
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let all = query(order);
        let first = search(folder.path(), &all, None).unwrap();
        assert!(!first.is_end);
        assert!(
            (80..100).contains(&first.lines.len()),
            "{}",
            first.lines.len()
        );
        let second = search(folder.path(), &all, first.at).unwrap();
        assert!(second.is_end);
        assert_eq!(first.lines.len() + second.lines.len(), 100);
    }
}

#[test]
fn line_without_end_is_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uacsta.log");
    fs::write(&path, [vec![b'x'; 3 << 20], b"\nlast\n".to_vec()].concat()).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    let mut lines = Lines::forward(fs::File::open(&path).unwrap(), 0).unwrap();
    let mut longest = 0;
    while let Some((_, line)) = lines.next().unwrap() {
        longest = longest.max(line.len());
    }
    assert_eq!(longest, 1 << 20);
    let mut lines = Lines::backward(fs::File::open(&path).unwrap(), size);
    assert_eq!(lines.next().unwrap().unwrap().1, b"last");
    let (_, part) = lines.next().unwrap().unwrap();
    assert!(part.len() <= (1 << 20) + (64 << 10), "{}", part.len());
}

#[test]
fn only_log_files_are_listed_and_opened() {
    let folder = written();
    fs::create_dir(folder.path().join("uacsta.log.2")).unwrap();
    let all = list(folder.path()).unwrap();
    let names: Vec<_> = all.iter().map(|file| (&*file.name, file.number)).collect();
    assert_eq!(names, [("uacsta.log", 0), ("uacsta.log.1", 1)]);
    let first: Vec<_> = all
        .iter()
        .map(|file| file.first_at.unwrap().to_string())
        .collect();
    assert_eq!(first, ["2026-12-02T10:00:03Z", "2026-12-02T10:00:01Z"]);
    for (name, opens) in [
        ("uacsta.log", true),
        ("uacsta.log.1", true),
        ("uacsta.log.2", false),
        ("uacsta.log.3", false),
        ("secrets.toml", false),
        ("uacsta.log.old", false),
        ("../uacsta.log", false),
        ("./uacsta.log", false),
        ("", false),
    ] {
        assert_eq!(
            open(folder.path(), name).unwrap().is_some(),
            opens,
            "{name}"
        );
    }
}
