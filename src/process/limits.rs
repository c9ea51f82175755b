//! Raises the limit of file descriptors, of which each connection needs one (getrlimit(2)).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to the most that the system allows.
pub fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::debug!(%error, ?maximum, "cannot raise the limit of file descriptors");
    }
}

/// Logs a warning if the limit is too low for `connections` (`limits.connections`).
pub fn warn_if_too_few(connections: usize) {
    let wanted = (connections as u64).saturating_add(OTHERS);
    let had = getrlimit(Resource::Nofile).current;
    if let Some(descriptors) = had.filter(|had| *had < wanted) {
        tracing::warn!(
            descriptors,
            wanted,
            "too few file descriptors for limits.connections: raise LimitNOFILE of the service, or ulimit -n, or lower the setting"
        );
    }
}

/// For the phone list, logs, listeners and the API.
const OTHERS: u64 = 128;
