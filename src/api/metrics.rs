//! `GET /metrics`: counters, gauges and histograms in Prometheus' text format 0.0.4, without log-on.

use std::fmt::{Display, Write as _};

use actix_web::{HttpResponse, web};
use uacsta_actors::{
    counters::{Counter, Counters, RequestResult},
    histogram::{BOUNDS, Histogram},
    licensing::{CountPermits, GetLicences, LicenceWarning, Licences, PermitCounts},
    reason::Code,
    registrar::{CountPhones, CountReasons},
};
use uacsta_schema::csta::ServiceId;

use super::{
    Api,
    problem::Problem,
    process_figures::{Figure, figures},
};
use crate::texts::Text;

pub(super) async fn page(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(exposition(&api).await?))
}

/// The text of the page.
pub(super) async fn exposition(api: &Api) -> Result<String, Problem> {
    let registrar = || Problem::unavailable(Text::new("registrar-ended"));
    let licensing = || Problem::unavailable(Text::new("licensing-ended"));
    let counts = api.count.send(CountPermits).await;
    let phones = api.phones.send(CountPhones).await;
    let reasons = api.reasons.send(CountReasons).await;
    let state = State {
        counts: counts.map_err(|_| licensing())?,
        phones: phones.map_err(|_| registrar())?,
        reasons: reasons.map_err(|_| registrar())?,
        unsaved: api.on_disk().await?.unsaved,
        open: api.open.totals(),
        expiry: api.identity.certificate().until.as_second(),
        licences: api
            .licences
            .send(GetLicences)
            .await
            .map_err(|_| licensing())?,
        audit_failed: api.audit.warning().is_some(),
        process: figures(api.context.clock.now()),
    };
    Ok(written(&api.context.counters, &state))
}

/// What the gauges show.
struct State {
    counts: PermitCounts,
    /// Away, registered, controlled.
    phones: [usize; 3],
    /// By the code of their reason.
    reasons: [usize; Code::ALL.len()],
    /// Phones whose entry is not on disk.
    unsaved: usize,
    /// Open connections, and those without log-on.
    open: (usize, usize),
    /// When the certificate ends, in seconds since 1970.
    expiry: i64,
    licences: Licences,
    /// Whether the audit log cannot be written.
    audit_failed: bool,
    process: Vec<Figure>,
}

/// The page while it is written.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, meaning: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {meaning}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }

    fn gauge(&mut self, name: &str, meaning: &str, value: impl Display) {
        self.family(name, meaning, "gauge");
        self.sample(name, "", value);
    }

    fn histogram(&mut self, name: &str, meaning: &str, histogram: &Histogram) {
        self.family(name, meaning, "histogram");
        let observed = histogram.observed();
        let bounds = BOUNDS.iter().map(f64::to_string);
        let bounds = bounds.chain(["+Inf".to_owned()]);
        let mut all = 0;
        for (bound, count) in bounds.zip(observed.cumulative) {
            self.sample(&format!("{name}_bucket"), &format!("le=\"{bound}\""), count);
            all = count;
        }
        self.sample(&format!("{name}_sum"), "", observed.sum);
        self.sample(&format!("{name}_count"), "", all);
    }
}

fn written(counters: &Counters, state: &State) -> String {
    let mut page = Page(String::with_capacity(16 << 10));
    gauges(&mut page, counters, state);
    requests(&mut page, counters);
    events(&mut page, counters);
    page.0
}

fn gauges(page: &mut Page, counters: &Counters, state: &State) {
    page.family("uacsta_build_info", "The version that runs.", "gauge");
    let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
    page.sample("uacsta_build_info", version, 1);
    for (name, meaning, value) in [
        ("uacsta_connections", "Open connections.", state.open.0),
        (
            "uacsta_connections_unauthenticated",
            "Open connections without log-on.",
            state.open.1,
        ),
        (
            "uacsta_phones_connected",
            "Connected phones that hold a licence permit.",
            state.counts.phones,
        ),
        (
            "uacsta_lines_monitored",
            "Monitored lines.",
            state.counts.lines,
        ),
        (
            "uacsta_telephones_unsaved",
            "Phones whose last change is not on disk; if it stays above 0, the phone list cannot be written.",
            state.unsaved,
        ),
        (
            "uacsta_audit_log_failed",
            "1 while the audit log cannot be written, else 0.",
            usize::from(state.audit_failed),
        ),
    ] {
        page.gauge(name, meaning, value);
    }
    let [_, _, controlled] = state.phones;
    page.family("uacsta_phones", "Listed phones by status.", "gauge");
    for (status, count) in ["away", "registered", "controlled"]
        .iter()
        .zip(state.phones)
    {
        page.sample("uacsta_phones", &format!("status=\"{status}\""), count);
    }
    const BY_REASON: &str = "uacsta_phones_by_reason";
    let meaning = "Listed phones that are not controlled, or have an ambiguous line, by the code of the reason.";
    page.family(BY_REASON, meaning, "gauge");
    for (code, count) in Code::ALL.into_iter().zip(state.reasons) {
        page.sample(BY_REASON, &format!("reason=\"{}\"", code.name()), count);
    }
    licences(page, &state.licences);
    page.family("uacsta_sessions", "Open CSTA sessions.", "gauge");
    page.sample("uacsta_sessions", "side=\"phones\"", controlled);
    page.sample(
        "uacsta_sessions",
        "side=\"clients\"",
        counters.client_sessions(),
    );
    page.gauge(
        "uacsta_certificate_expiry_timestamp_seconds",
        "When the TLS certificate in use ends, in seconds since 1970.",
        state.expiry,
    );
    for (name, meaning, kind, value) in &state.process {
        page.family(name, meaning, kind);
        page.sample(name, "", value);
    }
}

fn licences(page: &mut Page, licences: &Licences) {
    const WARNING: &str = "uacsta_licence_warning";
    let meaning = "1 while the evaluation period ends soon or is over, or few licences are free, by the warning in /api/v1/licenses.";
    page.family(WARNING, meaning, "gauge");
    let warnings = licences.warnings();
    for name in LicenceWarning::NAMES {
        let is_given = warnings.iter().any(|warning| warning.name() == name);
        let labels = format!("warning=\"{name}\"");
        page.sample(WARNING, &labels, usize::from(is_given));
    }
    const LICENSED: &str = "uacsta_licensed";
    let limits = [("phones", licences.phones), ("lines", licences.lines)];
    let meaning =
        "Phones and lines that may hold a licence permit; none where they are not limited.";
    page.family(LICENSED, meaning, "gauge");
    for (kind, licensed) in limits {
        if let Some(licensed) = licensed {
            page.sample(LICENSED, &format!("kind=\"{kind}\""), licensed);
        }
    }
}

fn requests(page: &mut Page, counters: &Counters) {
    const REQUESTS: &str = "uacsta_phone_requests_total";
    page.family(
        REQUESTS,
        "Requests to phones by service and result.",
        "counter",
    );
    for service in ServiceId::ALL {
        for result in RequestResult::ALL {
            let count = counters.requests(*service, result);
            // Most services are never requested.
            if count > 0 {
                let labels = format!("service=\"{service}\",result=\"{}\"", result.label());
                page.sample(REQUESTS, &labels, count);
            }
        }
    }
    page.histogram(
        "uacsta_phone_request_duration_seconds",
        "From sending a request to a phone to its answer, unless a SIP status refused it.",
        &counters.answer_time,
    );
    page.histogram(
        "uacsta_register_duration_seconds",
        "From a REGISTER with credentials to its final response.",
        &counters.register_time,
    );
}

fn events(page: &mut Page, counters: &Counters) {
    let mut last = "";
    for event in Counter::ALL {
        let name = event.name();
        if name != last {
            page.family(name, event.meaning(), "counter");
        }
        last = name;
        let labels = match event.label() {
            "" => String::new(),
            limit => format!("limit=\"{limit}\""),
        };
        page.sample(name, &labels, counters.total(event));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        collections::{BTreeMap, BTreeSet},
        time::Duration,
    };

    use super::*;

    fn example() -> String {
        let counters = Counters::default();
        counters.count(Counter::TooManyFromAddress);
        counters.count_request(ServiceId::MakeCall, RequestResult::Done);
        counters.count_request(ServiceId::MakeCall, RequestResult::TimedOut);
        counters.answer_time.observe(Duration::from_millis(3));
        let counts = PermitCounts {
            phones: 3,
            lines: 4,
        };
        let state = State {
            counts,
            phones: [2, 1, 3],
            reasons: Code::ALL.map(|code| usize::from(code == Code::NeverRegistered)),
            unsaved: 1,
            open: (5, 2),
            expiry: 1_800_000_000,
            licences: Licences {
                counts,
                phones: Some(3),
                lines: None,
                issued: Some(Vec::new()),
                trial_left: Duration::from_secs(1),
            },
            audit_failed: true,
            process: figures(Duration::from_secs(1)),
        };
        written(&counters, &state)
    }

    #[test]
    fn metrics_show_the_state_of_the_server() {
        let page = example();
        for line in [
            "uacsta_connections 5",
            "uacsta_connections_unauthenticated 2",
            "uacsta_phones{status=\"controlled\"} 3",
            "uacsta_phones_by_reason{reason=\"neverRegistered\"} 1",
            "uacsta_sessions{side=\"clients\"} 0",
            "uacsta_telephones_unsaved 1",
            "uacsta_audit_log_failed 1",
            "uacsta_licence_warning{warning=\"trialEnds\"} 1",
            "uacsta_licence_warning{warning=\"fewPhones\"} 1",
            "uacsta_licence_warning{warning=\"fewLines\"} 0",
            "uacsta_licensed{kind=\"phones\"} 3",
            "uacsta_certificate_expiry_timestamp_seconds 1800000000",
            "uacsta_phone_requests_total{service=\"MakeCall\",result=\"timed_out\"} 1",
            "uacsta_phone_request_duration_seconds_bucket{le=\"0.0025\"} 0",
            "uacsta_phone_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "uacsta_phone_request_duration_seconds_bucket{le=\"+Inf\"} 1",
            "uacsta_phone_request_duration_seconds_sum 0.003",
            "uacsta_phone_request_duration_seconds_count 1",
            "uacsta_connections_refused_total{limit=\"limits.connections_per_address\"} 1",
            "uacsta_panics_total 0",
        ] {
            let found = page.lines().filter(|known| *known == line).count();
            assert_eq!(found, 1, "{line}\n{page}");
        }
        #[cfg(target_os = "linux")]
        assert!(page.contains("\nprocess_resident_memory_bytes "), "{page}");
    }

    /// The rules of the text format, and of Prometheus' page on naming.
    #[test]
    fn families_are_contiguous_named_by_unit_and_have_one_set_of_labels() {
        let page = example();
        let (mut families, mut series) = (BTreeMap::new(), BTreeSet::new());
        let (mut family, mut kind) = (String::new(), String::new());
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split(' ').next().unwrap().to_owned();
                let head = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
                let (name, told) = head.split_once(' ').unwrap();
                assert_eq!(name, family);
                told.clone_into(&mut kind);
                assert!(
                    families.insert(family.clone(), None).is_none(),
                    "{family} twice"
                );
                assert_eq!(family.ends_with("_total"), kind == "counter", "{family}");
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            assert!(series.insert(name.to_owned()), "{name} twice");
            let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
            let labels = labels.strip_suffix('}').unwrap().split(',');
            let labels = labels
                .filter_map(|label| label.split_once('='))
                .map(|(key, _)| key);
            let keys: Vec<&str> = labels.filter(|key| *key != "le").collect();
            let suffix = name.strip_prefix(family.as_str()).unwrap();
            let is_histogram = ["_bucket", "_sum", "_count"].contains(&suffix);
            assert_eq!(is_histogram, kind == "histogram", "{name}");
            assert!(suffix.is_empty() || is_histogram, "{name}");
            let known = families
                .get_mut(&family)
                .unwrap()
                .get_or_insert_with(|| keys.join(","));
            assert_eq!(*known, keys.join(","), "{family}");
        }
    }
}
