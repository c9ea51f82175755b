//! `uacsta status`: the state of a running server.

use std::fmt::Write;

use clap::Args;
use serde_json::Value;
use uacsta_connect::CommandError;

use super::{
    query::Query,
    service::sentence,
    table::counted,
    time::local_time,
    watch::{View, Watch},
};

/// The arguments of `status`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta status
  uacsta status --watch
  uacsta status --json | jq .phones")]
pub(super) struct Status {
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    query: Query,
}

impl Status {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let read = || self.query.get("/api/v1/status");
        self.query.view(
            self.watch.watch,
            &View {
                // The count of connections alone has no events: each heartbeat reads it too.
                topics: "phones,clients,licenses",
                read: &read,
                update: &|status, _| {
                    *status = read()?;
                    Ok(())
                },
                text: &table,
            },
        )
    }
}

fn table(answer: &Value) -> String {
    let count = |of: &Value, key: &str| of[key].as_u64().unwrap_or(0);
    let text = |key: &str| answer[key].as_str().unwrap_or_default();
    let (phones, connections) = (&answer["phones"], &answer["connections"]);
    let mut page = format!(
        "version      {}, started {}\n",
        text("version"),
        local_time(text("startedAt"))
    );
    // Writing to a String cannot fail.
    let _ = writeln!(page, "service      {}", sentence(&answer["service"]));
    let _ = writeln!(
        page,
        "phones       {}: {} controlled, {} registered, {} away",
        count(phones, "listed"),
        count(phones, "controlled"),
        count(phones, "registered"),
        count(phones, "away")
    );
    let _ = writeln!(
        page,
        "monitored    {}, by {} of clients",
        counted(count(answer, "monitoredLines"), "line"),
        counted(count(answer, "clientSessions"), "session")
    );
    let _ = writeln!(
        page,
        "connections  {}, {} of them without log-on",
        count(connections, "open"),
        count(connections, "unauthenticated")
    );
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        let _ = writeln!(
            page,
            "warning      {}",
            warning.as_str().unwrap_or_default()
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_is_told_in_lines() {
        let answer = json!({
            "version": "0.1.0", "startedAt": "2026-12-02T08:00:00.000Z",
            "service": { "state": "stopped", "since": "2026-12-02T08:00:00.000Z", "by": "anna" },
            "phones": { "listed": 3, "away": 1, "registered": 0, "controlled": 2 },
            "monitoredLines": 2, "clientSessions": 1,
            "connections": { "open": 4, "unauthenticated": 1 },
            "warnings": ["the phone list cannot be written"],
        });
        let started = local_time("2026-12-02T08:00:00.000Z");
        let expected = format!(
            "\
version      0.1.0, started {started}
service      stopped since {started}, by anna
phones       3: 2 controlled, 0 registered, 1 away
monitored    2 lines, by 1 session of clients
connections  4, 1 of them without log-on
warning      the phone list cannot be written
"
        );
        assert_eq!(table(&answer), expected);
    }
}
