//! Digest access authentication as pure functions (RFC 7616, RFC 8760, RFC 2617; without qop RFC 2069).

mod algorithm;
mod challenge;
mod credentials;

pub use algorithm::{Algorithm, Ha1};
pub use challenge::Challenge;
pub use credentials::Credentials;

use super::{SyntaxError, header::closing_quote};

/// The text after the scheme `Digest`, which is case-insensitive.
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

/// The length of the longest known parameter name.
const LONGEST: usize = "algorithm".len();

/// A parameter's name in lower case; empty if longer than every known name.
fn lower_case<'a>(name: &str, room: &'a mut [u8; LONGEST]) -> &'a str {
    let Some(lower) = room.get_mut(..name.len()) else {
        return "";
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).unwrap_or_default()
}

/// Removes the next `name=value` from the front. Returns the raw content of a quoted value, since both sides hash
/// that. Allows white space around '=' and ','.
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
        // The value would change its meaning between quotes (RFC 7616, section 3.4).
        if value.contains(['"', '\\']) {
            return Err(SyntaxError("has a quote in an unquoted value"));
        }
        value.trim_ascii_end()
    };
    Ok(Some((name.trim_ascii_end(), value)))
}
