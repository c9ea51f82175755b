//! The audit log: who changed what, from where and with which result, in `audit.jsonl` of the data folder.

mod entry;
mod file;
mod read;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
pub use entry::{Entry, Outcome, bounded, differences, masked};
use file::{Bounds, CHANGES, REFUSALS};
use jiff::Timestamp;
pub use read::Query;
use tokio::sync::oneshot;
use uacsta_actors::log_limit::LogLimit;
use uacsta_config::Audit;
use writer::{Job, Writer};

use crate::texts::Text;

/// The audit log of a server. Its files are written by a thread of its own.
pub struct AuditLog {
    folder: PathBuf,
    writer: SyncSender<Job>,
    state: Arc<State>,
    /// Limits entries about requests that were refused.
    pub refusals: LogLimit,
}

/// What the log and its thread share.
struct State {
    bounds: ArcSwap<Bounds>,
    /// Why the last entry could not be written.
    fault: ArcSwapOption<String>,
    /// Entries that found no room in the queue since the last one that was written.
    lost: AtomicU64,
    /// The number of the last entry.
    last_id: AtomicU64,
}

/// How many entries may wait for a disk that is slow or full.
const QUEUE: usize = 1024;
/// How long a change waits for its entry.
const WAIT: Duration = Duration::from_secs(1);

impl AuditLog {
    /// Opens the log in a data folder; its files are created with the first entry.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn open(data: &Path, settings: &Audit) -> io::Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        let state = Arc::new(State {
            bounds: ArcSwap::from_pointee(Bounds::from(settings)),
            fault: ArcSwapOption::empty(),
            lost: AtomicU64::new(0),
            last_id: AtomicU64::new(0),
        });
        let writer = Writer::new(data, Arc::clone(&state));
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || writer.run(jobs))?;
        Ok(Self {
            folder: data.to_owned(),
            writer: sender,
            state,
            refusals: LogLimit::default(),
        })
    }

    /// Changes the bounds of the files, from the next entry on.
    pub fn set_bounds(&self, settings: &Audit) {
        self.state.bounds.store(Arc::new(Bounds::from(settings)));
    }

    /// Writes an entry, and waits until it is on disk. A disk that is full or slow delays nobody for more than a second: the
    /// entry is written when there is room.
    pub async fn record(&self, entry: Entry) {
        let written = self.queue(entry);
        if self.state.fault.load().is_none()
            && let Some(written) = written
        {
            let _ = tokio::time::timeout(WAIT, written).await;
        }
    }

    fn queue(&self, entry: Entry) -> Option<oneshot::Receiver<()>> {
        let (done, written) = oneshot::channel();
        match self.writer.try_send(Job { entry, done }) {
            Ok(()) => Some(written),
            Err(_) => {
                self.state.lost.fetch_add(1, Relaxed);
                None
            }
        }
    }

    /// The number of the last entry that was written.
    pub fn last_id(&self) -> u64 {
        self.state.last_id.load(Relaxed)
    }

    /// What an operator should look after, if entries cannot be written.
    pub fn warning(&self) -> Option<Text> {
        let fault = self.state.fault.load_full()?;
        Some(Text::new("audit-unwritable").with("error", fault.to_string()))
    }

    /// The entries of a query, the latest first, and one more than its limit if there are more. Waits for the disk.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(&self, query: &Query) -> io::Result<Vec<Entry>> {
        let oldest = self.state.bounds.load().oldest(Timestamp::now());
        let mut found = Vec::new();
        for name in [CHANGES, REFUSALS] {
            found.append(&mut query.read(&self.folder, name, oldest)?);
        }
        found.sort_by_key(|entry| std::cmp::Reverse(entry.id));
        found.truncate(query.limit + 1);
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
