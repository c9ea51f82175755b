//! Attacks by hostile peers, during which other peers are served.

#[cfg(target_os = "linux")]
mod api_places;
mod connections;
mod documents;
mod links;
mod messages;
mod queues;
mod retained_state;
#[cfg(target_os = "linux")]
mod sessions;
mod strangers;
#[cfg(target_os = "linux")]
mod web;

use std::time::Duration;

use tokio::time::timeout;

use crate::support::{
    PATIENCE,
    phone::Phone,
    server::{Server, counted},
};

/// One number of `GET /metrics`, which asks for no log-on; `name` has its label.
pub async fn metric(server: &Server, name: &str) -> u64 {
    counted(server.addresses.web.unwrap(), name).await
}

/// Waits until a number of `GET /metrics` is what it should be.
pub async fn until_metric(server: &Server, name: &str, wanted: impl Fn(u64) -> bool) -> u64 {
    let mut last = 0;
    let reached = timeout(2 * PATIENCE, async {
        loop {
            last = metric(server, name).await;
            if wanted(last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let reached = reached.await.is_ok();
    assert!(reached, "{name} stays at {last}");
    last
}

/// A phone that is in session before an attack begins.
pub async fn bystander(server: &Server) -> Phone {
    let phone = server.phone("0004130000aa");
    phone.start().await;
    phone
}

/// The phone is served as before: it refreshes, and a client reaches it.
pub async fn is_served(server: &Server, phone: &Phone) {
    phone.register().await.expect(200);
    let session = server.client().await.open(phone.line()).await;
    session
        .done(
            "GetDoNotDisturb",
            &format!("<device>{}</device>", phone.line()),
        )
        .await;
    assert_eq!(phone.count("INVITE"), 1, "its session is the first one");
}
