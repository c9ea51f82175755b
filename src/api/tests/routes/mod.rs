//! Every operation of the OpenAPI document, asked for by every kind of log-on; each answer is validated by its schema.

mod askers;
mod table;

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};

pub(super) use self::askers::{Asker, ask, askers};
use self::{askers::PASSWORD, table::ROUTES};
use super::served;
use crate::api::document::Document;

/// Method and responses of an operation.
fn operation<'d>(document: &'d Value, name: &str) -> (Method, &'d Value) {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut all = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let (method, operation) = all
        .find(|(_, operation)| operation["operationId"] == name)
        .unwrap_or_else(|| panic!("the document has no {name}"));
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    (method, &operation["responses"])
}

/// Validates the answer by the schema that the document has for its status.
fn validate(document: &Value, responses: &Value, status: u16, text: &str) -> Result<(), String> {
    let own = &responses[status.to_string()];
    let response = if own.is_null() {
        &responses["default"]
    } else {
        own
    };
    let Some((_, content)) = response["content"]
        .as_object()
        .and_then(|all| all.iter().next())
    else {
        return match text {
            "" => Ok(()),
            text => Err(format!(
                "no content is documented, but this was sent: {text}"
            )),
        };
    };
    let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
    let answer: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
    validator
        .validate(&answer)
        .map_err(|error| error.to_string())
}

#[actix_web::test]
async fn every_route_has_its_status_for_every_log_on_and_a_valid_answer() {
    let document: Value = serde_json::from_str(Document::new().text()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let askers = askers(&web).await;
    // The operators and the account were added.
    let added = ["addOperator", "addAccount"].map(|name| (name.to_owned(), 201));
    let mut answered = BTreeSet::from(added);
    for (name, path, body, expected) in ROUTES {
        let (method, responses) = operation(&document, name);
        for asker in &askers {
            let (status, text) = ask(&web, &method, path, body, asker).await;
            let expected = asker.expected(&method, *expected);
            assert_eq!(status, expected, "{name} by {}: {text}", asker.who);
            let valid = validate(&document, responses, status, &text);
            assert_eq!(valid, Ok(()), "{name} by {}: {text}", asker.who);
            answered.insert(((*name).to_owned(), u64::from(status)));
        }
    }
    check_audit(&document, &answered, folder.path());
    for asker in askers.iter().filter(|asker| asker.fields.len() == 2) {
        let (status, _) = ask(&web, &Method::GET, "/api/v1/session", "", asker).await;
        let expected = if asker.is_foreign { 200 } else { 401 };
        assert_eq!(status, expected, "{} has logged off", asker.who);
    }
}

/// Whether the audit log has each operation that may have changed something, and each refused one, by its status.
fn check_audit(document: &Value, answered: &BTreeSet<(String, u64)>, folder: &Path) {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let changing: BTreeSet<&str> = operations
        .filter(|(_, operation)| operation["x-effect"] != "read")
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    let is_refused = |status: u64| [401, 403].contains(&status);
    let expected: BTreeSet<_> = answered
        .iter()
        .filter(|(name, status)| changing.contains(&**name) || is_refused(*status))
        .cloned()
        .collect();
    let files = ["audit.jsonl", "audit.refused.jsonl"];
    let text: String = files
        .map(|name| fs::read_to_string(folder.join(name)).unwrap())
        .concat();
    assert!(
        !text.contains(PASSWORD) && !text.contains("short"),
        "{text}"
    );
    let entries = text.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let name = entry["operation"].as_str().unwrap().to_owned();
        (name, entry["status"].as_u64().unwrap())
    });
    assert_eq!(entries.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn every_operation_has_a_row() {
    let document: Value = serde_json::from_str(Document::new().text()).unwrap();
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let documented: BTreeSet<&str> = operations
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    let tested: BTreeSet<&str> = ROUTES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        documented, tested,
        "operations of the document and rows of ROUTES"
    );
}
