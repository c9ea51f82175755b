//! Hunts for a settings file that is taken and means something else when written again.
#![no_main]

#[path = "../../config/tests/fuzzed/settings_file.rs"]
mod property;

use std::sync::LazyLock;

use tempfile::TempDir;

static SCRATCH: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for temporary files"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data, SCRATCH.path()));
