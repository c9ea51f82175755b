//! How many phones and lines may be in use: any number in the evaluation period, then as many as are licensed.

use std::time::Duration;

use super::code::{CodeError, Issuer, Licence};

/// The licences and the rest of the evaluation period.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    /// `None`: this build has no issuer of licences, so nothing is limited.
    issued: Option<Vec<Licence>>,
    /// How long the server had run when this run began.
    used_before: Duration,
}

/// What a permit is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PermitKind {
    /// A phone that is enabled and connected.
    Phone,
    /// A line with at least one subscriber.
    Line,
}

impl PermitKind {
    pub(crate) const ALL: [Self; 2] = [Self::Phone, Self::Line];
}

/// The evaluation period, in running time, so that setting the system clock does not change it.
pub const TRIAL: Duration = Duration::from_secs(45 * 24 * 3600);

impl Allowance {
    /// From the configured codes; a licence whose code is given twice counts once.
    ///
    /// # Errors
    /// The first invalid code, by its position from 0.
    pub fn of<'c>(
        issuer: Option<&Issuer>,
        codes: impl IntoIterator<Item = &'c str>,
        used_before: Duration,
    ) -> Result<Self, (usize, CodeError)> {
        let Some(issuer) = issuer else {
            return Ok(Self {
                issued: None,
                used_before,
            });
        };
        let mut issued: Vec<Licence> = Vec::new();
        for (at, code) in codes.into_iter().enumerate() {
            let licence = issuer.read(code).map_err(|error| (at, error))?;
            if issued.iter().all(|known| known.serial != licence.serial) {
                issued.push(licence);
            }
        }
        Ok(Self {
            issued: Some(issued),
            used_before,
        })
    }

    /// The licences; `None` where the build has no issuer.
    pub fn licences(&self) -> Option<&[Licence]> {
        self.issued.as_deref()
    }

    /// The rest of the evaluation period at `now`, the time since the server's start.
    pub fn trial_left(&self, now: Duration) -> Duration {
        TRIAL.saturating_sub(self.used_before + now)
    }

    /// How many permits of a kind there may be; `None`: any number.
    pub fn permits(&self, kind: PermitKind, now: Duration) -> Option<usize> {
        let licences = self.issued.as_ref()?;
        if !self.trial_left(now).is_zero() {
            return None;
        }
        let granted = licences.iter().map(|licence| match kind {
            PermitKind::Phone => u64::from(licence.phones),
            PermitKind::Line => u64::from(licence.lines),
        });
        Some(usize::try_from(granted.sum::<u64>()).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::SigningKey;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn seats_of_trial_and_licences() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let issuer = Issuer::with(&key);
        let code = |serial, phones, lines| {
            Licence {
                serial,
                phones,
                lines,
            }
            .code(&key)
        };
        let (few, more) = (code(1, 5, 3), code(2, 10, 20));
        for (issuer, codes, used, now, phones, lines) in [
            // The build has no issuer.
            (None, vec![], 100, 0, None, None),
            // The trial, in one run or several.
            (Some(&issuer), vec![], 0, 0, None, None),
            (Some(&issuer), vec![], 0, 44, None, None),
            (Some(&issuer), vec![], 44, 0, None, None),
            (Some(&issuer), vec![], 0, 45, Some(0), Some(0)),
            (Some(&issuer), vec![], 40, 5, Some(0), Some(0)),
            // Licences add up, each once, and limit nothing before the trial is over.
            (Some(&issuer), vec![&few], 44, 0, None, None),
            (Some(&issuer), vec![&few], 46, 0, Some(5), Some(3)),
            (Some(&issuer), vec![&few, &more], 46, 0, Some(15), Some(23)),
            (Some(&issuer), vec![&few, &few], 46, 0, Some(5), Some(3)),
        ] {
            let codes = codes.into_iter().map(String::as_str);
            let allowance = Allowance::of(issuer, codes, DAY * used).unwrap();
            let seats = |kind| allowance.permits(kind, DAY * now);
            assert_eq!(
                (seats(PermitKind::Phone), seats(PermitKind::Line)),
                (phones, lines)
            );
        }
        let wrong = Allowance::of(Some(&issuer), [few.as_str(), "AAAA"], DAY).unwrap_err();
        assert_eq!(wrong, (1, CodeError::Garbled));
    }
}
