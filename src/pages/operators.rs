//! The named operators, and the audit log of who changed what.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::{
    frame::{Frame, answer},
    shared::{List, query},
};
use crate::{
    api::{Refusal, Shown, Visitor},
    operators::Right,
};

/// What is asked of the audit log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "operators.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    operators: List<Operator>,
    audit: List<Entry>,
}

/// A named operator.
#[derive(Debug, Deserialize)]
struct Operator {
    id: String,
    name: String,
    rights: String,
}

/// An entry of the audit log.
#[derive(Debug, Deserialize)]
struct Entry {
    id: u64,
    at: String,
    who: Option<String>,
    from: Option<String>,
    operation: Option<String>,
    target: Option<String>,
    before: Value,
    after: Value,
    outcome: String,
    detail: Option<String>,
    times: u32,
}

/// Shows both.
pub(super) async fn show(visitor: Visitor, asked: web::Query<Asked>) -> HttpResponse {
    let page = page(&visitor, asked.into_inner()).await;
    answer(&visitor, "operators", page)
}

async fn page(visitor: &Visitor, asked: Asked) -> Shown<Page> {
    if !visitor.may(Right::Admin) {
        let detail = visitor.language.text("operators-right-missing");
        return Err(Refusal {
            status: 403,
            detail,
        });
    }
    let wanted = query(&[
        ("limit", "50"),
        ("q", asked.q.trim()),
        ("after", &asked.after),
    ]);
    let topics = if asked.after.is_empty() { "audit" } else { "" };
    Ok(Page {
        frame: Frame::new(visitor, "operators", topics),
        operators: visitor.operators("limit=1000")?,
        audit: visitor.audit(&wanted).await?,
        asked,
    })
}

impl Page {
    fn following(&self, next: &str) -> String {
        format!(
            "/operators?{}",
            query(&[("q", &self.asked.q), ("after", next)])
        )
    }
}

impl Operator {
    /// The key of the text for its rights.
    fn rights_key(&self) -> &'static str {
        match self.rights.as_str() {
            "admin" => "right-admin",
            "operate" => "right-operate",
            _ => "right-read",
        }
    }
}

impl Entry {
    /// The key of the text for its outcome.
    fn outcome_key(&self) -> &'static str {
        match self.outcome.as_str() {
            "done" => "audit-done",
            "refused" => "audit-refused",
            _ => "audit-failed",
        }
    }

    /// What changed: each member with its value before and since.
    fn changes(&self) -> Vec<String> {
        let Some(after) = self.after.as_object() else {
            return Vec::new();
        };
        let written = |value: &Value| match value {
            Value::Null => "–".to_owned(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let each = after.iter().filter_map(|(name, after)| {
            let before = &self.before[name];
            let changed = before != after;
            changed.then(|| match self.before.is_null() {
                true => format!("{name}: {}", written(after)),
                false => format!("{name}: {} → {}", written(before), written(after)),
            })
        });
        each.collect()
    }
}
