//! File descriptors: each connection takes one, and what the system gives a program at first is few (getrlimit(2)).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes as many as the system lets the program have.
pub fn claim() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::debug!(%error, ?maximum, "the limit of file descriptors stays");
    }
}

/// Says in the log if there are too few for `connections` (`limits.connections`).
pub fn warn_if_too_few(connections: usize) {
    let wanted = (connections as u64).saturating_add(OTHERS);
    let had = getrlimit(Resource::Nofile).current;
    if let Some(descriptors) = had.filter(|had| *had < wanted) {
        tracing::warn!(
            descriptors,
            wanted,
            "too few file descriptors for limits.connections: raise LimitNOFILE= of the service, or ulimit -n, or lower the setting"
        );
    }
}

/// What lists, logs, listeners and the API take.
const OTHERS: u64 = 128;
