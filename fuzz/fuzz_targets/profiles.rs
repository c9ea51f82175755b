//! Hunts for a phone maker's profile that is taken and cannot be used.
#![no_main]

#[path = "../../config/tests/fuzzed/profiles.rs"]
mod property;

use std::sync::LazyLock;

use tempfile::TempDir;

static SCRATCH: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for temporary files"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data, SCRATCH.path()));
