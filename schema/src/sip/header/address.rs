//! Addresses with a display name, as in From, To, Contact and Route (RFC 3261, section 20.10).

use std::{borrow::Cow, fmt};

use super::{
    Params,
    text::{closing_quote, cut, is_open, split, unescape},
};
use crate::sip::{SyntaxError, Uri};

/// One `name-addr` or `addr-spec` with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    text: &'a str,
    display: &'a str,
    uri: Uri<'a>,
    params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads `"Name" <uri>;params`, `Name <uri>;params` or `uri;params`. In the last form, all parameters belong
    /// to the header field, not to the URI (RFC 3261, section 20).
    ///
    /// # Errors
    /// The fault, such as an unclosed quote or a missing scheme.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let text = text.trim_ascii();
        let (display, rest) = if text.starts_with('"') {
            let close = closing_quote(text)?;
            let (quoted, rest) = text.split_at(close);
            (
                quoted.trim_start_matches('"'),
                rest.get(1..).unwrap_or_default().trim_ascii_start(),
            )
        } else {
            let open = memchr::memchr2(b'<', b';', text.as_bytes()).unwrap_or(text.len());
            let (before, rest) = text.split_at(open);
            if !rest.starts_with('<') {
                // RFC 3261, section 20: a URI with headers must be in angle brackets.
                if memchr::memchr(b'?', before.as_bytes()).is_some() {
                    return Err(SyntaxError("has a URI with '?' outside of <>"));
                }
                return Ok(Self {
                    text,
                    display: "",
                    uri: Uri::parse(before)?,
                    params: closed(rest)?,
                });
            }
            (before.trim_ascii_end(), rest)
        };
        let inner = rest
            .strip_prefix('<')
            .ok_or(SyntaxError("has a display name without <URI>"))?;
        let (uri, rest) = cut(inner, b'>').ok_or(SyntaxError("has no closing '>'"))?;
        if uri != uri.trim_ascii() {
            return Err(SyntaxError("has white space within <>"));
        }
        let params = rest.trim_ascii_start();
        if !params.is_empty() && !params.starts_with(';') {
            return Err(SyntaxError(
                "has text other than parameters after the address",
            ));
        }
        Ok(Self {
            text,
            display,
            uri: Uri::parse(uri)?,
            params: closed(params)?,
        })
    }

    /// The display name without quotes and escapes; empty if there is none.
    #[must_use]
    pub fn display(&self) -> Cow<'a, str> {
        unescape(self.display)
    }

    /// The URI of the address.
    #[must_use]
    pub const fn uri(&self) -> &Uri<'a> {
        &self.uri
    }

    /// The parameters of the header field, not those of the URI.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The tag that identifies a side of a dialog (RFC 3261, section 19.3).
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The text with `tag` appended; omits an empty tag and empty parameters.
    pub(in crate::sip) fn tagged(&self, tag: &str) -> String {
        let params = self.params.as_str();
        let address = self.text.strip_suffix(params).unwrap_or(self.text);
        let is_tag = |param: &str| {
            let name = param.split('=').next().unwrap_or_default();
            name.trim_ascii_end().eq_ignore_ascii_case("tag")
        };
        let kept = split(params, b';').filter(|param| !is_tag(param));
        let params: String = kept.map(|param| format!(";{param}")).collect();
        format!("{address}{params};tag={tag}")
    }

    /// The text as it was received.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }
}

/// The text as it was received.
impl fmt::Display for NameAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// Parameters without an unclosed quote or bracket, so that a tag can follow them.
fn closed(params: &str) -> Result<Params<'_>, SyntaxError> {
    if is_open(params) {
        return Err(SyntaxError("has an unclosed quote or bracket"));
    }
    Ok(Params::new(params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_spellings_of_phones_are_read() {
        let check = |text, display: &str, uri: &str, tag: Option<&str>| {
            let address = NameAddr::parse(text);
            let parts = address
                .as_ref()
                .map(|a| (a.display().into_owned(), a.uri().as_str(), a.tag()));
            assert_eq!(parts, Ok((display.to_owned(), uri, tag)), "{text:?}");
        };
        // RFC 3261, sections 20.10, 20.20 and 20.39.
        check(
            r#""A. G. Bell" <sip:agb@bell.example>;tag=a48s"#,
            "A. G. Bell",
            "sip:agb@bell.example",
            Some("a48s"),
        );
        check(
            "sip:+12125551212@server.example;tag=887s",
            "",
            "sip:+12125551212@server.example",
            Some("887s"),
        );
        check(
            "Anonymous <sip:c8oqz84zk7z@privacy.example>;tag=hyh8",
            "Anonymous",
            "sip:c8oqz84zk7z@privacy.example",
            Some("hyh8"),
        );
        check("<sip:a@b;transport=tcp>", "", "sip:a@b;transport=tcp", None);
        check("104 <sip:104@h>;tag=1", "104", "sip:104@h", Some("1"));
        check(
            r#""a <b>, \"c\"; d"<sip:a@h> ; tag=x"#,
            r#"a <b>, "c"; d"#,
            "sip:a@h",
            Some("x"),
        );
        check("\"Вася\" <sip:v@h>", "Вася", "sip:v@h", None);
        check(r#""" <sip:a@h>"#, "", "sip:a@h", None);
        check(
            "<tel:+49301234;phone-context=x>;tag=1",
            "",
            "tel:+49301234;phone-context=x",
            Some("1"),
        );
        check(
            "<sip:a@[2001:db8::1]:5060>;tag=2",
            "",
            "sip:a@[2001:db8::1]:5060",
            Some("2"),
        );
        // RFC 4475, section 3.1.1.1: a long value with odd white space.
        check(
            "<sip:vivekg@chair-dnrc.example.com> ;  tag  = 1918181833n",
            "",
            "sip:vivekg@chair-dnrc.example.com",
            Some("1918181833n"),
        );
        check("<sip:a@h>;tag=", "", "sip:a@h", None);
    }

    #[test]
    fn faults_are_named() {
        let check = |text, problem: &str| {
            let error = NameAddr::parse(text).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(problem), "{text:?}");
        };
        // RFC 4475, section 3.1.2.6: an unterminated quote.
        check(
            r#""Mr. J. User <sip:j.user@example.com>"#,
            "has no closing quote",
        );
        check(r#""a\" <sip:a@h>"#, "has no closing quote");
        // RFC 4475, section 3.1.2.13.
        check(
            "sip:a@h?Route=%3Csip:r%3E",
            "has a URI with '?' outside of <>",
        );
        // RFC 4475, section 3.1.2.14.
        check("\"A, B\" < sip:a@h >", "has white space within <>");
        check("<sip:a@h", "has no closing '>'");
        check(r#""a" sip:a@h"#, "has a display name without <URI>");
        check(
            "<sip:a@h> x",
            "has text other than parameters after the address",
        );
        check("<sip:a@h>;x=\"y", "has an unclosed quote or bracket");
        check("sip:a@h;x=<y", "has an unclosed quote or bracket");
        check("<>", "has a URI without a scheme");
        check("", "has a URI without a scheme");
    }
}
