//! Two builds of uacsta in alternation, and the ratio of their costs.

use std::{future::Future, path::Path};

use anyhow::ensure;

use crate::{
    drive::{Pace, Span},
    rows::{fanout, memory, register, relay, storm},
    server::{Kind, Setup},
};

/// Transactions under way in the saturated rows.
const BUSY: Pace = Pace::InFlight(32);

/// Two builds, and how often each row is run with both.
pub(crate) struct Compare<'a> {
    builds: [Setup; 2],
    runs: usize,
    span: Span,
    /// The largest ratio of new to old that passes; `None` prints only.
    most: Option<f64>,
    missed: Vec<String>,
    rows: &'a [String],
}

impl<'a> Compare<'a> {
    /// Compares the build of `setup` with an older one; `rows` names the rows to run, all of them if it is empty.
    pub(crate) fn new(
        setup: &Setup,
        baseline: &Path,
        runs: usize,
        span: Span,
        most: Option<f64>,
        rows: &'a [String],
    ) -> Self {
        let old = Setup {
            uacsta: baseline.to_owned(),
            ..setup.clone()
        };
        Self {
            builds: [old, setup.clone()],
            runs,
            span,
            most,
            missed: Vec::new(),
            rows,
        }
    }

    /// Runs the rows, so many phones in those of memory and storm, and prints a Markdown table.
    ///
    /// # Errors
    /// When a row cannot be run, or a ratio is above what is allowed.
    pub(crate) async fn run(mut self, phones: usize) -> anyhow::Result<()> {
        println!("| row | new : old | new | old |");
        println!("|---|---|---|---|");
        let span = self.span;
        self.row("register", "us", move |setup| async move {
            let tally = register::run(Kind::Uacsta, &setup, 1_000, BUSY, span).await?;
            Ok(tally.cost())
        })
        .await?;
        self.row("relay", "us", move |setup| async move {
            let tally = relay::run(Kind::Uacsta, &setup, 100, BUSY, span).await?;
            Ok(tally.cost())
        })
        .await?;
        for (name, clients, phones) in [("event to 1", 1, 100), ("event to 5", 5, 40)] {
            self.row(name, "us", move |setup| async move {
                let setup = Setup { clients, ..setup };
                let tally = fanout::run(Kind::Uacsta, &setup, phones, BUSY, span).await?;
                Ok(tally.cost() / clients as f64)
            })
            .await?;
        }
        for (name, tls) in [("memory TCP", false), ("memory TLS", true)] {
            self.row(name, "KiB a phone", move |setup| async move {
                let setup = Setup { tls, ..setup };
                let held = memory::run(Kind::Uacsta, &setup, phones, 0).await?;
                Ok(held.per_phone())
            })
            .await?;
        }
        self.row(
            "storm",
            "s until all have sessions",
            move |setup| async move {
                let storm = storm::run(Kind::Uacsta, &setup, phones).await?;
                Ok(storm.sessions.as_secs_f64())
            },
        )
        .await?;
        ensure!(
            self.missed.is_empty(),
            "above the ratio that is allowed: {}",
            self.missed.join("; ")
        );
        Ok(())
    }

    /// One row: both builds in turn, each pair in the other order than the last; medians and the ratio of the medians.
    async fn row<F: Future<Output = anyhow::Result<f64>>>(
        &mut self,
        name: &str,
        unit: &str,
        run: impl Fn(Setup) -> F,
    ) -> anyhow::Result<()> {
        if !self.rows.is_empty() && !self.rows.iter().any(|row| row == name) {
            return Ok(());
        }
        let mut figures = [Vec::new(), Vec::new()];
        for round in 0..self.runs {
            for turn in 0..2 {
                let build = (round + turn) % 2;
                figures[build].push(run(self.builds[build].clone()).await?);
            }
        }
        let [old, new] = figures.map(median);
        let ratio = new / old;
        println!("| {name} | **{ratio:.3}** | {new:.2} {unit} | {old:.2} {unit} |");
        if self.most.is_some_and(|most| ratio > most) {
            self.missed.push(format!("{name} {ratio:.3}"));
        }
        Ok(())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 {
        figures[middle]
    } else {
        f64::midpoint(figures[middle - 1], figures[middle])
    }
}
