//! File descriptors: each connection takes one, and what the system gives a program at first is few (getrlimit(2)).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes as many as the system lets the program have, and says in the log if they are too few for `connections`
/// (`limits.connections`).
pub fn claim(connections: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    let had = match setrlimit(Resource::Nofile, all) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::debug!(%error, ?maximum, "the limit of file descriptors stays");
            current
        }
    };
    let wanted = (connections as u64).saturating_add(OTHERS);
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
