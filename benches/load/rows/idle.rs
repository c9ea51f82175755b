//! Cost of idle phones, each refreshed every 300 seconds and kept alive every 60.

use std::time::Duration;

use super::{enrol, registering};
use crate::{
    drive::{Pace, Span, Tally, drive},
    server::{Kind, Server, Setup},
};

/// Seconds between two refreshes of a phone.
const REFRESH: f64 = 300.0;

/// So many phones, watched for that time; the share of one core is `cpu` over `time`.
pub(crate) async fn run(
    kind: Kind,
    setup: &Setup,
    phones: usize,
    time: Duration,
) -> anyhow::Result<Tally> {
    let server = Server::start(kind, setup).await?;
    let enrolled = enrol(&server.site, kind, 0..phones).await?;
    let pace = Pace::PerSecond(phones as f64 / REFRESH);
    let warm_up = Duration::from_secs(1);
    let span = Span { warm_up, time };
    let tally = drive(registering(&enrolled), pace, span, &server.site.process).await;
    server.end().await?;
    Ok(tally)
}
