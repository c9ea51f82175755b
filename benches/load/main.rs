//! The load generator: phones and clients in one process that measure what a server costs.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is what it is for"
)]

mod bystanders;
mod client;
mod compare;
mod csta;
mod drive;
mod measure;
mod phone;
mod pipe;
mod rows;
mod server;
mod site;
mod smoke;
#[allow(
    clippy::unwrap_used,
    unreachable_pub,
    dead_code,
    reason = "it serves the tests, and the generator uses a part of it"
)]
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;
mod tls;
mod wire;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use tokio::task::LocalSet;

use crate::{
    compare::Compare,
    drive::{Pace, Span, Tally},
    measure::Process,
    rows::{attacks, events, fanout, idle, memory, polled, register, relay, start, storm},
    server::{Kind, Setup},
    site::Site,
};

/// Plays phones and clients, and says what a server costs.
#[derive(Debug, Parser)]
#[command(name = "load", bin_name = "cargo bench --bench load --")]
struct Cli {
    /// What cargo adds
    #[arg(long, hide = true, global = true)]
    bench: bool,
    #[command(subcommand)]
    command: Option<Work>,
    #[command(flatten)]
    shared: Shared,
}

/// What all rows have in common.
#[derive(Args, Debug)]
struct Shared {
    /// The server under test
    #[arg(long, global = true, value_enum, default_value = "uacsta")]
    kind: Kind,
    /// The program uacsta; without it the one that cargo built
    #[arg(long, global = true, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_uacsta"))]
    server: PathBuf,
    /// A setting of uacsta, such as UACSTA__ADVANCED__ARBITERS=2
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Peers connect over TLS
    #[arg(long, global = true)]
    tls: bool,
    /// Transactions under way at a time
    #[arg(long, global = true, value_name = "COUNT", default_value = "32")]
    in_flight: usize,
    /// Transactions a second, in place of --in-flight
    #[arg(
        long,
        global = true,
        value_name = "COUNT",
        conflicts_with = "in_flight"
    )]
    rate: Option<f64>,
    /// Seconds that are counted
    #[arg(long, global = true, value_name = "SECONDS", default_value = "8")]
    time: u64,
    /// Seconds before them that are not
    #[arg(long, global = true, value_name = "SECONDS", default_value = "2")]
    warm_up: u64,
    /// How often it is done; the median counts
    #[arg(long, global = true, value_name = "COUNT", default_value = "3")]
    runs: usize,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// REGISTER with digest, 401 and 200, of phones in turn
    Register {
        #[arg(long, default_value = "1000")]
        phones: usize,
    },
    /// INFO with a CSTA request of 700 octets from clients to phones, and the 200 back
    Relay {
        #[arg(long, default_value = "100")]
        pairs: usize,
    },
    /// The same while clients of the API poll the phone list, and while none does, in turn on one server
    Polled {
        #[arg(long, default_value = "100")]
        pairs: usize,
        /// Clients of the API, a connection each
        #[arg(long, default_value = "100")]
        pollers: usize,
        /// Milliseconds from an answer to the next request; 0: as fast as they can
        #[arg(long, default_value = "1000")]
        pause: u64,
        /// Fail when the ratio of the costs is above this
        #[arg(long, value_name = "RATIO")]
        at_most: Option<f64>,
    },
    /// Events of phones to several clients
    Fanout {
        #[arg(long, default_value = "5")]
        clients: usize,
        #[arg(long, default_value = "20")]
        phones: usize,
    },
    /// Memory for each phone with connection, CSTA session and monitor
    Memory {
        #[arg(long, default_value = "15000")]
        phones: usize,
        /// Then so many refreshes of each; twelve are an hour
        #[arg(long, default_value = "0")]
        refreshes: usize,
    },
    /// The share of a core that phones cost which only stay
    Idle {
        #[arg(long, default_value = "15000")]
        phones: usize,
    },
    /// Time to the first accepted REGISTER
    Start {
        #[arg(long, default_value = "100000")]
        phones: usize,
    },
    /// All phones return in the same second
    Storm {
        #[arg(long, default_value = "15000")]
        phones: usize,
    },
    /// Strangers who knock, call and flood, and phones that nobody knows
    Attacks {
        /// REGISTERs of unknown phones; the other floods are in proportion
        #[arg(long, default_value = "100000")]
        knocks: usize,
    },
    /// Storms of events, of one phone and of many, and phones that fall silent
    Events {
        /// Phones that report ten events a second each; before that one phone reports as many as all of them
        #[arg(long, default_value = "1000")]
        phones: usize,
    },
    /// All rows, against Kamailio too where it is installed, as a Markdown table
    Table,
    /// Two builds of uacsta in turn, as a Markdown table of ratios
    Compare {
        /// The older program
        #[arg(long, value_name = "PATH")]
        baseline: PathBuf,
        /// Phones of the rows of memory and storm
        #[arg(long, default_value = "15000")]
        phones: usize,
        /// Fail when a ratio of new to old is above this
        #[arg(long, value_name = "RATIO")]
        at_most: Option<f64>,
        /// Only these rows: register, relay, "event to 1", "event to 5", "memory TCP", "memory TLS", storm
        #[arg(long = "row", value_name = "NAME")]
        rows: Vec<String>,
    },
    /// Every row, tiny: fails when something does not work
    Smoke,
    /// Those who ask during a storm, as a process of their own
    #[command(hide = true)]
    Bystanders {
        phones: SocketAddr,
        clients: SocketAddr,
        process: u32,
        first: usize,
        count: usize,
        milliseconds: u64,
    },
    /// The baseline as a process of its own
    #[command(hide = true)]
    Pipe {
        phones: SocketAddr,
        clients: SocketAddr,
        count: usize,
    },
}

fn main() -> ExitCode {
    let Cli {
        command, shared, ..
    } = Cli::parse();
    // `cargo bench` and `cargo test --benches` run every bench without a command.
    let Some(command) = command else {
        println!("load: say what to measure, or `--help`");
        return ExitCode::SUCCESS;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system lets a program wait for sockets");
    match LocalSet::new().block_on(&runtime, work(command, &shared)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn work(command: Work, shared: &Shared) -> anyhow::Result<()> {
    let (kind, span, pace) = (shared.kind, shared.span(), shared.pace());
    let setup = shared.setup(1);
    match command {
        Work::Register { phones } => {
            for _ in 0..shared.runs {
                say(&register::run(kind, &setup, phones, pace, span).await?, 1);
            }
        }
        Work::Relay { pairs } => {
            for _ in 0..shared.runs {
                say(&relay::run(kind, &setup, pairs, pace, span).await?, 1);
            }
        }
        Work::Polled {
            pairs,
            pollers: count,
            pause,
            at_most,
        } => {
            let pause = Duration::from_millis(pause);
            let pollers = polled::Pollers { count, pause };
            let all = polled::run(&setup, pairs, pollers, pace, span, shared.runs).await?;
            for (name, tallies) in [("alone", &all.alone), ("polled", &all.polled)] {
                for tally in tallies {
                    print!("{name}: ");
                    say(tally, 1);
                }
            }
            let ratio = all.ratio();
            println!(
                "polled : alone {ratio:.3} in CPU; the API answered {} pages and refused {} requests",
                all.pages, all.refused
            );
            let is_kept = at_most.is_none_or(|most| ratio <= most);
            anyhow::ensure!(is_kept, "above the ratio that is allowed: {ratio:.3}");
        }
        Work::Fanout { clients, phones } => {
            for _ in 0..shared.runs {
                let setup = shared.setup(clients);
                say(
                    &fanout::run(kind, &setup, phones, pace, span).await?,
                    clients,
                );
            }
        }
        Work::Memory { phones, refreshes } => {
            let held = memory::run(kind, &setup, phones, refreshes).await?;
            println!(
                "{:.1} KiB a phone, {:.1} after the refreshes ({:.1} MiB empty, {:.1} full, {:.1} in the end)",
                held.per_phone(),
                held.per_refreshed_phone(),
                mebibytes(held.empty),
                mebibytes(held.full),
                mebibytes(held.refreshed)
            );
        }
        Work::Idle { phones } => {
            let tally = idle::run(kind, &setup, phones, span.time).await?;
            println!("{:.2} % of a core", table::share(&tally));
        }
        Work::Start { phones } => {
            println!("{:?}", start::run(&setup, phones, shared.runs).await?);
        }
        Work::Storm { phones } => {
            let storm = storm::run(kind, &setup, phones).await?;
            println!(
                "registered after {:?}, sessions after {:?}, {} attempts refused; meanwhile, of requests to other phones, {}",
                storm.registered, storm.sessions, storm.refused, storm.asked
            );
        }
        Work::Attacks { knocks } => {
            let attacks = attacks::run(&setup, knocks).await?;
            println!(
                "unknown phones {:.0}/s, {:.1} MiB; of requests to other phones meanwhile {}; INVITEs of strangers {:.0}/s, {:.1} MiB; pipelined {:.0}/s; {:.1} KiB for each unknown phone that logged on",
                attacks.knocks.rate,
                mebibytes(attacks.knocks.grown),
                attacks.asked,
                attacks.calls.rate,
                mebibytes(attacks.calls.grown),
                attacks.pipelined,
                attacks.per_unknown as f64 / 1024.0
            );
            kept(&attacks.missed())?;
        }
        Work::Events { phones } => {
            let events = events::run(&setup, phones).await?;
            println!("{events}");
            kept(&events.missed())?;
        }
        Work::Table => table::run(&setup, span, shared.runs).await?,
        Work::Compare {
            baseline,
            phones,
            at_most,
            rows,
        } => {
            let compare = Compare::new(&setup, &baseline, shared.runs, span, at_most, &rows);
            compare.run(phones).await?;
        }
        Work::Smoke => smoke::run(&setup).await?,
        Work::Bystanders {
            phones,
            clients,
            process,
            first,
            count,
            milliseconds,
        } => {
            let address = |socket| tls::address(socket, shared.tls);
            let process = Process { id: process };
            let site = Site::new(address(phones), address(clients), process);
            let time = Duration::from_millis(milliseconds);
            bystanders::play(&site, kind, first..first + count, time).await?;
        }
        Work::Pipe {
            phones,
            clients,
            count,
        } => pipe::serve(phones, clients, count).await?,
    }
    Ok(())
}

impl Shared {
    fn span(&self) -> Span {
        Span {
            warm_up: Duration::from_secs(self.warm_up),
            time: Duration::from_secs(self.time),
        }
    }

    fn pace(&self) -> Pace {
        self.rate
            .map_or(Pace::InFlight(self.in_flight), Pace::PerSecond)
    }

    fn setup(&self, clients: usize) -> Setup {
        Setup {
            uacsta: self.server.clone(),
            settings: self.settings.clone(),
            tls: self.tls,
            clients,
        }
    }
}

/// One run in a line; an event counts as so many deliveries.
fn say(tally: &Tally, deliveries: usize) {
    println!(
        "{:.1} us CPU, {:.0}/s, p50 {:.0} us, p95 {:.0} us, p99 {:.0} us (own delay p99 {:.0} us), {} done, {} failed{}",
        tally.cost(),
        tally.rate(),
        tally.percentile(50),
        tally.percentile(95),
        tally.percentile(99),
        tally.own_delay(99),
        tally.finished,
        tally.failed,
        if deliveries > 1 {
            format!(
                ", {:.1} us CPU a delivery",
                tally.cost() / deliveries as f64
            )
        } else {
            String::new()
        }
    );
}

/// Fails with what was missed, if anything.
fn kept(missed: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(
        missed.is_empty(),
        "what is promised was missed: {}",
        missed.join("; ")
    );
    Ok(())
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(name, _)| name.starts_with("UACSTA__"));
    let (name, value) = pair.ok_or("must be UACSTA__SECTION__KEY=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
