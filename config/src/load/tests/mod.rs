//! Tests of loading the settings.

#![allow(clippy::unwrap_used)]

mod layers;
mod mistakes;
mod secrets;

use std::{fs, time::Duration};

use super::*;
use crate::choice::{Digest, Level};

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uacsta.toml");
    fs::write(&file, text).unwrap();
    let error = load_with(Some(&file), None, None, [])
        .unwrap_err()
        .to_string();
    let shown = error.replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(shown, expected);
}

#[track_caller]
fn refused_variable(name: &str, value: &str, expected: &str) {
    let error = load_with(None, None, None, variables(&[(name, value)])).unwrap_err();
    assert_eq!(error.to_string(), expected);
}
