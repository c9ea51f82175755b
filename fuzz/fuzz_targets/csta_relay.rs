//! Hunts for a CSTA document in which a relay changes more than our identifiers.
#![no_main]

#[path = "../../schema/tests/fuzzed/csta_relay.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
