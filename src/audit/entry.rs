//! An entry of the audit log, whose texts are bounded and whose secrets are masked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uacsta_config::{Setting, Settings};
use utoipa::ToSchema;

/// An entry of the audit log.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts the entries; set when it is written.
    pub id: u64,
    /// When the request was answered.
    pub at: Timestamp,
    /// The log-on; `None` for a request without a valid one.
    pub who: Option<String>,
    /// The address of the requester.
    pub from: Option<String>,
    /// The operation's name in the API's document; `None` where the request names none.
    pub operation: Option<String>,
    /// The path of what is changed.
    pub target: Option<String>,
    /// The former values of what is changed, without secrets.
    pub before: Value,
    /// The new or requested values, without secrets.
    pub after: Value,
    /// What became of it.
    pub outcome: Outcome,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why it was not done.
    pub detail: Option<String>,
    /// How many such requests came since the last entry of the kind, which are limited.
    pub times: u32,
    /// The `Request-Id` of the answer.
    pub request_id: Option<String>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// The requester may not do it.
    Refused,
    /// It could not be carried out.
    Failed,
}

/// The longest text within an entry, in characters.
const TEXT: usize = 256;
/// The most members or items of a value within an entry.
const MEMBERS: usize = 64;
/// How deep a value within an entry is nested.
const DEPTH: usize = 4;
/// The most octets of a value within an entry.
const LENGTH: usize = 4096;
/// Parts of the names of members that are secret.
const SECRET: [&str; 6] = ["password", "token", "secret", "code", "link", "hash"];
/// What is written for a secret.
const MASK: &str = "***";

impl Entry {
    /// An entry of a kind of operation at this time.
    pub fn new(operation: &str, at: Timestamp) -> Self {
        Self {
            id: 0,
            at,
            who: None,
            from: None,
            operation: Some(operation.to_owned()),
            target: None,
            before: Value::Null,
            after: Value::Null,
            outcome: Outcome::Done,
            status: None,
            detail: None,
            times: 1,
            request_id: None,
        }
    }
}

/// The first `TEXT` characters of a text; an ellipsis stands for the rest.
pub fn bounded(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value without secrets, and without what would make an entry long.
pub fn masked(value: &Value) -> Value {
    let mut depths = (1..=DEPTH).rev();
    let short = |depth| {
        let value = masked_within(value, depth);
        (value.to_string().len() <= LENGTH).then_some(value)
    };
    depths.find_map(short).unwrap_or_else(|| "…".into())
}

fn masked_within(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => bounded(text).into(),
        Value::Array(_) | Value::Object(_) if depth == 0 => "…".into(),
        Value::Array(items) => {
            let items = items.iter().take(MEMBERS);
            items.map(|item| masked_within(item, depth - 1)).collect()
        }
        Value::Object(members) => {
            let members = members.iter().take(MEMBERS).map(|(name, value)| {
                let lower = name.to_lowercase();
                let is_secret = SECRET.iter().any(|part| lower.contains(part));
                let shown = match value {
                    Value::Null | Value::Bool(_) => value.clone(),
                    _ if is_secret => MASK.into(),
                    _ => masked_within(value, depth - 1),
                };
                (bounded(name), shown)
            });
            Value::Object(members.collect())
        }
        _ => value.clone(),
    }
}

/// The values of the settings that differ, before and after, by key; secrets that differ are masked.
pub fn differences(former: &Settings, now: &Settings) -> (Value, Value) {
    let (mut before, mut after) = (Map::new(), Map::new());
    let secrets = differing_secrets(former, now);
    for (one, other) in former.list().into_iter().zip(now.list()) {
        if one.value != other.value || secrets.contains(&one.key) {
            let shown = |setting: Setting| match (setting.is_set, &setting.value) {
                (Some(true), _) => MASK.into(),
                (_, value) => value.clone(),
            };
            before.insert(one.key.to_owned(), shown(one));
            after.insert(other.key.to_owned(), shown(other));
        }
    }
    (masked(&before.into()), masked(&after.into()))
}

/// The keys of secrets that differ.
fn differing_secrets(former: &Settings, now: &Settings) -> Vec<&'static str> {
    let accounts = |settings: &Settings| -> Vec<_> {
        let accounts = settings.clients.accounts.iter();
        accounts.map(|account| account.password.clone()).collect()
    };
    let pairs = [
        (
            "phones.password",
            former.phones.password != now.phones.password,
        ),
        (
            "clients.password",
            former.clients.password != now.clients.password,
        ),
        ("clients.accounts", accounts(former) != accounts(now)),
        (
            "licenses.codes",
            former.licenses.codes != now.licenses.codes,
        ),
        ("web.password", former.web.password != now.web.password),
    ];
    let differing = pairs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(key, _)| key).collect()
}
