//! Whole numbers in arguments, with a range.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// Parses a whole number of this range.
///
/// # Errors
/// A sentence with the range.
pub fn parse_number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            format!("must be a whole number from {least} to {most}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_range_and_other_texts_are_refused_with_the_range() {
        let parse = parse_number(1..=50_u32);
        for (text, number) in [("1", Some(1)), ("50", Some(50))] {
            assert_eq!(parse(text).ok(), number, "{text}");
        }
        let refusal = "must be a whole number from 1 to 50".to_owned();
        for text in ["0", "51", "-1", "x", "", "1.5", "99999999999"] {
            assert_eq!(parse(text), Err(refusal.clone()), "{text}");
        }
    }
}
