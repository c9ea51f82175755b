//! Outside programs that some tests need, and how a test is skipped without them.

use std::{fs, io::Write as _, path::PathBuf};

/// Where a program lies; without it the test says that it was skipped, and fails where CI demands all of them.
pub fn find(program: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Kamailio lies where not every user looks.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    or_skipped(found, program, &format!("Debian package {package}"))
}

/// The same for a file that something other than Debian puts there.
pub fn at(file: PathBuf, source: &str) -> Option<PathBuf> {
    let name = file.display().to_string();
    or_skipped(Some(file).filter(|file| file.is_file()), &name, source)
}

fn or_skipped(found: Option<PathBuf>, program: &str, source: &str) -> Option<PathBuf> {
    if found.is_none() {
        skipped(&format!("{program} is not installed ({source})"));
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{program} is not installed, and CI=true demands it"
        );
    }
    found
}

/// Says that a test was skipped. The test target `skipped`, which runs last, repeats it.
pub fn skipped(reason: &str) {
    println!("SKIPPED: {reason}");
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
    // Each test has a file of its own, so that a later run replaces its line.
    let file = fs::create_dir_all(folder)
        .and_then(|()| fs::File::create(format!("{folder}/{}", test.replace("::", "."))));
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{test}: {reason}");
    }
}
