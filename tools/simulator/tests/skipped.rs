//! Prints at the end of `cargo test` which tests were skipped; cargo runs this package's tests last.
#![allow(clippy::print_stdout, reason = "what it prints is its purpose")]

use std::fs;

fn main() {
    // A test runner that lists tests finds none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut lines: Vec<String> = files
        .filter_map(|file| {
            let line = fs::read_to_string(file.path()).ok()?;
            // The next run writes it again, unless it is no longer skipped.
            fs::remove_file(file.path()).ok()?;
            Some(line.trim().to_owned())
        })
        .collect();
    lines.sort();
    match lines.len() {
        0 => println!("\nno test was skipped"),
        1 => println!("\nSKIPPED: 1 test"),
        count => println!("\nSKIPPED: {count} tests"),
    }
    for line in lines {
        println!("  {line}");
    }
    println!();
}
