//! What some tests need from the machine, and how a test is skipped without it.

use std::path::PathBuf;

/// Where a program lies; without it the test is [`skipped`].
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
    }
    found
}

/// Says that a test is skipped for want of something, or fails it where CI demands everything.
pub fn skipped(reason: &str) {
    println!("SKIPPED: {reason}");
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{reason}; CI=true demands it"
    );
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    super::skipped::leave(super::skipped::FOLDER.as_ref(), &test, reason);
}
