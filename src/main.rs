//! The uacsta program: parses the arguments, then runs the command or the server.

use std::{convert::Infallible, io, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Parser;
use uacsta::{
    Addresses, Server,
    cli::{Cli, Plan, Serve},
    data_dir,
    demo::{self, DemoError},
    logs,
    process::{self, Signals},
};
use uacsta_connect::{CommandError, sentence};
use uacsta_schema::escape_controls;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(serve)) => match run(&serve) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report(&error),
        },
        Err(failure) => report(&failure.into()),
    }
}

/// Prints the error as one sentence; returns its exit code.
#[allow(
    clippy::print_stderr,
    reason = "the one place where a failed command prints its error"
)]
fn report(error: &anyhow::Error) -> ExitCode {
    let text = sentence(error.as_ref());
    eprintln!("uacsta: {}", escape_controls(&text, &['\n', '\t']));
    error
        .downcast_ref()
        .map_or(ExitCode::FAILURE, CommandError::exit_code)
}

fn run(serve: &Serve) -> anyhow::Result<()> {
    let plan = Arc::new(serve.plan()?);
    data_dir::keep_from_others();
    let counters = Arc::default();
    let logging = logs::start(&plan.settings.logs, plan.data(), plan.is_demo(), &counters)
        .context("cannot write the log")?;
    #[cfg(unix)]
    process::limits::raise_file_limit();
    actix_rt::System::new().block_on(async {
        // Without a handler SIGHUP would end the program during its start.
        let signals = Signals::install();
        let mut running = Server::default()
            .counting(counters)
            .run(plan.settings.clone(), plan.data())?;
        #[cfg(unix)]
        if !plan.is_demo() {
            process::limits::warn_if_too_few(plan.settings.limits.connections);
        }
        let addresses = running.addresses.clone();
        let (again, try_out) = (Arc::clone(&plan), logging.folder_test());
        let read = move || {
            let settings = again.read_again().map_err(|wrong| wrong.to_string())?;
            try_out(&settings.logs)?;
            Ok(settings)
        };
        let ended = tokio::select! {
            signal = process::run(&mut running, signals, read, |logs| logging.change(logs)) => {
                tracing::info!(signal, "stopping");
                Ok(())
            }
            Err(error) = demonstrate(&plan, &addresses) => Err(error),
        };
        process::stopping();
        running.stop().await;
        Ok(ended?)
    })
}

/// Runs the demonstration if requested; returns only when it fails.
async fn demonstrate(plan: &Plan, addresses: &Addresses) -> Result<Infallible, DemoError> {
    if plan.is_demo() {
        demo::run(addresses, &plan.settings, plan.data(), &mut io::stdout()).await
    } else {
        std::future::pending().await
    }
}
