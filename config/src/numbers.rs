//! The section `[numbers]`: how the office's numbers are written and dialled.

use serde::{Deserialize, Serialize};

use crate::error::SettingsError;

/// The rules for numbers of the office. Digits only; without a country code no rule applies.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Country code.
    pub country: String,
    /// Area code, without the national prefix.
    pub area: String,
    /// The digits between the area code and an internal number.
    pub exchange: String,
    /// The lengths of internal numbers.
    pub internal: Vec<usize>,
    /// The prefix of a country code.
    pub international: String,
    /// The prefix of an area code; empty where area codes have none.
    pub national: String,
    /// The prefix of a number outside the office.
    pub outside: String,
}

/// The longest number, in digits (ITU-T E.164, section 6).
const LONGEST: usize = 15;

impl Numbers {
    /// Whether there are rules.
    pub fn are_set(&self) -> bool {
        !self.country.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let wrong =
            |key: &str, what: String| Err(SettingsError::of_key(format!("numbers.{key}"), what));
        for (key, value, also) in [
            ("country", &self.country, ""),
            ("area", &self.area, ""),
            ("exchange", &self.exchange, ""),
            ("international", &self.international, ""),
            ("national", &self.national, ""),
            ("outside", &self.outside, "*#"),
        ] {
            let fits = |c: char| c.is_ascii_digit() || also.contains(c);
            if value.len() > LONGEST || !value.chars().all(fits) {
                let what = format!("is {value:?}, but must be at most {LONGEST} digits");
                return wrong(key, what);
            }
        }
        // ITU-T E.164, section 6.2.1: one to three digits, none of which is a prefix.
        if self.country.len() > 3 || self.country.starts_with('0') {
            let what = format!(
                "is {:?}, but must be a country code without + or {}, such as \"49\"",
                self.country, self.international
            );
            return wrong("country", what);
        }
        if !self.national.is_empty() && self.area.starts_with(&self.national) {
            let what = format!(
                "is {:?}, but must be the area code without {} (numbers.national)",
                self.area, self.national
            );
            return wrong("area", what);
        }
        let longest =
            LONGEST - (self.country.len() + self.area.len() + self.exchange.len()).min(LONGEST);
        if let Some(length) = self.internal.iter().find(|it| !(1..=longest).contains(*it)) {
            let what = format!(
                "contains {length}, but the length of an internal number must be from 1 to {longest}"
            );
            return wrong("internal", what);
        }
        let needs_country = [
            ("area", self.area.is_empty()),
            ("exchange", self.exchange.is_empty()),
            ("internal", self.internal.is_empty()),
            ("outside", self.outside.is_empty()),
        ];
        let alone = needs_country.iter().find(|(_, is_empty)| !is_empty);
        match alone {
            Some((key, _)) if !self.are_set() => wrong(
                key,
                "is set, but numbers.country is empty: set it as well".to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::Settings;

    use super::*;

    #[test]
    fn rules_that_do_not_fit_are_refused() {
        let check = |wrong: Option<&str>, change: fn(&mut Numbers)| {
            let mut settings = Settings::builtin();
            settings.numbers = Numbers {
                country: "49".into(),
                area: "30".into(),
                exchange: "555".into(),
                internal: vec![3],
                ..settings.numbers
            };
            change(&mut settings.numbers);
            let found = settings.check().err();
            let found = found.as_ref().and_then(SettingsError::key);
            assert_eq!(found, wrong, "{:?}", settings.numbers);
        };
        check(None, |_| {});
        check(None, |it| it.outside = "*0".into());
        check(Some("numbers.country"), |it| it.country = "+49".into());
        check(Some("numbers.country"), |it| it.country = "0049".into());
        check(Some("numbers.country"), |it| it.country = "4930".into());
        check(Some("numbers.area"), |it| it.area = "030".into());
        check(Some("numbers.area"), |it| it.country.clear());
        check(Some("numbers.exchange"), |it| it.exchange = "5-55".into());
        check(Some("numbers.outside"), |it| it.outside = "a".into());
        check(Some("numbers.internal"), |it| it.internal.push(0));
        check(Some("numbers.internal"), |it| it.internal = vec![9]);
    }
}
