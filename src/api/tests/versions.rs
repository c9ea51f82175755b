//! Within v1 things are only added: the OpenAPI document is compared with that of the last release.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use crate::api::document::Document;

/// The document of the last release.
fn released() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openapi-v1.json")
}

#[test]
fn document_only_adds_to_that_of_the_last_release() {
    let now: Value = serde_json::from_str(Document::new().text()).unwrap();
    if std::env::var_os("UACSTA_RELEASE").is_some() {
        let text = serde_json::to_string_pretty(&now).unwrap() + "\n";
        fs::write(released(), text).unwrap();
    }
    let released = fs::read_to_string(released()).unwrap();
    let released = serde_json::from_str(&released).unwrap();
    let broken = Comparison::of(&released, &now);
    assert!(
        broken.is_empty(),
        "programs written for the last release break; add instead, or take it to v2 (tests/fixtures/README.md):\n{}",
        broken.join("\n")
    );
}

#[test]
fn member_that_is_gone_is_found_in_the_document() {
    let document: Value = serde_json::from_str(Document::new().text()).unwrap();
    for (name, member) in [("Phone", "mac"), ("PhoneChange", "inOperation")] {
        let mut now = document.clone();
        let members = &mut now["components"]["schemas"][name]["properties"];
        members.as_object_mut().unwrap().remove(member).unwrap();
        let broken = Comparison::of(&document, &now).join("\n");
        assert!(broken.contains(&format!(".{member}: is gone")), "{broken}");
    }
}

/// Who writes what a schema describes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Side {
    Client,
    Server,
}

/// The comparison of two documents: what programs written for the former one would miss.
struct Comparison<'d> {
    former: &'d Value,
    now: &'d Value,
    /// References that were compared, so that types may contain themselves.
    seen: BTreeSet<(String, String, Side)>,
    broken: Vec<String>,
}

impl<'d> Comparison<'d> {
    fn of(former: &'d Value, now: &'d Value) -> Vec<String> {
        let mut comparison = Self {
            former,
            now,
            seen: BTreeSet::new(),
            broken: Vec::new(),
        };
        for (path, item) in members(&former["paths"]) {
            for (method, operation) in members(item) {
                let place = format!("{method} {path}");
                comparison.operation(&place, operation, &now["paths"][path][method]);
            }
        }
        comparison.broken
    }

    fn breaks(&mut self, place: &str, what: impl std::fmt::Display) {
        self.broken.push(format!("{place}: {what}"));
    }

    fn operation(&mut self, place: &str, former: &'d Value, now: &'d Value) {
        if now.is_null() {
            return self.breaks(place, "is gone");
        }
        for key in ["operationId", "x-effect"] {
            if former[key] != now[key] {
                self.breaks(place, format!("{key} is {}, was {}", now[key], former[key]));
            }
        }
        for parameter in items(&now["parameters"]) {
            let known = named(&former["parameters"], parameter);
            let was_needed = known.is_some_and(|known| known["required"] == true);
            if parameter["required"] == true && !was_needed {
                self.breaks(place, format!("{} is needed now", parameter["name"]));
            }
        }
        for parameter in items(&former["parameters"]) {
            let place = format!("{place} {}", parameter["name"]);
            match named(&now["parameters"], parameter) {
                None => self.breaks(&place, "is gone"),
                Some(now) => {
                    self.schema(&place, &parameter["schema"], &now["schema"], Side::Client);
                }
            }
        }
        let (asked, body) = (&former["requestBody"], &now["requestBody"]);
        if body["required"] == true && asked["required"] != true {
            self.breaks(place, "a body is needed now");
        }
        self.content(place, asked, body, Side::Client);
        for (status, answer) in members(&former["responses"]) {
            let place = format!("{place} {status}");
            match &now["responses"][status] {
                Value::Null => self.breaks(&place, "is gone"),
                now => self.content(&place, answer, now, Side::Server),
            }
        }
    }

    fn content(&mut self, place: &str, former: &'d Value, now: &'d Value, by: Side) {
        for (kind, content) in members(&former["content"]) {
            match &now["content"][kind] {
                Value::Null => self.breaks(place, format!("{kind} is gone")),
                now => self.schema(place, &content["schema"], &now["schema"], by),
            }
        }
    }

    fn schema(&mut self, place: &str, former: &'d Value, now: &'d Value, by: Side) {
        let name = |schema: &Value| schema["$ref"].as_str().map(str::to_owned);
        if let (Some(former), Some(now)) = (name(former), name(now))
            && !self.seen.insert((former, now, by))
        {
            return;
        }
        let former = resolved(self.former, former);
        let now = resolved(self.now, now);
        self.values(place, former, now, by);
        self.limits(place, former, now, by);
        self.members(place, former, now, by);
        if !former["items"].is_null() {
            self.schema(&format!("{place}[]"), &former["items"], &now["items"], by);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for (at, one) in items(&former[key]).enumerate() {
                let same =
                    items(&now[key]).find(|other| name(one).is_some() && name(other) == name(one));
                match same.or_else(|| now[key].get(at)) {
                    None => self.breaks(place, format!("{key} lacks {one}")),
                    Some(other) => self.schema(place, one, other, by),
                }
            }
        }
    }

    /// Types and enumerations.
    fn values(&mut self, place: &str, former: &Value, now: &Value, by: Side) {
        let is_within = |few: &BTreeSet<String>, many: &BTreeSet<String>| {
            many.is_empty() || (!few.is_empty() && few.is_subset(many))
        };
        let types = [former, now].map(|schema| texts(&schema["type"]));
        let fits = match by {
            Side::Client => is_within(&types[0], &types[1]),
            Side::Server => is_within(&types[1], &types[0]),
        };
        if !fits {
            self.breaks(place, format!("is {:?}, was {:?}", types[1], types[0]));
        }
        let known = [former, now].map(|schema| {
            let values = [
                &schema["enum"],
                &schema["x-extensible-enum"],
                &schema["const"],
            ];
            let values = values.into_iter().find(|values| !values.is_null());
            values.map(texts).unwrap_or_default()
        });
        // An answer may have further values, but none under another name.
        let fits = match by {
            Side::Client => is_within(&known[0], &known[1]),
            Side::Server => known[0].is_subset(&known[1]),
        };
        if !fits {
            self.breaks(
                place,
                format!("is one of {:?}, was of {:?}", known[1], known[0]),
            );
        }
    }

    /// Formats, and the bounds of what clients send.
    fn limits(&mut self, place: &str, former: &Value, now: &Value, by: Side) {
        for key in ["format", "pattern"] {
            let holder = if by == Side::Client { now } else { former };
            if !holder[key].is_null() && former[key] != now[key] {
                self.breaks(place, format!("{key} is {}, was {}", now[key], former[key]));
            }
        }
        let least = ["minimum", "exclusiveMinimum", "minLength", "minItems"];
        let most = ["maximum", "exclusiveMaximum", "maxLength", "maxItems"];
        let bounds = least
            .map(|key| (key, -1.0))
            .into_iter()
            .chain(most.map(|key| (key, 1.0)));
        for (key, sign) in bounds.filter(|_| by == Side::Client) {
            let bound = |schema: &Value| schema[key].as_f64().map_or(f64::INFINITY, |at| at * sign);
            if bound(now) < bound(former) {
                self.breaks(place, format!("{key} is {}, was {}", now[key], former[key]));
            }
        }
    }

    fn members(&mut self, place: &str, former: &'d Value, now: &'d Value, by: Side) {
        let needed = [former, now].map(|schema| texts(&schema["required"]));
        let (lost, what) = match by {
            Side::Client => (&needed[1] - &needed[0], "is needed now"),
            Side::Server => (&needed[0] - &needed[1], "may be missing now"),
        };
        for name in lost {
            self.breaks(&format!("{place}.{name}"), what);
        }
        for (name, member) in members(&former["properties"]) {
            let place = format!("{place}.{name}");
            match &now["properties"][name] {
                Value::Null => self.breaks(&place, "is gone"),
                now => self.schema(&place, member, now, by),
            }
        }
        let key = "additionalProperties";
        if by == Side::Client && now[key] == false && former[key] != false {
            self.breaks(place, "no further members are accepted now");
        }
        if former[key].is_object() && now[key].is_object() {
            self.schema(&format!("{place}.*"), &former[key], &now[key], by);
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The parameter with the name and place of another one.
fn named<'d>(parameters: &'d Value, wanted: &Value) -> Option<&'d Value> {
    items(parameters).find(|one| one["name"] == wanted["name"] && one["in"] == wanted["in"])
}

/// A text, or a list of values as texts.
fn texts(value: &Value) -> BTreeSet<String> {
    let list = items(value).chain((!value.is_array() && !value.is_null()).then_some(value));
    list.map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
        .collect()
}

/// The schema itself.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let target = schema["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix('#'));
    target
        .and_then(|path| document.pointer(path))
        .unwrap_or(schema)
}

/// A document with one operation.
fn example() -> Value {
    json!({
        "paths": { "/a": { "post": {
            "operationId": "addA", "x-effect": "reversible",
            "parameters": [{ "name": "q", "in": "query", "required": false, "schema": { "type": "string", "maxLength": 9 } }],
            "requestBody": { "required": true, "content": { "json": { "schema": { "$ref": "#/components/schemas/New" } } } },
            "responses": { "200": { "content": { "json": { "schema": { "$ref": "#/components/schemas/A" } } } } },
        } } },
        "components": { "schemas": {
            "New": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" }, "kind": { "enum": ["x", "y"] } } },
            "A": { "type": "object", "required": ["name", "all"], "properties": {
                "name": { "type": ["string", "null"] },
                "kind": { "x-extensible-enum": ["x", "y"] },
                "all": { "type": "array", "items": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/A" }] } },
            } },
        } },
    })
}

#[test]
fn what_breaks_programs_is_found_and_additions_are_not() {
    const POST: &str = "/paths/~1a/post";
    const NEW: &str = "/components/schemas/New";
    const A: &str = "/components/schemas/A";
    let needed = json!({ "name": "r", "in": "query", "required": true });
    let optional = json!({ "name": "r", "in": "query", "required": false });
    // Where, the new value there (null: gone), and what is found.
    for (place, member, value, words) in [
        (POST, "operationId", json!("makeA"), "operationId is"),
        (POST, "x-effect", json!("destructive"), "x-effect is"),
        (
            &format!("{POST}/parameters"),
            "-",
            needed,
            "\"r\" is needed now",
        ),
        (&format!("{POST}/parameters"), "-", optional, ""),
        (
            &format!("{POST}/parameters/0"),
            "name",
            json!("query"),
            "\"q\": is gone",
        ),
        (
            &format!("{POST}/parameters/0/schema"),
            "maxLength",
            json!(8),
            "maxLength is 8",
        ),
        (
            &format!("{POST}/parameters/0/schema"),
            "maxLength",
            json!(10),
            "",
        ),
        (
            &format!("{POST}/parameters/0/schema"),
            "minLength",
            json!(1),
            "minLength is 1",
        ),
        (
            &format!("{POST}/responses"),
            "200",
            Value::Null,
            "200: is gone",
        ),
        (&format!("{POST}/responses"), "202", json!({}), ""),
        ("/paths/~1a", "post", Value::Null, "post /a: is gone"),
        ("/paths", "/b", json!({}), ""),
        (
            NEW,
            "required",
            json!(["name", "kind"]),
            ".kind: is needed now",
        ),
        (NEW, "required", json!([]), ""),
        (
            &format!("{NEW}/properties"),
            "kind",
            Value::Null,
            ".kind: is gone",
        ),
        (&format!("{NEW}/properties"), "more", json!({}), ""),
        (
            &format!("{NEW}/properties/kind"),
            "enum",
            json!(["x"]),
            "is one of",
        ),
        (
            &format!("{NEW}/properties/kind"),
            "enum",
            json!(["x", "y", "z"]),
            "",
        ),
        (
            &format!("{NEW}/properties/name"),
            "type",
            json!("integer"),
            "is {\"integer\"}",
        ),
        (
            &format!("{NEW}/properties/name"),
            "format",
            json!("uuid"),
            "format is",
        ),
        (A, "required", json!(["all"]), ".name: may be missing now"),
        (A, "required", json!(["all", "kind", "name"]), ""),
        (
            &format!("{A}/properties"),
            "name",
            Value::Null,
            ".name: is gone",
        ),
        (&format!("{A}/properties/name"), "type", json!("string"), ""),
        (
            &format!("{A}/properties/kind"),
            "x-extensible-enum",
            json!(["x", "z"]),
            "is one of",
        ),
        (
            &format!("{A}/properties/kind"),
            "x-extensible-enum",
            json!(["x", "y", "z"]),
            "",
        ),
        (
            &format!("{A}/properties/all"),
            "type",
            json!(["array", "null"]),
            "all: is",
        ),
    ] {
        let (former, mut now) = (example(), example());
        let changed = now.pointer_mut(place).unwrap();
        match (changed, value) {
            (Value::Array(list), value) => list.push(value),
            (changed, Value::Null) => drop(changed.as_object_mut().unwrap().remove(member)),
            (changed, value) => changed[member] = value,
        }
        let broken = Comparison::of(&former, &now).join("\n");
        assert!(broken.contains(words), "{place} {member}: {broken}");
        assert_eq!(
            broken.is_empty(),
            words.is_empty(),
            "{place} {member}: {broken}"
        );
    }
}
