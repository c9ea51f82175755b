//! Measures the longest turn of the event loop with a very long phone list.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is what it is for"
)]

mod client;
mod probe;
mod site;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crate::{probe::Probe, site::Site};

/// Measures the longest turn of the thread that carries the registrar and its clients.
#[derive(Debug, Parser)]
#[command(name = "turns", bin_name = "cargo bench --bench turns --")]
struct Cli {
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// Phones in the list, of one line each
    #[arg(long, default_value_t = 100_000)]
    phones: usize,
    /// Clients, half of whose accounts see ten lines alone
    #[arg(long, default_value_t = 40)]
    clients: usize,
    /// The longest turn that is allowed, in milliseconds; none: any
    #[arg(long)]
    limit: Option<u64>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let limit = cli.limit.map(Duration::from_millis);
    let longest = match actix::System::new().block_on(measure(&cli)) {
        Ok(longest) => longest,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    match limit {
        Some(limit) if longest > limit => {
            println!("a turn took {longest:.1?}, more than {limit:?}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Prints a row for each phase and returns the longest turn of all.
async fn measure(cli: &Cli) -> anyhow::Result<Duration> {
    println!("{} phones, {} clients", cli.phones, cli.clients);
    let site = Site::start(cli.phones, cli.clients).await?;
    println!("memory at rest: {} MiB", probe::resident_mib());
    let mut table = Table {
        probe: Probe::start(),
        longest: Duration::ZERO,
    };
    println!(
        "{:44} {:>10} {:>10} {:>10}",
        "phase", "longest", "p99", "sum"
    );
    table.probe.turns().await;
    site.register_all().await?;
    table.row("clients register for the lines' status").await;
    site.phones_return().await?;
    table.row("phones log on and list their lines").await;
    site.phones_change().await?;
    table
        .row("phones go, come back, are switched, removed")
        .await;
    site.lines_are_shared().await?;
    table.row("lines move to other phones").await;
    site.client_lists().await?;
    table.row("clients list all lines").await;
    site.telephone_list().await?;
    table.row("the API's phone list").await;
    site.counts().await?;
    table.row("metrics").await;
    site.start_phones().await?;
    table.row("phones' actors start").await;
    site.rules_change().await?;
    table.row("the rules change").await;
    println!("memory at the end: {} MiB", probe::resident_mib());
    Ok(table.longest)
}

struct Table {
    probe: Probe,
    longest: Duration,
}

impl Table {
    async fn row(&mut self, phase: &str) {
        let turns = self.probe.turns().await;
        println!(
            "{phase:44} {:>10} {:>10} {:>10}",
            milliseconds(turns.longest),
            milliseconds(turns.p99),
            milliseconds(turns.sum)
        );
        self.longest = self.longest.max(turns.longest);
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
