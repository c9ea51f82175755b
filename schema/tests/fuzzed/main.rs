//! Runs the properties of the fuzz targets in `fuzz/` on every seed and every past finding.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

mod csta_read;
mod csta_relay;
mod digest;
mod frame;
mod generated;
mod header;
mod message;

use std::{
    panic::catch_unwind,
    path::{Path, PathBuf},
};

/// Checks a property on the files of its fuzz target: seeds in `fuzz/corpus`, past findings in `fuzz/regressions`.
fn replay(target: &str, holds: fn(&[u8])) {
    let seeds = files("corpus", target);
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let all = seeds.into_iter().chain(files("regressions", target));
    let broken: Vec<_> = all
        .filter(|(_, data)| catch_unwind(|| holds(data)).is_err())
        .map(|(path, _)| path)
        .collect();
    assert!(broken.is_empty(), "the property fails for {broken:#?}");
}

/// The files of a fuzz target with their contents; empty if the folder does not exist.
#[allow(clippy::disallowed_methods, reason = "a test reads its samples")]
fn files(folder: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let entries = std::fs::read_dir(fuzz.join(folder).join(target));
    let paths = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let data = std::fs::read(&path).unwrap();
            (path, data)
        })
        .collect()
}

#[test]
fn splitting_a_stream_yields_the_same_frames() {
    replay("frame", frame::holds);
}

#[test]
fn written_messages_round_trip() {
    replay("message", message::holds);
}

#[test]
fn reassembled_header_fields_are_equal() {
    replay("header", header::holds);
}

#[test]
fn challenges_and_credentials_round_trip() {
    replay("digest", digest::holds);
}

#[test]
fn accepted_documents_are_bounded_and_round_trip() {
    replay("csta_read", csta_read::holds);
}

#[test]
fn relay_changes_only_own_identifiers() {
    replay("csta_relay", csta_relay::holds);
}
