//! Runs until a stop signal: reloads the configuration, and stops or starts the service, on request; notifies the service manager.

use std::{convert::Infallible, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval};
use uacsta_config::{Logs, Settings};

use super::{
    config_reader::{Outcome, Read, Reader},
    signals::{Signal, Signals},
};
use crate::{
    Running,
    api::Api,
    reload::{Reload, ReloadError, ReloadRequest},
};

/// Serves until SIGINT or SIGTERM (Ctrl-C elsewhere), and returns the signal's name. At SIGHUP, or at the API's request, `read`
/// reads the configuration on another thread, with a text in the place of the operators' file if it gets one. The new settings are
/// then applied, and `log` is called with those of the log.
pub async fn run(
    running: &mut Running,
    signals: Signals,
    read: impl Fn(Option<&str>) -> Result<Settings, ReloadError> + Clone + Send + 'static,
    log: impl FnMut(&Logs),
) -> &'static str {
    let api = running.api();
    notify(State::Ready);
    tokio::select! {
        name = serve(running, signals, Reader::new(read), log) => name,
        never = watch(&api) => match never {},
    }
}

async fn serve(
    running: &mut Running,
    mut signals: Signals,
    mut reader: Reader<impl Read>,
    mut log: impl FnMut(&Logs),
) -> &'static str {
    // SIGHUP came while the configuration was being read, which may have missed the latest changes.
    let mut again = false;
    loop {
        let request = tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop(name) => return name,
                Signal::Reload => None,
            },
            Some(request) = running.service_requests.recv() => {
                running.change_service(request).await;
                notify(State::Service { runs: running.is_serving() });
                continue;
            }
            Some(request) = running.reload_requests.recv(), if reader.is_free() => Some(request),
            (outcome, request) = reader.end() => {
                finish(running, outcome, request, &mut log).await;
                if !std::mem::take(&mut again) {
                    continue;
                }
                None
            }
        };
        if !reader.is_free() {
            again = true;
            continue;
        }
        notify(State::Reloading);
        let signal = Reload::by_signal();
        let reload = request.as_ref().map_or(&signal, |request| &request.reload);
        let begun = match running.context_for(reload) {
            Ok(context) => reader.begin(context, request),
            Err(wrong) => Err((wrong, request)),
        };
        if let Err((wrong, request)) = begun {
            finish(running, Err(wrong), request, &mut log).await;
        }
    }
}

/// Applies the settings that were read, or logs why not, and answers the request.
async fn finish(
    running: &mut Running,
    outcome: Outcome,
    request: Option<ReloadRequest>,
    log: &mut impl FnMut(&Logs),
) {
    let before = running.addresses.listed();
    let former = request.is_none().then(|| running.settings());
    let signal = Reload::by_signal();
    let reload = request.as_ref().map_or(&signal, |request| &request.reload);
    let outcome = match outcome {
        Ok(validated) => {
            let logs = validated.logs().clone();
            let applied = running.apply(validated, reload.by()).await;
            applied.inspect(|_| log(&logs))
        }
        Err(wrong) => Err(wrong),
    };
    let listening = running.addresses.listed();
    let listening = (listening != before).then_some(listening);
    match (&outcome, reload) {
        (Ok(_), Reload::Files { .. }) => tracing::info!(listening, "configuration reloaded"),
        // What it is part of is logged.
        (Ok(_), _) => tracing::debug!(listening, "configuration reloaded"),
        (Err(error), Reload::Change(change)) => {
            tracing::info!(user = change.by, %error, "change of settings rejected");
        }
        (Err(error), _) => {
            tracing::error!(%error, "reload failed; the configuration is unchanged");
        }
    }
    if let Some(former) = former {
        running.record_reload(&former, &outcome);
    }
    if let Some(request) = request {
        request.answer(outcome);
    }
    notify(State::Ready);
}

/// Notifies the service manager's watchdog as long as the registrar responds.
async fn watch(api: &Api) -> Infallible {
    let mut watchdog = Watchdog::new();
    loop {
        watchdog.due().await;
        // Without a notification the service manager restarts the program.
        match tokio::time::timeout(REGISTRAR_TIMEOUT, api.is_alive()).await {
            Ok(true) => notify(State::Alive),
            _ => tracing::error!("the registrar does not respond"),
        }
    }
}

/// Notifies the service manager that the program is stopping.
pub fn stopping() {
    notify(State::Stopping);
}

/// How long the registrar may take to respond.
const REGISTRAR_TIMEOUT: Duration = Duration::from_secs(5);

/// The states of `sd_notify(3)`.
#[derive(Clone, Copy, Debug)]
enum State {
    Ready,
    Reloading,
    Alive,
    Stopping,
    /// Told by `systemctl status`: the manager knows no program that is up and not ready.
    Service {
        runs: bool,
    },
}

#[cfg(unix)]
fn notify(state: State) {
    use sd_notify::NotifyState;
    let states = match state {
        State::Ready => vec![NotifyState::Ready],
        State::Alive => vec![NotifyState::Watchdog],
        State::Stopping => vec![NotifyState::Stopping],
        State::Service { runs: true } => vec![NotifyState::Status("serves phones and clients")],
        State::Service { runs: false } => {
            vec![NotifyState::Status(
                "the service for phones and clients is stopped",
            )]
        }
        State::Reloading => match NotifyState::monotonic_usec_now() {
            Ok(now) => vec![NotifyState::Reloading, now],
            Err(_) => vec![NotifyState::Reloading],
        },
    };
    if let Err(error) = sd_notify::notify(&states) {
        tracing::debug!(?state, %error, "cannot notify the service manager");
    }
}

#[cfg(not(unix))]
fn notify(_: State) {}

/// Ticks at half of the service manager's watchdog time, if it has one.
struct Watchdog(Option<Interval>);

impl Watchdog {
    #[cfg(unix)]
    fn new() -> Self {
        Self(sd_notify::watchdog_enabled().map(|within| {
            let mut interval = interval((within / 2).max(Duration::from_millis(1)));
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        }))
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self(None)
    }

    async fn due(&mut self) {
        match &mut self.0 {
            Some(interval) => drop(interval.tick().await),
            None => std::future::pending().await,
        }
    }
}
