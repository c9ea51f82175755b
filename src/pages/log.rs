//! The log: its latest lines, searched by severity, telephone and text.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    frame::{Frame, answer},
    shared::{List, query},
};
use crate::{
    api::{Shown, Visitor},
    operators::Right,
};

/// What is asked of the log.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    level: String,
    phone: String,
    after: String,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    list: List<Line>,
}

/// A line of the log.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    level: Option<String>,
    pub(super) text: String,
}

impl Line {
    pub(super) fn level_class(&self) -> &str {
        self.level.as_deref().unwrap_or("info")
    }
}

/// Severities, with the keys of their texts.
const LEVELS: [(&str, &str); 4] = [
    ("", "log-all"),
    ("info", "log-info"),
    ("warn", "log-warn"),
    ("error", "log-error"),
];

/// Shows the log.
pub(super) async fn show(visitor: Visitor, asked: web::Query<Asked>) -> HttpResponse {
    let page = page(&visitor, asked.into_inner()).await;
    answer(&visitor, "log", page)
}

async fn page(visitor: &Visitor, asked: Asked) -> Shown<Page> {
    let wanted = [
        ("limit", "200"),
        ("q", asked.q.trim()),
        ("level", &asked.level),
        ("phone", asked.phone.trim()),
        ("after", &asked.after),
    ];
    // Later pages do not change; only administrators may follow the log.
    let is_live = asked.after.is_empty() && visitor.may(Right::Admin);
    Ok(Page {
        frame: Frame::new(visitor, "log", if is_live { "logs" } else { "" }),
        list: visitor.log(&query(&wanted)).await?,
        asked,
    })
}

impl Page {
    fn levels(&self) -> &'static [(&'static str, &'static str)] {
        &LEVELS
    }

    fn following(&self, next: &str) -> String {
        let Asked {
            q, level, phone, ..
        } = &self.asked;
        let pairs = [
            ("q", q.as_str()),
            ("level", level),
            ("phone", phone),
            ("after", next),
        ];
        format!("/log?{}", query(&pairs))
    }
}
