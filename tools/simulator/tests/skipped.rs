//! Prints at the end of `cargo test` which tests were skipped; cargo runs this package's tests last.
#![allow(
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    reason = "what it prints is its purpose, and other targets leave the lines"
)]

#[path = "../../../tests/support/skipped.rs"]
mod skipped;

fn main() {
    // A test runner that lists tests finds none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!("{}", skipped::take_summary(skipped::FOLDER.as_ref()));
}
