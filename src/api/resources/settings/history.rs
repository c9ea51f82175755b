//! `/settings/history`: who changed which setting, and when.

use actix_web::{get, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    super::{Api, List, Page, PageParams, Problem, Reader, Row, Time},
    Source,
};
use crate::{
    data_dir::{self, HistoryEntry},
    texts::Text,
};

/// A change of one setting.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SettingChange {
    /// Counts the changes.
    number: u64,
    /// Names the change that it is part of, for its undo.
    change: String,
    at: Time,
    /// Who changed it.
    by: String,
    key: String,
    /// The value before; null for a secret.
    before: Value,
    /// The value since; null for a secret.
    after: Value,
    source: Source,
}

impl Row for SettingChange {
    /// The latest first.
    type Key = u64;
    const SORTED_BY: &'static [&'static str] = &["at", "by", "key"];

    fn key(&self) -> u64 {
        u64::MAX - self.number
    }
}

impl From<HistoryEntry> for SettingChange {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            number: entry.number,
            change: entry.change,
            at: Time(entry.at),
            by: entry.by,
            key: entry.key,
            before: entry.before,
            after: entry.after,
            source: entry.source.into(),
        }
    }
}

/// Lists who changed which setting when, the latest first.
///
/// The last 1000 changes through this API are kept, also over restarts.
#[utoipa::path(
    operation_id = "listSettingChanges", tag = "settings", params(PageParams),
    responses((status = 200, description = "A page of the changes.", body = List<SettingChange>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/settings/history")]
pub(in crate::api) async fn list_changes(
    _: Reader,
    api: web::Data<Api>,
    page: Page,
) -> Result<web::Json<List<SettingChange>>, Problem> {
    let entries = entries(&api).await?;
    let items = entries.into_iter().map(SettingChange::from).collect();
    Ok(web::Json(page.of(items)?))
}

/// Reads the history on a thread that may wait for the disk.
pub(super) async fn entries(api: &Api) -> Result<Vec<HistoryEntry>, Problem> {
    let data = api.data.clone();
    let read = web::block(move || data_dir::history(&data)).await;
    let read = read.map_err(|_| Problem::unavailable(Text::new("server-stopping")))?;
    read.map_err(|error| Problem::unavailable(Text::verbatim(error)))
}
