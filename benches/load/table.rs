//! All rows side by side as a Markdown table with the ratios first.

use std::{cell::Cell, future::Future, time::Duration};

use crate::{
    drive::{Pace, Span, Tally},
    rows::{fanout, idle, memory, register, relay, start, storm},
    server::{self, Kind, Setup},
};

/// Phones of the large rows.
const MANY: usize = 15_000;
/// How long the idle phones are watched: each is kept alive once.
const IDLE: Duration = Duration::from_secs(60);
/// Transactions under way in the saturated rows.
const BUSY: Pace = Pace::InFlight(32);
/// The fixed rate.
const STEADY: Pace = Pace::PerSecond(2_000.0);

/// The share of one core, in percent.
pub(crate) fn share(tally: &Tally) -> f64 {
    100.0 * tally.cpu.as_secs_f64() / tally.time.as_secs_f64()
}

/// Runs everything and prints the table; a row that fails says so in its place.
///
/// # Errors
/// When a row, or more than one in a hundred of its transactions, failed.
pub(crate) async fn run(setup: &Setup, span: Span, runs: usize) -> anyhow::Result<()> {
    let table = Table {
        setup,
        runs,
        kamailio: server::has_kamailio(),
        failed: Cell::new(0),
    };
    println!("| work | uacsta : Kamailio | uacsta : pipe | uacsta | Kamailio | pipe |");
    println!("|---|---|---|---|---|---|");
    for (phones, pace) in [(1_000, BUSY), (1_000, STEADY), (MANY, BUSY)] {
        let row = |kind| register::run(kind, setup, phones, pace, span);
        let name = format!("REGISTER, {phones} phones, {}", said(pace));
        table.tallies(&name, [true, true, false], 1, row).await;
    }
    for pace in [BUSY, STEADY] {
        let row = |kind| relay::run(kind, setup, 100, pace, span);
        let name = format!("INFO relayed and its 200, {}", said(pace));
        table.tallies(&name, [true, true, true], 1, row).await;
    }
    for (clients, phones, pace) in [
        (1, 100, BUSY),
        (1, 100, STEADY),
        (5, 40, BUSY),
        (50, 20, Pace::InFlight(4)),
    ] {
        let with = Setup {
            clients,
            ..setup.clone()
        };
        let row = |kind| fanout::run(kind, &with, phones, pace, span);
        let name = format!("event to {clients} clients, {}, a delivery", said(pace));
        table
            .tallies(&name, [true, false, true], clients, row)
            .await;
    }
    let mut spread = setup.clone();
    let name = "UACSTA__ADVANCED__ARBITERS".to_owned();
    spread.settings.push((name, "2".to_owned()));
    let row = |kind| register::run(kind, &spread, 1_000, BUSY, span);
    let name = "REGISTER, 1000 phones, saturated, 2 arbiters";
    table.tallies(name, [true, false, false], 1, row).await;
    for pace in [BUSY, STEADY] {
        let row = |kind| relay::run(kind, &spread, 100, pace, span);
        let name = format!("INFO relayed and its 200, {}, 2 arbiters", said(pace));
        table.tallies(&name, [true, false, false], 1, row).await;
    }
    table.memory().await;
    table.rest().await;
    anyhow::ensure!(
        table.failed.get() == 0,
        "{} rows failed",
        table.failed.get()
    );
    Ok(())
}

struct Table<'a> {
    setup: &'a Setup,
    runs: usize,
    kamailio: bool,
    failed: Cell<usize>,
}

/// One figure of one server; `None` where the server has no such thing.
type Figure = Option<(f64, String)>;

impl Table<'_> {
    fn fail(&self, what: &str) {
        eprintln!("{what}");
        self.failed.set(self.failed.get() + 1);
    }

    /// A row of transactions: each server in turn, so that all see the same machine; the median by CPU counts.
    async fn tallies<F: Future<Output = anyhow::Result<Tally>>>(
        &self,
        name: &str,
        [uacsta, kamailio, pipe]: [bool; 3],
        deliveries: usize,
        row: impl Fn(Kind) -> F,
    ) {
        let kinds = [
            (Kind::Uacsta, uacsta),
            (Kind::Kamailio, kamailio && self.kamailio),
            (Kind::Pipe, pipe),
        ];
        let mut tallies = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..self.runs {
            for ((kind, wanted), found) in kinds.iter().zip(&mut tallies) {
                if !wanted {
                    continue;
                }
                match row(*kind).await {
                    Ok(tally) if tally.failed * 100 > tally.finished => {
                        let of = tally.failed + tally.finished;
                        self.fail(&format!(
                            "{name}, {kind:?}: {} of {of} failed",
                            tally.failed
                        ));
                    }
                    Ok(tally) => found.push(tally),
                    Err(error) => self.fail(&format!("{name}, {kind:?}: {error:#}")),
                }
            }
        }
        line(name, tallies.map(|found| figure(found, deliveries)));
    }

    async fn memory(&self) {
        for tls in [false, true] {
            let setup = Setup {
                tls,
                ..self.setup.clone()
            };
            let mut figures = [None, None, None];
            for (kind, figure) in [Kind::Uacsta, Kind::Kamailio].into_iter().zip(&mut figures) {
                if kind == Kind::Kamailio && !self.kamailio {
                    continue;
                }
                match memory::run(kind, &setup, MANY, 0).await {
                    Ok(held) => {
                        let kibibytes = held.per_phone();
                        *figure = Some((kibibytes, format!("{kibibytes:.1} KiB")));
                    }
                    Err(error) => self.fail(&format!("memory, {kind:?}: {error:#}")),
                }
            }
            let transport = if tls { "TLS" } else { "TCP" };
            line(
                &format!("memory a phone, {transport}, {MANY} phones"),
                figures,
            );
        }
    }

    async fn rest(&self) {
        let mut figures = [None, None, None];
        for (kind, figure) in [Kind::Uacsta, Kind::Kamailio].into_iter().zip(&mut figures) {
            if kind == Kind::Kamailio && !self.kamailio {
                continue;
            }
            match idle::run(kind, self.setup, MANY, IDLE).await {
                Ok(tally) => {
                    *figure = Some((share(&tally), format!("{:.2} % of a core", share(&tally))));
                }
                Err(error) => self.fail(&format!("idle, {kind:?}: {error:#}")),
            }
        }
        line(&format!("idle, {MANY} phones"), figures);
        match start::run(self.setup, 100_000, self.runs).await {
            Ok(times) => {
                let median = times.get(times.len() / 2).copied().unwrap_or_default();
                let said = format!("{:.2} s", median.as_secs_f64());
                line("start with 100000 phones", [Some((0.0, said)), None, None]);
            }
            Err(error) => self.fail(&format!("start: {error:#}")),
        }
        match storm::run(Kind::Uacsta, self.setup, MANY).await {
            Ok(storm) => {
                let said = format!(
                    "registered {:.1} s, sessions {:.1} s, {} refused; requests to others p50 {:.0} ms, p99 {:.0} ms (the generator itself was late by p99 {:.0} ms), {} failed",
                    storm.registered.as_secs_f64(),
                    storm.sessions.as_secs_f64(),
                    storm.refused,
                    storm.asked.p50,
                    storm.asked.p99,
                    storm.asked.own_delay,
                    storm.asked.failed
                );
                line(
                    &format!("storm, {MANY} phones"),
                    [Some((0.0, said)), None, None],
                );
            }
            Err(error) => self.fail(&format!("storm: {error:#}")),
        }
    }
}

/// The median run by its cost.
fn figure(mut tallies: Vec<Tally>, deliveries: usize) -> Figure {
    tallies.sort_by(|one, other| one.cost().total_cmp(&other.cost()));
    let tally = tallies.get(tallies.len() / 2)?;
    let cost = tally.cost() / deliveries as f64;
    let failed = match tally.failed {
        0 => String::new(),
        failed => format!(", **{failed} failed**"),
    };
    let text = format!(
        "{cost:.1} us, {:.0}/s, p50 {:.0} us, p95 {:.0} us, p99 {:.0} us{failed}",
        tally.rate(),
        tally.percentile(50),
        tally.percentile(95),
        tally.percentile(99)
    );
    Some((cost, text))
}

fn line(name: &str, figures: [Figure; 3]) {
    let [own, kamailio, pipe] = &figures;
    let ratio = |other: &Figure| match (own, other) {
        (Some((own, _)), Some((other, _))) if *other > 0.0 => format!("**{:.2}**", own / other),
        _ => "–".to_owned(),
    };
    let text = |figure: &Figure| figure.as_ref().map_or("–", |(_, text)| text).to_owned();
    println!(
        "| {name} | {} | {} | {} | {} | {} |",
        ratio(kamailio),
        ratio(pipe),
        text(own),
        text(kamailio),
        text(pipe)
    );
}

fn said(pace: Pace) -> String {
    match pace {
        Pace::InFlight(_) => "saturated".to_owned(),
        Pace::PerSecond(rate) => format!("{rate:.0}/s"),
    }
}
