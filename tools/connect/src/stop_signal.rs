//! Waits for a signal that ends a command.

use std::{
    io,
    pin::pin,
    process,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// Notices the signal for a command that runs without a runtime. A second signal ends the process.
pub struct StopWatch(Receiver<()>);

impl StopWatch {
    /// Returns once the signals have their handlers.
    ///
    /// # Errors
    /// The system provides no thread, or no way to wait for signals.
    pub fn start() -> io::Result<Self> {
        let (not_yet, stopped) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new().spawn(move || {
            runtime.block_on(async {
                let mut first = pin!(stop_signal());
                let has_handlers = async { not_yet.send(()) };
                tokio::select! {
                    biased;
                    () = &mut first => {}
                    _ = has_handlers => first.await,
                }
                drop(not_yet);
                stop_signal().await;
                process::exit(130);
            });
        })?;
        // An error is a signal that has come already.
        let _ = stopped.recv();
        Ok(Self(stopped))
    }

    /// Waits at most so long; returns whether the signal has arrived.
    pub fn wait(&self, time: Duration) -> bool {
        self.0.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }
}

/// Returns when SIGINT or SIGTERM arrives. SIGHUP and SIGXFSZ are ignored from now on.
#[cfg(unix)]
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};

    async fn received(kind: SignalKind) {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            // Without a handler the signal ends the process itself.
            Err(_) => std::future::pending().await,
        }
    }

    // A handler, once installed, replaces the default action for good.
    let file_too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    for ignored in [SignalKind::hangup(), file_too_large] {
        drop(signal(ignored));
    }
    tokio::select! {
        () = received(SignalKind::interrupt()) => {}
        () = received(SignalKind::terminate()) => {}
    }
}

/// Returns when Ctrl-C is pressed.
#[cfg(not(unix))]
pub async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
