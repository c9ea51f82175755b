//! Outside programs that some tests need, and how a test is skipped without them.

use std::path::PathBuf;

/// Where a program lies; without it the test says that it was skipped, and fails where CI demands all of them.
pub fn find(program: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: {program} is not installed (Debian package {package})");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{program} is not installed, and CI=true demands it"
        );
    }
    found
}
