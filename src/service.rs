//! The life of the program: signals, requests to read the configuration again, and what the service manager is told.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    Running,
    signals::{Signal, Signals},
};

/// Serves until one of `signals` is SIGINT or SIGTERM (Ctrl-C elsewhere), whose name is returned. At SIGHUP, or when the API is asked to,
/// `reload` reads the configuration again and has it served; what is wrong with it is one sentence.
pub async fn run(
    running: &mut Running,
    mut signals: Signals,
    mut reload: impl AsyncFnMut(&mut Running) -> Result<(), String>,
) -> &'static str {
    let mut watchdog = Watchdog::new();
    tell(State::Ready);
    loop {
        let wish = tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop(name) => return name,
                Signal::Reload => None,
            },
            Some(wish) = running.wishes.recv() => Some(wish),
            () = watchdog.due() => tokio::select! {
                // One that hangs is not to look alive: the service manager starts another.
                alive = tokio::time::timeout(PATIENCE, running.is_alive()) => {
                    match alive {
                        Ok(true) => tell(State::Alive),
                        _ => tracing::error!("the registrar does not answer"),
                    }
                    continue;
                }
                signal = signals.next() => match signal {
                    Signal::Stop(name) => return name,
                    Signal::Reload => None,
                },
            },
        };
        tell(State::Reloading);
        let outcome = reload(running).await;
        match &outcome {
            Ok(()) => tracing::info!("the configuration was read again and holds now"),
            Err(wrong) => {
                tracing::error!(wrong, "the configuration stays as it was");
            }
        }
        if let Some(wish) = wish {
            wish.answer(outcome);
        }
        tell(State::Ready);
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
