//! Dialogues of phones and CTI clients with the whole server over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a test fails where it stands, says what it skips, and shares its support with the tests of faults"
)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod accounts_command;
mod api;
mod arbiters;
mod audit;
mod bodies;
mod bundle;
mod certify;
mod certify_by_api;
mod client_session;
mod clients;
mod commands;
mod completions;
#[cfg(unix)]
mod console;
mod crash;
mod data_folder;
mod dial_via_office;
mod dialog_migration;
mod docs;
mod emulation;
mod emulation_by_maker;
mod encodings;
mod endless_answers;
mod event_stream;
mod events;
mod events_by_maker;
mod extensions;
mod framing;
mod ladder;
mod late_answers;
mod ledger;
mod line_watch;
mod log;
mod log_settings;
mod logs;
mod metrics;
mod monitors;
mod pages;
mod phone_names;
mod phone_session;
mod program;
mod readme;
mod reasons;
mod rebinding;
mod registrar;
mod repeats;
mod restart_session;
mod rights;
mod ringing;
mod routes;
mod server_session;
mod service;
mod service_unit;
mod services;
mod services_by_maker;
mod sessions_by_maker;
mod settings;
mod simulator;
mod sipp;
mod tokens;
mod torture;
mod trace;
mod trusted;
mod udp;
#[cfg(unix)]
mod watch;
mod web_socket;
