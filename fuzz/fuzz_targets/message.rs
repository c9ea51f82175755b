//! Hunts for a message that does not survive being written.
#![no_main]

#[path = "../../schema/tests/fuzzed/message.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
