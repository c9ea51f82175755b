//! What must hold of any input whatever: the properties that `fuzz/` hunts with, held here against every seed and every past find.
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

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

/// Holds a property against the files of its fuzz target: `fuzz/corpus` has the seeds, `fuzz/regressions` what broke it once.
fn replay(target: &str, holds: fn(&[u8])) {
    let seeds = files("corpus", target);
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let all = seeds.into_iter().chain(files("regressions", target));
    let broken: Vec<_> = all
        .filter(|(_, data)| catch_unwind(|| holds(data)).is_err())
        .map(|(path, _)| path)
        .collect();
    assert!(broken.is_empty(), "it does not hold of {broken:#?}");
}

/// The files of a fuzz target, and what they hold; none where there is no such folder.
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
fn any_split_of_a_stream_gives_the_same_frames() {
    replay("frame", frame::holds);
}

#[test]
fn a_message_that_is_written_reads_back_to_itself() {
    replay("message", message::holds);
}

#[test]
fn a_header_field_put_together_again_is_the_same() {
    replay("header", header::holds);
}

#[test]
fn challenges_and_credentials_read_back_to_themselves() {
    replay("digest", digest::holds);
}

#[test]
fn a_document_that_is_read_is_bounded_and_reads_back_to_itself() {
    replay("csta_read", csta_read::holds);
}

#[test]
fn a_relay_changes_nothing_but_our_identifiers() {
    replay("csta_relay", csta_relay::holds);
}
