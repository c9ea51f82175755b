//! The thread that writes the audit log, and tries again while the disk is full.

use std::{
    io,
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed, mpsc::Receiver},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    Entry, Outcome, State,
    file::{AuditFile, CHANGES, REFUSALS},
};

/// An entry to be written.
pub(super) struct Job {
    pub(super) entry: Entry,
    /// Told when it is on disk.
    pub(super) done: oneshot::Sender<()>,
}

/// Writes entries in the order in which they come.
pub(super) struct Writer {
    changes: AuditFile,
    refusals: AuditFile,
    last_id: u64,
    state: Arc<State>,
}

/// How long after a failure the same entry is tried again.
const RETRY: Duration = Duration::from_millis(500);

impl Writer {
    pub(super) fn new(folder: &Path, state: Arc<State>) -> Self {
        let [changes, refusals] = [CHANGES, REFUSALS].map(|name| AuditFile::new(folder, name));
        let last_id = changes.last_id().max(refusals.last_id());
        state.last_id.store(last_id, Relaxed);
        Self {
            last_id,
            changes,
            refusals,
            state,
        }
    }

    /// Writes until the log is dropped and its queue is empty.
    pub(super) fn run(mut self, jobs: Receiver<Job>) {
        let mut written = Vec::new();
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            while let Some(Job { entry, done }) = next {
                while let Err(error) = self.write(entry.clone()) {
                    self.confirm(&mut written);
                    self.failed(&error);
                    // The log was dropped with the server.
                    if Arc::strong_count(&self.state) == 1 {
                        return;
                    }
                    std::thread::sleep(RETRY);
                }
                written.push(done);
                // What has come meanwhile shares the wait for the disk.
                next = jobs.try_recv().ok();
            }
            self.report_lost();
            self.confirm(&mut written);
        }
    }

    /// Waits for the disk, and tells those who wait for these entries.
    fn confirm(&mut self, written: &mut Vec<oneshot::Sender<()>>) {
        if written.is_empty() {
            return;
        }
        match self.changes.sync().and_then(|()| self.refusals.sync()) {
            Ok(()) => {
                if self.state.fault.swap(None).is_some() {
                    tracing::info!("the audit log is written again");
                }
            }
            Err(error) => self.failed(&error),
        }
        for done in written.drain(..) {
            // The requester may have waited long enough.
            let _ = done.send(());
        }
    }

    fn failed(&self, error: &io::Error) {
        let reason = Arc::new(error.to_string());
        if self.state.fault.swap(Some(reason)).is_none() {
            tracing::error!(%error, "the audit log cannot be written; changes are made all the same");
        }
    }

    fn write(&mut self, entry: Entry) -> io::Result<()> {
        let id = self.last_id + 1;
        let file = match entry.outcome {
            Outcome::Refused => &mut self.refusals,
            _ => &mut self.changes,
        };
        file.append(&Entry { id, ..entry }, **self.state.bounds.load())?;
        self.last_id = id;
        self.state.last_id.store(id, Relaxed);
        Ok(())
    }

    /// Says in the log itself that entries are missing.
    fn report_lost(&mut self) {
        let lost = self.state.lost.swap(0, Relaxed);
        if lost == 0 {
            return;
        }
        let missing = Entry {
            outcome: Outcome::Failed,
            detail: Some(
                "entries are missing here, since the audit log could not be written".to_owned(),
            ),
            times: u32::try_from(lost).unwrap_or(u32::MAX),
            ..Entry::new("auditLog", Timestamp::now())
        };
        if self.write(missing).is_err() {
            self.state.lost.fetch_add(lost, Relaxed);
        }
    }
}
