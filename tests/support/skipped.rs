//! Skipped tests: each leaves a line, and the test target `skipped`, which runs last, prints them all.

use std::{fs, path::Path};

/// Where the tests of this build leave their lines.
pub const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");

/// Leaves the line of a test. Each test has a file of its own, so that a later run replaces its line.
pub fn leave(folder: &Path, test: &str, reason: &str) {
    let file = folder.join(test.replace("::", "."));
    // A folder that cannot be written fails no test.
    let _ =
        fs::create_dir_all(folder).and_then(|()| fs::write(file, format!("{test}: {reason}\n")));
}

/// The number of skipped tests and their lines, which it removes: the next run leaves those that are skipped again.
pub fn take_summary(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut lines: Vec<String> = files
        .filter_map(|file| {
            let line = fs::read_to_string(file.path()).ok()?;
            fs::remove_file(file.path()).ok()?;
            Some(format!("  {line}"))
        })
        .collect();
    lines.sort();
    let number = match lines.len() {
        0 => "no test was skipped".to_owned(),
        1 => "SKIPPED: 1 test".to_owned(),
        count => format!("SKIPPED: {count} tests"),
    };
    format!("\n{number}\n{}", lines.concat())
}

#[test]
fn summary_has_one_line_for_each_skipped_test() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new/folder");
    assert_eq!(take_summary(&folder), "\nno test was skipped\n");
    leave(&folder, "storage::full_disk", "no unshare");
    assert_eq!(
        take_summary(&folder),
        "\nSKIPPED: 1 test\n  storage::full_disk: no unshare\n"
    );
    for reason in ["no unshare", "unshare -rm is not permitted"] {
        leave(&folder, "storage::full_disk", reason);
        leave(&folder, "peers::nmap", "nmap is not installed");
    }
    let both = "\nSKIPPED: 2 tests\n  peers::nmap: nmap is not installed\n  \
                storage::full_disk: unshare -rm is not permitted\n";
    assert_eq!(take_summary(&folder), both);
    assert_eq!(take_summary(&folder), "\nno test was skipped\n");
}
