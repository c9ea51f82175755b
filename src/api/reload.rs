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

/// Requests a reload and waits for its outcome.
pub(super) async fn now(api: &Api, reload: Reload) -> Result<(), Problem> {
    let outcome = request(api, reload).await?;
    outcome.map(|_| ()).map_err(|error| {
        let kind = match error {
            ReloadError::Unavailable(_) => Kind::UNAVAILABLE,
            _ => Kind::INVALID,
        };
        Problem::new(kind, format!("the configuration is unchanged: {error}"))
    })
}

/// Requests a change of settings and waits for its outcome; a mistake is named by the setting, a member of the body.
pub(super) async fn change(api: &Api, change: SettingsChange) -> Result<Option<Undo>, Problem> {
    let outcome = request(api, Reload::Change(change)).await?;
    outcome.map_err(|error| match error {
        ReloadError::Invalid(mistakes) => Problem::invalid(mistakes.iter().map(violation)),
        ReloadError::Changed => changed_meanwhile(&settings::all(api)),
        ReloadError::NoUndo => Problem::new(Kind::INVALID_STATE, error.to_string()),
        ReloadError::Unavailable(_) => {
            Problem::unavailable(format!("the settings are unchanged: {error}"))
        }
    })
}

async fn request(api: &Api, reload: Reload) -> Result<ReloadOutcome, Problem> {
    let (request, outcome) = ReloadRequest::new(reload);
    if api.reload.try_send(request).is_err() {
        return Err(Problem::unavailable(
            "a reload is already in progress; try again in a moment",
        ));
    }
    let stopping = |_| Problem::unavailable("the server is stopping");
    outcome.await.map_err(stopping)
}

/// Pointer and detail of a mistake. One that has a place is in a file, not in the body.
fn violation(mistake: &Mistake) -> (String, String) {
    match (&mistake.key, &mistake.place) {
        (Some(key), None) => {
            let detail = mistake.text.strip_prefix(key.as_str());
            let detail = detail.map_or(mistake.text.as_str(), |detail| {
                detail.trim_start_matches([':', ' '])
            });
            let (key, rest) = key.split_at(key.find('[').unwrap_or(key.len()));
            (
                format!("/{key}"),
                format!("{rest} {detail}").trim().to_owned(),
            )
        }
        _ => (String::new(), mistake.to_string()),
    }
}
