//! Hunts for a PROXY header that is read past its end, or does not read back to itself.
#![no_main]

#[path = "../../src/net/proxy_header/parse.rs"]
mod parse;
#[path = "../../src/net/proxy_header/property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
