//! Whether phones and clients are served: operators stop and start that, and the end of the server stops it.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// The service for phones and clients. While it is stopped, nobody logs on, no session is opened, and no request is taken.
pub struct Service(ArcSwap<ServiceState>);

/// Whether the service runs, since when, and by whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceState {
    /// Whether phones and clients are served.
    pub is_running: bool,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub since: u64,
    /// The operator who stopped or started it; `None` for the start and the end of the server.
    pub by: Option<Box<str>>,
}

impl Service {
    /// The service of a server that starts at this time, in seconds since 1970-01-01T00:00:00Z.
    pub fn started(since: u64) -> Self {
        Self(ArcSwap::from_pointee(ServiceState {
            is_running: true,
            since,
            by: None,
        }))
    }

    /// Whether phones and clients are served.
    pub fn is_running(&self) -> bool {
        self.0.load().is_running
    }

    /// The state of now.
    pub fn state(&self) -> Arc<ServiceState> {
        self.0.load_full()
    }

    /// Changes the state; actors see it at once.
    pub fn set(&self, state: ServiceState) {
        self.0.store(Arc::new(state));
    }
}
