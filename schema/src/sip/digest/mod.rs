//! Digest access authentication as pure functions (RFC 7616, RFC 8760, RFC 2617; without qop RFC 2069).

mod algorithm;
mod challenge;
mod credentials;

pub use algorithm::{Algorithm, Ha1};
pub use challenge::Challenge;
pub use credentials::Credentials;

use super::{SyntaxError, header::closing_quote};

/// What follows the word `Digest`, which has no case.
fn after_scheme(text: &str) -> Result<&str, SyntaxError> {
    let (scheme, rest) = text
        .trim_ascii()
        .split_once([' ', '\t'])
        .unwrap_or_default();
    if scheme.eq_ignore_ascii_case("Digest") {
        Ok(rest)
    } else {
        Err(SyntaxError("is not of scheme Digest"))
    }
}

/// The longest parameter name that we know.
const LONGEST: usize = "algorithm".len();

/// A parameter's name in lower case, since names have no case; empty if it is longer than any that we know.
fn lower_case<'a>(name: &str, room: &'a mut [u8; LONGEST]) -> &'a str {
    let Some(lower) = room.get_mut(..name.len()) else {
        return "";
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).unwrap_or_default()
}

/// Takes the next `name=value` off the front. A quoted value is given as it stands between its quotes, for that
/// is what both sides hash. White space may stand round '=' and ','.
fn next_param<'a>(rest: &mut &'a str) -> Result<Option<(&'a str, &'a str)>, SyntaxError> {
    let text = rest.trim_start_matches([' ', '\t', ',']);
    if text.is_empty() {
        return Ok(None);
    }
    let (name, after) = text
        .split_once('=')
        .ok_or(SyntaxError("has a parameter without '='"))?;
    let after = after.trim_ascii_start();
    let value = if after.starts_with('"') {
        let (quoted, tail) = after.split_at(closing_quote(after)?);
        *rest = tail.get(1..).unwrap_or_default();
        quoted.get(1..).unwrap_or_default()
    } else {
        let (value, tail) = after.split_once(',').unwrap_or((after, ""));
        *rest = tail;
        // Between quotes it would be another text (RFC 7616, section 3.4).
        if value.contains(['"', '\\']) {
            return Err(SyntaxError("has a quote within a value without quotes"));
        }
        value.trim_ascii_end()
    };
    Ok(Some((name.trim_ascii_end(), value)))
}
