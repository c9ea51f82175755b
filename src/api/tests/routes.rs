//! Every operation of the OpenAPI document, asked for by every kind of log-on; each answer is validated by its schema.

use std::collections::BTreeSet;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{HttpServer, served};
use crate::api::document::Document;

/// Who asks: `Authorization`, or none.
const LOG_ONS: [(&str, &str); 4] = [
    ("nobody", ""),
    ("a wrong token", "Bearer wrong"),
    ("the command line", "Bearer token"),
    ("the administrator", "Basic YWRtaW46cGFzc3dvcmQ="),
];

/// Operation, path, body, and the status for each log-on.
type Route = (&'static str, &'static str, &'static str, [u16; 4]);

/// For operations that anybody who has logged on may ask for.
const fn logged_on(status: u16) -> [u16; 4] {
    [401, 401, status, status]
}

const ROUTES: &[Route] = &[
    ("listPhones", "/api/v1/phones?limit=1", "", logged_on(200)),
    (
        "addPhone",
        "/api/v1/phones",
        r#"{"id":"00:04:13:00:00:01"}"#,
        logged_on(201),
    ),
    (
        "getPhone",
        "/api/v1/phones/000413000001",
        "",
        logged_on(200),
    ),
    (
        "changePhone",
        "/api/v1/phones/000413000001",
        r#"{"inOperation":false}"#,
        logged_on(200),
    ),
    (
        "removePhone",
        "/api/v1/phones/000413000001",
        "",
        logged_on(204),
    ),
    (
        "sendCsta",
        "/api/v1/phones/000413000001/csta",
        r#"{"request":"<HoldCall/>"}"#,
        logged_on(409),
    ),
    (
        "getPhoneTrace",
        "/api/v1/phones/000413000001/trace",
        "",
        logged_on(200),
    ),
    (
        "getClientTrace",
        "/api/v1/clients/ecsta/trace",
        "",
        logged_on(404),
    ),
    ("listLines", "/api/v1/lines", "", logged_on(200)),
    ("getLine", "/api/v1/lines/215", "", logged_on(404)),
    ("getStatus", "/api/v1/status", "", logged_on(200)),
    ("getLicenses", "/api/v1/licenses", "", logged_on(200)),
    (
        "addLicense",
        "/api/v1/licenses",
        r#"{"code":"A"}"#,
        logged_on(409),
    ),
    ("removeLicense", "/api/v1/licenses/7", "", logged_on(409)),
    ("getCertificate", "/api/v1/certificate", "", logged_on(200)),
    ("listSettings", "/api/v1/settings", "", logged_on(200)),
    (
        "getSetting",
        "/api/v1/settings/advanced.keep_alive",
        "",
        logged_on(200),
    ),
    (
        "changeSettings",
        "/api/v1/settings",
        r#"{"logs.level":"debug"}"#,
        logged_on(428),
    ),
    (
        "listSettingChanges",
        "/api/v1/settings/history",
        "",
        logged_on(200),
    ),
    (
        "undoSettings",
        "/api/v1/settings/undo",
        r#"{"id":"1a"}"#,
        logged_on(422),
    ),
    (
        "reloadSettings",
        "/api/v1/settings/reload",
        "",
        logged_on(422),
    ),
    ("getDocument", "/api/v1/openapi.json", "", logged_on(200)),
    ("getProblemType", "/api/v1/problems/invalid", "", [200; 4]),
];

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
    for (name, path, body, statuses) in ROUTES {
        // One server would hold back the log-ons after so many wrong tokens.
        let web = served(folder.path());
        let (method, responses) = operation(&document, name);
        for ((who, authorization), expected) in LOG_ONS.iter().zip(statuses) {
            let (status, text) = ask(&web, &method, path, body, authorization).await;
            assert_eq!(status, *expected, "{name} by {who}: {text}");
            let valid = validate(&document, responses, status, &text);
            assert_eq!(valid, Ok(()), "{name} by {who}: {text}");
        }
    }
}

async fn ask(
    web: &HttpServer,
    method: &Method,
    path: &str,
    body: &'static str,
    authorization: &str,
) -> (u16, String) {
    let request = Client::new().request(method.clone(), format!("http://{}{path}", web.address()));
    let mut request = request
        .header("Content-Type", "application/json")
        .body(body);
    if !authorization.is_empty() {
        request = request.header("Authorization", authorization);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
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
