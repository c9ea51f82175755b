//! What must hold of any settings file and any profile: the properties that `fuzz/` hunts with, held here against every seed and past find.
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod generated;
mod profiles;
mod settings_file;

use std::{fs, panic::catch_unwind, path::Path};

/// Holds a property against the files of its fuzz target: `fuzz/corpus` has the seeds, `fuzz/regressions` what broke it once.
fn replay(target: &str, holds: fn(&[u8], &Path)) {
    let scratch = tempfile::tempdir().unwrap();
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let files = |folder: &str| -> Vec<_> {
        let entries = fs::read_dir(fuzz.join(folder).join(target));
        let paths = entries
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path());
        paths.collect()
    };
    let seeds = files("corpus");
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let mut all = [seeds, files("regressions")].concat();
    all.retain(|path| {
        let data = fs::read(path).unwrap();
        catch_unwind(|| holds(&data, scratch.path())).is_err()
    });
    assert!(all.is_empty(), "it does not hold of {all:#?}");
}

#[test]
fn settings_written_again_are_the_same() {
    replay("settings", settings_file::holds);
}

#[test]
fn a_profile_tells_again_what_it_described() {
    replay("profiles", profiles::holds);
}
