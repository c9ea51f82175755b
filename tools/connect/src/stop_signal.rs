//! Waits for a signal that ends a command.

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
