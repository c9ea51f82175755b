//! The language that a request prefers (RFC 9110, section 12.5.4).

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

use super::Language;

impl Language {
    /// The language that Accept-Language prefers; English where it names none of ours.
    ///
    /// A range such as `de-AT` matches German (RFC 4647, section 3.4). Of languages with the same quality the one that is
    /// named first is taken.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(ACCEPT_LANGUAGE);
        let fields = fields.filter_map(|field| field.to_str().ok());
        let ranges: Vec<Range<'_>> = fields
            .flat_map(|field| field.split(','))
            .filter_map(Range::parse)
            .collect();
        let mut best = (Self::default(), 0);
        for language in Self::ALL {
            let rank = rank(&ranges, language.tag());
            if rank > best.1 {
                best = (language, rank);
            }
        }
        best.0
    }
}

/// How much a language is wanted: its quality, then its place; 0 if it is not.
fn rank(ranges: &[Range<'_>], tag: &str) -> usize {
    let rank_of = |wanted: &str| {
        let places = (0..ranges.len()).rev();
        let found = ranges.iter().zip(places);
        let found = found.filter(|(range, _)| range.primary.eq_ignore_ascii_case(wanted));
        let ranks = found.map(|(range, place)| match range.quality {
            0 => 0,
            quality => usize::from(quality) * (ranges.len() + 1) + place,
        });
        ranks.max()
    };
    rank_of(tag).or_else(|| rank_of("*")).unwrap_or(0)
}

/// One range of languages.
struct Range<'h> {
    /// The language without its region, or `*`.
    primary: &'h str,
    /// From 0 to 1000.
    quality: u16,
}

impl<'h> Range<'h> {
    /// `None` if it is not in the form of the RFC.
    fn parse(text: &'h str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let primary = parts.next()?.split('-').next()?;
        let quality = match parts.next() {
            Some(weight) => {
                let value = weight.strip_prefix(['q', 'Q'])?.trim_start();
                quality(value.strip_prefix('=')?.trim_start())?
            }
            None => 1000,
        };
        Some(Self { primary, quality })
    }
}

/// A quality value in thousandths (RFC 9110, section 12.4.2).
fn quality(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn language_is_the_one_with_the_highest_quality() {
        for (fields, expected) in [
            (&[][..], "en"),
            (&[""], "en"),
            (&["de"], "de"),
            (&["DE"], "de"),
            (&["de-AT"], "de"),
            (&["de-1996"], "de"),
            (&["den"], "en"),
            (&["fr"], "en"),
            (&["fr, de;q=0.1"], "de"),
            (&["de, en"], "de"),
            (&["en, de"], "en"),
            (&["en;q=0.8, de;q=0.9"], "de"),
            (&["en-GB,en;q=0.9,de;q=0.95"], "en"),
            (&["de-CH;q=0.4, en;q=0.5, de;q=0.6"], "de"),
            (&["de;q=0.5, en;q=0.5"], "de"),
            (&["en;q=0.5", "de;q=0.7"], "de"),
            (&["de;q=0"], "en"),
            (&["de;q=0.000, *"], "en"),
            (&["*"], "en"),
            (&["*;q=0.5, de"], "de"),
            (&["*, de;q=0.5"], "en"),
            (&["en;q=0, *;q=0.1"], "de"),
            (&["fr, *;q=0.5, de;q=0.5"], "en"),
            (&["de ; q = 0.9 , en;q=0.2"], "de"),
            (&["de;q=2, en;q=0.1"], "en"),
            (&["de;q=0.1234, en;q=0.1"], "en"),
            (&["de;level=1, en;q=0.1"], "en"),
            (&["de;q=1.000, en;q=0.999"], "de"),
            (&[",,de,"], "de"),
        ] {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(ACCEPT_LANGUAGE, field.parse().unwrap());
            }
            assert_eq!(Language::accepted(&headers).tag(), expected, "{fields:?}");
        }
    }
}
