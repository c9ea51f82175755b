//! Stops a running server: first clients, then phones, then threads.

use std::{sync::Arc, time::Duration};

use actix_rt::task::JoinHandle;
use uacsta_actors::{phone::Retire, registrar::Stopping};

use super::Running;
use crate::net::Listener;

impl Running {
    /// Stops listening, settles clients' requests, ends the clients' sessions, then the phones' monitors and sessions, then the threads. What was acknowledged
    /// is on disk. Takes less than 5 seconds.
    pub async fn stop(mut self) {
        self.listening.remove();
        self.keepers.iter().for_each(JoinHandle::abort);
        self.time.write();
        let accounts = Arc::clone(&self.api.accounts);
        actix_rt::spawn(async move { accounts.write_uses().await });
        let web = self.web.take();
        let web = actix_rt::spawn(async {
            if let Some(web) = web {
                web.stop().await;
            }
        });
        self.end_sessions(None)
            .await
            .into_iter()
            .for_each(Listener::abort);
        let _ = web.await;
        for arbiter in self.arbiters.into_iter().chain([self.store]) {
            arbiter.stop();
            // A thread that panicked has ended already.
            let _ = tokio::task::spawn_blocking(move || arbiter.join()).await;
        }
    }

    /// Stops listening, settles clients' requests, ends the clients' sessions, then the phones' monitors and sessions. Returns
    /// the UDP listeners, which still carry the answers of phones. `by` is the operator who stops the service alone.
    pub(super) async fn end_sessions(&mut self, by: Option<&str>) -> Vec<Listener> {
        self.set_service(false, by);
        let carrying = self.interfaces.stop_accepting().await;
        // Clients get the answers to their requests before their BYE.
        let settled = self.addrs.registrar.send(Retire::SettleRequests);
        let _ = tokio::time::timeout(SETTLE_TIME, settled).await;
        // Clients and phones that do not answer must not delay the end.
        let _ = tokio::time::timeout(CLIENT_TIME, self.addrs.registrar.send(Stopping)).await;
        if tokio::time::timeout(PHONE_TIME, self.addrs.registrar.send(Retire::EndSession))
            .await
            .is_err()
        {
            tracing::warn!("some phones did not confirm in time that their monitors are stopped");
        }
        // For the phones' responses to BYE.
        tokio::time::sleep(BYE_TIME).await;
        carrying
    }
}

/// The longest time for phones to answer the requests of clients.
const SETTLE_TIME: Duration = Duration::from_millis(1200);
/// The longest time for clients to end their sessions.
const CLIENT_TIME: Duration = Duration::from_secs(1);
/// The longest time for phones to confirm MonitorStop.
const PHONE_TIME: Duration = Duration::from_secs(2);
/// The time for phones to answer BYE.
const BYE_TIME: Duration = Duration::from_millis(200);
