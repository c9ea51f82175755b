//! Reloads the certificate when its files change and warns before it expires.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_rt::task::{JoinHandle, spawn_blocking};
use jiff::Timestamp;

use super::{
    certificate::{Certificate, Validity},
    tls::{FilesStamp, Identity},
};
use crate::texts::Language;

/// Watches the certificate until the returned task is aborted.
pub fn watch(identity: Arc<Identity>) -> JoinHandle<()> {
    actix_rt::spawn(async move {
        let mut reminder = Reminder::default();
        let mut checker = FileChecker::default();
        warn_of_chain_fault(&identity);
        loop {
            reminder.remind(&identity.certificate(), Timestamp::now(), Instant::now());
            tokio::time::sleep(CHECK_INTERVAL).await;
            let checked = Arc::clone(&identity);
            // A network file system may block.
            let done = spawn_blocking(move || checker.check(&checked)).await;
            // After a panic the next check starts afresh.
            checker = done.unwrap_or_default();
        }
    })
}

/// A change is applied at the second check that sees the same files, since they may be incomplete at the first.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often the log repeats that a certificate is not valid, or expires within a day.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The state of the files between two checks.
#[derive(Default)]
struct FileChecker {
    last: FilesStamp,
    /// The files that were rejected; they are not read again until they change.
    rejected: Option<FilesStamp>,
}

impl FileChecker {
    fn check(mut self, identity: &Identity) -> Self {
        let files = identity.files();
        let now = files.stamp();
        let changed = now != files.loaded && self.rejected != Some(now);
        if changed && self.last == now {
            let loaded = Identity::read(&files.certificate, &files.key);
            self.rejected = loaded.is_err().then_some(now);
            match loaded.map(|loaded| identity.replace_if(&files, loaded)) {
                // The settings named other files meanwhile.
                Ok(false) => {}
                Ok(true) => {
                    tracing::info!(file = %files.certificate.display(), certificate = %identity.certificate(), "certificate reloaded");
                    warn_of_chain_fault(identity);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot load the changed certificate; the previous one stays in use");
                }
            }
        }
        self.last = now;
        self
    }
}

fn warn_of_chain_fault(identity: &Identity) {
    if let Some(fault) = identity.chain_fault() {
        tracing::warn!(
            reason = fault.written(Language::English),
            "certificate chain is incomplete or in the wrong order"
        );
    }
}

/// Warns once when a certificate has 30, 7 and 1 days left, and each day while it is not valid.
#[derive(Default)]
struct Reminder {
    last: Option<(String, Validity, Instant)>,
}

impl Reminder {
    fn remind(&mut self, certificate: &Certificate, now: Timestamp, at: Instant) {
        let until = certificate.until;
        match self.due(certificate, now, at) {
            None | Some(Validity::Valid) => {}
            Some(Validity::NotYet) => {
                tracing::error!(%certificate, "certificate is not valid yet, and peers reject TLS: check this machine's clock");
            }
            Some(Validity::ExpiresWithin(days)) => {
                tracing::warn!(%certificate, days, %until, "certificate expires soon: replace its files (no restart needed), or reload the settings if the server generated it");
            }
            Some(Validity::Expired) => {
                tracing::error!(%certificate, %until, "certificate has expired, and peers reject TLS: replace its files (no restart needed)");
            }
        }
    }

    /// The validity to be logged now, if any.
    fn due(&mut self, certificate: &Certificate, now: Timestamp, at: Instant) -> Option<Validity> {
        let validity = certificate.validity(now);
        let repeat_after = match validity {
            Validity::Valid | Validity::ExpiresWithin(7 | 30) => Duration::MAX,
            Validity::NotYet | Validity::ExpiresWithin(_) | Validity::Expired => DAY,
        };
        if let Some((fingerprint, last, since)) = &self.last
            && (fingerprint, last) == (&certificate.fingerprint, &validity)
            && at.saturating_duration_since(*since) < repeat_after
        {
            return None;
        }
        self.last = Some((certificate.fingerprint.clone(), validity, at));
        Some(validity)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reminders_are_due_once_then_daily() {
        let mut reminder = Reminder::default();
        let mut certificate = Certificate {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            from: "2026-01-01T00:00:00Z".parse().unwrap(),
            until: "2026-12-31T00:00:00Z".parse().unwrap(),
            fingerprint: "a".to_owned(),
        };
        let start = Instant::now();
        let origin: Timestamp = "2025-12-31T12:00:00Z".parse().unwrap();
        let mut check = |fingerprint: &str, hours: u64, expected: Option<Validity>| {
            fingerprint.clone_into(&mut certificate.fingerprint);
            let passed = Duration::from_secs(3600 * hours);
            let found = reminder.due(&certificate, origin + passed, start + passed);
            assert_eq!(found, expected, "{fingerprint} {hours}");
        };
        check("a", 0, Some(Validity::NotYet));
        check("a", 11, None);
        check("a", 12, Some(Validity::Valid));
        check("a", 24 * 300, None);
        check("a", 24 * 335, Some(Validity::ExpiresWithin(30)));
        check("a", 24 * 355, None);
        check("b", 24 * 356, Some(Validity::ExpiresWithin(30)));
        check("b", 24 * 358, Some(Validity::ExpiresWithin(7)));
        check("b", 24 * 362, None);
        check("b", 24 * 364, Some(Validity::ExpiresWithin(1)));
        check("b", 24 * 365 - 13, None);
        check("b", 24 * 365, Some(Validity::Expired));
        check("b", 24 * 365 + 23, None);
        check("b", 24 * 366, Some(Validity::Expired));
        check("c", 24 * 366, Some(Validity::Expired));
    }
}
