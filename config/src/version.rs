//! Compares firmware versions of phones: `8.7.4`, `2.8A`, `4.1.0 SP2`, `xx.73.98.4`.

use std::cmp::Ordering;

/// Whether `firmware` is `first` or newer. A part `xx` matches any, a missing part is 0. Where the two number their
/// releases differently the answer is yes, as it is for an unknown firmware.
pub(crate) fn reaches(firmware: &str, first: &str) -> bool {
    if !firmware.contains(|c: char| c.is_ascii_digit()) {
        return true;
    }
    let (mut own, mut wanted) = (parts(firmware), parts(first));
    loop {
        let (own, wanted) = match (own.next(), wanted.next()) {
            (None, None) | (Some(_), None) => return true,
            (None, Some(wanted)) => (Part::default(), wanted),
            (Some(own), Some(wanted)) => (own, wanted),
        };
        match own.compare(&wanted) {
            Some(Ordering::Equal) => {}
            Some(order) => return order == Ordering::Greater,
            None => return true,
        }
    }
}

/// One part of a version: `8`, `8A`, `SP2`, or `xx`.
#[derive(Default)]
struct Part<'a> {
    before: &'a str,
    number: u64,
    after: &'a str,
}

impl Part<'_> {
    /// `None` where one counts service packs and the other builds.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.is_any() || other.is_any() {
            return Some(Ordering::Equal);
        }
        let absent = self.number == 0 && self.before.is_empty() && self.after.is_empty();
        if !absent && !self.before.eq_ignore_ascii_case(other.before) {
            return None;
        }
        let after = |part: &Self| part.after.to_ascii_lowercase();
        Some(
            self.number
                .cmp(&other.number)
                .then_with(|| after(self).cmp(&after(other))),
        )
    }

    fn is_any(&self) -> bool {
        self.before.eq_ignore_ascii_case("xx")
    }
}

fn parts(version: &str) -> impl Iterator<Item = Part<'_>> {
    let words = version.split(['.', ' ', '-', '_']);
    words.filter(|word| !word.is_empty()).map(|word| {
        let digits = |c: char| c.is_ascii_digit();
        let (before, rest) = word.split_at(word.find(digits).unwrap_or(word.len()));
        let end = rest.find(|c| !digits(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        Part {
            before,
            number: match number {
                "" => 0,
                _ => number.parse().unwrap_or(u64::MAX),
            },
            after,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (firmware, first, expected) in [
            ("8.7.4", "8.7.4", true),
            ("8.7.5.48", "8.7.4", true),
            ("10.1.159.12", "8.7.4", true),
            ("8.7.3.25", "8.7.4", false),
            ("7.3.30", "8.7.3", false),
            ("8.7", "8.7.3", false),
            ("3.56p", "8.7.3", false),
            ("2.8A", "2.8A", true),
            ("2.8b", "2.8A", true),
            ("2.8", "2.8A", false),
            ("2.10", "2.8A", true),
            ("3.0A", "2.8A", true),
            ("69.86.0.15", "xx.73.98.4", true),
            ("28.73.98.4", "xx.73.98.4", true),
            ("28.72.0.1", "xx.73.98.4", false),
            ("7.73", "xx.73.98.4", false),
            ("4.1.0 SP2", "4.1.0 SP2", true),
            ("4.1.0 SP1", "4.1.0 SP2", false),
            ("4.1.0", "4.1.0 SP2", false),
            ("4.1.0.128", "4.1.0 SP2", true),
            ("4.5.0.41", "4.1.0 SP2", true),
            ("2.5.1.41", "4.1.0 SP2", false),
            ("", "8.7.4", true),
            ("unknown", "8.7.4", true),
            ("99999999999999999999999.1", "8.7.4", true),
        ] {
            assert_eq!(reaches(firmware, first), expected, "{firmware} {first}");
        }
    }
}
