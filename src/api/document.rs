//! The OpenAPI document, made of the handlers and types, and what requests are checked against by it.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{App, HttpRequest};
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_actix_web::{AppExt as _, scope};

use super::{
    access::COOKIE_NAME,
    idempotency,
    problem::{Problem, ProblemBody},
    resources::events::{LiveTopicAsked, Topic, TopicAsked},
    routes::{BASE, routes},
};
use crate::texts::Text;

/// The document and what is looked up in it.
pub(super) struct Document {
    text: String,
    /// The operations by path and method.
    operations: BTreeMap<String, BTreeMap<String, Operation>>,
}

/// What is known of an operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its `operationId`.
    pub(super) id: String,
    /// Its `x-effect`.
    effect: String,
    /// The names of its parameters in the query.
    parameters: Vec<String>,
}

impl Operation {
    fn of(described: &Value) -> Self {
        let text = |key: &str| described[key].as_str().unwrap_or_default().to_owned();
        let parameters = described["parameters"].as_array();
        let parameters = parameters.map(Vec::as_slice).unwrap_or_default();
        let query = parameters.iter().filter(|one| one["in"] == "query");
        let names = query.filter_map(|one| Some(one["name"].as_str()?.to_owned()));
        Self {
            id: text("operationId"),
            effect: text("x-effect"),
            parameters: names.collect(),
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_read(&self) -> bool {
        self.effect == "read"
    }
}

/// What the document has beside the operations and their types.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody, Topic, TopicAsked, LiveTopicAsked)))]
struct Base;

/// The methods of HTTP as `Allow` names them, in the order of their keys in the document.
const METHODS: [(&str, &str); 5] = [
    ("get", "GET, HEAD"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
];

impl Document {
    pub(super) fn new() -> Self {
        let app = App::new().into_utoipa_app().openapi(Base::openapi());
        let all = scope::scope(BASE).configure(routes);
        let (_, made) = app.service(all).split_for_parts();
        // The types of utoipa always have a JSON form.
        let mut document = serde_json::to_value(made).unwrap_or_default();
        complete(&mut document);
        Self {
            operations: operations(&document),
            text: document.to_string(),
        }
    }

    /// The document as JSON.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The methods of the resource at `path`, as `Allow` has them; `None` if there is no such resource.
    pub(super) fn allow(&self, path: &str) -> Option<String> {
        // A path without names goes first, as in OpenAPI.
        let exact = self.operations.contains_key(path);
        let fitting = self.operations.iter().filter(|(known, _)| match exact {
            true => *known == path,
            false => fits(known, path),
        });
        let methods: BTreeSet<&str> = fitting
            .flat_map(|(_, methods)| methods.keys().map(String::as_str))
            .collect();
        let known = METHODS.iter().filter(|(key, _)| methods.contains(key));
        let names: Vec<&str> = known.map(|(_, names)| *names).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The operation that a request names.
    pub(super) fn operation(&self, request: &HttpRequest) -> Option<&Operation> {
        let method = request.method().as_str().to_ascii_lowercase();
        self.operations.get(&request.match_pattern()?)?.get(&method)
    }

    /// Refuses methods that the resource does not have, where a path with names would take them, and parameters that the operation
    /// does not have.
    pub(super) fn check_parameters(&self, request: &HttpRequest) -> Result<(), Problem> {
        let (path, method) = (request.path(), request.method());
        let key = method.as_str().to_ascii_lowercase();
        if self
            .operations
            .get(path)
            .is_some_and(|methods| !methods.contains_key(&key))
        {
            let allow = self.allow(path).unwrap_or_default();
            return Err(Problem::method(method, &allow));
        }
        let Some(Operation {
            parameters: known, ..
        }) = self.operation(request)
        else {
            return Ok(());
        };
        let query = request.query_string();
        let given: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let unknown = given.into_iter().filter(|(name, _)| !known.contains(name));
        let wrong: Vec<_> = unknown
            .map(|(name, _)| {
                let detail = match known.is_empty() {
                    true => Text::new("no-parameters"),
                    false => Text::new("unknown-parameter").with("known", known.join(", ")),
                };
                (format!("?{name}"), detail)
            })
            .collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Problem::invalid(wrong)),
        }
    }
}

/// Whether a path fits one with `{names}`.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut known, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (known.next(), given.next()) {
            (None, None) => return true,
            (Some(known), Some(given)) => {
                let fits = known == given || (known.starts_with('{') && !given.is_empty());
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn operations(document: &Value) -> BTreeMap<String, BTreeMap<String, Operation>> {
    let methods = |item: &Value| {
        let members = item.as_object().into_iter().flatten();
        members
            .filter(|(key, _)| METHODS.iter().any(|(method, _)| method == key))
            .map(|(method, operation)| (method.clone(), Operation::of(operation)))
            .collect()
    };
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .map(|(path, item)| (path.clone(), methods(item)))
        .collect()
}

/// Adds what holds for all operations.
fn complete(document: &mut Value) {
    document["info"] = json!({
        "title": "uacsta",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Phones, lines, licences and settings of a uacsta server. docs/api.md describes the conventions. Texts for people are in the language of Accept-Language (en, de).",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/" }]);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "A token, such as that in cli.token." },
        "ticket": { "type": "apiKey", "in": "query", "name": "ticket", "description": "A ticket of POST /tickets." },
        "session": { "type": "apiKey", "in": "cookie", "name": COOKIE_NAME, "description": "The cookie of POST /session." },
    });
    document["security"] = json!([{ "token": [] }, { "session": [] }]);
    let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, item) in paths {
        let operations = item.as_object_mut().into_iter().flatten();
        for (method, operation) in operations {
            if method == "post" && operation["operationId"] != "logOn" {
                add_key(operation);
            }
            operation["responses"]["default"] = json!({
                "description": "The request was refused.",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            });
            references(&operation["requestBody"], &mut asked);
            references(&operation["parameters"], &mut asked);
            references(&operation["responses"], &mut answered);
        }
    }
    let schemas = &mut document["components"]["schemas"];
    for found in [&mut asked, &mut answered] {
        while follow(schemas, found) {}
    }
    for name in answered.difference(&asked) {
        open(&mut schemas[name]);
    }
}

/// Describes `Idempotency-Key`.
fn add_key(operation: &mut Value) {
    let key = json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Names the request: a repetition within ten minutes gets the first answer.",
        "schema": { "type": "string", "minLength": 1, "maxLength": idempotency::LONGEST },
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(key),
        None => operation["parameters"] = json!([key]),
    }
}

/// Adds the schemas to which those that were found refer; whether there were new ones.
fn follow(schemas: &Value, found: &mut BTreeSet<String>) -> bool {
    let before = found.len();
    for name in found.clone() {
        references(&schemas[name], found);
    }
    found.len() > before
}

/// The names of the schemas to which a part of the document refers.
fn references(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.strip_prefix("#/components/schemas/"));
            found.extend(name.map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// A type of answers: its members are always there, and its enumerations may get further values.
fn open(schema: &mut Value) {
    if let Some(members) = schema["properties"].as_object() {
        let names: Vec<&String> = members.keys().collect();
        schema["required"] = json!(names);
    }
    // One value alone tells types apart.
    let is_list = schema["enum"]
        .as_array()
        .is_some_and(|known| known.len() > 1);
    if is_list && let Some(known) = schema.get_mut("enum").map(Value::take) {
        schema["x-extensible-enum"] = known;
        if let Some(members) = schema.as_object_mut() {
            members.remove("enum");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_their_patterns() {
        for (pattern, path, expected) in [
            ("/api/v1/phones", "/api/v1/phones", true),
            ("/api/v1/phones/{phone}", "/api/v1/phones/215", true),
            ("/api/v1/phones/{phone}", "/api/v1/phones/", false),
            ("/api/v1/phones/{phone}", "/api/v1/phones/215/csta", false),
            (
                "/api/v1/phones/{phone}/csta",
                "/api/v1/phones/215/csta",
                true,
            ),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn types_of_answers_are_open_and_those_of_requests_are_not() {
        let document: Value = serde_json::from_str(Document::new().text()).unwrap_or_default();
        let schemas = &document["components"]["schemas"];
        let state = &schemas["PhoneState"];
        assert!(state["enum"].is_null(), "{state}");
        assert_eq!(state["x-extensible-enum"][0], "away", "{state}");
        let phone = &schemas["Phone"];
        let members = phone["properties"].as_object().map(serde_json::Map::len);
        assert_eq!(
            phone["required"].as_array().map(Vec::len),
            members,
            "{phone}"
        );
        assert!(schemas["PhoneChange"]["required"].is_null(), "{schemas}");
    }

    #[test]
    fn every_operation_has_a_name_a_summary_and_an_effect() {
        let document: Value = serde_json::from_str(Document::new().text()).unwrap_or_default();
        let mut names = BTreeSet::new();
        let paths = document["paths"].as_object().into_iter().flatten();
        for (path, item) in paths {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let text = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
                assert!(names.insert(text("operationId")), "{method} {path}");
                assert!(text("summary").ends_with('.'), "{method} {path}");
                assert!(!text("description").is_empty(), "{method} {path}");
                let effect = text("x-effect");
                let known = ["read", "reversible", "rings", "destructive"];
                assert!(known.contains(&&*effect), "{method} {path}: {effect}");
            }
        }
        assert!(names.len() > 10, "{names:?}");
    }
}
