//! Stops the service for phones and clients while the server runs on, and starts it again.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uacsta_actors::{phone::Retire, service::ServiceState};

use super::{Running, StartError, interfaces::interfaces};
use crate::{net::tls, service::ServiceRequest};

/// The longest time for the connections of phones and clients to close.
const CLOSE_TIME: Duration = Duration::from_secs(1);

impl Running {
    /// Stops or starts the service as an operator asks, and answers when that is done. Nothing is done if it is so already.
    pub async fn change_service(&mut self, request: ServiceRequest) {
        let state = self.context.service.state();
        let outcome = match (state.is_running, request.run) {
            (true, false) => {
                self.stop_service(&request.by).await;
                Ok(())
            }
            (false, true) => self.start_service(&request.by),
            (true, true) | (false, false) => Ok(()),
        };
        request.answer(outcome.map_err(|error| error.to_string()));
    }

    /// Whether phones and clients are served.
    pub fn is_serving(&self) -> bool {
        self.context.service.is_running()
    }

    /// Ends the sessions of clients and phones in order, then closes their connections. Takes less than 6 seconds.
    async fn stop_service(&mut self, by: &str) {
        let carrying = self.end_sessions(Some(by)).await;
        let left = self.addrs.registrar.send(Retire::LeaveConnection);
        let _ = tokio::time::timeout(CLOSE_TIME, left).await;
        for listener in carrying {
            listener.close().await;
        }
        let deadline = Instant::now() + CLOSE_TIME;
        while self.has_peers() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        self.addresses = self.interfaces.addresses_with(self.web.as_ref());
        self.announce();
        tracing::info!(by, "service for phones and clients stopped by an operator");
    }

    /// Opens the interfaces of the present settings.
    fn start_service(&mut self, by: &str) -> Result<(), StartError> {
        self.open_interfaces().inspect_err(
            |error| tracing::error!(by, %error, "cannot start the service for phones and clients"),
        )?;
        self.set_service(true, Some(by));
        self.addresses = self.interfaces.addresses_with(self.web.as_ref());
        self.announce();
        let listening = self.addresses.listed();
        tracing::info!(
            by,
            listening,
            "service for phones and clients started by an operator"
        );
        Ok(())
    }

    fn open_interfaces(&mut self) -> Result<(), StartError> {
        let config = self.context.config();
        let settings = &config.settings;
        let acceptors = tls::acceptors(&self.identity, settings)?;
        let wanted = interfaces(settings, &acceptors);
        let opened = self.interfaces.open_all(wanted);
        opened.map_err(|error| error.placed(settings))
    }

    pub(super) fn set_service(&self, is_running: bool, by: Option<&str>) {
        self.context.service.set(ServiceState {
            is_running,
            since: self.context.clock.wall(),
            by: by.map(Into::into),
        });
    }

    /// Whether somebody who has logged on is connected.
    fn has_peers(&self) -> bool {
        let (all, unauthenticated) = self.api.open.totals();
        all > unauthenticated
    }
}
