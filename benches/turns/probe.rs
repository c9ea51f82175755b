//! Measures turns of a thread by its CPU clock between two polls of a task that only yields.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix_rt::task::JoinHandle;
use tokio::task::yield_now;

/// Turns shorter than this are the probe's own.
const NOTICED: Duration = Duration::from_micros(20);

/// The task that measures, until it is dropped.
pub(crate) struct Probe {
    turns: Rc<RefCell<Vec<Duration>>>,
    task: JoinHandle<()>,
}

/// The turns of one phase.
pub(crate) struct Turns {
    /// The longest.
    pub(crate) longest: Duration,
    /// 99 of 100 were no longer.
    pub(crate) p99: Duration,
    /// What all took together.
    pub(crate) sum: Duration,
}

impl Probe {
    /// Starts to measure the current thread.
    pub(crate) fn start() -> Self {
        let turns = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&turns);
        let task = actix_rt::spawn(async move {
            loop {
                let before = cpu_time();
                yield_now().await;
                let spent = cpu_time().saturating_sub(before);
                if spent >= NOTICED {
                    noted.borrow_mut().push(spent);
                }
            }
        });
        Self { turns, task }
    }

    /// The turns since the start, or since this was called last.
    pub(crate) async fn turns(&self) -> Turns {
        let mut turns = std::mem::take(&mut *self.turns.borrow_mut());
        turns.sort_unstable();
        let summary = Turns {
            longest: turns.last().copied().unwrap_or_default(),
            p99: turns
                .get(turns.len() * 99 / 100)
                .copied()
                .unwrap_or_default(),
            sum: turns.iter().sum(),
        };
        // The turn in which they were sorted is none of the server's.
        for _ in 0..3 {
            yield_now().await;
        }
        self.turns.borrow_mut().clear();
        summary
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(unix)]
fn cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time that passes, where there is no such clock.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    use std::{sync::LazyLock, time::Instant};
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The memory of this process that is in use, in MiB; 0 where the system does not tell (proc(5)).
pub(crate) fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
