//! Client passwords configured as HA1 hashes (RFC 7616, section 3.4.2).

use std::{io::Write as _, process::Stdio};

use crate::support::{
    cti_client::{self, CtiClient},
    digest::Algorithm,
    process::{Serving, program},
};

/// What `uacsta settings hash USER` prints for a password on its standard input.
fn hash(user: &str, password: &str) -> String {
    let mut child = program()
        .args(["settings", "hash", user])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{password}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn status(server: &Serving, user: &str, password: &str, only: Algorithm) -> u16 {
    let setup = cti_client::Setup {
        only: Some(only),
        ..cti_client::Setup::new(server.clients, user, password)
    };
    let client = CtiClient::connect(setup, std::sync::Arc::default()).await;
    client.register().await.status()
}

#[tokio::test]
async fn ha1_hash_replaces_a_password() {
    let (ecsta, anna) = (hash("ecsta", "let me dial"), hash("anna", "let anna dial"));
    let sha_only = format!("{{HA1}}{}", anna.split_once(',').unwrap().1);
    assert!(sha_only.starts_with("{HA1}SHA-256="), "{anna}");
    let settings = format!(
        "[clients]\npassword = \"{ecsta}\"\n[[clients.accounts]]\nuser = \"anna\"\npassword = \"{sha_only}\"\n"
    );
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    for (user, password, only, expected) in [
        ("ecsta", "let me dial", Algorithm::Md5, 200),
        ("ecsta", "let me dial", Algorithm::Sha256, 200),
        ("ecsta", "let me guess", Algorithm::Sha256, 401),
        // The text in the settings is no password.
        ("ecsta", ecsta.as_str(), Algorithm::Md5, 401),
        // It is another user's.
        ("anna", "let me dial", Algorithm::Sha256, 401),
        ("anna", "let anna dial", Algorithm::Sha256, 200),
        // There is no hash of this algorithm.
        ("anna", "let anna dial", Algorithm::Md5, 401),
    ] {
        let status = status(&server, user, password, only).await;
        assert_eq!(status, expected, "{user} {password} {only:?}");
    }
}
