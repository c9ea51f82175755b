//! Injected faults, attacks and run-time changes over real sockets, after which nothing may be lost.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a test fails where it stands, says what it skips, and shares its support with the end-to-end tests"
)]

#[path = "../chaos/mod.rs"]
mod chaos;
#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod accounts;
#[cfg(target_os = "linux")]
mod acknowledged;
mod attacks;
mod authority;
mod certificates;
mod clients;
mod ended_sessions;
#[cfg(target_os = "linux")]
mod growth;
mod half_open;
mod hashes;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod interfaces;
mod ipv6;
mod licences;
mod log_on;
#[cfg(target_os = "linux")]
mod logs;
#[cfg(target_os = "linux")]
mod means;
mod monitor_races;
#[cfg(target_os = "linux")]
mod operator;
mod panics;
mod phones;
mod proxy;
mod random;
mod reload;
mod relocation;
#[cfg(unix)]
mod shutdown;
#[cfg(unix)]
mod simultaneous;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod storage;
mod threads;
mod tls;
#[cfg(target_os = "linux")]
mod unwritable_settings;
#[cfg(target_os = "linux")]
mod web_password;
#[cfg(target_os = "linux")]
mod web_tls;
