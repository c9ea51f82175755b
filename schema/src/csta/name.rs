//! Parses device names, in one place so that all comparisons agree (RFC 3261, section 19.1; RFC 3966, section 5.1).

use std::{borrow::Cow, fmt};

/// The parts of a device name that identify the device.
///
/// Comparison ignores scheme, password, port, display name, surrounding blanks and all parameters except `ext`, `isub` and
/// `mac`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The unescaped user part of a SIP URI, or the number, of a tel URI without visual separators; the host if there is
    /// neither. Ends with the number's `;ext=` and `;isub=`, since numbers that differ in them are different numbers (RFC 3966,
    /// section 4).
    pub user: Cow<'a, str>,
    /// The host after a user part, without normalisation.
    pub host: Option<&'a str>,
    /// The parameter `mac`: selects the phone with the line.
    pub mac: Option<&'a str>,
}

impl<'a> Name<'a> {
    /// Parses a name. Allocates only to remove escapes or visual separators, and for an extension.
    pub fn of(text: &'a str) -> Self {
        let (uri, behind) = within_brackets(text);
        let (scheme, rest) = split_scheme(uri.trim());
        // Most names have no parameter.
        let has_parameters = memchr::memchr(b'=', text.as_bytes()).is_some();
        let parameter = |key| {
            let mut parts = [rest, behind].into_iter().filter(|_| has_parameters);
            parts.find_map(|part| parameter(part, key))
        };
        let mac = parameter("mac");
        let (user, host) = match (rest.rsplit_once('@'), scheme) {
            (Some((user, host)), _) => (
                without_password(bare(user)),
                Some(without_port(bare(host)).trim()),
            ),
            (None, Scheme::Sip) => (without_port(bare(rest)), None),
            (None, Scheme::Tel | Scheme::None) => (without_password(bare(rest)), None),
        };
        let user = match unescape(user) {
            Cow::Borrowed(user) => user.trim().into(),
            Cow::Owned(user) => user.trim().to_owned().into(),
        };
        let mut user = match scheme {
            Scheme::Tel => without_separators(user),
            Scheme::Sip | Scheme::None => user,
        };
        for key in NUMBER_PARAMETERS {
            if let Some(value) = parameter(key).filter(|value| !value.is_empty()) {
                let value = without_separators(unescape(value));
                user.to_mut().extend([";", key, "=", &*value]);
            }
        }
        Self { user, host, mac }
    }

    /// Whether the hosts are equal, ignoring case, or both absent.
    pub fn has_host_of(&self, other: &Name<'_>) -> bool {
        match (self.host, other.host) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

/// Writes the user part and, in lower case, the host.
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        match self.host {
            Some(host) => write!(f, "@{}", host.to_ascii_lowercase()),
            None => Ok(()),
        }
    }
}

/// The parameters that belong to a number (RFC 3966, section 3).
pub(super) const NUMBER_PARAMETERS: [&str; 2] = ["ext", "isub"];

#[derive(Clone, Copy)]
pub(super) enum Scheme {
    Sip,
    Tel,
    None,
}

pub(super) fn split_scheme(text: &str) -> (Scheme, &str) {
    for (prefix, scheme) in [
        ("sip:", Scheme::Sip),
        ("sips:", Scheme::Sip),
        ("tel:", Scheme::Tel),
    ] {
        if let Some((start, rest)) = text.split_at_checked(prefix.len())
            && start.eq_ignore_ascii_case(prefix)
        {
            return (scheme, rest);
        }
    }
    (Scheme::None, text)
}

/// The URI of `"Anna" <URI>;parameters`, and the text after it.
fn within_brackets(text: &str) -> (&str, &str) {
    match text.split_once('<') {
        Some((_, inner)) => inner.split_once('>').unwrap_or((inner, "")),
        None => (text, ""),
    }
}

/// The value of a parameter, in the user part or behind the host.
fn parameter<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let uri = text.split('?').next().unwrap_or(text);
    uri.split('@').find_map(|part| {
        part.split(';').skip(1).find_map(|parameter| {
            let (known, value) = parameter.split_once('=')?;
            known
                .trim()
                .eq_ignore_ascii_case(key)
                .then_some(value.trim())
        })
    })
}

/// Removes parameters.
fn bare(part: &str) -> &str {
    part.split([';', '?']).next().unwrap_or(part)
}

/// Removes `:password`; keeps the colons of a MAC address and of an IPv6 reference.
fn without_password(user: &str) -> &str {
    match user.split_once(':') {
        Some((name, _)) if !user.starts_with('[') && user.parse::<crate::mac::Mac>().is_err() => {
            name
        }
        _ => user,
    }
}

/// Removes `:port`; keeps the colons in the brackets of an IPv6 reference.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Removes visual separators (RFC 3966, section 5.1.1).
fn without_separators(number: Cow<'_, str>) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, '-' | '.' | '(' | ')');
    match number.contains(separator) {
        true => number.replace(separator, "").into(),
        false => number,
    }
}

/// Resolves percent escapes (RFC 3261, section 19.1.2). Keeps invalid escapes, and all escapes if the result is not UTF-8.
fn unescape(user: &str) -> Cow<'_, str> {
    if !user.contains('%') {
        return user.into();
    }
    let mut bytes = Vec::with_capacity(user.len());
    let mut rest = user.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(user), Cow::Owned)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3261_19_1_name_parts_are_parsed() {
        fn check(text: &str, shown: &str, mac: Option<&str>) {
            let name = Name::of(text);
            assert_eq!(
                (name.to_string().as_str(), name.mac),
                (shown, mac),
                "{text}"
            );
        }
        check(
            "sip:101@PBX.Example:5060;transport=tcp",
            "101@pbx.example",
            None,
        );
        check("SIPS:101@pbx.example?Replaces=a", "101@pbx.example", None);
        check("101@pbx.example", "101@pbx.example", None);
        check("sip:%31%301@a", "101@a", None);
        check("sip:101:secret@a", "101@a", None);
        check("sip:101:a:b;x=y@a", "101@a", None);
        check("101:secret", "101", None);
        check("<sip:101@a>", "101@a", None);
        check(
            "\"Anna\" <sip:101@a:5060;lr>;mac=000413000001",
            "101@a",
            Some("000413000001"),
        );
        check(
            "<sip:101@a;mac=000413000001>",
            "101@a",
            Some("000413000001"),
        );
        check("  sip: 101@a ", "101@a", None);
        check("sip:%20101@a", "101@a", None);
        check(
            "sip:+49%2030;phone-context=x@[2001:DB8::1]:5060",
            "+49 30@[2001:db8::1]",
            None,
        );
        check("sip:[2001:db8::1]", "[2001:db8::1]", None);
        check("sip:pbx.example:5060", "pbx.example", None);
        check("tel:+49-30-(1).2;phone-context=x", "+493012", None);
        check("17133013", "17133013", None);
        check("101;MAC=000413000001;lr", "101", Some("000413000001"));
        check("sip:101;mac=000413000001@a", "101@a", Some("000413000001"));
        check("tel:+49-30;phone-context=x;EXT=2-01", "+4930;ext=201", None);
        check("sip:+4930;ext=%3201@a;user=phone", "+4930;ext=201@a", None);
        check("<sip:+4930@a;ext=201>", "+4930;ext=201@a", None);
        check("+4930;isub=1;ext=201;lr", "+4930;ext=201;isub=1", None);
        check("tel:+4930;ext=?ext=201", "+4930", None);
        check("101;lr;mac", "101", None);
        check("00:04:13:00:00:01", "00:04:13:00:00:01", None);
        check("sip:00:04:13:00:00:01@a", "00:04:13:00:00:01@a", None);
        check("a%zz%4", "a%zz%4", None);
        check("sip:%FF@a", "%FF@a", None);
        check("<sip:101@a", "101@a", None);
        check("", "", None);
        check("sip:", "", None);
    }

    #[test]
    fn hosts_are_compared_ignoring_case() {
        fn check(one: &str, other: &str, expected: bool) {
            let [one, other] = [one, other].map(Name::of);
            assert_eq!(one.has_host_of(&other), expected, "{one} {other}");
        }
        check("sip:1@A:5060", "sip:2@a", true);
        check("1", "tel:2", true);
        check("sip:1@a", "sip:1@b", false);
        check("sip:1@a", "1", false);
    }
}
