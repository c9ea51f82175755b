//! Long work that operators begin: its progress, end and result. A bounded number is kept.

use std::{
    collections::VecDeque,
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use uacsta_console::certify::Report;

use crate::texts::Text;

/// The operations of a server, the oldest first.
#[derive(Default)]
pub struct Operations(Mutex<VecDeque<Arc<Operation>>>);

/// One operation.
pub struct Operation {
    /// Never used for another operation.
    pub id: String,
    /// What it makes.
    pub kind: Kind,
    /// Who began it.
    pub by: String,
    /// When it began.
    pub begun_at: Timestamp,
    progress: Mutex<Progress>,
}

/// What an operation makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A support bundle.
    Bundle,
    /// A certification of a phone.
    Certification,
}

/// How far an operation is.
#[derive(Clone, Default)]
pub struct Progress {
    /// Whether it runs, and how it ended.
    pub state: State,
    /// Steps that are done.
    pub done: usize,
    /// All steps; 0 while that is not known.
    pub total: usize,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The state of an operation.
#[derive(Clone, Default)]
pub enum State {
    /// It is not over.
    #[default]
    Running,
    /// It has a result.
    Done(Made),
    /// For this reason it has none.
    Failed(Text),
    /// Somebody ended it.
    Cancelled,
}

/// The result of an operation.
#[derive(Clone)]
pub enum Made {
    /// A file, as of a bundle.
    File(Arc<ResultFile>),
    /// What a phone did in a certification.
    Certification(Arc<Report>),
}

/// A result that is a file without a name, which is gone when it is dropped.
pub struct ResultFile {
    /// Its content.
    pub file: Arc<Mutex<File>>,
    /// In octets.
    pub size: u64,
}

/// A running operation, for who carries it out. It has failed if this is dropped before it ends.
pub struct Work(Arc<Operation>);

/// How many operations are kept with their results.
const KEPT: usize = 8;
/// How many operations run at a time.
const RUNNING: usize = 2;

impl Operations {
    /// Begins an operation; the oldest that is over makes room for it. `None` if too many run.
    ///
    /// # Errors
    /// No random numbers.
    pub fn begin(&self, kind: Kind, by: &str) -> Result<Option<Work>, getrandom::Error> {
        let operation = Arc::new(Operation {
            id: format!("{:016x}", getrandom::u64()?),
            kind,
            by: by.to_owned(),
            begun_at: Timestamp::now(),
            progress: Mutex::default(),
        });
        let mut all = self.lock();
        if all.iter().filter(|one| one.is_running()).count() >= RUNNING {
            return Ok(None);
        }
        if all.len() >= KEPT {
            let oldest = all.iter().position(|one| !one.is_running());
            oldest.map(|at| all.remove(at));
        }
        all.push_back(Arc::clone(&operation));
        Ok(Some(Work(operation)))
    }

    /// All that are kept, the latest first.
    pub fn all(&self) -> Vec<Arc<Operation>> {
        self.lock().iter().rev().cloned().collect()
    }

    /// The operation with this id.
    pub fn find(&self, id: &str) -> Option<Arc<Operation>> {
        self.lock().iter().find(|one| one.id == id).cloned()
    }

    /// Cancels an operation that runs, and removes one that is over with its result.
    pub fn end(&self, id: &str) {
        self.lock().retain(|one| one.id != id || one.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Operation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operation {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.lock().clone()
    }

    fn is_running(&self) -> bool {
        matches!(self.lock().state, State::Running)
    }

    /// Whether it was running.
    fn cancel(&self) -> bool {
        self.finish(State::Cancelled)
    }

    /// Ends it, unless it is over.
    fn finish(&self, state: State) -> bool {
        let mut progress = self.lock();
        let was_running = matches!(progress.state, State::Running);
        if was_running {
            if matches!(state, State::Done(_)) {
                progress.total = progress.total.max(progress.done);
                progress.done = progress.total;
            }
            progress.state = state;
            progress.ended_at = Some(Timestamp::now());
        }
        was_running
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// The operation.
    pub fn operation(&self) -> &Arc<Operation> {
        &self.0
    }

    /// Says how many steps there are.
    pub fn plan(&self, total: usize) {
        self.0.lock().total = total;
    }

    /// A step is done. Returns whether the work goes on.
    pub fn step(&self) -> bool {
        let mut progress = self.0.lock();
        progress.done += 1;
        matches!(progress.state, State::Running)
    }

    /// Whether nobody has cancelled it.
    pub fn goes_on(&self) -> bool {
        self.0.is_running()
    }

    /// Ends it with its result, or the reason why there is none. A cancelled operation stays so.
    pub fn finish(self, result: Result<Made, Text>) {
        self.0.finish(match result {
            Ok(made) => State::Done(made),
            Err(reason) => State::Failed(reason),
        });
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0
            .finish(State::Failed(Text::new("operation-broken-off")));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn result() -> Result<Made, Text> {
        let file = Arc::new(Mutex::new(tempfile::tempfile().unwrap()));
        Ok(Made::File(Arc::new(ResultFile { file, size: 0 })))
    }

    fn state(operation: &Operation) -> &'static str {
        match operation.progress().state {
            State::Running => "running",
            State::Done(_) => "done",
            State::Failed(_) => "failed",
            State::Cancelled => "cancelled",
        }
    }

    #[test]
    fn operation_ends_once() {
        let operations = Operations::default();
        let begin = || operations.begin(Kind::Bundle, "anna").unwrap().unwrap();
        let work = begin();
        let done = Arc::clone(work.operation());
        work.plan(2);
        assert!(work.step());
        assert_eq!((done.progress().done, done.progress().total), (1, 2));
        work.finish(result());
        assert_eq!(state(&done), "done");
        assert_eq!((done.progress().done, done.progress().total), (2, 2));
        let work = begin();
        let cancelled = Arc::clone(work.operation());
        operations.end(&cancelled.id);
        assert!(!work.step());
        work.finish(result());
        assert_eq!(state(&cancelled), "cancelled");
        let work = begin();
        let dropped = Arc::clone(work.operation());
        assert!(work.goes_on());
        drop(work);
        assert_eq!(state(&dropped), "failed");
    }

    #[test]
    fn number_of_operations_is_bounded() {
        let operations = Operations::default();
        let begin = || operations.begin(Kind::Bundle, "anna").unwrap();
        let running = [begin().unwrap(), begin().unwrap()];
        assert!(begin().is_none());
        let [first, _last] = running;
        let first_id = first.operation().id.clone();
        first.finish(result());
        for _ in 0..KEPT - 2 {
            begin().unwrap().finish(result());
        }
        assert!(operations.find(&first_id).is_some());
        begin().unwrap().finish(result());
        assert!(operations.find(&first_id).is_none());
        assert_eq!(operations.all().len(), KEPT);
        let latest = operations.all()[0].id.clone();
        operations.end(&latest);
        assert!(operations.find(&latest).is_none());
    }
}
