//! Starts transactions at a rate or concurrency and collects their outcomes.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    task::spawn_local,
    time::{sleep, timeout},
};

use crate::measure::Process;

/// When the next transaction begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As soon as fewer than so many are under way.
    InFlight(usize),
    /// So many a second, evenly, whatever the answers take.
    PerSecond(f64),
}

/// For how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Not counted.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) time: Duration,
}

/// Who carries out transactions, one at a time.
pub(crate) trait Player {
    /// Begins one; the ticket says how it ended.
    fn begin(self: Rc<Self>, ticket: Ticket);
}

/// One transaction under way. Dropped unfinished, it has failed.
pub(crate) struct Ticket {
    load: Rc<Load>,
    player: usize,
    due: Instant,
    finished: bool,
}

/// What came of a span.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Transactions that got their 200.
    pub(crate) finished: usize,
    /// Those that got something else, or nothing.
    pub(crate) failed: usize,
    /// User and system time of the server's processes.
    pub(crate) cpu: Duration,
    /// How long the span was.
    pub(crate) time: Duration,
    /// In order; from the moment that the transaction was due.
    latencies: Vec<Duration>,
    /// In order; how much of that passed before this program came to it.
    delays: Vec<Duration>,
}

/// How long the answers to what was begun may take in the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps `players` at it, in turn, and counts what finishes after the warm-up.
pub(crate) async fn drive(
    players: Vec<Rc<dyn Player>>,
    pace: Pace,
    span: Span,
    server: &Process,
) -> Tally {
    let (limit, ticker) = match pace {
        Pace::InFlight(limit) => (limit, None),
        Pace::PerSecond(rate) => (0, Some(Ticker::start(rate))),
    };
    let load = Load::new(players, limit);
    let ticking = ticker.map(|(ticker, mut ticks)| {
        let load = Rc::clone(&load);
        let task = spawn_local(async move {
            while let Some(due) = ticks.recv().await {
                load.state.borrow_mut().due.push_back(due);
                load.advance();
            }
        });
        (ticker, task)
    });
    load.advance();
    sleep(span.warm_up).await;
    let (began, before) = (Instant::now(), server.cpu());
    load.state.borrow_mut().tally = Tally::default();
    sleep(span.time).await;
    let mut tally = std::mem::take(&mut load.state.borrow_mut().tally);
    tally.cpu = server.cpu().saturating_sub(before);
    tally.time = began.elapsed();
    load.state.borrow_mut().over = true;
    if let Some((ticker, task)) = ticking {
        drop(ticker);
        task.abort();
    }
    load.settled().await;
    // What failed after the span was begun in it.
    tally.failed += load.state.borrow().tally.failed + load.state.borrow().under_way;
    tally.in_order()
}

/// Lets every player do it once, so many at a time.
pub(crate) async fn once(
    players: Vec<Rc<dyn Player>>,
    in_flight: usize,
    server: &Process,
    most: Duration,
) -> Tally {
    let (began, before, count) = (Instant::now(), server.cpu(), players.len());
    let load = Load::new(players, in_flight);
    load.state.borrow_mut().single = true;
    load.advance();
    let all = async {
        while load.state.borrow().tally.ended() < count {
            sleep(Duration::from_millis(2)).await;
        }
    };
    // Those that are late count as failed.
    let _ = timeout(most, all).await;
    load.state.borrow_mut().over = true;
    let mut tally = std::mem::take(&mut load.state.borrow_mut().tally);
    tally.failed = count - tally.finished;
    tally.cpu = server.cpu().saturating_sub(before);
    tally.time = began.elapsed();
    tally.in_order()
}

impl Tally {
    /// Server CPU for one finished transaction, in microseconds.
    pub(crate) fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.finished.max(1) as f64
    }

    /// Finished transactions a second.
    pub(crate) fn rate(&self) -> f64 {
        self.finished as f64 / self.time.as_secs_f64()
    }

    /// The latency, in microseconds, that so many of a hundred transactions stay within.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.latencies, percent)
    }

    /// The same for the time before this program came to begin them: its own share of the latency, at least.
    pub(crate) fn own_delay(&self, percent: usize) -> f64 {
        percentile(&self.delays, percent)
    }

    fn in_order(mut self) -> Self {
        self.latencies.sort_unstable();
        self.delays.sort_unstable();
        self
    }

    fn ended(&self) -> usize {
        self.finished + self.failed
    }
}

impl Ticket {
    /// The transaction ended, well or not.
    pub(crate) fn finish(mut self, well: bool) {
        self.finished = true;
        self.load
            .ended(self.player, well.then(|| self.due.elapsed()));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.finished {
            self.load.ended(self.player, None);
        }
    }
}

fn percentile(ordered: &[Duration], percent: usize) -> f64 {
    let index = ordered.len() * percent / 100;
    let found = ordered.get(index).or_else(|| ordered.last());
    found.map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

struct Load {
    players: Vec<Rc<dyn Player>>,
    limit: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    idle: VecDeque<usize>,
    under_way: usize,
    /// When those that have not begun yet should have; in a closed loop nothing is due.
    due: VecDeque<Instant>,
    single: bool,
    over: bool,
    tally: Tally,
}

impl Load {
    fn new(players: Vec<Rc<dyn Player>>, limit: usize) -> Rc<Self> {
        let state = State {
            idle: (0..players.len()).collect(),
            ..State::default()
        };
        Rc::new(Self {
            players,
            limit,
            state: RefCell::new(state),
        })
    }

    fn advance(self: &Rc<Self>) {
        while let Some((player, due)) = self.next() {
            let ticket = Ticket {
                load: Rc::clone(self),
                player,
                due,
                finished: false,
            };
            Rc::clone(&self.players[player]).begin(ticket);
        }
    }

    fn next(&self) -> Option<(usize, Instant)> {
        let mut state = self.state.borrow_mut();
        if state.over || state.idle.is_empty() {
            return None;
        }
        let due = if self.limit == 0 {
            state.due.pop_front()?
        } else if state.under_way < self.limit {
            Instant::now()
        } else {
            return None;
        };
        state.under_way += 1;
        state.tally.delays.push(due.elapsed());
        state.idle.pop_front().map(|player| (player, due))
    }

    fn ended(self: &Rc<Self>, player: usize, latency: Option<Duration>) {
        let mut state = self.state.borrow_mut();
        state.under_way -= 1;
        if !state.single {
            state.idle.push_back(player);
        }
        match latency {
            Some(latency) => {
                state.tally.finished += 1;
                state.tally.latencies.push(latency);
            }
            None => {
                state.tally.failed += 1;
                // One that fails at once must not fail for ever: the loop would never end.
                state.over |= state.tally.failed > MOST_FAILURES;
            }
        }
        drop(state);
        self.advance();
    }

    async fn settled(&self) {
        let all = async {
            while self.state.borrow().under_way > 0 {
                sleep(Duration::from_millis(2)).await;
            }
        };
        // What is late counts as failed.
        let _ = timeout(PATIENCE, all).await;
    }
}

/// More failures than these end a span early.
const MOST_FAILURES: usize = 10_000;

/// A thread that ticks evenly: tokio's timer is a millisecond coarse.
struct Ticker(Arc<AtomicBool>);

impl Ticker {
    fn start(rate: f64) -> (Self, mpsc::UnboundedReceiver<Instant>) {
        let (tick, ticks) = mpsc::unbounded_channel();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        drop(std::thread::spawn(move || {
            let (start, step) = (Instant::now(), Duration::from_secs_f64(1.0 / rate));
            let mut due = start;
            while !ended.load(Ordering::Relaxed) && tick.send(due).is_ok() {
                due += step;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }));
        (Self(over), ticks)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
