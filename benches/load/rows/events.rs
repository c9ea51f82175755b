//! Event storms of one phone and of many, and their effect on requests to others.

use std::{fmt, rc::Rc, time::Duration};

use super::{
    broken,
    fanout::watched,
    silence::{self, Silence},
};
use crate::{
    bystanders::{Asked, Bystanders},
    drive::{Pace, Player, Span, Tally, drive},
    phone::Reporting,
    server::{Kind, Server, Setup},
};

/// What came of a storm.
#[derive(Clone, Debug)]
pub(crate) struct Storm {
    phones: usize,
    /// Events a second that were due.
    due: f64,
    /// The events: one has finished when the phone has its 200 and the client the event.
    tally: Tally,
    /// By how much the server's memory was above what it had been before, at the most, in bytes.
    grown: u64,
    /// What became of requests to other phones meanwhile.
    asked: Asked,
}

/// What came of all of it.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    /// Of one phone.
    one: Storm,
    /// Of many, the same number in all.
    many: Storm,
    /// Of phones that are silent.
    silence: Silence,
}

/// Events a second of each phone, where there are many.
const EACH: f64 = 10.0;
/// Events of one phone that may wait for their answers at a time.
const ABREAST: usize = 1_000;
/// Phones that are asked meanwhile.
const BYSTANDERS: usize = 100;
/// Phones that fall silent.
const SILENT: usize = 100;
/// How long a storm lasts.
const LASTS: Duration = Duration::from_secs(10);
/// What is promised: the share of the rate that is reached, octets of growth, milliseconds for others' requests (99 of 100).
const LEAST_SHARE: f64 = 0.99;
const MOST_GROWN: u64 = 16_000_000;
const MOST_DELAY: f64 = 250.0;

/// A storm of so many phones, ten events a second each, and before that one of a single phone that reports as many as all of them.
pub(crate) async fn run(setup: &Setup, phones: usize) -> anyhow::Result<Events> {
    let few = phones < 100;
    let (others, silent, lasts) = if few {
        (2, 2, Duration::from_secs(1))
    } else {
        (BYSTANDERS, SILENT, LASTS)
    };
    let rate = EACH * phones as f64;
    Ok(Events {
        one: storm(setup, 1, rate, others, lasts).await?,
        many: storm(setup, phones, rate, others, lasts).await?,
        silence: silence::run(setup, silent, others).await?,
    })
}

impl Events {
    /// What is promised and was not kept, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let storms = [&self.one, &self.many];
        let mut missed: Vec<String> = storms.iter().flat_map(|storm| storm.missed()).collect();
        missed.extend(self.silence.missed());
        missed
    }

    /// Events that went astray, and requests of others that failed.
    pub(crate) fn failed(&self) -> usize {
        let storms = [&self.one, &self.many];
        let failed = storms.map(|storm| storm.tally.failed + storm.asked.failed);
        failed.iter().sum::<usize>() + self.silence.asked.failed
    }
}

impl Storm {
    fn missed(&self) -> Vec<String> {
        let [delay, failed] = self.asked.promises(MOST_DELAY);
        let missed = broken([
            (
                "events were not answered, or not heard of",
                self.tally.failed as f64,
                self.tally.failed == 0,
            ),
            (
                "events a second",
                self.tally.rate(),
                self.tally.rate() >= LEAST_SHARE * self.due,
            ),
            ("octets grown", self.grown as f64, self.grown <= MOST_GROWN),
            delay,
            failed,
        ]);
        let of_whom = |what| format!("{what} ({} phones)", self.phones);
        missed.into_iter().map(of_whom).collect()
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let ms = |microseconds: f64| microseconds / 1e3;
        write!(
            out,
            "{:.0} events/s of {} phones: {} answered and heard of, {} not, p50 {:.1} ms, p99 {:.1} ms (own delay p99 {:.1} ms), \
             {:.0} % of a core, {:.1} MiB more at the most; others: {}",
            tally.rate(),
            self.phones,
            tally.finished,
            tally.failed,
            ms(tally.percentile(50)),
            ms(tally.percentile(99)),
            ms(tally.own_delay(99)),
            100.0 * tally.cpu.as_secs_f64() / tally.time.as_secs_f64(),
            self.grown as f64 / 1024.0 / 1024.0,
            self.asked
        )
    }
}

impl fmt::Display for Events {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}\n{}\nsilent phones: {}",
            self.one, self.many, self.silence
        )
    }
}

async fn storm(
    setup: &Setup,
    phones: usize,
    due: f64,
    bystanders: usize,
    lasts: Duration,
) -> anyhow::Result<Storm> {
    // The ladder grows to its bound with any traffic; what else grows is measured.
    let mut setup = setup.clone();
    let small = ("UACSTA__LIMITS__LADDER", "1MiB");
    setup.settings.push((small.0.into(), small.1.into()));
    let server = Server::start(Kind::Uacsta, &setup).await?;
    let site = &server.site;
    let telling = watched(&server, 1, phones).await?;
    let others = phones..phones + bystanders;
    let others = Bystanders::enrol(site, Kind::Uacsta, others, lasts)?;
    let turns = telling.iter().cycle().take(phones.max(ABREAST));
    let players = turns
        .map(|phone| Rc::new(Reporting(Rc::clone(phone), 1)) as Rc<dyn Player>)
        .collect();
    // What was there before counts for nothing.
    site.process.peak()?;
    let before = site.process.peak()?;
    let asking = others.ask()?;
    let span = Span {
        warm_up: Duration::ZERO,
        time: lasts,
    };
    let tally = drive(players, Pace::PerSecond(due), span, &site.process).await;
    let grown = site.process.peak()?.saturating_sub(before);
    let asked = asking.await?;
    server.end().await?;
    Ok(Storm {
        phones,
        due,
        tally,
        grown,
        asked,
    })
}
