//! The uacsta program: arguments, settings, `Server::start`, wait for a signal, drain.

use std::{convert::Infallible, io, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use uacsta::{
    Running, Server,
    cli::{Cli, Failure, Plan, Serve},
    demo::{self, DemoError},
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
    let _logging = logs::start(&plan.settings.logs, plan.data(), plan.is_demo())
        .context("the log cannot be written")?;
    actix_rt::System::new().block_on(async {
        let running = Server::start(plan.settings.clone(), plan.data())?;
        signals::ready();
        let ended = tokio::select! {
            signal = signals::wait() => {
                tracing::info!(signal, "stopping");
                Ok(())
            }
            Err(error) = demonstrate(&plan, &running) => Err(error),
        };
        signals::stopping();
        running.stop().await;
        Ok(ended?)
    })
}

/// The demonstration, where one is asked for; it only ends by failing.
async fn demonstrate(plan: &Plan, running: &Running) -> Result<Infallible, DemoError> {
    if plan.is_demo() {
        demo::run(running, &plan.settings, plan.data(), &mut io::stdout()).await
    } else {
        std::future::pending().await
    }
}
