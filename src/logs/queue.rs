//! Log lines on their way to a writer that may be slow or stuck: nobody waits for it, and what finds no room is lost and counted.

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

/// Takes lines for a writer that has a thread of its own. Each write is one line.
#[derive(Clone)]
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits, or all is written.
    changed: Condvar,
    /// How many octets may wait.
    room: usize,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// The octets of these lines, and of those that are being written.
    octets: usize,
    is_writing: bool,
}

impl Queue {
    /// A queue before `writer`, in which `room` octets may wait.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn before(
        mut writer: impl Write + Send + 'static,
        name: &str,
        room: usize,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            room,
            counters,
        });
        let taker = Arc::clone(&shared);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || taker.write_all_to(&mut writer))?;
        Ok(Self(shared))
    }

    /// Waits until all that was taken is written, but no longer than `patience`.
    pub(super) fn flush_within(&self, patience: Duration) {
        let waiting = self.0.waiting();
        // What is not written by then is given up: who called wants to end.
        let _ = self
            .0
            .changed
            .wait_timeout_while(waiting, patience, |waiting| {
                waiting.is_writing || !waiting.lines.is_empty()
            });
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
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

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.waiting();
        if waiting.octets + line.len() > self.0.room {
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

impl MakeWriter<'_> for Queue {
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

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A writer that waits with each line until it is taken from it.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
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

    fn slow(room: usize) -> (Queue, Receiver<Vec<u8>>, Arc<Counters>) {
        let (writer, written) = sync_channel(0);
        let counters = Arc::<Counters>::default();
        let queue = Queue::before(Slow(writer), "test", room, Arc::clone(&counters)).unwrap();
        (queue, written, counters)
    }

    #[test]
    fn who_logs_never_waits_and_what_finds_no_room_is_counted() {
        let (mut queue, written, counters) = slow(40);
        for _ in 0..10 {
            queue.write_all(b"ten octets").unwrap();
        }
        assert_eq!(counters.total(Counter::LostLogLine), 6);
        let begun = Instant::now();
        queue.flush_within(Duration::from_millis(10));
        assert!(begun.elapsed() < PATIENCE);
        for _ in 0..4 {
            assert_eq!(written.recv_timeout(PATIENCE).unwrap(), b"ten octets");
        }
        queue.flush_within(PATIENCE);
        queue.write_all(b"there is room again").unwrap();
        assert_eq!(
            written.recv_timeout(PATIENCE).unwrap(),
            b"there is room again"
        );
        assert_eq!(counters.total(Counter::LostLogLine), 6);
    }

    #[test]
    fn a_flush_waits_for_the_last_line() {
        let (mut queue, written, counters) = slow(1000);
        for _ in 0..20 {
            queue.write_all(b"line").unwrap();
        }
        let reading = thread::spawn(move || written.iter().take(20).count());
        queue.flush_within(PATIENCE);
        assert_eq!(reading.join().unwrap(), 20);
        // Nobody takes any more: the writer fails.
        queue.write_all(b"lost").unwrap();
        queue.flush_within(PATIENCE);
        assert_eq!(counters.total(Counter::LostLogLine), 1);
    }
}
