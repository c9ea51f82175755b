//! The course of the page: contents, each operation by its tag, and each type.

use std::{collections::BTreeMap, fmt::Write as _};

use actix_web::web::Bytes;
use serde_json::Value;

use super::{
    STYLES,
    markup::{escaped, prose, type_of},
};

/// The page, rendered once.
pub(in crate::api) struct Reference {
    pub(super) html: Bytes,
}

/// An operation with its method and path.
struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    described: &'d Value,
}

impl Reference {
    pub(super) fn of(document: &Value) -> Self {
        let mut tags = BTreeMap::<&str, Vec<Operation<'_>>>::new();
        let paths = document["paths"].as_object().into_iter().flatten();
        for (path, item) in paths {
            for (method, described) in item.as_object().into_iter().flatten() {
                let tag = described["tags"][0].as_str().unwrap_or_default();
                tags.entry(tag).or_default().push(Operation {
                    method,
                    path,
                    described,
                });
            }
        }
        let schemas = document["components"]["schemas"].as_object();
        let schemas: Vec<_> = schemas.into_iter().flatten().collect();
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>uacsta API</title>\
             <link rel=\"stylesheet\" href=\"{STYLES}\"></head><body>\
             <a class=\"skip\" href=\"#operations\">Skip to the operations</a>\
             <header><h1>uacsta API</h1><p>The operations and types of <code>/api/v1</code>. \
             <a href=\"/api/v1/openapi.json\">openapi.json</a> has them for programs that have logged on.</p></header>"
        );
        html.push_str("<nav aria-label=\"Contents\">");
        for (tag, operations) in &tags {
            let _ = write!(html, "<h2>{}</h2><ul>", escaped(tag));
            for one in operations {
                let (id, summary) = (one.text("operationId"), one.text("summary"));
                let _ = write!(
                    html,
                    "<li><a href=\"#{id}\">{}</a></li>",
                    summary.trim_end_matches('.')
                );
            }
            html.push_str("</ul>");
        }
        html.push_str("<h2>types</h2><ul>");
        for (name, _) in &schemas {
            let _ = write!(
                html,
                "<li><a href=\"#type-{0}\">{0}</a></li>",
                escaped(name)
            );
        }
        html.push_str("</ul></nav><main id=\"operations\" tabindex=\"-1\">");
        for (tag, operations) in &tags {
            let _ = write!(html, "<h2>{}</h2>", escaped(tag));
            for one in operations {
                one.write(&mut html);
            }
        }
        html.push_str("<h2>types</h2>");
        for (name, schema) in &schemas {
            write_type(&mut html, name, schema);
        }
        html.push_str("</main></body></html>\n");
        Self { html: html.into() }
    }
}

impl Operation<'_> {
    fn text(&self, key: &str) -> String {
        escaped(self.described[key].as_str().unwrap_or_default())
    }

    fn write(&self, html: &mut String) {
        let (id, effect) = (self.text("operationId"), self.text("x-effect"));
        let method = self.method.to_uppercase();
        let _ = write!(
            html,
            "<section aria-labelledby=\"{id}\"><h3 id=\"{id}\">{}</h3><p class=\"route\"><strong>{method}</strong> \
             <code>{}</code> <span class=\"effect {effect}\">{effect}</span> <span class=\"name\">{id}</span></p>",
            self.text("summary"),
            escaped(self.path),
        );
        html.push_str(&prose(
            self.described["description"].as_str().unwrap_or_default(),
        ));
        let parameters = self.described["parameters"].as_array();
        let parameters = parameters.map(Vec::as_slice).unwrap_or_default();
        if !parameters.is_empty() {
            html.push_str("<h4>Parameters</h4><dl>");
            for one in parameters {
                let place = one["in"].as_str().unwrap_or_default();
                let needed = if one["required"] == true {
                    ", required"
                } else {
                    ""
                };
                let kind = format!("{} in {place}{needed}", type_of(&one["schema"]));
                write_member(html, one["name"].as_str().unwrap_or_default(), &kind, one);
            }
            html.push_str("</dl>");
        }
        let body = self.described["requestBody"]["content"].as_object();
        if let Some((kind, content)) = body.and_then(|all| all.iter().next()) {
            let (kind, schema) = (escaped(kind), type_of(&content["schema"]));
            let _ = write!(html, "<h4>Body</h4><p>{schema}, <code>{kind}</code></p>");
        }
        html.push_str("<h4>Answers</h4><dl>");
        let answers = self.described["responses"]
            .as_object()
            .into_iter()
            .flatten();
        for (status, answer) in answers {
            let content = answer["content"].as_object().into_iter().flatten();
            let kinds = content.map(|(kind, content)| {
                format!(
                    "{}, <code>{}</code>",
                    type_of(&content["schema"]),
                    escaped(kind)
                )
            });
            let kinds = kinds.collect::<Vec<_>>().join("; ");
            write_member(html, status, &kinds, answer);
        }
        html.push_str("</dl></section>");
    }
}

/// A type with its members.
fn write_type(html: &mut String, name: &str, schema: &Value) {
    let id = format!("type-{}", escaped(name));
    let _ = write!(
        html,
        "<section aria-labelledby=\"{id}\"><h3 id=\"{id}\">{}</h3>",
        escaped(name)
    );
    html.push_str(&prose(schema["description"].as_str().unwrap_or_default()));
    let Some(members) = schema["properties"].as_object() else {
        let _ = write!(html, "<p>{}</p></section>", type_of(schema));
        return;
    };
    html.push_str("<dl>");
    for (member, described) in members {
        write_member(html, member, &type_of(described), described);
    }
    html.push_str("</dl></section>");
}

/// A name, its type as HTML, and its description.
fn write_member(html: &mut String, name: &str, kind: &str, described: &Value) {
    let about = prose(described["description"].as_str().unwrap_or_default());
    let name = escaped(name);
    let _ = write!(html, "<dt><code>{name}</code> {kind}</dt><dd>{about}</dd>");
}
