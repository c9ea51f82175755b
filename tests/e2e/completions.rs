//! Completion of command lines in a shell, with the phones, lines, clients and settings of the running server.

use std::{path::Path, process::Output, time::Instant};

use crate::support::{
    PATIENCE,
    process::{PASSWORDS, Serving, finish, program, run},
};

/// Completes the last of these words, as bash asks for it.
fn completed(words: &[&str], data: &Path) -> Output {
    let mut program = program();
    program
        .env("COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("STATE_DIRECTORY", data);
    finish(program.arg("--").args(words))
}

fn offered(line: &str, data: &Path) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let output = completed(&words, data);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{line}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|word| word.trim_end().to_owned())
        .collect()
}

#[tokio::test]
async fn completion_offers_what_the_running_server_knows() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let phone = server.phone("000413000001", "sip:101@pbx.example");
    phone.start().await;
    let client = server.client().await;
    let _session = client.open_server().await;
    server.until_listed("sip:101@").await;
    for (line, expected) in [
        ("uacsta phones off 0004", &["000413000001"][..]),
        ("uacsta phones restart-session 0004", &["000413000001"]),
        ("uacsta phones 00:04", &["00:04:13:00:00:01"]),
        ("uacsta phones off 0015", &[]),
        ("uacsta trace --client ", &["ecsta"]),
        ("uacsta certify 00", &["000413000001"]),
        ("uacsta client dial 1", &["101"]),
        ("uacsta logs get uacsta", &["uacsta.log"]),
        ("uacsta settings set logs.form", &["logs.format"]),
        ("uacsta settings set logs.format j", &["json"]),
        ("uacsta licenses hol", &["holders"]),
    ] {
        assert_eq!(offered(line, server.data()), expected, "{line}");
    }
    let none = tempfile::tempdir().unwrap();
    let line = format!("uacsta --data {} phones on 0", server.data().display());
    assert_eq!(offered(&line, none.path()), ["000413000001"]);
}

#[test]
fn completion_is_silent_and_quick_without_a_server() {
    let none = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    assert!(offered("uacsta phones off 0", none.path()).is_empty());
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let token = none.path().join("token");
    std::fs::write(&token, "t").unwrap();
    let line = format!(
        "uacsta phones --server http://{} --token-file {} off 0",
        server.local_addr().unwrap(),
        token.display()
    );
    // It accepts, and never answers.
    assert!(offered(&line, none.path()).is_empty());
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn script_of_each_shell_asks_the_program() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]);
        let text = String::from_utf8_lossy(&script.stdout);
        assert!(script.status.success(), "{shell}");
        assert!(text.contains("COMPLETE"), "{shell}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_by_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("uacsta");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_uacsta"), &link).unwrap();
    let ask = "source <(uacsta completions bash)\nCOMP_WORDS=(uacsta sta)\nCOMP_CWORD=1\n\
        _clap_complete_uacsta uacsta sta uacsta\necho \"[${COMPREPLY[@]}]\"";
    let mut shell = std::process::Command::new("bash");
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", folder.path().display()));
    let output = finish(shell.args(["-c", ask]));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("[status"), "{output:?}");
}
