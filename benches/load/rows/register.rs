//! Cost of refreshes: REGISTER with digest, 401 and 200.

use super::{enrol, registering};
use crate::{
    drive::{Pace, Span, Tally, drive},
    server::{Kind, Server, Setup},
};

/// So many phones refresh in turn.
pub(crate) async fn run(
    kind: Kind,
    setup: &Setup,
    phones: usize,
    pace: Pace,
    span: Span,
) -> anyhow::Result<Tally> {
    let server = Server::start(kind, setup).await?;
    let phones = enrol(&server.site, kind, 0..phones).await?;
    let tally = drive(registering(&phones), pace, span, &server.site.process).await;
    server.end().await?;
    Ok(tally)
}
