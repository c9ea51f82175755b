//! The threads that carry connections: each takes a few messages at a time from its sockets, and finishes them first.

use actix_rt::{Arbiter, System, SystemRunner};
use tokio::runtime::{Builder, Runtime};

/// A thread learns of so many sockets at a time. A message passes some eight actors, each of which waits until all others
/// who are ready had their turn: with tokio's 1024 such a turn lasts long while a storm of phones rages.
const SOCKETS: usize = 1024;

/// What runs on this thread.
pub fn system() -> SystemRunner {
    System::with_tokio_rt(runtime)
}

/// One more thread.
pub fn arbiter() -> Arbiter {
    Arbiter::with_tokio_rt(runtime)
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .max_io_events_per_tick(SOCKETS)
        .build()
        .expect("a thread that starts has what an event loop needs: a few descriptors")
}
