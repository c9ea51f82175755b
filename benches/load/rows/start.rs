//! Time from the start of the program to the first accepted REGISTER, with a long phone list.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio::time::sleep;
use uacsta::store::{Change, Store};
use uacsta_actors::phone_list::ListedPhone;
use uacsta_schema::phone_id::PhoneId;

use crate::{
    phone::{self, Phone},
    server::{Kind, Server, Setup},
};

/// So many phones; the time of each of so many starts, in order.
pub(crate) async fn run(
    setup: &Setup,
    phones: usize,
    runs: usize,
) -> anyhow::Result<Vec<Duration>> {
    let folder = TempDir::with_prefix("uacsta-load-")?;
    fill(folder.path(), phones)?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let began = Instant::now();
        let server = Server::start_in(Kind::Uacsta, setup, folder.path())?;
        let phone = Phone::new(&server.site, phones / 2);
        while phone.connect().await.is_err() {
            ensure!(began.elapsed() < PATIENCE, "the server does not listen");
            sleep(Duration::from_millis(2)).await;
        }
        phone.register().await?;
        times.push(began.elapsed());
        server.end().await?;
    }
    times.sort_unstable();
    Ok(times)
}

/// Puts so many phones into the list that the server will read.
fn fill(folder: &Path, phones: usize) -> anyhow::Result<()> {
    let (mut store, _) = Store::open::<ListedPhone>(folder)?;
    let changes: Vec<Change<ListedPhone>> = (0..phones)
        .map(listed_phone)
        .collect::<anyhow::Result<_>>()?;
    for part in changes.chunks(PART) {
        store.commit(part)?;
    }
    Ok(())
}

fn listed_phone(number: usize) -> anyhow::Result<Change<ListedPhone>> {
    let name = phone::mac(number);
    let mac: PhoneId = name
        .parse()
        .ok()
        .with_context(|| format!("{name} is no MAC address"))?;
    let line = format!("sip:{}@bench.example", 100_000 + number);
    let entry = ListedPhone {
        name_confirmed: true,
        maker: "snom".to_owned(),
        model: Some("D345".to_owned()),
        firmware: Some("10.1.159.12".to_owned()),
        last_address: Some([127, 0, 0, 2].into()),
        last_identity: Some(line.clone()),
        lines: vec![line],
        last_login: Some(1_790_000_000),
        ..ListedPhone::new(mac, true)
    };
    Ok((mac, Some(entry)))
}

const PART: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);
