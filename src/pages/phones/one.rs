//! The page of one telephone: why it is as it is, its lines and who watches them, its messages and its lines in the log.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    super::{
        frame::{Frame, answer},
        log::Line as LogLine,
        shared::{List, Reason, query},
    },
    Phone,
};
use crate::api::{Shown, Visitor};

#[derive(Template)]
#[template(path = "phone.html")]
struct Page {
    frame: Frame,
    phone: Phone,
    lines: List<Line>,
    messages: Vec<Message>,
    log: List<LogLine>,
}

/// A line of the telephone.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    number: String,
    status: String,
    reason: Option<Reason>,
    watch: Option<Watch>,
}

/// Who watches a line.
#[derive(Debug, Deserialize)]
struct Watch {
    state: String,
    reason: Option<Reason>,
    users: Option<Vec<String>>,
}

/// A SIP message of the ladder.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    at: Option<String>,
    direction: String,
    transport: String,
    method: Option<String>,
    status: Option<u16>,
    invalid: Option<String>,
    call_id: String,
    cseq: String,
    csta: Option<String>,
    csta_error: Option<String>,
    text: String,
}

/// How many of the last messages and lines of the log are shown.
const LAST: usize = 100;

/// Shows the telephone.
pub(in crate::pages) async fn show(visitor: Visitor, name: web::Path<String>) -> HttpResponse {
    let page = page(&visitor, &name).await;
    answer(&visitor, "telephones", page)
}

async fn page(visitor: &Visitor, name: &str) -> Shown<Page> {
    let phone: Phone = visitor.phone(name).await?;
    let lines = query(&[("phone", &phone.id), ("limit", "1000")]);
    let log = query(&[("phone", &phone.id), ("limit", "20")]);
    let frame = Frame::new(visitor, "telephones", "phones");
    let mut messages: Vec<Message> = match frame.may_administer() {
        true => visitor.trace(&phone.id).await?,
        false => Vec::new(),
    };
    messages.drain(..messages.len().saturating_sub(LAST));
    Ok(Page {
        lines: visitor.lines(&lines).await?,
        log: visitor.log(&log).await?,
        frame,
        phone,
        messages,
    })
}

impl Page {
    /// The topics of this page alone.
    fn topics(&self) -> String {
        match self.frame.may_administer() {
            true => format!("phones,clients,trace:{}", self.phone.id),
            false => "phones,clients".to_owned(),
        }
    }
}

impl Line {
    /// The key of the text for what it does.
    fn status_key(&self) -> &'static str {
        match self.status.as_str() {
            "idle" => "line-idle",
            "ringing" => "line-ringing",
            "busy" => "line-busy",
            "outOfService" => "line-out-of-service",
            _ => "line-unknown",
        }
    }

    /// Why it cannot be controlled, or watched.
    fn trouble(&self) -> Option<&Reason> {
        let refused = || self.watch.as_ref().and_then(|watch| watch.reason.as_ref());
        self.reason.as_ref().or_else(refused)
    }
}

impl Watch {
    /// The key of the text for its state.
    fn state_key(&self) -> &'static str {
        match self.state.as_str() {
            "on" => "watch-on",
            "starting" => "watch-starting",
            "refused" => "watch-refused",
            _ => "watch-off",
        }
    }

    fn users(&self) -> String {
        self.users.as_deref().unwrap_or_default().join(", ")
    }
}

impl Message {
    /// Method or status, with what its CSTA document is.
    fn summary(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let start = self
            .method
            .clone()
            .or(status)
            .or_else(|| self.invalid.clone());
        let parts = [start, self.csta.clone(), self.csta_error.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn is_received(&self) -> bool {
        self.direction == "received"
    }
}
