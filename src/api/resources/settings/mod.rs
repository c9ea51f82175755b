//! `/settings`: every setting with its value and origin; changes of settings, their history and undo.

pub(in crate::api) mod history;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, get, guard::GuardContext, patch, post, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uacsta_config as config;
use utoipa::ToSchema;

use self::history::entries;
use super::{
    Administrator, Api, Body, IfMatch, Kind, Problem, Reader, Tagged, Time, note_before,
    note_settings, reload,
};
use crate::{
    data_dir::LastChange,
    reload::{Reload, SettingsChange, Wanted},
    texts::Text,
};

/// The configuration was reloaded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Reloaded {
    reloaded: bool,
}

/// All settings.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Settings {
    pub(super) items: Vec<Setting>,
    /// Null: this list has one page.
    next: Option<String>,
    total: usize,
    /// Differs whenever a setting may have changed, also for changes of secrets.
    version: String,
}

/// A setting.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Setting {
    /// Its full name, such as `advanced.sip_expires`.
    pub(super) key: &'static str,
    /// The value in use, as the settings file would have it; null for a secret.
    value: Value,
    /// Of a secret, whether it is set; else null.
    is_set: Option<bool>,
    /// The value without files, environment and operators; null for a secret.
    default: Value,
    source: Source,
    /// The file with its line, or the environment variable, that sets it; null for a default.
    place: Option<String>,
    /// Whether the environment or `admin.toml` sets it, so that it cannot be changed here.
    locked: bool,
    unit: Option<Unit>,
    /// The least value, written as `value` is; null where there is none.
    minimum: Value,
    /// The largest value, written as `value` is; null where there is none.
    maximum: Value,
    /// The words that it, or each item of its list, may be; empty where others are possible.
    choices: &'static [&'static str],
    /// What it is for.
    description: String,
    applies: Applies,
}

/// What sets a setting.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum Source {
    /// Nothing: it has its default, or a generated password.
    Default,
    /// A configuration file.
    File,
    /// An environment variable.
    Environment,
    /// An operator.
    Operator,
}

/// The unit of a number.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum Unit {
    Seconds,
    /// Written with a binary unit, such as `64KiB`.
    Bytes,
}

/// When a change of a setting applies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum Applies {
    /// With the next message, request or line of the log.
    AtOnce,
    /// With the next connection, handshake or log-on.
    NextConnection,
    /// With the next start of the server.
    NextStart,
}

/// New values by key; null returns a setting to the value of file or default. An account of `clients.accounts` without password
/// keeps the one of the same user.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct SettingValues(BTreeMap<String, Value>);

/// Settings that changed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ChangedSettings {
    /// They, as they are now.
    items: Vec<Setting>,
    /// How to undo it; null where that is not possible.
    undo: Option<Undo>,
    /// As of the list of settings.
    version: String,
}

/// How to undo a change.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Undo {
    /// Names the change.
    id: String,
    /// Until when it can be undone, unless one of its settings changes again.
    until: Time,
}

/// The change to undo.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct UndoRequest {
    /// The `undo.id` of its answer.
    id: String,
}

impl From<config::Source> for Source {
    fn from(source: config::Source) -> Self {
        match source {
            config::Source::Default => Self::Default,
            config::Source::File => Self::File,
            config::Source::Environment => Self::Environment,
            config::Source::Operator => Self::Operator,
        }
    }
}

impl From<config::Setting> for Setting {
    fn from(setting: config::Setting) -> Self {
        Self {
            key: setting.key,
            value: setting.value,
            is_set: setting.is_set,
            default: setting.default,
            source: setting.source.into(),
            place: setting.place,
            locked: setting.locked,
            unit: setting.unit.map(|unit| match unit {
                config::Unit::Seconds => Unit::Seconds,
                config::Unit::Bytes => Unit::Bytes,
            }),
            minimum: setting.minimum,
            maximum: setting.maximum,
            choices: setting.choices,
            description: setting.description,
            applies: match setting.applies {
                config::Applies::AtOnce => Applies::AtOnce,
                config::Applies::NextConnection => Applies::NextConnection,
                config::Applies::NextStart => Applies::NextStart,
            },
        }
    }
}

/// Lists the settings.
///
/// Each has its value, default, origin, range and description. Secrets are never shown.
#[utoipa::path(
    operation_id = "listSettings", tag = "settings",
    responses((status = 200, description = "All settings.", body = Settings)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/settings")]
pub(in crate::api) async fn list(_: Reader, api: web::Data<Api>) -> Tagged<Settings> {
    Tagged(all(&api))
}

/// Shows a setting.
///
/// As in the list of settings.
#[utoipa::path(
    operation_id = "getSetting", tag = "settings",
    params(("key" = String, Path, description = "Its full name, such as `advanced.sip_expires`.")),
    responses((status = 200, description = "The setting.", body = Setting)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/settings/{key}", guard = "is_key")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    key: web::Path<String>,
) -> Result<Tagged<Setting>, Problem> {
    let found = all(&api).items.into_iter().find(|one| one.key == *key);
    found.map(Tagged).ok_or_else(|| {
        let none = config::known(&key).err();
        let detail = none.map_or_else(String::new, |none| none.to_string());
        Problem::new(Kind::NOT_FOUND, Text::verbatim(detail))
    })
}

/// Changes settings.
///
/// The change is checked whole and applied at once, or nothing changes. It is kept in the data folder and can be undone for a
/// minute. `If-Match` must have the ETag of the list of settings.
#[utoipa::path(
    operation_id = "changeSettings", tag = "settings", request_body = SettingValues,
    responses((status = 200, description = "The settings have changed.", body = ChangedSettings)),
    extensions(("x-effect" = json!("reversible")))
)]
#[patch("/settings")]
pub(in crate::api) async fn change(
    Administrator(log_on): Administrator,
    request: HttpRequest,
    api: web::Data<Api>,
    Body(SettingValues(values)): Body<SettingValues>,
) -> Result<Tagged<ChangedSettings>, Problem> {
    let version = api.context.config().version;
    let shown = all(&api).items.into_iter();
    let shown: BTreeMap<_, _> = shown.map(|item| (item.key, item.value)).collect();
    note_before(&request, &shown);
    IfMatch::needed(&request)?.check(&all(&api), last_change(&api))?;
    let keys: Vec<String> = values.keys().cloned().collect();
    if keys.is_empty() {
        return Ok(changed(&api, &keys, None));
    }
    let wanted = Wanted::Values {
        values,
        version: Some(version),
    };
    let by = log_on.name;
    let undo = reload::change(&api, SettingsChange { by, wanted }).await?;
    let undo = undo.map(|undo| Undo {
        id: undo.id,
        until: Time(undo.until),
    });
    Ok(changed(&api, &keys, undo))
}

/// Undoes a change of settings.
///
/// It is possible once, within a minute, and until one of its settings changes again.
#[utoipa::path(
    operation_id = "undoSettings", tag = "settings", request_body = UndoRequest,
    responses((status = 200, description = "The settings are as they were before.", body = ChangedSettings)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/settings/undo")]
pub(in crate::api) async fn undo_change(
    Administrator(log_on): Administrator,
    api: web::Data<Api>,
    request: HttpRequest,
    Body(UndoRequest { id }): Body<UndoRequest>,
) -> Result<Tagged<ChangedSettings>, Problem> {
    let former = api.context.config.load_full();
    let entries = entries(&api).await?;
    let of_change = entries.iter().filter(|entry| entry.change == id);
    let keys: Vec<String> = of_change.map(|entry| entry.key.clone()).collect();
    let by = log_on.name;
    let wanted = Wanted::Undo(id);
    reload::change(&api, SettingsChange { by, wanted }).await?;
    note_settings(&request, &former.settings, &api.context.config().settings);
    Ok(changed(&api, &keys, None))
}

/// Reloads the configuration.
///
/// Files and environment are read, checked, and applied as a whole or not at all. Connections stay.
#[utoipa::path(
    operation_id = "reloadSettings", tag = "settings",
    responses((status = 200, description = "The settings of now are in use.", body = Reloaded)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/settings/reload")]
pub(in crate::api) async fn reload_files(
    Administrator(log_on): Administrator,
    request: HttpRequest,
    api: web::Data<Api>,
) -> Result<web::Json<Reloaded>, Problem> {
    let former = api.context.config.load_full();
    let by = log_on.name;
    reload::now(&api, Reload::Files { by }).await?;
    note_settings(&request, &former.settings, &api.context.config().settings);
    Ok(web::Json(Reloaded { reloaded: true }))
}

/// Whether the path is not that of another resource, of which GET is refused by its method.
fn is_key(context: &GuardContext<'_>) -> bool {
    let path = context.head().uri.path();
    !["/reload", "/undo"].iter().any(|name| path.ends_with(name))
}

/// All settings; secrets are not shown.
pub(in crate::api) fn all(api: &Api) -> Settings {
    let config = api.context.config();
    let items: Vec<_> = config
        .settings
        .list()
        .into_iter()
        .map(Setting::from)
        .collect();
    Settings {
        total: items.len(),
        items,
        next: None,
        version: format!("{:x}", config.version),
    }
}

/// Who changed them last, if that was since the start.
pub(in crate::api) fn last_change(api: &Api) -> Option<LastChange> {
    api.last_change.to(api.context.config().version)
}

/// The settings of these keys as they are now.
fn changed(api: &Api, keys: &[String], undo: Option<Undo>) -> Tagged<ChangedSettings> {
    let Settings {
        mut items, version, ..
    } = all(api);
    items.retain(|item| keys.iter().any(|key| key == item.key));
    Tagged(ChangedSettings {
        items,
        undo,
        version,
    })
}
