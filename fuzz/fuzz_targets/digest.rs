//! Hunts for a challenge or for credentials that do not read back to themselves.
#![no_main]

#[path = "../../schema/tests/fuzzed/digest.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
