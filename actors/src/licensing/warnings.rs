//! What of the licences an operator should look after: the end of the evaluation period, and few free permits.

use std::time::Duration;

use super::Licences;
use crate::licence::PermitKind;

/// What an operator should look after.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LicenceWarning {
    /// The evaluation period ends soon, and then more is in use than licensed.
    TrialEnds {
        /// In days, rounded up.
        days: u64,
        /// The licensed phones then.
        phones: u64,
        /// The licensed lines then.
        lines: u64,
    },
    /// The evaluation period is over, and there is no licence.
    TrialOver,
    /// Fewer than a tenth of the licensed phones or lines are free.
    FewFree {
        /// What is licensed.
        kind: PermitKind,
        /// Those in use.
        used: usize,
        /// How many may be in use.
        licensed: usize,
    },
}

/// How many days before the end of the evaluation period warnings begin.
const SOON: u64 = 30;
/// On which of the last days the log warns.
pub(super) const WARNED_AT: [u64; 4] = [SOON, 14, 7, 1];
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A time in days, rounded up.
pub(super) fn days(left: Duration) -> u64 {
    u64::try_from(left.as_millis().div_ceil(DAY.as_millis())).unwrap_or(u64::MAX)
}

/// Whether fewer than a tenth of the permits are free.
pub(super) fn is_scarce(used: usize, licensed: usize) -> bool {
    licensed.saturating_sub(used).saturating_mul(10) < licensed
}

impl LicenceWarning {
    /// Its name in answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrialEnds { .. } => "trialEnds",
            Self::TrialOver => "trialOver",
            Self::FewFree {
                kind: PermitKind::Phone,
                ..
            } => "fewPhones",
            Self::FewFree {
                kind: PermitKind::Line,
                ..
            } => "fewLines",
        }
    }

    /// The names of all warnings.
    pub const NAMES: [&str; 4] = ["trialEnds", "trialOver", "fewPhones", "fewLines"];

    pub(super) fn is_of_few(self, asked: PermitKind) -> bool {
        matches!(self, Self::FewFree { kind, .. } if kind == asked)
    }
}

impl Licences {
    /// What an operator should look after; nothing where the program needs no licences.
    pub fn warnings(&self) -> Vec<LicenceWarning> {
        let Some(issued) = &self.issued else {
            return Vec::new();
        };
        let phones: u64 = issued.iter().map(|one| u64::from(one.phones)).sum();
        let lines: u64 = issued.iter().map(|one| u64::from(one.lines)).sum();
        let days = days(self.trial_left);
        let exceeds = |used: usize, licensed: u64| used as u64 > licensed;
        let is_short = issued.is_empty()
            || exceeds(self.counts.phones, phones)
            || exceeds(self.counts.lines, lines);
        let mut warnings = Vec::new();
        match days {
            0 if issued.is_empty() => return vec![LicenceWarning::TrialOver],
            1..=SOON if is_short => warnings.push(LicenceWarning::TrialEnds {
                days,
                phones,
                lines,
            }),
            _ => {}
        }
        for (kind, used, licensed) in [
            (PermitKind::Phone, self.counts.phones, self.phones),
            (PermitKind::Line, self.counts.lines, self.lines),
        ] {
            if let Some(licensed) = licensed.filter(|licensed| is_scarce(used, *licensed)) {
                warnings.push(LicenceWarning::FewFree {
                    kind,
                    used,
                    licensed,
                });
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{licence::code::Licence, licensing::PermitCounts};

    fn names(
        phones: usize,
        lines: usize,
        codes: Option<&[(u32, u32)]>,
        left: Duration,
    ) -> Vec<&'static str> {
        let issued = codes.map(|codes| {
            let codes = codes.iter().zip(1..);
            let licence = |(&(phones, lines), serial): (&(u32, u32), u32)| Licence {
                serial,
                phones,
                lines,
            };
            codes.map(licence).collect::<Vec<_>>()
        });
        let sum = |of: fn(&Licence) -> u32| {
            let issued = issued.as_ref().filter(|_| left.is_zero())?;
            Some(issued.iter().map(|one| of(one) as usize).sum())
        };
        let licences = Licences {
            counts: PermitCounts { phones, lines },
            phones: sum(|one| one.phones),
            lines: sum(|one| one.lines),
            issued: issued.clone(),
            trial_left: left,
        };
        let warnings = licences.warnings();
        warnings.into_iter().map(LicenceWarning::name).collect()
    }

    #[test]
    fn warnings_tell_of_the_trials_end_and_of_few_free_permits() {
        let none: &[(u32, u32)] = &[];
        let (ten, over) = (&[(4, 4), (6, 6)][..], Duration::ZERO);
        for (phones, lines, codes, left, expected) in [
            // No licences are needed.
            (99, 99, None, over, &[][..]),
            (0, 0, Some(none), DAY * 31, &[]),
            (0, 0, Some(none), DAY * 30, &["trialEnds"]),
            (0, 0, Some(none), Duration::from_millis(1), &["trialEnds"]),
            (0, 0, Some(none), over, &["trialOver"]),
            // What is licensed will do, or will not.
            (10, 10, Some(ten), DAY, &[]),
            (10, 11, Some(ten), DAY, &["trialEnds"]),
            (9, 9, Some(ten), over, &[]),
            (10, 9, Some(ten), over, &["fewPhones"]),
            (10, 10, Some(ten), over, &["fewPhones", "fewLines"]),
            (11, 0, Some(ten), over, &["fewPhones"]),
        ] {
            let found = names(phones, lines, codes, left);
            assert_eq!(found, expected, "{phones} {lines} {codes:?} {left:?}");
        }
        for name in ["trialEnds", "trialOver", "fewPhones", "fewLines"] {
            assert!(LicenceWarning::NAMES.contains(&name), "{name}");
        }
    }

    #[test]
    fn days_are_rounded_up() {
        for (left, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (DAY, 1),
            (DAY * 2, 2),
        ] {
            assert_eq!(days(left), expected, "{left:?}");
        }
    }
}
