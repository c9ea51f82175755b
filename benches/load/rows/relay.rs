//! INFO with a CSTA request of 700 octets from a client to its phone, and the 200 back.

use std::{ops::Range, rc::Rc};

use super::enrol;
use crate::{
    client::{Asking, Client},
    csta,
    drive::{Pace, Player, Span, Tally, drive},
    phone::Phone,
    server::{Kind, Server, Setup},
    site::Site,
};

/// So many pairs of one phone and one client, a connection each, ask in turn.
pub(crate) async fn run(
    kind: Kind,
    setup: &Setup,
    pairs: usize,
    pace: Pace,
    span: Span,
) -> anyhow::Result<Tally> {
    let server = Server::start(kind, setup).await?;
    let players = askers(&server.site, kind, 0..pairs).await?;
    let tally = drive(players, pace, span, &server.site.process).await;
    server.end().await?;
    Ok(tally)
}

/// Enrols phones, and opens a client's session with each.
pub(crate) async fn askers(
    site: &Rc<Site>,
    kind: Kind,
    pairs: Range<usize>,
) -> anyhow::Result<Vec<Rc<dyn Player>>> {
    let mut players: Vec<Rc<dyn Player>> = Vec::with_capacity(pairs.len());
    if kind == Kind::Pipe {
        for number in pairs {
            let phone = Phone::new(site, number);
            phone.connect().await?;
            phone.assume_session();
            let client = Client::connect(site, number).await?;
            let request = csta::make_call(&phone.line());
            let session = client.assume_session(number);
            players.push(Rc::new(Asking { session, request }));
        }
        return Ok(players);
    }
    for (number, phone) in enrol(site, kind, pairs).await?.iter().enumerate() {
        let client = Client::connect(site, number).await?;
        let session = client.open(phone.mac()).await?;
        let request = csta::make_call(&phone.line());
        players.push(Rc::new(Asking { session, request }));
    }
    Ok(players)
}
