//! Hunts for a stream that gives other frames when it is cut otherwise.
#![no_main]

#[path = "../../schema/tests/fuzzed/frame.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
