//! Phones that answer no requests, and their effect on requests to others.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{broken, enrol};
use crate::{
    bystanders::{Asked, Bystanders},
    client::Client,
    csta,
    server::{Kind, Server, Setup},
    wire::root,
};

/// What came of the requests to phones that are silent.
#[derive(Clone, Debug)]
pub(crate) struct Silence {
    /// Requests, each of which got its error.
    requests: usize,
    /// The first error after its request.
    soonest: Duration,
    /// The last one.
    latest: Duration,
    /// Answers beyond one for each request.
    twice: usize,
    /// What became of the requests to other phones meanwhile.
    pub(crate) asked: Asked,
}

/// Clients that ask each of the silent phones.
const CLIENTS: usize = 20;
/// How long a phone may take (`advanced.request_timeout`), in seconds.
const TIMEOUT: u64 = 8;
/// What is promised: milliseconds for others' requests (99 of 100), and how soon after the time-out its error is there.
const MOST_DELAY: f64 = 100.0;
const PROMPT: Duration = Duration::from_secs(1);
/// For how long after the time-out second answers are waited for, and others asked.
const AFTER: Duration = Duration::from_secs(2);

impl Silence {
    /// What is promised and was not kept, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let timeout = Duration::from_secs(TIMEOUT);
        let at = |time: Duration| time.as_secs_f64() * 1e3;
        let [delay, failed] = self.asked.promises(MOST_DELAY);
        let missed = broken([
            (
                "ms until the first error",
                at(self.soonest),
                self.soonest >= timeout,
            ),
            (
                "ms until the last error",
                at(self.latest),
                self.latest <= timeout + PROMPT,
            ),
            ("second answers", self.twice as f64, self.twice == 0),
            delay,
            failed,
        ]);
        let of_whom = |what| format!("{what} (silent phones)");
        missed.into_iter().map(of_whom).collect()
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} requests pending got one error each, after {:.2} to {:.2} s ({} second answers); others: {}",
            self.requests,
            self.soonest.as_secs_f64(),
            self.latest.as_secs_f64(),
            self.twice,
            self.asked
        )
    }
}

/// So many phones fall silent, then each of several clients asks each of them, and so many other phones are asked.
pub(crate) async fn run(
    setup: &Setup,
    phones: usize,
    bystanders: usize,
) -> anyhow::Result<Silence> {
    let server = Server::start(Kind::Uacsta, setup).await?;
    let site = &server.site;
    let silent = enrol(site, Kind::Uacsta, 0..phones).await?;
    let mut clients = Vec::with_capacity(CLIENTS);
    for number in 0..CLIENTS {
        let client = Client::connect(site, number).await?;
        // The server's own session, in which all lines are asked.
        let session = client.open("").await?;
        clients.push((client, session));
    }
    let watched = Duration::from_secs(TIMEOUT) + AFTER;
    let others = phones..phones + bystanders;
    let others = Bystanders::enrol(site, Kind::Uacsta, others, watched)?;
    for phone in &silent {
        phone.fall_silent();
    }
    let asking = others.ask()?;
    let requests = CLIENTS * phones;
    let (errors, times) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    for (_, session) in &clients {
        for phone in &silent {
            let (errors, times, began) = (Rc::clone(&errors), Rc::clone(&times), Instant::now());
            session.ask(&csta::make_call(&phone.line()), move |answer| {
                if root(&answer.body) == "CSTAErrorCode"
                    && answer.body.contains("deviceOutOfService")
                {
                    errors.set(errors.get() + 1);
                    times.borrow_mut().push(began.elapsed());
                }
            });
        }
    }
    let what = "errors of silent phones";
    site.until(what, &errors, requests).await?;
    let asked = asking.await?;
    let twice = clients.iter().map(|(client, _)| client.unawaited()).sum();
    server.end().await?;
    let times = times.borrow();
    Ok(Silence {
        requests,
        soonest: times.iter().min().copied().unwrap_or_default(),
        latest: times.iter().max().copied().unwrap_or_default(),
        twice,
        asked,
    })
}
