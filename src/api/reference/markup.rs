//! Texts and types of an OpenAPI document as HTML.

use std::fmt::Write as _;

use serde_json::Value;

/// A text, with its special characters escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
    html
}

/// A description: what stands between backticks is code, an empty line begins a paragraph.
pub(super) fn prose(text: &str) -> String {
    let mut html = String::new();
    for paragraph in text.split("\n\n").filter(|text| !text.trim().is_empty()) {
        html.push_str("<p>");
        for (number, part) in paragraph.split('`').enumerate() {
            match number % 2 {
                0 => html.push_str(&escaped(part)),
                _ => drop(write!(html, "<code>{}</code>", escaped(part))),
            }
        }
        html.push_str("</p>");
    }
    html
}

/// A type in a few words, with links to those that have a name.
pub(super) fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return format!("<a href=\"#type-{0}\">{0}</a>", escaped(name));
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[key].as_array() {
            let parts: Vec<String> = parts.iter().map(type_of).collect();
            return parts.join(" or ");
        }
    }
    let names = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any value"],
    };
    let words = names.into_iter().map(|name| match name {
        "array" => format!("list of {}", type_of(&schema["items"])),
        name => escaped(name),
    });
    let mut html = words.collect::<Vec<_>>().join(" or ");
    if let Some(format) = schema["format"].as_str() {
        let _ = write!(html, " ({})", escaped(format));
    }
    for (key, word) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters: at least"),
        ("maxLength", "characters: at most"),
        ("default", "default"),
    ] {
        if !schema[key].is_null() {
            let _ = write!(html, ", {word} {}", escaped(&schema[key].to_string()));
        }
    }
    for (key, end) in [("enum", ""), ("x-extensible-enum", ", others may follow")] {
        if let Some(known) = schema[key].as_array() {
            let known = known.iter().filter_map(Value::as_str);
            let known = known.map(|value| format!("<code>{}</code>", escaped(value)));
            let _ = write!(html, ": {}{end}", known.collect::<Vec<_>>().join(", "));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_escaped_and_types_are_linked() {
        assert_eq!(
            prose("a `<b>` & c"),
            "<p>a <code>&lt;b&gt;</code> &amp; c</p>"
        );
        for (schema, expected) in [
            (json!({ "type": "string" }), "string"),
            (json!({ "type": ["string", "null"] }), "string or null"),
            (
                json!({ "type": "array", "items": { "$ref": "#/components/schemas/Phone" } }),
                "list of <a href=\"#type-Phone\">Phone</a>",
            ),
            (
                json!({ "type": "integer", "minimum": 0 }),
                "integer, at least 0",
            ),
            (
                json!({ "type": "string", "x-extensible-enum": ["a", "b"] }),
                "string: <code>a</code>, <code>b</code>, others may follow",
            ),
        ] {
            assert_eq!(type_of(&schema), expected);
        }
    }
}
