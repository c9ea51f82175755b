//! Hunts for a PROXY header that is read too far, or says something else written again.
#![no_main]

#[path = "../../schema/tests/fuzzed/proxy.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
