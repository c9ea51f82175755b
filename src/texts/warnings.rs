//! What an operator should look after, in words.

use uacsta_actors::{licence::PermitKind, licensing::LicenceWarning};

use super::Text;

/// What of the licences an operator should look after.
pub fn licence_warning(warning: LicenceWarning) -> Text {
    match warning {
        LicenceWarning::TrialEnds {
            days,
            phones,
            lines,
        } => {
            let text = Text::new("trial-ends").with("days", days);
            text.with("phones", phones).with("lines", lines)
        }
        LicenceWarning::TrialOver => Text::new("trial-over"),
        LicenceWarning::FewFree {
            kind,
            used,
            licensed,
        } => {
            let text = match kind {
                PermitKind::Phone => Text::new("few-phones"),
                PermitKind::Line => Text::new("few-lines"),
            };
            text.with("used", used).with("licensed", licensed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Language, *};

    #[test]
    fn days_are_counted_in_the_singular_and_the_plural() {
        let ends = |days| LicenceWarning::TrialEnds {
            days,
            phones: 5,
            lines: 0,
        };
        for (language, days, start) in [
            (
                Language::English,
                1,
                "the evaluation period ends in 1 day of running; then 5 phones",
            ),
            (
                Language::English,
                7,
                "the evaluation period ends in 7 days of running; then 5 phones",
            ),
            (
                Language::German,
                1,
                "Die Testphase endet in 1 Tag Laufzeit; dann sind 5 Telefone",
            ),
            (
                Language::German,
                7,
                "Die Testphase endet in 7 Tagen Laufzeit; dann sind 5 Telefone",
            ),
        ] {
            let text = licence_warning(ends(days)).written(language);
            assert!(text.starts_with(start), "{text}");
        }
    }
}
