//! The command line: adds a phone before it comes, and shows one with its reason in full.

use super::LISTED;
use crate::support::{
    fixture::{LINE, MAC},
    phone::Phone,
    process::{PASSWORDS, Serving, run},
};

/// What `uacsta phones` says with these arguments; `code` is its exit code.
fn phones(server: &Serving, code: i32, arguments: &[&str]) -> String {
    let data = ["--data", server.data().to_str().unwrap()];
    let output = run(&[&["phones"], arguments, &data].concat());
    let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    words
}

/// The text behind each title of a phone that is shown in full.
fn said(words: &str, title: &str) -> String {
    let mut lines = words.lines();
    let line = lines.find_map(|line| line.strip_prefix(title));
    line.unwrap_or_else(|| panic!("no {title}:\n{words}"))
        .trim()
        .to_owned()
}

#[tokio::test]
async fn phone_is_added_and_shown_with_its_reason_until_it_comes() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    assert_eq!(
        phones(&server, 0, &["add", MAC]),
        format!("{LISTED} is listed\n")
    );
    let words = phones(&server, 1, &["add", MAC]);
    assert!(words.contains("is listed already"), "{words}");
    let words = phones(&server, 2, &["add", "215"]);
    assert!(words.contains("phones.extensions"), "{words}");

    let words = phones(&server, 0, &[MAC]);
    assert!(
        said(&words, "REASON").starts_with("neverRegistered since 20"),
        "{words}"
    );
    assert!(
        said(&words, "TO DO").contains("phones' password"),
        "{words}"
    );
    let wrong = Phone::at(server.phones, MAC, "guess", LINE);
    wrong.register().await.expect(401);
    server.until_listed("wrongPassword").await;
    let words = phones(&server, 0, &[MAC]);
    assert!(
        words.contains("once from 127.0.0.1: the password is wrong."),
        "{words}"
    );
    let words = phones(&server, 0, &[]);
    assert!(
        words.contains("REASON") && words.contains("the password is wrong."),
        "{words}"
    );

    let phone = server.phone(MAC, LINE);
    phone.start().await;
    server.until_listed("controlled").await;
    let words = phones(&server, 0, &[MAC]);
    assert_eq!(said(&words, "STATUS"), "controlled");
    assert!(!words.contains("REASON"), "{words}");
    let words = phones(&server, 1, &["000413999999"]);
    assert!(words.contains("no phone 00:04:13:99:99:99"), "{words}");
}
