//! Programs that others wrote - softphones, a proxy, scanners - against the built server.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a test fails where it stands, says what it skips, and shares its support with the end-to-end tests"
)]
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod programs;
mod proxy;
mod scanners;
mod softphones;
mod transcript;
