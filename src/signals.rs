//! The signals that end the program, and what the service manager is told.

/// Waits for SIGINT or SIGTERM (Ctrl-C elsewhere) and returns its name.
pub async fn wait() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) {
            (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            },
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%error, "signals cannot be caught; only kill ends the program");
                std::future::pending().await
            }
        }
    }
    #[cfg(not(unix))]
    {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}

/// Tells systemd, where it started us, that phones and clients can come.
pub fn ready() {
    #[cfg(unix)]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}

/// Tells systemd that the program is about to end.
pub fn stopping() {
    #[cfg(unix)]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Stopping]) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}
