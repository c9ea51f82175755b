//! `client` and `simulate` against a running server: how they find it, and what they say when they cannot use it.

use std::process::Output;

use crate::support::process::{Serving, run};

/// Checks the exit code, and that the only line on stderr has each of these words.
#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}

fn serving(settings: &str) -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), settings)
}

#[tokio::test]
async fn client_finds_ports_user_and_password_by_the_data_folder() {
    let settings = "[clients]\nuser = \"front\"\npassword = \"let me dial\"\n";
    let server = serving(settings);
    let data = server.data().to_str().unwrap().to_owned();
    for arguments in [
        &["client", "--data", &data, "lines"][..],
        &["--data", &data, "client", "lines"],
        &["client", "lines", "--tls", "--data", &data],
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    // A reload may move the interfaces.
    let moved =
        format!("{settings}wan = {{ tcp = \"127.0.0.1:0\", public_host = \"localhost\" }}\n");
    server.reload(&moved).await;
    assert!(run(&["client", "lines", "--data", &data]).status.success());
    let folder = server.kill();
    let output = run(&["client", "lines", "--data", &data]);
    fails(
        &output,
        1,
        &["no server runs with the data folder", "--server HOST:PORT"],
    );
    drop(folder);
}
