//! The uacsta program: parses the arguments, then runs the command or the server.

use std::{
    convert::Infallible,
    fmt,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use uacsta::{
    Addresses, Server,
    cli::{Cli, Plan, Serve},
    data_dir,
    demo::{self, DemoError},
    logs,
    process::{self, Signals},
    reload::ReloadError,
};
use uacsta_config::Settings;
use uacsta_connect::{CommandError, sentence};
use uacsta_schema::escape_controls;

fn main() -> ExitCode {
    match Cli::of_arguments().run() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(serve)) => match run(&serve) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report(&error),
        },
        Err(failure) => report(&failure.into()),
    }
}

/// Prints the error as one sentence; returns its exit code.
fn report(error: &anyhow::Error) -> ExitCode {
    let text = sentence(error.as_ref());
    say(format_args!("{}", escape_controls(&text, &['\n', '\t'])));
    error
        .downcast_ref()
        .map_or(ExitCode::FAILURE, CommandError::exit_code)
}

fn run(serve: &Serve) -> anyhow::Result<()> {
    let plan = match serve.plan() {
        Ok(plan) => Arc::new(plan),
        Err(error) => {
            log_failed_start(serve.existing_folder(), &error);
            return Err(error.into());
        }
    };
    Server::check_first_start(&plan.settings, plan.data())?;
    data_dir::keep_from_others();
    let counters = Arc::default();
    let logging = logs::start(&plan.settings.logs, plan.data(), plan.is_demo(), &counters)
        .context("cannot write the log")?;
    #[cfg(unix)]
    process::limits::raise_file_limit();
    #[cfg(unix)]
    if !plan.is_demo() {
        process::limits::warn_if_too_few(plan.settings.limits.connections);
    }
    let served = actix_rt::System::new().block_on(async {
        // Without a handler SIGHUP would end the program during its start.
        let signals = Signals::install();
        let mut running = Server::default()
            .counting(counters)
            .run(plan.settings.clone(), plan.data())?;
        let addresses = running.addresses.clone();
        if !plan.is_demo() && !io::stderr().is_terminal() {
            tell_addresses(&addresses, plan.data());
        }
        let (again, try_out) = (Arc::clone(&plan), logging.folder_test());
        let read = move |operator: Option<&str>| {
            let settings = again.read_again(operator)?;
            try_out(&settings.logs)
                .map_err(|wrong| ReloadError::of_key("logs.directory", wrong))?;
            Ok(settings)
        };
        let ended = tokio::select! {
            signal = process::run(&mut running, signals, read, |logs| logging.change(logs)) => {
                tracing::info!(signal, "server stopping");
                Ok(signal)
            }
            Err(error) = demonstrate(&plan, &addresses) => match error.is_closed_pipe() {
                true => Ok("SIGPIPE"),
                false => Err(error),
            },
        };
        process::stopping();
        running.stop().await;
        let signal = ended?;
        if plan.is_demo() || !io::stderr().is_terminal() {
            logging.tell(&format!("uacsta: stopped by {signal}\n"));
        }
        Ok(())
    });
    if let Err(error) = &served {
        log_failure(error);
    }
    served
}

/// Logs why the server does not serve, into the log file alone: standard error gets the sentence of the program's end. The
/// process number tells the line from those of a server that runs on the same folder.
fn log_failure(error: &anyhow::Error) {
    tracing::error!(
        target: logs::FILE_ONLY,
        pid = std::process::id(),
        reason = sentence(error.as_ref()),
        "the server does not start, or has failed"
    );
}

/// Logs a configuration that cannot be read, where the data folder has been used before.
fn log_failed_start(data: Option<&Path>, error: &CommandError) {
    let Some(data) = data.filter(|data| data.is_dir()) else {
        return;
    };
    data_dir::keep_from_others();
    // The settings of the log cannot be read either.
    let defaults = Settings::builtin().logs;
    if let Ok(_logging) = logs::start(&defaults, data, true, &Arc::default()) {
        tracing::error!(
            target: logs::FILE_ONLY,
            pid = std::process::id(),
            reason = %error,
            "the server does not start"
        );
    }
}

/// Writes a line to standard error. One that cannot be written, as on a full disk, is left out: `eprintln` would panic.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "uacsta: {line}");
}

/// Says where the server listens, for the journal; on a terminal the log does.
fn tell_addresses(addresses: &Addresses, data: &Path) {
    let web = addresses.web.map(|address| ("web.listen", address));
    let all: Vec<String> = addresses
        .by_setting()
        .chain(web)
        .map(|(setting, address)| format!("{setting} {address}"))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    say(format_args!("version {version} serves: {}", all.join(", ")));
    say(format_args!("data folder {}", data.display()));
}

/// Runs the demonstration if requested; returns only when it fails.
async fn demonstrate(plan: &Plan, addresses: &Addresses) -> Result<Infallible, DemoError> {
    if plan.is_demo() {
        demo::run(addresses, &plan.settings, plan.data(), &mut io::stdout()).await
    } else {
        std::future::pending().await
    }
}
