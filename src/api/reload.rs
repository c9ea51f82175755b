//! Requests of the API to reload the configuration, or to change settings.

use super::{
    Api,
    answer::changed_meanwhile,
    problem::{Kind, Problem},
    resources::settings,
};
use crate::reload::{
    Mistake, Reload, ReloadError, ReloadOutcome, ReloadRequest, SettingsChange, Undo,
};
use crate::texts::Text;

/// Requests a reload and waits for its outcome.
pub(super) async fn now(api: &Api, reload: Reload) -> Result<(), Problem> {
    let outcome = request(api, reload).await?;
    outcome.map(|_| ()).map_err(|error| {
        let kind = match error {
            ReloadError::Unavailable(_) => Kind::UNAVAILABLE,
            _ => Kind::INVALID,
        };
        let detail = Text::new("configuration-unchanged").with("error", error.to_string());
        Problem::new(kind, detail)
    })
}

/// Requests a change of settings and waits for its outcome; a mistake is named by the setting, a member of the body.
pub(super) async fn change(api: &Api, change: SettingsChange) -> Result<Option<Undo>, Problem> {
    let outcome = request(api, Reload::Change(change)).await?;
    outcome.map_err(|error| match error {
        ReloadError::Invalid(mistakes) => Problem::invalid(mistakes.iter().map(violation)),
        ReloadError::Changed => changed_meanwhile(&settings::all(api), settings::last_change(api)),
        ReloadError::NoUndo => Problem::new(Kind::INVALID_STATE, Text::new("no-undo")),
        ReloadError::Unavailable(_) => {
            let detail = Text::new("settings-unchanged").with("error", error.to_string());
            Problem::unavailable(detail)
        }
    })
}

async fn request(api: &Api, reload: Reload) -> Result<ReloadOutcome, Problem> {
    let (request, outcome) = ReloadRequest::new(reload);
    if api.reload.try_send(request).is_err() {
        return Err(Problem::unavailable(Text::new("reload-in-progress")));
    }
    let stopping = |_| Problem::unavailable(Text::new("server-stopping"));
    outcome.await.map_err(stopping)
}

/// Pointer and detail of a mistake. One that has a place is in a file, not in the body.
fn violation(mistake: &Mistake) -> (String, Text) {
    match (&mistake.key, &mistake.place) {
        (Some(key), None) => {
            let detail = mistake.text.strip_prefix(key.as_str());
            let detail = detail.map_or(mistake.text.as_str(), |detail| {
                detail.trim_start_matches([':', ' '])
            });
            let (key, rest) = key.split_at(key.find('[').unwrap_or(key.len()));
            (
                format!("/{key}"),
                Text::verbatim(format!("{rest} {detail}").trim()),
            )
        }
        _ => (String::new(), Text::verbatim(mistake)),
    }
}
