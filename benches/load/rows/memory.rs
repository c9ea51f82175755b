//! Memory for each registered phone with its connection, CSTA session and monitor.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;

use super::{ABREAST, enrol, registering};
use crate::{
    client::Client,
    drive::once,
    server::{Kind, Server, Setup},
};

/// What a server holds, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Before the first phone.
    pub(crate) empty: u64,
    /// With all of them.
    pub(crate) full: u64,
    /// After all refreshes.
    pub(crate) refreshed: u64,
    /// The phones.
    pub(crate) phones: usize,
}

impl Held {
    /// For one phone, in KiB.
    pub(crate) fn per_phone(&self) -> f64 {
        self.grown(self.full)
    }

    /// For one phone after all refreshes, in KiB.
    pub(crate) fn per_refreshed_phone(&self) -> f64 {
        self.grown(self.refreshed)
    }

    fn grown(&self, now: u64) -> f64 {
        now.saturating_sub(self.empty) as f64 / 1024.0 / self.phones as f64
    }
}

/// So many phones; then each of them refreshes so often (twelve times are an hour of 300 seconds each).
pub(crate) async fn run(
    kind: Kind,
    setup: &Setup,
    phones: usize,
    refreshes: usize,
) -> anyhow::Result<Held> {
    let server = Server::start(kind, setup).await?;
    let empty = server.site.process.memory();
    let enrolled = enrol(&server.site, kind, 0..phones).await?;
    let client = Client::connect(&server.site, 0).await?;
    if kind == Kind::Uacsta {
        // One client watches all: its own share must not count.
        let session = client.open("").await?;
        for phone in &enrolled {
            session.watch(&phone.line()).await?;
        }
        let watched = &server.site.watched;
        server
            .site
            .until("monitors on phones", watched, phones)
            .await?;
    }
    sleep(SETTLING).await;
    let full = server.site.process.memory();
    for _ in 0..refreshes {
        let most = Duration::from_secs(120);
        let tally = once(registering(&enrolled), ABREAST, &server.site.process, most).await;
        ensure!(
            tally.failed == 0,
            "{} phones could not refresh",
            tally.failed
        );
    }
    let refreshed = server.site.process.memory();
    server.end().await?;
    Ok(Held {
        empty,
        full,
        refreshed,
        phones,
    })
}

const SETTLING: Duration = Duration::from_secs(2);
