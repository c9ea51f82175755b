//! The signals that end a program, or have it read its configuration again.

/// What a signal asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signal {
    /// SIGHUP: read the configuration again.
    Reload,
    /// End; the signal's name.
    Stop(&'static str),
}

/// Waits for a signal that ends a program and returns its name.
pub async fn wait() -> &'static str {
    let mut signals = Signals::hear();
    loop {
        if let Signal::Stop(name) = signals.next().await {
            return name;
        }
    }
}

#[cfg(unix)]
pub use unix::Signals;

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{SignalKind, signal};

    use super::Signal;

    /// The signals that a program hears.
    #[derive(Debug)]
    pub struct Signals {
        terminate: Option<tokio::signal::unix::Signal>,
        interrupt: Option<tokio::signal::unix::Signal>,
        hang_up: Option<tokio::signal::unix::Signal>,
    }

    impl Signals {
        /// Begins to hear them; one that cannot be heard is said in the log.
        pub fn hear() -> Self {
            let listen = |kind, name| {
                signal(kind)
                    .inspect_err(|error| tracing::error!(%error, "{name} cannot be heard"))
                    .ok()
            };
            // Unheard it kills; a file that reaches a limit of the process (LimitFSIZE=) is a disk that is full then.
            let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
            drop(listen(too_large, "SIGXFSZ"));
            Self {
                terminate: listen(SignalKind::terminate(), "SIGTERM"),
                interrupt: listen(SignalKind::interrupt(), "SIGINT"),
                hang_up: listen(SignalKind::hangup(), "SIGHUP"),
            }
        }

        /// The next one.
        pub async fn next(&mut self) -> Signal {
            tokio::select! {
                () = heard(&mut self.terminate) => Signal::Stop("SIGTERM"),
                () = heard(&mut self.interrupt) => Signal::Stop("SIGINT"),
                () = heard(&mut self.hang_up) => Signal::Reload,
            }
        }
    }

    async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// The signals that a program hears.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Begins to hear them.
    pub fn hear() -> Self {
        Self
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Stop("Ctrl-C")
    }
}
