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

/// Logs a warning if the limit is too low for nine tenths of `connections` (`limits.connections`): a system that has as many
/// descriptors as there may be connections is large enough.
pub fn warn_if_too_few(connections: usize) {
    let wanted = (connections as u64).saturating_add(OTHERS);
    let had = getrlimit(Resource::Nofile).current;
    if let Some(descriptors) = had.filter(|had| are_too_few(*had, connections as u64)) {
        tracing::warn!(
            descriptors,
            wanted,
            "too few file descriptors for limits.connections: raise LimitNOFILE of the service, or ulimit -n, or lower the setting"
        );
    }
}

fn are_too_few(descriptors: u64, connections: u64) -> bool {
    descriptors.saturating_sub(OTHERS) < connections / 10 * 9
}

/// For the phone list, logs, listeners and the API.
const OTHERS: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_the_connections_must_have_descriptors() {
        for (descriptors, connections, too_few) in [
            (20_000, 20_000, false),
            (18_128, 20_000, false),
            (18_127, 20_000, true),
            (1024, 20_000, true),
            (0, 1, false),
        ] {
            let seen = are_too_few(descriptors, connections);
            assert_eq!(seen, too_few, "{descriptors} for {connections}");
        }
    }
}
