//! Content-Type: the media type of a body (RFC 3261, section 20.15).

use std::fmt;

use super::Params;

/// A media type, borrowed from the header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a> {
    essence: &'a str,
    params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Splits a value at its first semicolon.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let semicolon = memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len());
        let (essence, params) = text.split_at(semicolon);
        Self {
            essence: essence.trim_ascii(),
            params: Params::new(params),
        }
    }

    /// Type and subtype: `application/csta+xml`.
    #[must_use]
    pub const fn essence(&self) -> &'a str {
        self.essence
    }

    /// Whether type and subtype match, ignoring case and white space around the slash.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        if self.essence.eq_ignore_ascii_case(essence) {
            return true;
        }
        let parts = |text: &'a str| {
            text.split_once('/')
                .map(|(kind, subtype)| (kind.trim_ascii(), subtype.trim_ascii()))
        };
        match (parts(self.essence), essence.split_once('/')) {
            (Some(ours), Some(theirs)) => {
                ours.0.eq_ignore_ascii_case(theirs.0) && ours.1.eq_ignore_ascii_case(theirs.1)
            }
            _ => false,
        }
    }

    /// The parameters, such as `charset`.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.essence, self.params.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_compare_ignoring_case() {
        let check = |text, same| {
            assert_eq!(
                MediaType::parse(text).is("application/csta+xml"),
                same,
                "{text:?}"
            );
        };
        check("application/csta+xml", true);
        check("Application/CSTA+XML", true);
        check("application/csta+xml; charset=UTF-8", true);
        check("application / csta+xml", true);
        check("application/csta+xmls", false);
        check("application/sdp", false);
        check("application", false);
        check("", false);
        assert_eq!(
            MediaType::parse("text/plain; charset=\"x\"")
                .params()
                .get("Charset"),
            Some("x")
        );
    }
}
