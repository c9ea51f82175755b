//! What several pages read of the API's answers.

use serde::Deserialize;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
    pub(super) total: Option<usize>,
}

/// Why something cannot be controlled.
#[derive(Debug, Deserialize)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) remedy: String,
}

/// Writes a query; empty values are left out.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let given: Vec<_> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    serde_urlencoded::to_string(given).unwrap_or_default()
}
