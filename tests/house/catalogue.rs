//! CSTA services and events are named by their identifiers, not by text.

use uacsta_schema::csta::{EventId, ServiceId};

use crate::source::{CRATES, File, Finding, check, files, production_lines};

/// The only place where their names are text.
const CATALOGUE: &str = "schema/src/csta/catalogue/";

#[test]
fn service_and_event_names_are_text_in_the_catalogue_only() {
    let findings: Vec<_> = files(&CRATES, ".rs").iter().flat_map(names).collect();
    check("names of services and events", &findings, &[]);
}

/// The string literals that are a root element of the catalogue.
fn names(file: &File) -> Vec<Finding> {
    if file.is_test() || file.path.starts_with(CATALOGUE) {
        return Vec::new();
    }
    production_lines(&file.text)
        .into_iter()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(number, line)| {
            let name = line.split('"').find(|piece| is_name(piece))?;
            let advice = format!("\"{name}\": use ServiceId or EventId, or a row of the catalogue");
            Some(Finding::new(file, number, advice))
        })
        .collect()
}

fn is_name(text: &str) -> bool {
    let root = text.strip_suffix("Response").unwrap_or(text);
    // A single word, such as "Stop", may be text of any other meaning.
    let is_distinct = root.matches(char::is_uppercase).count() > 1;
    is_distinct && (ServiceId::from_name(root).is_some() || EventId::from_name(root).is_some())
}

#[test]
fn a_name_in_code_is_found_and_one_in_text_is_not() {
    let found = |text: &str| names(&File::new("src/x.rs", text)).len();
    assert_eq!(found("has(\"HoldCall\")"), 1);
    assert_eq!(found("== \"HeldEvent\" || == \"MakeCallResponse\""), 1);
    assert_eq!(found("// \"HoldCall\"\n\"HoldCall: use it\"\n\"Stop\""), 0);
    assert_eq!(found("#[cfg(test)]\nmod tests {\n    \"HoldCall\"\n}"), 0);
}
