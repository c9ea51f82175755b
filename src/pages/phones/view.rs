//! A telephone as the pages show it.

use serde::Deserialize;

use super::super::shared::Reason;

/// A telephone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::pages) struct Phone {
    pub(super) id: String,
    pub(super) mac: Option<String>,
    pub(super) extension: Option<String>,
    display_name: Option<String>,
    pub(super) maker: String,
    pub(super) model: Option<String>,
    pub(super) firmware: Option<String>,
    pub(super) address: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) lines: Vec<String>,
    pub(super) in_operation: bool,
    state: String,
    pub(super) since: Option<String>,
    pub(in crate::pages) reason: Option<Reason>,
    pub(super) last_log_on_at: Option<String>,
}

impl Phone {
    /// What people call it: its name, else its first line, else the name with which it logs on.
    pub(in crate::pages) fn title(&self) -> &str {
        let line = self.lines.first().map(|line| number(line));
        let named = self.display_name.as_deref().or(line);
        named.unwrap_or(&self.id)
    }

    pub(in crate::pages) fn id(&self) -> &str {
        &self.id
    }

    /// The numbers of its lines.
    pub(super) fn numbers(&self) -> String {
        let numbers: Vec<_> = self.lines.iter().map(|line| number(line)).collect();
        numbers.join(", ")
    }

    /// How it is shown: `ok`, `red`, `away` or `off`.
    pub(super) fn look(&self) -> &'static str {
        match self.state.as_str() {
            _ if !self.in_operation => "off",
            "controlled" => "ok",
            "registered" => "red",
            _ => "away",
        }
    }

    /// The key of the text for that.
    pub(super) fn state_key(&self) -> &'static str {
        match self.look() {
            "off" => "phone-off",
            "ok" => "phone-ok",
            "red" => "phone-red",
            _ => "phone-away",
        }
    }
}

/// The user part of a line.
fn number(line: &str) -> &str {
    let line = line
        .strip_prefix("sip:")
        .or_else(|| line.strip_prefix("tel:"))
        .unwrap_or(line);
    line.split(['@', ';']).next().unwrap_or(line)
}
