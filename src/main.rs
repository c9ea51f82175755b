//! The uacsta program: arguments, settings, `Server::start`, wait for a signal, drain.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use uacsta::{
    Server,
    cli::{Cli, Failure, Serve},
    logs, signals,
};

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

/// One clear sentence, and the exit code that belongs to it.
#[allow(
    clippy::print_stderr,
    reason = "this is where a failed command says why"
)]
fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("uacsta: {error:#}");
    error
        .downcast_ref()
        .map_or(ExitCode::FAILURE, Failure::exit_code)
}

fn run(serve: &Serve) -> anyhow::Result<()> {
    let plan = serve.plan()?;
    let _logging =
        logs::start(&plan.settings.logs, plan.data()).context("the log cannot be written")?;
    actix_rt::System::new().block_on(async {
        let running = Server::start(plan.settings.clone(), plan.data())?;
        signals::ready();
        let signal = signals::wait().await;
        tracing::info!(signal, "stopping");
        signals::stopping();
        running.stop().await;
        Ok(())
    })
}
