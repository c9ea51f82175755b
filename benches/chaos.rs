//! Phones and clients under random faults; exits with 0 when nothing was lost.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    dead_code,
    reason = "its output is what it is for, and its phones and clients are those of the tests"
)]

#[path = "../tests/chaos/mod.rs"]
mod chaos;
#[path = "../tests/support/mod.rs"]
mod support;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

/// Plays phones and clients under random faults, and says what was lost.
#[derive(Debug, Parser)]
#[command(name = "chaos", bin_name = "cargo bench --bench chaos --")]
struct Cli {
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// Minutes of faults, such as 0.1
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Phones
    #[arg(long, default_value_t = 500)]
    phones: usize,
    /// Clients; each watches a quarter of the lines
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(usize))]
    clients: usize,
    /// Decides over the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let Ok(duration) = Duration::try_from_secs_f64(cli.minutes * 60.0) else {
        println!("--minutes {}: a number of minutes is wanted", cli.minutes);
        return ExitCode::from(2);
    };
    if cli.phones == 0 || cli.clients == 0 {
        println!("--phones and --clients: at least one of each is wanted");
        return ExitCode::from(2);
    }
    let report = chaos::run(chaos::Plan {
        duration,
        phones: cli.phones,
        clients: cli.clients,
        seed: cli.seed,
    })
    .await;
    println!("{report}");
    match report.faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
