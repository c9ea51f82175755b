//! Hunts for a CSTA document that is read and should not be, or says something else when written.
#![no_main]

#[path = "../../schema/tests/fuzzed/csta_read.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
