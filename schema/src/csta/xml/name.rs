//! Checks qualified names (Namespaces in XML 1.0, section 4), which the XML reader does not.

use super::refusal::wrong;
use crate::csta::error::ReadError;

/// The prefix of the qualified name `name` at `offset`.
///
/// Accepts every character beyond ASCII: CSTA names contain none, and a relay passes such names on unchanged.
pub(super) fn prefix_of(name: &str, offset: usize) -> Result<Option<&str>, ReadError> {
    // The fast path for nearly all names. No branch per byte, so that the compiler vectorises the loop.
    let letters = name
        .bytes()
        .fold(true, |letters, byte| letters & byte.is_ascii_alphabetic());
    if letters && !name.is_empty() {
        return Ok(None);
    }
    let mut colon = None;
    let mut begins = true;
    for (at, byte) in name.bytes().enumerate() {
        begins = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => false,
            b'0'..=b'9' | b'-' | b'.' if !begins => false,
            b':' if !begins && colon.is_none() => {
                colon = Some(at);
                true
            }
            _ => return Err(wrong(offset, "a name is missing or invalid")),
        };
    }
    if begins {
        return Err(wrong(offset, "a name is missing or invalid"));
    }
    Ok(colon.map(|colon| &name[..colon]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_at_most_one_prefix() {
        fn check(name: &str, expected: Option<Option<&str>>) {
            assert_eq!(prefix_of(name, 7).ok(), expected, "{name}");
        }
        check("MakeCall", Some(None));
        check("c:MakeCall", Some(Some("c")));
        check("_a-1.2:b", Some(Some("_a-1.2")));
        check("é", Some(None));
        check("", None);
        check(":a", None);
        check("a:", None);
        check("a:b:c", None);
        check("a:1", None);
        check("-a", None);
        check("a/b", None);
        check("a=b", None);
    }
}
