//! Parameters: `;name=value` after a value or inside a URI (RFC 3261, sections 7.3.1 and 19.1.1).

use super::text::{position, split};

/// A parameter list, borrowed from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a>(&'a str);

impl<'a> Params<'a> {
    pub(in crate::sip) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The value of a parameter without quotes; empty for one without a value, such as `lr`. Ignores the case of names.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut all = self.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether a parameter is present, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values in order; values as in `get`.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        split(self.0, b';').map(|param| match position(param, b'=') {
            Some(at) => {
                let (name, value) = param.split_at(at);
                let value = value.strip_prefix('=').unwrap_or(value).trim_ascii();
                (name.trim_ascii_end(), unquote(value))
            }
            None => (param, ""),
        })
    }

    /// The text with the leading semicolon; empty without parameters.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

fn unquote(value: &str) -> &str {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found() {
        let check = |text, name, value| {
            assert_eq!(Params::new(text).get(name), value, "{name} in {text:?}");
        };
        check(";tag=1928301774", "tag", Some("1928301774"));
        check(";TAG=a", "tag", Some("a"));
        check("; tag = a ; x", "tag", Some("a"));
        check(";lr", "lr", Some(""));
        check(";lr;x=1", "x", Some("1"));
        check("", "tag", None);
        check(";tagged=a", "tag", None);
        check(r#";a="x;tag=b";tag=c"#, "tag", Some("c"));
        // RFC 5626, section 4.1.
        check(
            r#";+sip.instance="<urn:uuid:0-1>";reg-id=1"#,
            "+sip.instance",
            Some("<urn:uuid:0-1>"),
        );
        check(
            r#";+sip.instance="<urn:uuid:0-1>";reg-id=1"#,
            "reg-id",
            Some("1"),
        );
        check(r#";+u.sip!model="7""#, "+u.sip!model", Some("7"));
        check(";x=a=b", "x", Some("a=b"));
        check(";x=", "x", Some(""));
        check(";;x=1;", "x", Some("1"));
    }
}
