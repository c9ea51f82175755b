//! Hunts for a header field, or a URI, that is not the sum of its parts.
#![no_main]

#[path = "../../schema/tests/fuzzed/header.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
