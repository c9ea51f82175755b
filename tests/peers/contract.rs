//! The OpenAPI document: valid, and kept to whatever schemathesis sends.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use crate::support::{
    process::{PASSWORDS, Serving, finish_within},
    programs::at,
};

/// Answers that go on for ever, and what would end the log-on.
const LEFT_OUT: [&str; 5] = [
    "followEvents",
    "listLogLines",
    "getPhoneTrace",
    "getClientTrace",
    "logOff",
];
/// How many requests are made up for each operation.
const CASES: &str = "10";

/// The interpreter of the virtual environment that `.ci/steps programs` makes.
fn python() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target")),
        PathBuf::from,
    );
    at(
        target.join("schemathesis/bin/python"),
        "schemathesis (.ci/steps programs)",
    )
}

fn run(command: &mut Command) -> Output {
    finish_within(std::time::Duration::from_secs(180), command)
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .concat()
}

#[tokio::test]
async fn openapi_document_is_valid_and_the_server_keeps_to_it() {
    let Some(python) = python() else {
        return;
    };
    // It tries many wrong tokens, which are to get 401.
    let limits = "[limits]\napi_requests = 100000\nfailed_log_ons = 10000\n";
    let settings = format!("{PASSWORDS}{limits}");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    server
        .phone("000413000001", "sip:1@pbx.example")
        .start()
        .await;
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let path = "/api/v1/openapi.json";
    let (status, document) =
        crate::support::server::http(server.web, token.trim(), "GET", path, "").await;
    assert_eq!(status, 200, "{document}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document).unwrap();
    let valid = run(Command::new(&python)
        .args(["-m", "openapi_spec_validator"])
        .arg(&file));
    assert!(valid.status.success(), "{}", text(&valid));
    let mut schemathesis = Command::new(&python);
    schemathesis
        .current_dir(folder.path())
        .args(["-m", "schemathesis.cli", "run"])
        .arg(&file)
        .args(["--url", &format!("http://{}", server.web)])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", token.trim()),
        ])
        .args(["--seed", "1", "--max-examples", CASES])
        .args(["--phases", "coverage,fuzzing"])
        // The rules of values, such as a phone's name, go beyond their schemas.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--request-timeout", "10", "--no-color"]);
    for operation in LEFT_OUT {
        schemathesis.args(["--exclude-operation-id", operation]);
    }
    let kept = run(&mut schemathesis);
    assert!(kept.status.success(), "{}", text(&kept));
    let (status, _) = crate::support::server::http(server.web, "", "GET", "/readyz", "").await;
    assert_eq!(status, 200);
}
