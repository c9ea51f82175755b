//! Validates written and relayed documents against the schemas with xmllint.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the test runs xmllint and reports when it is missing"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use uacsta_schema::csta::*;

use crate::{all, speeches};

/// Editions two to four use the third's schema, the fifth and sixth the sixth's.
#[test]
fn written_and_relayed_documents_are_valid() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("written");
    let _ = fs::remove_dir_all(&folder);
    for schema in [Edition::Ed3, Edition::Ed6] {
        let folder = folder.join(format!("{schema:?}"));
        fs::create_dir_all(&folder).unwrap();
        for (number, dialect) in speeches().iter().enumerate() {
            for (index, message) in all().enumerate() {
                let save = |how: &str, document: &[u8]| {
                    let name = format!("{how}-{number}-{index}-{}.xml", message.name());
                    fs::write(folder.join(name), document).unwrap();
                };
                let written = write(&message, dialect);
                let changes = Changes {
                    edition: schema,
                    cross_ref: Some("c<1"),
                    device: Some("d&1"),
                };
                save(
                    "relayed",
                    &Document::read(written.clone()).unwrap().relayed(&changes),
                );
                // The only member with the fifth edition's type as in the third, not the sixth.
                let deflects = dialect.edition == Edition::Ed5 && message.name() == "DeflectCall";
                let checked_against = if dialect.edition < Edition::Ed5 || deflects {
                    Edition::Ed3
                } else {
                    Edition::Ed6
                };
                if checked_against == schema {
                    let text = String::from_utf8(written.to_vec()).unwrap();
                    save(
                        "written",
                        text.replace(dialect.edition.namespace(), schema.namespace())
                            .as_bytes(),
                    );
                }
            }
        }
        validate(&folder, schema);
    }
}

/// Runs xmllint once for all files of a folder.
fn validate(folder: &Path, schema: Edition) {
    let schema = format!(
        "csta-{}-reconstructed.xsd",
        format!("{schema:?}").to_lowercase()
    );
    let schema = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/schema")
        .join(schema);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let run = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(schema)
        .args(files)
        .output();
    let Ok(output) = run else {
        assert!(env::var_os("CI").is_none(), "xmllint is not installed");
        eprintln!("SKIPPED: xmllint is not installed");
        // The test target `skipped`, which runs last, repeats it.
        let skipped = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
        let line = "schema: documents are not validated: xmllint is not installed\n";
        let _ =
            fs::create_dir_all(skipped).and_then(|()| fs::write(format!("{skipped}/schema"), line));
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let wrong: Vec<_> = said
        .lines()
        .filter(|line| !line.ends_with(" validates"))
        .take(20)
        .collect();
    assert!(output.status.success(), "{}", wrong.join("\n"));
}
