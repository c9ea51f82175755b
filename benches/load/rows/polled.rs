//! What a relayed INFO costs while clients of the API poll, and while none does, in turn on one server.

use std::{cell::Cell, fs, net::SocketAddr, path::Path, rc::Rc, time::Duration};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::{JoinHandle, spawn_local},
    time::sleep,
};

use super::relay::askers;
use crate::{
    drive::{Pace, Span, Tally, drive},
    server::{Kind, Server, Setup},
};

/// Clients of the API, each on a connection of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pollers {
    pub(crate) count: usize,
    /// From an answer to the next request.
    pub(crate) pause: Duration,
}

/// What came of all rounds.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    pub(crate) alone: Vec<Tally>,
    pub(crate) polled: Vec<Tally>,
    /// Pages that the API answered, and requests that it refused as too many.
    pub(crate) pages: usize,
    pub(crate) refused: usize,
}

/// How the API answered.
#[derive(Default)]
struct Answers {
    pages: Cell<usize>,
    refused: Cell<usize>,
    failed: Cell<usize>,
}

impl Polled {
    /// The median cost with pollers in that without.
    pub(crate) fn ratio(&self) -> f64 {
        median(&self.polled).map_or(0.0, Tally::cost) / median(&self.alone).map_or(1.0, Tally::cost)
    }
}

/// So many pairs of phone and client ask in turn, `runs` times with pollers and as often without.
pub(crate) async fn run(
    setup: &Setup,
    pairs: usize,
    pollers: Pollers,
    pace: Pace,
    span: Span,
    runs: usize,
) -> anyhow::Result<Polled> {
    let mut setup = setup.clone();
    let listen = ("UACSTA__WEB__LISTEN".to_owned(), "127.0.0.1:0".to_owned());
    // All of them have the one token.
    let all = (
        "UACSTA__LIMITS__API_REQUESTS".to_owned(),
        "100000".to_owned(),
    );
    setup.settings.splice(0..0, [listen, all]);
    let server = Server::start(Kind::Uacsta, &setup).await?;
    let players = askers(&server.site, Kind::Uacsta, 0..pairs).await?;
    let folder = server.folder().context("the server has no folder")?;
    let (address, token) = api(folder)?;
    let mut all = Polled::default();
    for round in 0..runs {
        // In the other order than the last.
        for turn in 0..2 {
            let is_polled = (round + turn) % 2 == 1;
            let (answers, tasks) = match is_polled {
                true => poll(pollers, address, &token).await?,
                false => Default::default(),
            };
            let tally = drive(players.clone(), pace, span, &server.site.process).await;
            tasks.iter().for_each(JoinHandle::abort);
            let failed = answers.failed.get();
            ensure!(failed == 0, "{failed} requests to the API failed");
            all.pages += answers.pages.get();
            all.refused += answers.refused.get();
            match is_polled {
                true => all.polled.push(tally),
                false => all.alone.push(tally),
            }
        }
    }
    ensure!(all.pages > 0, "nobody polled");
    server.end().await?;
    Ok(all)
}

/// Where the API is, and its token.
fn api(folder: &Path) -> anyhow::Result<(SocketAddr, String)> {
    let url = fs::read_to_string(folder.join("api.url"))?;
    let address = url.trim().trim_start_matches("http://").parse()?;
    let token = fs::read_to_string(folder.join("cli.token"))?;
    Ok((address, token.trim().to_owned()))
}

/// Starts the pollers, evenly over their pause.
async fn poll(
    pollers: Pollers,
    address: SocketAddr,
    token: &str,
) -> anyhow::Result<(Rc<Answers>, Vec<JoinHandle<()>>)> {
    let answers = Rc::<Answers>::default();
    let request = format!(
        "GET /api/v1/phones?limit=100 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let mut tasks = Vec::with_capacity(pollers.count);
    for number in 0..pollers.count {
        let mut stream = TcpStream::connect(address).await?;
        let (answers, request) = (Rc::clone(&answers), request.clone());
        let first = pollers.pause.mul_f64(number as f64 / pollers.count as f64);
        tasks.push(spawn_local(async move {
            sleep(first).await;
            loop {
                let count = match ask(&mut stream, &request).await {
                    Ok(200) => &answers.pages,
                    Ok(429) => &answers.refused,
                    _ => &answers.failed,
                };
                count.set(count.get() + 1);
                let is_over = answers.failed.get() > 0;
                if is_over {
                    break;
                }
                sleep(pollers.pause).await;
            }
        }));
    }
    Ok((answers, tasks))
}

/// Sends a request, reads its answer, and returns the status.
async fn ask(stream: &mut TcpStream, request: &str) -> anyhow::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        ensure!(stream.read_buf(&mut answer).await? > 0, "no answer");
        let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else {
            continue;
        };
        let head = str::from_utf8(&answer[..end])?.to_ascii_lowercase();
        let field = |name| head.lines().find_map(|line| line.strip_prefix(name));
        let length: usize = field("content-length: ")
            .context("no Content-Length")?
            .parse()?;
        if answer.len() >= end + 4 + length {
            let status = head.split(' ').nth(1).context("no status")?;
            return Ok(status.parse()?);
        }
    }
}

/// The run of median cost.
fn median(tallies: &[Tally]) -> Option<&Tally> {
    let mut sorted: Vec<_> = tallies.iter().collect();
    sorted.sort_by(|one, other| one.cost().total_cmp(&other.cost()));
    sorted.get(sorted.len() / 2).copied()
}
