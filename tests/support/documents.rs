//! Collects every CSTA document that the server sent in a test and validates them against the schemas.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use super::{programs, xml::Element};

/// A comment that marks a document as deliberately off the schema; relaying keeps it.
pub const DEVIATION: &str = "<!--deviation-->";

/// What the ends of one test received from the server.
#[derive(Debug, Default)]
pub struct Documents {
    seen: Mutex<HashMap<String, String>>,
    faults: Mutex<Vec<String>>,
}

impl Documents {
    /// Keeps a document for the end. Those that differ in their digits alone are the same to a schema, and kept once.
    pub fn received(&self, document: &str) {
        if document.contains(DEVIATION) {
            return;
        }
        let mut shape = String::with_capacity(document.len());
        let mut parts = document.split(|c: char| c.is_ascii_digit());
        shape.push_str(parts.next().unwrap_or_default());
        for part in parts.filter(|part| !part.is_empty()) {
            shape.push('0');
            shape.push_str(part);
        }
        self.seen
            .lock()
            .unwrap()
            .entry(shape)
            .or_insert_with(|| document.to_owned());
    }

    /// Keeps a fault in the server's SIP, to fail the test at its end.
    pub fn fault(&self, fault: String) {
        self.faults.lock().unwrap().push(fault);
    }

    /// Says what is wrong with any of them.
    pub fn check(&self) -> Result<(), String> {
        let faults = self.faults.lock().unwrap();
        if let Some(first) = faults.first() {
            return Err(format!(
                "{} faults in the server's SIP, the first: {first}",
                faults.len()
            ));
        }
        let seen = self.seen.lock().unwrap();
        if seen.is_empty() || programs::find("xmllint", "libxml2-utils").is_none() {
            return Ok(());
        }
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut files: HashMap<&str, Vec<PathBuf>> = HashMap::new();
        for (number, document) in seen.values().enumerate() {
            let root = Element::read(document).map_err(|e| format!("not XML ({e}): {document}"))?;
            let edition = match (root.edition(), root.local()) {
                ("ed2" | "ed3" | "ed4", _) => "ed3",
                // Its destination is a list since the sixth edition only.
                ("ed5", "DeflectCall") => "ed3",
                ("ed5" | "ed6", _) => "ed6",
                (other, _) => return Err(format!("a document of edition {other:?}: {document}")),
            };
            let exchanged =
                document.replacen(root.namespace(), &super::csta::namespace(edition), 1);
            let file = folder.path().join(format!("{number}-{}.xml", root.local()));
            fs::write(&file, exchanged).map_err(|e| e.to_string())?;
            files.entry(edition).or_default().push(file);
        }
        files.iter().try_for_each(|(edition, files)| {
            files.chunks(400).try_for_each(|some| lint(edition, some))
        })
    }
}

fn lint(edition: &str, files: &[PathBuf]) -> Result<(), String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/schema/csta-{edition}-reconstructed.xsd"));
    let checked = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .args(files)
        .output()
        .map_err(|e| format!("xmllint does not run: {e}"))?;
    if checked.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&checked.stderr);
    let wrong: String = said
        .lines()
        .filter(|line| !line.ends_with(" validates"))
        .map(|line| format!("{line}\n"))
        .collect();
    let shown = files
        .iter()
        .find(|file| wrong.contains(&*file.to_string_lossy()));
    let text = shown
        .and_then(|file| fs::read_to_string(file).ok())
        .unwrap_or_default();
    Err(format!("off the {edition} schema:\n{wrong}{text}"))
}
