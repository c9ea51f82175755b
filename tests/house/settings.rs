//! Settings: `default.toml`, the settings' type and the catalogue have the same keys, each with a description.

use std::collections::BTreeSet;

use toml::{Table, Value};
use uacsta_config::Settings;

const DEFAULTS: &str = include_str!("../../config/default.toml");

fn keys(table: &Table, section: &str, found: &mut BTreeSet<String>) {
    for (name, value) in table {
        let key = format!("{section}{name}");
        match value {
            Value::Table(table) => keys(table, &format!("{key}."), found),
            _ => drop(found.insert(key)),
        }
    }
}

#[test]
fn every_setting_is_in_default_toml_in_the_type_and_in_the_catalogue() {
    let mut defaults = BTreeSet::new();
    keys(&DEFAULTS.parse().unwrap(), "", &mut defaults);
    // A key that only file or type has is an error of builtin().
    let listed = Settings::builtin().list();
    let catalogue: BTreeSet<String> = listed.iter().map(|one| one.key.to_owned()).collect();
    assert_eq!(
        defaults, catalogue,
        "config/src/catalogue.rs lacks a row, or has one too many"
    );
    for one in &listed {
        let is_described = one.description.len() > 10;
        assert!(
            is_described,
            "{}: write a comment in config/default.toml",
            one.key
        );
        assert!(!one.value.is_null() || one.is_set.is_some(), "{}", one.key);
    }
}
