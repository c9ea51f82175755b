//! The settings, by group: each with its value, unit, range, default, and what set it.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::frame::{Frame, answer};
use crate::api::{Refusal, Shown, Visitor};

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    frame: Frame,
    group: Group,
    settings: Vec<Setting>,
    certificate: Option<Certificate>,
    version: String,
}

/// A page of settings.
#[derive(Clone, Copy)]
struct Group {
    path: &'static str,
    title: &'static str,
}

#[derive(Debug, Deserialize)]
struct Settings {
    items: Vec<Setting>,
    version: String,
}

/// A setting.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Setting {
    key: String,
    value: Value,
    is_set: Option<bool>,
    default: Value,
    source: String,
    place: Option<String>,
    locked: bool,
    unit: Option<String>,
    minimum: Value,
    maximum: Value,
    choices: Vec<String>,
    description: String,
    applies: String,
}

/// The certificate that telephones and clients are shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Certificate {
    subject: String,
    issuer: String,
    names: Vec<String>,
    pub(super) valid_until: String,
    fingerprint: String,
    pub(super) chain_fault: Option<String>,
}

const GROUPS: [Group; 3] = [
    Group {
        path: "settings/phones",
        title: "page-phone-connection",
    },
    Group {
        path: "settings/clients",
        title: "page-client-connection",
    },
    Group {
        path: "settings/advanced",
        title: "page-advanced",
    },
];

/// Shows the settings of a group.
pub(super) async fn show(visitor: Visitor, name: web::Path<String>) -> HttpResponse {
    let found = GROUPS.into_iter().find(|group| group.name() == *name);
    let page = match found {
        Some(group) => page(&visitor, group),
        None => Err(Refusal {
            status: 404,
            detail: visitor.language.text("no-page"),
        }),
    };
    answer(&visitor, found.map_or("", |group| group.path), page)
}

fn page(visitor: &Visitor, group: Group) -> Shown<Page> {
    let Settings { items, version } = visitor.settings()?;
    let settings = items.into_iter().filter(|setting| group.has(setting));
    let certificate = match group.name() {
        "phones" | "clients" => Some(visitor.certificate()?),
        _ => None,
    };
    Ok(Page {
        frame: Frame::new(visitor, group.path, "settings"),
        group,
        settings: settings.collect(),
        certificate,
        version,
    })
}

/// Where telephones or clients (`side`) reach the server, as the settings have it: transport, and address with port.
pub(super) fn interfaces(visitor: &Visitor, side: &str) -> Shown<Vec<(&'static str, String)>> {
    let Settings { items, .. } = visitor.settings()?;
    let names = [
        ("lan.tcp", "TCP"),
        ("lan.tls", "TLS"),
        ("wan.tcp", "TCP (WAN)"),
        ("wan.tls", "TLS (WAN)"),
        ("udp", "UDP"),
    ];
    let address = |key: &str| {
        let found = items.iter().find(|one| one.key == key)?;
        found.value.as_str().filter(|address| !address.is_empty())
    };
    let each = names
        .into_iter()
        .filter_map(|(key, name)| Some((name, address(&format!("{side}.{key}"))?.to_owned())));
    Ok(each.collect())
}

impl Group {
    /// The last part of its path.
    fn name(self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    fn has(self, setting: &Setting) -> bool {
        let table = setting.key.split('.').next().unwrap_or_default();
        match self.name() {
            "advanced" => !["phones", "clients"].contains(&table),
            name => table == name,
        }
    }
}

impl Setting {
    /// The name of its field in the form, and of the element with its description.
    fn id(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }

    /// How its text becomes a value: `json`, `number` or `text`.
    fn kind(&self) -> &'static str {
        match (&self.value, &self.default) {
            (Value::Array(_) | Value::Bool(_) | Value::Object(_), _)
            | (_, Value::Bool(_) | Value::Array(_)) => "json",
            (Value::Number(_), _) => "number",
            _ => "text",
        }
    }

    fn is_switch(&self) -> bool {
        self.value.is_boolean()
    }

    fn is_on(&self) -> bool {
        self.value == Value::Bool(true)
    }

    fn is_secret(&self) -> bool {
        self.is_set.is_some()
    }

    /// Whether its value is one word of a few.
    fn is_choice(&self) -> bool {
        !self.choices.is_empty() && self.value.is_string()
    }

    fn is_chosen(&self, choice: &&String) -> bool {
        self.value.as_str() == Some(choice.as_str())
    }

    fn value(&self) -> String {
        written(&self.value)
    }

    fn default(&self) -> String {
        written(&self.default)
    }

    /// From the least value to the largest, where it has both.
    fn range(&self) -> Option<String> {
        match (&self.minimum, &self.maximum) {
            (Value::Null, _) | (_, Value::Null) => None,
            (least, most) => Some(format!("{} – {}", written(least), written(most))),
        }
    }

    fn has_unit(&self) -> bool {
        self.unit.as_deref() == Some("seconds")
    }

    fn is_of_operator(&self) -> bool {
        self.source == "operator"
    }

    /// The key of the text for what set it.
    fn source_key(&self) -> &'static str {
        match self.source.as_str() {
            "file" => "setting-file",
            "environment" => "setting-environment",
            "operator" => "setting-operator",
            _ => "setting-default",
        }
    }

    /// The key of the text for when a change applies.
    fn applies_key(&self) -> &'static str {
        match self.applies.as_str() {
            "nextStart" => "setting-next-start",
            "nextConnection" => "setting-next-connection",
            _ => "setting-at-once",
        }
    }
}

/// A value as it is typed.
fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
