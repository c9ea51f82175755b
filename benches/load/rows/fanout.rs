//! Cost of one phone's event to all clients that monitor its line.

use std::rc::Rc;

use anyhow::bail;

use super::enrol;
use crate::{
    client::Client,
    drive::{Pace, Player, Span, Tally, drive},
    phone::{Phone, Reporting},
    server::{Kind, Server, Setup},
};

/// So many phones report in turn; each event goes to every one of the `setup.clients` clients, a connection each.
pub(crate) async fn run(
    kind: Kind,
    setup: &Setup,
    phones: usize,
    pace: Pace,
    span: Span,
) -> anyhow::Result<Tally> {
    let server = Server::start(kind, setup).await?;
    let phones = match kind {
        Kind::Uacsta => watched(&server, setup.clients, phones).await?,
        Kind::Pipe => piped(&server, setup.clients, phones).await?,
        Kind::Kamailio => bail!("a SIP proxy does not copy an INFO to several clients"),
    };
    let players = phones
        .into_iter()
        .map(|phone| Rc::new(Reporting(phone, setup.clients)) as Rc<dyn Player>)
        .collect();
    let tally = drive(players, pace, span, &server.site.process).await;
    server.end().await?;
    Ok(tally)
}

/// Each client opens a session with each line and starts a monitor in it, as a TAPI driver does.
pub(super) async fn watched(
    server: &Server,
    clients: usize,
    count: usize,
) -> anyhow::Result<Vec<Rc<Phone>>> {
    let phones = enrol(&server.site, Kind::Uacsta, 0..count).await?;
    for number in 0..clients {
        let client = Client::connect(&server.site, number).await?;
        for phone in &phones {
            let session = client.open(phone.mac()).await?;
            session.watch(&phone.line()).await?;
        }
    }
    server
        .site
        .until("monitors on phones", &server.site.watched, count)
        .await?;
    Ok(phones)
}

/// A pipe needs connections of its own for each phone.
async fn piped(server: &Server, clients: usize, count: usize) -> anyhow::Result<Vec<Rc<Phone>>> {
    let mut phones = Vec::with_capacity(count);
    for number in 0..count {
        let phone = Phone::new(&server.site, number);
        phone.connect().await?;
        phone.assume_session();
        for client in 0..clients {
            drop(Client::connect(&server.site, number * clients + client).await?);
        }
        phones.push(phone);
    }
    Ok(phones)
}
