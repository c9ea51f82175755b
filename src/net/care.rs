//! Looking after the server's certificate while it serves: taken anew when its files change, its end foretold.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_rt::task::{JoinHandle, spawn_blocking};
use jiff::Timestamp;

use super::{
    certificate::{Certificate, Stage},
    tls::{Identity, Stamp},
};

/// Looks after a certificate until the returned task is aborted.
pub fn look_after(identity: Arc<Identity>) -> JoinHandle<()> {
    actix_rt::spawn(async move {
        let mut reminder = Reminder::default();
        let mut turn = Turn::default();
        say_gap(&identity);
        loop {
            reminder.remind(&identity.certificate(), Timestamp::now(), Instant::now());
            tokio::time::sleep(GLANCE).await;
            // A folder on another machine may keep us waiting, and nobody else.
            let looked = Arc::clone(&identity);
            let glance = spawn_blocking(move || turn.glance(&looked)).await;
            // Nothing in a glance panics; if it did, the next begins afresh.
            turn = glance.unwrap_or_default();
        }
    })
}

/// How often the files are looked at. A change is taken at the second look that sees it, since it may not be whole at the
/// first: within twice this.
const GLANCE: Duration = Duration::from_secs(1);
/// How often it is said that a certificate does not hold, or not for another day.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is known of the files between two looks.
#[derive(Default)]
struct Turn {
    /// What they looked like last time.
    last: Stamp,
    /// What they looked like when they could not be used.
    refused: Option<Stamp>,
}

impl Turn {
    fn glance(mut self, identity: &Identity) -> Self {
        let files = identity.files();
        let now = files.stamp();
        let is_new = now != files.taken && self.refused != Some(now);
        if is_new && self.last == now {
            let taken = Identity::read(&files.certificate, &files.key);
            self.refused = taken.is_err().then_some(now);
            match taken.map(|fresh| identity.adopt_after(&files, fresh)) {
                // The settings may have named other files meanwhile: those count.
                Ok(false) => {}
                Ok(true) => {
                    tracing::info!(file = %files.certificate.display(), certificate = %identity.certificate(), "the certificate was changed and is in use");
                    say_gap(identity);
                }
                Err(error) => {
                    tracing::error!(%error, "the certificate was changed and cannot be used; the one before stays in use");
                }
            }
        }
        self.last = now;
        self
    }
}

fn say_gap(identity: &Identity) {
    if let Some(gap) = identity.gap() {
        tracing::warn!(reason = gap, "the certificate's chain is not whole");
    }
}

/// Says once when a certificate has 30, 7 and 1 days left, and each day that it does not hold.
#[derive(Default)]
struct Reminder {
    said: Option<(String, Stage, Instant)>,
}

impl Reminder {
    fn remind(&mut self, certificate: &Certificate, now: Timestamp, at: Instant) {
        let until = certificate.until;
        match self.due(certificate, now, at) {
            None | Some(Stage::Fresh) => {}
            Some(Stage::Early) => {
                tracing::error!(%certificate, "the certificate does not hold yet, and peers refuse TLS: is this machine's clock right?");
            }
            Some(Stage::Within(days)) => {
                tracing::warn!(%certificate, %until, "the certificate has no more than {days} days: replace its files, which are taken without a restart, or, if the server made it, have the settings read again");
            }
            Some(Stage::Over) => {
                tracing::error!(%certificate, %until, "the certificate has expired, and peers refuse TLS: replace its files, which are taken without a restart");
            }
        }
    }

    /// What is to be said now.
    fn due(&mut self, certificate: &Certificate, now: Timestamp, at: Instant) -> Option<Stage> {
        let stage = certificate.stage(now);
        let again = match stage {
            Stage::Fresh | Stage::Within(7 | 30) => Duration::MAX,
            Stage::Early | Stage::Within(_) | Stage::Over => DAY,
        };
        if let Some((of, said, since)) = &self.said
            && (of, said) == (&certificate.fingerprint, &stage)
            && at.saturating_duration_since(*since) < again
        {
            return None;
        }
        self.said = Some((certificate.fingerprint.clone(), stage, at));
        Some(stage)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn its_end_is_said_once_and_then_every_day() {
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
        let mut check = |fingerprint: &str, hours: u64, expected: Option<Stage>| {
            fingerprint.clone_into(&mut certificate.fingerprint);
            let passed = Duration::from_secs(3600 * hours);
            let found = reminder.due(&certificate, origin + passed, start + passed);
            assert_eq!(found, expected, "{fingerprint} {hours}");
        };
        check("a", 0, Some(Stage::Early));
        check("a", 11, None);
        check("a", 12, Some(Stage::Fresh));
        check("a", 24 * 300, None);
        check("a", 24 * 335, Some(Stage::Within(30)));
        check("a", 24 * 355, None);
        check("b", 24 * 356, Some(Stage::Within(30)));
        check("b", 24 * 358, Some(Stage::Within(7)));
        check("b", 24 * 362, None);
        check("b", 24 * 364, Some(Stage::Within(1)));
        check("b", 24 * 365 - 13, None);
        check("b", 24 * 365, Some(Stage::Over));
        check("b", 24 * 365 + 23, None);
        check("b", 24 * 366, Some(Stage::Over));
        check("c", 24 * 366, Some(Stage::Over));
    }
}
