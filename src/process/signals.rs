//! The signals that stop the server or reload its configuration.

/// What a signal requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signal {
    /// SIGHUP: reload the configuration.
    Reload,
    /// Stop; the signal's name.
    Stop(&'static str),
}

#[cfg(unix)]
pub use unix::Signals;

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{SignalKind, signal};

    use super::Signal;

    /// Handlers of the signals.
    #[derive(Debug)]
    pub struct Signals {
        terminate: Option<tokio::signal::unix::Signal>,
        interrupt: Option<tokio::signal::unix::Signal>,
        hang_up: Option<tokio::signal::unix::Signal>,
    }

    impl Signals {
        /// Installs the handlers; logs those that cannot be installed.
        pub fn install() -> Self {
            let listen = |kind, name| {
                signal(kind)
                    .inspect_err(|error| tracing::error!(%error, signal = name, "cannot install the signal's handler"))
                    .ok()
            };
            // Without a handler SIGXFSZ kills the process; with one, a file at the limit (LimitFSIZE=) is like a full disk.
            let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
            drop(listen(too_large, "SIGXFSZ"));
            Self {
                terminate: listen(SignalKind::terminate(), "SIGTERM"),
                interrupt: listen(SignalKind::interrupt(), "SIGINT"),
                hang_up: listen(SignalKind::hangup(), "SIGHUP"),
            }
        }

        /// Waits for the next signal.
        pub async fn next(&mut self) -> Signal {
            tokio::select! {
                () = received(&mut self.terminate) => Signal::Stop("SIGTERM"),
                () = received(&mut self.interrupt) => Signal::Stop("SIGINT"),
                () = received(&mut self.hang_up) => Signal::Reload,
            }
        }
    }

    async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// Handlers of the signals.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Installs the handlers.
    pub fn install() -> Self {
        Self
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Stop("Ctrl-C")
    }
}
