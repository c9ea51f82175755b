//! Outside programs that some tests need, and how a test is skipped without them.

use std::path::PathBuf;

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
        println!("SKIPPED: {program} is not installed ({source})");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{program} is not installed, and CI=true demands it"
        );
    }
    found
}
