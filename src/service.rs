//! The life of the program: signals, requests to read the configuration again, and what the service manager is told.

mod reading;

use std::{convert::Infallible, time::Duration};

use settings::{Logs, Settings};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    Running,
    signals::{Signal, Signals},
    web::{Api, ReloadWish},
};
use reading::{Outcome, Reader};

/// Serves until one of `signals` is SIGINT or SIGTERM (Ctrl-C elsewhere), whose name is returned. At SIGHUP, or when the API is asked to,
/// `read` reads the configuration again on a thread of its own, what is wrong with it being one sentence; then it is served,
/// and `log` hears where the log is now.
pub async fn run(
    running: &mut Running,
    signals: Signals,
    read: impl Fn() -> Result<Settings, String> + Clone + Send + 'static,
    log: impl FnMut(&Logs),
) -> &'static str {
    let api = running.api();
    tell(State::Ready);
    tokio::select! {
        name = serve(running, signals, Reader::new(read), log) => name,
        never = watch(&api) => match never {},
    }
}

async fn serve(
    running: &mut Running,
    mut signals: Signals,
    mut reader: Reader<impl Fn() -> Result<Settings, String> + Clone + Send + 'static>,
    mut log: impl FnMut(&Logs),
) -> &'static str {
    // Whether SIGHUP came while the configuration was being read: what was changed since may not be in it.
    let mut again = false;
    loop {
        let wish = tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop(name) => return name,
                Signal::Reload => None,
            },
            Some(wish) = running.wishes.recv(), if reader.is_free() => Some(wish),
            (outcome, wish) = reader.end() => {
                finish(running, outcome, wish, &mut log).await;
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
        tell(State::Reloading);
        if let Err((wrong, wish)) = reader.begin(running.ground(), wish) {
            finish(running, Err(wrong), wish, &mut log).await;
        }
    }
}

/// Serves by what was read, or says why not.
async fn finish(
    running: &mut Running,
    outcome: Outcome,
    wish: Option<ReloadWish>,
    log: &mut impl FnMut(&Logs),
) {
    let outcome = match outcome {
        Ok(tried_out) => {
            let logs = tried_out.logs().clone();
            let adopted = running.adopt(tried_out).await;
            adopted
                .map(|()| log(&logs))
                .map_err(|wrong| wrong.to_string())
        }
        Err(wrong) => Err(wrong),
    };
    match &outcome {
        Ok(()) => tracing::info!("the configuration was read again and holds now"),
        Err(wrong) => tracing::error!(wrong, "the configuration stays as it was"),
    }
    if let Some(wish) = wish {
        wish.answer(outcome);
    }
    tell(State::Ready);
}

/// Tells the service manager that the program lives, whatever else is going on.
async fn watch(api: &Api) -> Infallible {
    let mut watchdog = Watchdog::new();
    loop {
        watchdog.due().await;
        // One that hangs is not to look alive: the service manager starts another.
        match tokio::time::timeout(PATIENCE, api.is_alive()).await {
            Ok(true) => tell(State::Alive),
            _ => tracing::error!("the registrar does not answer"),
        }
    }
}

/// Tells the service manager that the program is about to end.
pub fn stopping() {
    tell(State::Stopping);
}

/// How long the registrar may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the service manager hears (`sd_notify(3)`).
#[derive(Clone, Copy, Debug)]
enum State {
    Ready,
    Reloading,
    Alive,
    Stopping,
}

#[cfg(unix)]
fn tell(state: State) {
    use sd_notify::NotifyState;
    let states = match state {
        State::Ready => vec![NotifyState::Ready],
        State::Alive => vec![NotifyState::Watchdog],
        State::Stopping => vec![NotifyState::Stopping],
        State::Reloading => match NotifyState::monotonic_usec_now() {
            Ok(now) => vec![NotifyState::Reloading, now],
            Err(_) => vec![NotifyState::Reloading],
        },
    };
    if let Err(error) = sd_notify::notify(&states) {
        tracing::debug!(?state, %error, "the service manager cannot be told");
    }
}

#[cfg(not(unix))]
fn tell(_: State) {}

/// When the service manager wants to hear that the program lives, if it does: at half of its time.
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
