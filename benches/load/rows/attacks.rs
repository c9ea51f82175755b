//! Cost of floods by strangers and unknown phones, and their effect on registered phones.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::ensure;
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{broken, registering};
use crate::{
    bystanders::{Asked, Bystanders},
    drive::once,
    phone::{Phone, mac},
    server::{Kind, Server, Setup},
};

/// A flood, and what it did.
#[derive(Clone, Debug)]
pub(crate) struct Flood {
    /// Requests that were answered in a second.
    pub(crate) rate: f64,
    /// By how much the server's memory had grown when all was over, in bytes.
    pub(crate) grown: u64,
}

/// What came of all attacks.
#[derive(Clone, Debug)]
pub(crate) struct Attacks {
    /// REGISTER by phones that nobody knows, without a password.
    pub(crate) knocks: Flood,
    /// What became of requests to registered phones meanwhile, and for some seconds after.
    pub(crate) asked: Asked,
    /// INVITE by strangers.
    pub(crate) calls: Flood,
    /// OPTIONS on one connection, none of which waits for an answer.
    pub(crate) pipelined: f64,
    /// Octets for each unknown phone that logged on with the right password, and left.
    pub(crate) per_unknown: u64,
}

impl Attacks {
    /// What is promised and was not kept, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let per_second = |what, rate: f64| (what, rate, rate >= LEAST_RATE);
        let octets = |what, octets: u64, most: u64| (what, octets as f64, octets <= most);
        let [delay, failed] = self.asked.promises(MOST_DELAY);
        broken([
            per_second("unknown phones answered a second", self.knocks.rate),
            octets(
                "octets grown by unknown phones",
                self.knocks.grown,
                MOST_GROWN,
            ),
            delay,
            failed,
            octets(
                "octets grown by INVITEs of strangers",
                self.calls.grown,
                MOST_GROWN,
            ),
            per_second("pipelined requests a second", self.pipelined),
            octets(
                "octets an unknown phone",
                self.per_unknown,
                MOST_PER_UNKNOWN,
            ),
        ])
    }
}

/// What is promised: requests of strangers answered in a second, octets of growth, milliseconds for others' requests (99 of 100),
/// and octets an unknown phone.
const LEAST_RATE: f64 = 20_000.0;
const MOST_GROWN: u64 = 16_000_000;
const MOST_DELAY: f64 = 100.0;
const MOST_PER_UNKNOWN: u64 = 8_000;
/// Phones that are registered and asked meanwhile.
const BYSTANDERS: usize = 100;
/// Connections of a flood.
const CONNECTIONS: usize = 50;
/// Requests on a connection that wait for their answers.
const ABREAST: usize = 20;
/// How long the bystanders are asked.
const WATCHED: Duration = Duration::from_secs(10);
/// How long the unknown phones may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Time for the server to see the end of all connections.
const SETTLE: Duration = Duration::from_secs(2);

/// So many knocks, a fifth as many calls, a tenth as many requests in a pipeline, a twentieth as many unknown phones.
pub(crate) async fn run(setup: &Setup, knocks: usize) -> anyhow::Result<Attacks> {
    let server = Server::start(Kind::Uacsta, setup).await?;
    let phones = server.site.phones.socket;
    let process = server.site.process;
    let few = knocks < 1000;
    let (count, time) = if few {
        (2, Duration::from_secs(1))
    } else {
        (BYSTANDERS, WATCHED)
    };
    let others = Bystanders::enrol(&server.site, Kind::Uacsta, 0..count, time)?;
    // What any load brings about is there already: buffers, and what the allocator keeps.
    flood(phones, 200, "REGISTER", "SIP/2.0 401").await?;
    tokio::time::sleep(SETTLE).await;
    let quiet = process.memory();
    let asking = others.ask()?;
    let rate = flood(phones, knocks, "REGISTER", "SIP/2.0 401").await?;
    tokio::time::sleep(SETTLE).await;
    let grown = process.memory().saturating_sub(quiet);
    let knocks_done = Flood { rate, grown };
    let asked = asking.await?;
    let before = process.memory();
    let rate = flood(phones, knocks / 5, "INVITE", "SIP/2.0 403").await?;
    tokio::time::sleep(SETTLE).await;
    let grown = process.memory().saturating_sub(before);
    let calls = Flood { rate, grown };
    let pipelined = pipeline(phones, knocks / 10).await?;
    server.end().await?;
    Ok(Attacks {
        knocks: knocks_done,
        asked,
        calls,
        pipelined,
        per_unknown: unknown(setup, knocks / 20).await?,
    })
}

/// Sends so many requests on several connections; how many were answered in a second.
async fn flood(
    address: SocketAddr,
    number: usize,
    method: &str,
    status: &'static str,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    try_join_all((0..CONNECTIONS).map(|connection| async move {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut answers = Answers::new(status);
        let all: Vec<usize> = (connection..number).step_by(CONNECTIONS).collect();
        for window in all.chunks(ABREAST) {
            let octets: String = window.iter().map(|n| request(method, *n)).collect();
            stream.write_all(octets.as_bytes()).await?;
            answers.until(&mut stream, window.len()).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok(number as f64 / began.elapsed().as_secs_f64())
}

/// Sends so many requests on one connection without waiting; how many were answered in a second.
async fn pipeline(address: SocketAddr, number: usize) -> anyhow::Result<f64> {
    let octets: String = (0..number).map(|n| request("OPTIONS", n)).collect();
    let mut stream = TcpStream::connect(address).await?;
    let began = Instant::now();
    let (mut read, mut write) = stream.split();
    let mut answers = Answers::new("SIP/2.0 200");
    let (written, answered) = tokio::join!(
        write.write_all(octets.as_bytes()),
        answers.until(&mut read, number)
    );
    written?;
    answered?;
    Ok(number as f64 / began.elapsed().as_secs_f64())
}

/// What each of so many unknown phones costs that has logged on with the right password and is gone.
async fn unknown(setup: &Setup, number: usize) -> anyhow::Result<u64> {
    let mut setup = setup.clone();
    // Nobody puts them into operation, so they tell no line.
    let waiting = ("UACSTA__ADVANCED__AUTO_ACTIVATE", "false");
    setup.settings.push((waiting.0.into(), waiting.1.into()));
    let server = Server::start(Kind::Uacsta, &setup).await?;
    let process = server.site.process;
    // The first ones bring about what any load does.
    let warm = number / 10;
    let mut quiet = 0;
    for range in [0..warm, warm..number + warm] {
        quiet = process.memory();
        let all: Vec<usize> = range.collect();
        for batch in all.chunks(200) {
            let phones: Vec<_> = batch.iter().map(|n| Phone::new(&server.site, *n)).collect();
            for phone in &phones {
                phone.connect().await?;
            }
            let tally = once(registering(&phones), 32, &process, PATIENCE).await;
            ensure!(
                tally.failed == 0,
                "{} unknown phones were refused",
                tally.failed
            );
            for phone in &phones {
                phone.disconnect();
            }
        }
        tokio::time::sleep(SETTLE).await;
    }
    let grown = process.memory().saturating_sub(quiet);
    server.end().await?;
    Ok(grown / number as u64)
}

/// The answers that have come, of one status alone: another would be waited for until the server ends the connection.
struct Answers {
    status: &'static [u8],
    seen: usize,
    /// How much of a status line came last.
    matched: usize,
}

impl Answers {
    /// `status` is the beginning of the status line.
    fn new(status: &'static str) -> Self {
        Self {
            status: status.as_bytes(),
            seen: 0,
            matched: 0,
        }
    }

    /// Reads until so many more have come.
    async fn until(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        number: usize,
    ) -> anyhow::Result<()> {
        let wanted = self.seen + number;
        let mut buffer = vec![0; 64 * 1024];
        while self.seen < wanted {
            let length = stream.read(&mut buffer).await?;
            ensure!(length > 0, "the server ended a connection of the flood");
            for byte in buffer.iter().take(length) {
                self.matched = match self.status.get(self.matched) {
                    Some(next) if next == byte => self.matched + 1,
                    _ => usize::from(*byte == b'S'),
                };
                if self.matched == self.status.len() {
                    self.matched = 0;
                    self.seen += 1;
                }
            }
        }
        Ok(())
    }
}

/// A request of a phone that nobody knows.
fn request(method: &str, number: usize) -> String {
    let user = mac(1_000_000 + number);
    format!(
        "{method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@127.0.0.1>;tag={number}\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: {number}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:{user}@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n"
    )
}
