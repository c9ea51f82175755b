//! The rows of the table: each starts a server, plays its peers and measures the cost.

pub(crate) mod attacks;
pub(crate) mod events;
pub(crate) mod fanout;
pub(crate) mod idle;
pub(crate) mod memory;
pub(crate) mod polled;
pub(crate) mod register;
pub(crate) mod relay;
pub(crate) mod silence;
pub(crate) mod start;
pub(crate) mod storm;

use std::{ops::Range, rc::Rc, time::Duration};

use anyhow::ensure;

use crate::{
    drive::{Player, once},
    phone::{Phone, Registering},
    server::Kind,
    site::Site,
};

/// So many phones connect, and then register, at a time: servers bound the connections that have not logged on.
const BATCH: usize = 200;
/// So many of them have their REGISTER under way.
const ABREAST: usize = 32;
/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects and registers the phones of those numbers, and waits until a CSTA server has a session with each and knows its line.
pub(crate) async fn enrol(
    site: &Rc<Site>,
    kind: Kind,
    numbers: Range<usize>,
) -> anyhow::Result<Vec<Rc<Phone>>> {
    let wanted = site.listed.get() + numbers.len();
    let phones: Vec<Rc<Phone>> = numbers.map(|n| Phone::new(site, n)).collect();
    for batch in phones.chunks(BATCH) {
        for phone in batch {
            phone.connect().await?;
        }
        let tally = once(registering(batch), ABREAST, &site.process, PATIENCE).await;
        ensure!(
            tally.failed == 0,
            "{} of {} phones could not register",
            tally.failed,
            batch.len()
        );
    }
    if kind == Kind::Uacsta {
        let listed = &site.listed;
        site.until("sessions with phones", listed, wanted).await?;
    }
    Ok(phones)
}

/// Of promises, each with its name, its figure and whether it was kept, those that were not, in words.
pub(crate) fn broken<'a>(promises: impl IntoIterator<Item = (&'a str, f64, bool)>) -> Vec<String> {
    promises
        .into_iter()
        .filter(|(_, _, kept)| !kept)
        .map(|(what, figure, _)| format!("{figure:.0} {what}"))
        .collect()
}

/// The phones as players that register.
pub(crate) fn registering(phones: &[Rc<Phone>]) -> Vec<Rc<dyn Player>> {
    phones
        .iter()
        .map(|phone| Rc::new(Registering(Rc::clone(phone))) as Rc<dyn Player>)
        .collect()
}
