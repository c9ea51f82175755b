//! `GET /metrics`: counters and gauges in Prometheus' text format 0.0.4, without log-on.

use std::fmt::Write as _;

use actix_web::{HttpResponse, web};
use uacsta_actors::{
    counters::{Counter, Counters},
    licensing::{CountPermits, PermitCounts},
};

use super::{Api, Refusal};

pub(super) async fn page(api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    let counts = api
        .count
        .send(CountPermits)
        .await
        .map_err(|_| Refusal::Unavailable("licensing is not running".to_owned()))?;
    let unsaved = api.on_disk().await?.unsaved;
    let text = written(&api.context.counters, &counts, api.open.totals(), unsaved);
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}

/// Writes gauges, then counters. `open` is the number of connections and of unauthenticated ones; `unsaved` the number of
/// phones whose entry is not on disk.
fn written(
    counters: &Counters,
    counts: &PermitCounts,
    open: (usize, usize),
    unsaved: usize,
) -> String {
    let mut page = String::with_capacity(4096);
    for (name, meaning, value) in [
        ("uacsta_connections", "Open connections.", open.0),
        (
            "uacsta_connections_unauthenticated",
            "Open connections without log-on.",
            open.1,
        ),
        (
            "uacsta_phones_connected",
            "Connected phones.",
            counts.phones,
        ),
        ("uacsta_lines_monitored", "Monitored lines.", counts.lines),
        (
            "uacsta_telephones_unsaved",
            "Phones whose last change is not on disk; if it stays above 0, the phone list cannot be written.",
            unsaved,
        ),
    ] {
        headed(&mut page, name, meaning, "gauge");
        let _ = writeln!(page, "{name} {value}");
    }
    let mut last = "";
    for event in Counter::ALL {
        let name = event.name();
        if name != last {
            headed(&mut page, name, event.meaning(), "counter");
        }
        last = name;
        let total = counters.total(event);
        // Writing to a String cannot fail.
        let _ = match event.label() {
            "" => writeln!(page, "{name} {total}"),
            limit => writeln!(page, "{name}{{limit=\"{limit}\"}} {total}"),
        };
    }
    page
}

fn headed(page: &mut String, name: &str, meaning: &str, kind: &str) {
    let _ = writeln!(page, "# HELP {name} {meaning}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_help_and_type_once() {
        let counters = Counters::default();
        counters.count(Counter::TooManyFromAddress);
        let counts = PermitCounts {
            phones: 3,
            lines: 4,
        };
        let page = written(&counters, &counts, (5, 2), 1);
        for line in [
            "uacsta_connections 5",
            "uacsta_connections_unauthenticated 2",
            "uacsta_phones_connected 3",
            "uacsta_lines_monitored 4",
            "uacsta_telephones_unsaved 1",
            "# TYPE uacsta_connections_refused_total counter",
            "uacsta_connections_refused_total{limit=\"limits.connections\"} 0",
            "uacsta_connections_refused_total{limit=\"limits.connections_per_address\"} 1",
            "uacsta_panics_total 0",
        ] {
            let found = page.lines().filter(|known| *known == line).count();
            assert_eq!(found, 1, "{line}\n{page}");
        }
        let mut heads: Vec<&str> = page.lines().filter(|line| line.starts_with('#')).collect();
        let all = heads.len();
        heads.sort_unstable();
        heads.dedup();
        assert_eq!(heads.len(), all, "{page}");
    }
}
