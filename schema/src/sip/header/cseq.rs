//! CSeq: the number of a request within its dialog (RFC 3261, section 20.16).

use std::fmt;

use crate::sip::{Method, SyntaxError};

/// A CSeq value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The sequence number. RFC 3261, section 8.1.1.5, requires less than 2^31; all 32-bit values are accepted.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// Reads `number method`.
    ///
    /// # Errors
    /// The number is missing, invalid or above 2^32-1, or the method is missing.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let (number, method) = Self::split(text)?;
        Ok(Self {
            number,
            method: Method::parse(method),
        })
    }

    /// The two parts, for a comparison without allocating a `Method`.
    pub(in crate::sip) fn split(text: &str) -> Result<(u32, &str), SyntaxError> {
        let (number, method) = text
            .trim_ascii()
            .split_once([' ', '\t'])
            .ok_or(SyntaxError("lacks a number or a method"))?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SyntaxError("does not start with a number"));
        }
        let number = number
            .parse()
            .map_err(|_| SyntaxError("has a number above 2^32-1"))?;
        Ok((number, method.trim_ascii_start()))
    }
}

/// Writes `number method`.
impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_method_are_read() {
        let check = |text, expected: Result<&str, &str>| {
            let read = CSeq::parse(text)
                .map(|cseq| cseq.to_string())
                .map_err(|error| error.to_string());
            assert_eq!(
                read.as_deref().map_err(String::as_str),
                expected,
                "{text:?}"
            );
        };
        check("4711 INVITE", Ok("4711 INVITE"));
        // RFC 4475, section 3.1.1.1: leading zeros and much white space.
        check("0009    INVITE", Ok("9 INVITE"));
        check("1\tPING", Ok("1 PING"));
        check("4294967295 INFO", Ok("4294967295 INFO"));
        // RFC 4475, section 3.1.2.4.
        check(
            "36893488147419103232 REGISTER",
            Err("has a number above 2^32-1"),
        );
        check("-1 INVITE", Err("does not start with a number"));
        check("INVITE 1", Err("does not start with a number"));
        check("1", Err("lacks a number or a method"));
        check("", Err("lacks a number or a method"));
    }
}
