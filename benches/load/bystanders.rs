//! Clients that send requests during a storm, in a process of their own so that the generator does not delay them.

use std::{
    fmt,
    future::Future,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    ops::Range,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use clap::ValueEnum as _;
use tokio::task::spawn_blocking;

use crate::{
    drive::{Pace, Span, drive},
    rows::relay::askers,
    server::Kind,
    site::Site,
};

/// The process, which has enrolled its phones and waits for the word.
pub(crate) struct Bystanders {
    child: Child,
    word: ChildStdin,
    report: BufReader<ChildStdout>,
}

/// What became of their requests; times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Requests that were answered.
    pub(crate) finished: usize,
    /// Requests that were not.
    pub(crate) failed: usize,
    /// The median latency.
    pub(crate) p50: f64,
    /// What 99 of 100 stay within.
    pub(crate) p99: f64,
    /// By how much this process was late itself, 99 of 100 times at most.
    pub(crate) own_delay: f64,
}

impl Asked {
    /// What is promised to those who ask other phones while this goes on: within so many milliseconds, 99 of 100 times, and
    /// that none fails.
    pub(crate) fn promises(&self, within: f64) -> [(&'static str, f64, bool); 2] {
        [
            ("ms p99 of others meanwhile", self.p99, self.p99 <= within),
            (
                "requests of others failed",
                self.failed as f64,
                self.failed == 0,
            ),
        ]
    }
}

/// Requests a second.
const RATE: f64 = 100.0;
const READY: &str = "ready";

impl Bystanders {
    /// Starts the process, and waits until it has enrolled the phones of those numbers. They will ask for that time.
    ///
    /// # Errors
    /// When it cannot be started, or cannot enrol.
    pub(crate) fn enrol(
        site: &Site,
        kind: Kind,
        numbers: Range<usize>,
        time: Duration,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bystanders");
        for argument in [
            site.phones.socket.to_string(),
            site.clients.socket.to_string(),
            site.process.id.to_string(),
            numbers.start.to_string(),
            numbers.len().to_string(),
            time.as_millis().to_string(),
        ] {
            command.arg(argument);
        }
        if let Some(name) = kind.to_possible_value() {
            command.args(["--kind", name.get_name()]);
        }
        if site.phones.tls.is_some() {
            command.arg("--tls");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let word = child.stdin.take().context("no pipe to the bystanders")?;
        let report = child.stdout.take().context("no pipe from the bystanders")?;
        let mut report = BufReader::new(report);
        let mut line = String::new();
        report.read_line(&mut line)?;
        ensure!(line.trim() == READY, "the bystanders could not log on");
        Ok(Self {
            child,
            word,
            report,
        })
    }

    /// Gives the word; the future brings what they report.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) fn ask(
        mut self,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<Asked>> + use<>> {
        self.word.write_all(b"go\n")?;
        let reported = spawn_blocking(move || {
            let mut text = String::new();
            self.report.read_to_string(&mut text)?;
            self.child.wait()?;
            io::Result::Ok(text)
        });
        Ok(async move {
            let text = reported.await??;
            Asked::parse(&text).with_context(|| format!("the bystanders said {text:?}"))
        })
    }
}

/// Plays the bystanders: enrols, waits for the word on standard input, asks, and reports on standard output.
///
/// # Errors
/// When they cannot log on.
pub(crate) async fn play(
    site: &Rc<Site>,
    kind: Kind,
    numbers: Range<usize>,
    time: Duration,
) -> anyhow::Result<()> {
    let players = askers(site, kind, numbers).await?;
    println!("{READY}");
    let word = spawn_blocking(|| io::stdin().lock().read_line(&mut String::new()));
    word.await??;
    let warm_up = Duration::ZERO;
    let span = Span { warm_up, time };
    let tally = drive(players, Pace::PerSecond(RATE), span, &site.process).await;
    println!(
        "{} {} {} {} {}",
        tally.finished,
        tally.failed,
        tally.percentile(50) / 1e3,
        tally.percentile(99) / 1e3,
        tally.own_delay(99) / 1e3
    );
    Ok(())
}

impl fmt::Display for Asked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            finished,
            failed,
            p50,
            p99,
            own_delay,
        } = self;
        write!(
            out,
            "p50 {p50:.1} ms, p99 {p99:.1} ms (own delay p99 {own_delay:.1} ms), {finished} done, {failed} failed"
        )
    }
}

impl Asked {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split_whitespace();
        let mut count = || fields.next()?.parse().ok();
        let (finished, failed) = (count()?, count()?);
        let mut time = || fields.next()?.parse().ok();
        Some(Self {
            finished,
            failed,
            p50: time()?,
            p99: time()?,
            own_delay: time()?,
        })
    }
}
