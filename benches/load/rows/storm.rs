//! All phones register in the same second while clients send requests to others.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio::{
    task::spawn_local,
    time::{sleep, timeout},
};

use super::enrol;
use crate::{
    bystanders::{Asked, Bystanders},
    phone::Phone,
    server::{Kind, Server, Setup},
};

/// What came of a storm.
#[derive(Clone, Debug)]
pub(crate) struct Storm {
    /// From the first connection until all were registered.
    pub(crate) registered: Duration,
    /// From the first connection until all sessions were up again and all lines known.
    pub(crate) sessions: Duration,
    /// Attempts that failed and were made again.
    pub(crate) refused: usize,
    /// What became of the clients' requests to other phones in the meantime.
    pub(crate) asked: Asked,
}

/// Phones that stay, each with a client that asks it.
const BYSTANDERS: usize = 100;
/// How long a phone waits before it tries again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a phone waits for its 200 (64 * T1, RFC 3261 timer F).
const ANSWER: Duration = Duration::from_secs(32);
/// How long the requests are counted from the first connection.
const WATCHED: Duration = Duration::from_secs(15);

/// So many phones within one second.
pub(crate) async fn run(kind: Kind, setup: &Setup, phones: usize) -> anyhow::Result<Storm> {
    let server = Server::start(kind, setup).await?;
    let enrolled = enrol(&server.site, kind, 0..phones).await?;
    let (count, time) = if phones < BYSTANDERS {
        (phones, AGAIN)
    } else {
        (BYSTANDERS, WATCHED)
    };
    let others = Bystanders::enrol(&server.site, kind, phones..phones + count, time)?;
    let settled = server.site.lost.get();
    for phone in &enrolled {
        phone.disconnect();
    }
    let lost = &server.site.lost;
    server
        .site
        .until("ended connections", lost, settled + phones)
        .await?;
    server.site.listed.set(0);
    let began = Instant::now();
    let refused = Rc::new(Cell::new(0));
    let back = Rc::new(Cell::new(0));
    let step = Duration::from_secs(1) / u32::try_from(phones)?;
    for (number, phone) in (0_u32..).zip(&enrolled) {
        let (phone, refused, back) = (Rc::clone(phone), Rc::clone(&refused), Rc::clone(&back));
        drop(spawn_local(async move {
            sleep(step * number).await;
            while !returns(&phone).await {
                refused.set(refused.get() + 1);
                phone.disconnect();
                sleep(AGAIN).await;
            }
            back.set(back.get() + 1);
        }));
    }
    let asking = others.ask()?;
    let returning = async {
        server.site.until("registrations", &back, phones).await?;
        let registered = began.elapsed();
        if kind == Kind::Uacsta {
            let listed = &server.site.listed;
            server.site.until("sessions", listed, phones).await?;
        }
        anyhow::Ok((registered, began.elapsed()))
    };
    let (registered, sessions) = returning.await?;
    let asked = asking.await?;
    server.end().await?;
    ensure!(asked.finished > 0, "no request was answered in the storm");
    Ok(Storm {
        registered,
        sessions,
        refused: refused.get(),
        asked,
    })
}

async fn returns(phone: &Rc<Phone>) -> bool {
    let attempt = async {
        phone.connect().await?;
        phone.register().await
    };
    matches!(timeout(ANSWER, attempt).await, Ok(Ok(())))
}
