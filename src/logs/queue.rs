//! A bounded queue of log lines before a writer that may block. Lines that do not fit are dropped and counted.

use std::{
    collections::VecDeque,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;
use uacsta_actors::counters::{Counter, Counters};

/// Passes lines to a writer on a thread of its own. Each write is one line.
///
/// The bound is in octets, since a trace line contains a whole SIP message (`tracing_appender::non_blocking` counts lines).
#[derive(Clone)]
pub(super) struct LineQueue(Arc<Shared>);

struct Shared {
    waiting: Mutex<Lines>,
    /// Lines were added, or all are written.
    changed: Condvar,
    /// In octets.
    capacity: usize,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Lines {
    lines: VecDeque<Vec<u8>>,
    /// Of these lines and those being written.
    octets: usize,
    is_writing: bool,
}

impl LineQueue {
    /// Starts a thread called `name` for the writer. The queue holds `capacity` octets.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn start(
        mut writer: impl Write + Send + 'static,
        name: &str,
        capacity: usize,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            capacity,
            counters,
        });
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || of_thread.write_all_to(&mut writer))?;
        Ok(Self(shared))
    }

    /// Waits until all lines are written, for `limit` at most.
    pub(super) fn flush_within(&self, limit: Duration) {
        let waiting = self.0.waiting();
        let _ = self
            .0
            .changed
            .wait_timeout_while(waiting, limit, |waiting| {
                waiting.is_writing || !waiting.lines.is_empty()
            });
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Lines> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_to(&self, writer: &mut impl Write) {
        loop {
            let mut waiting = self
                .changed
                .wait_while(self.waiting(), |waiting| waiting.lines.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            let lines = mem::take(&mut waiting.lines);
            waiting.is_writing = true;
            drop(waiting);
            for line in lines {
                if writer.write_all(&line).is_err() {
                    self.counters.count(Counter::LostLogLine);
                }
                self.waiting().octets -= line.len();
            }
            self.waiting().is_writing = false;
            self.changed.notify_all();
        }
    }
}

impl Write for LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.waiting();
        if waiting.octets + line.len() > self.0.capacity {
            drop(waiting);
            self.0.counters.count(Counter::LostLogLine);
        } else {
            waiting.octets += line.len();
            waiting.lines.push_back(line.to_vec());
            if !waiting.is_writing {
                self.0.changed.notify_all();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LineQueue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        sync::mpsc::{Receiver, SyncSender, sync_channel},
        time::Instant,
    };

    use super::*;

    const TIME_LIMIT: Duration = Duration::from_secs(30);

    /// Blocks on each line until the test receives it.
    struct BlockingWriter(SyncSender<Vec<u8>>);

    impl Write for BlockingWriter {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            match self.0.send(line.to_vec()) {
                Ok(()) => Ok(line.len()),
                Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn blocking(capacity: usize) -> (LineQueue, Receiver<Vec<u8>>, Arc<Counters>) {
        let (writer, written) = sync_channel(0);
        let counters = Arc::<Counters>::default();
        let queue = LineQueue::start(
            BlockingWriter(writer),
            "test",
            capacity,
            Arc::clone(&counters),
        )
        .unwrap();
        (queue, written, counters)
    }

    #[test]
    fn full_queue_drops_and_counts_lines_without_blocking() {
        let (mut queue, written, counters) = blocking(40);
        for _ in 0..10 {
            queue.write_all(b"ten octets").unwrap();
        }
        assert_eq!(counters.total(Counter::LostLogLine), 6);
        let begun = Instant::now();
        queue.flush_within(Duration::from_millis(10));
        assert!(begun.elapsed() < TIME_LIMIT);
        for _ in 0..4 {
            assert_eq!(written.recv_timeout(TIME_LIMIT).unwrap(), b"ten octets");
        }
        queue.flush_within(TIME_LIMIT);
        queue.write_all(b"there is room again").unwrap();
        assert_eq!(
            written.recv_timeout(TIME_LIMIT).unwrap(),
            b"there is room again"
        );
        assert_eq!(counters.total(Counter::LostLogLine), 6);
    }

    #[test]
    fn flush_waits_for_last_line() {
        let (mut queue, written, counters) = blocking(1000);
        for _ in 0..20 {
            queue.write_all(b"line").unwrap();
        }
        let reading = thread::spawn(move || written.iter().take(20).count());
        queue.flush_within(TIME_LIMIT);
        assert_eq!(reading.join().unwrap(), 20);
        // The receiver is gone: the writer fails.
        queue.write_all(b"lost").unwrap();
        queue.flush_within(TIME_LIMIT);
        assert_eq!(counters.total(Counter::LostLogLine), 1);
    }
}
