//! Start lines (RFC 3261, sections 7.1 and 7.2).

use std::borrow::Cow;

use super::{Method, Status, Uri, head::HeadSpan};

/// A parsed start line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Request {
        method: Method,
        uri: HeadSpan,
    },
    Response {
        status: Status,
        reason: HeadSpan,
    },
    /// An invalid request line.
    BadRequest {
        status: Status,
        problem: Cow<'static, str>,
        is_ack: bool,
    },
    /// An invalid status line.
    BadResponse {
        problem: &'static str,
    },
}

impl Start {
    /// Reads the first line of a head; `None` if it is not SIP. Accepts several spaces between the parts, as
    /// RFC 4475, section 3.1.2.10, allows.
    pub(super) fn parse(line: &str) -> Option<Self> {
        if let Some(rest) = strip_sip(line) {
            return Some(Self::response(line, rest));
        }
        let (before, version) = line.trim_ascii_end().rsplit_once([' ', '\t'])?;
        Some(Self::request(line, before, strip_sip(version)?))
    }

    fn request(line: &str, before: &str, version: &str) -> Self {
        let (method, uri) = before.split_once([' ', '\t']).unwrap_or((before, ""));
        let is_ack = method == "ACK";
        let bad = |status, problem: &'static str| Self::BadRequest {
            status,
            problem: problem.into(),
            is_ack,
        };
        if version != "2.0" {
            return bad(Status::VERSION_NOT_SUPPORTED, "the version is not SIP/2.0");
        }
        if method.is_empty() || !method.bytes().all(is_token) {
            return bad(Status::BAD_REQUEST, "the method is not a token");
        }
        let uri = uri.trim_ascii();
        if uri.is_empty() {
            return bad(Status::BAD_REQUEST, "the Request-URI is missing");
        }
        if uri
            .bytes()
            .any(|byte| byte <= b' ' || matches!(byte, b'<' | b'>' | b'"' | 0x7f))
        {
            return bad(
                Status::BAD_REQUEST,
                "the Request-URI has an invalid character",
            );
        }
        let problem = match Uri::parse(uri) {
            // RFC 3261, section 19.1.1: headers are not allowed in a Request-URI.
            Ok(uri) if !uri.headers().is_empty() => Some("the Request-URI has headers".into()),
            Ok(_) => None,
            Err(problem) => Some(format!("the Request-URI {problem}").into()),
        };
        if let Some(problem) = problem {
            return Self::BadRequest {
                status: Status::BAD_REQUEST,
                problem,
                is_ack,
            };
        }
        Self::Request {
            method: Method::parse(method),
            uri: span(line, uri),
        }
    }

    /// Whether a response is due; false for an ACK and for a response (RFC 3261, section 17).
    pub(super) fn is_answerable(&self) -> bool {
        match self {
            Self::Request { method, .. } => *method != Method::Ack,
            Self::BadRequest { is_ack, .. } => !is_ack,
            Self::Response { .. } | Self::BadResponse { .. } => false,
        }
    }

    fn response(line: &str, rest: &str) -> Self {
        let Some((version, rest)) = rest.split_once([' ', '\t']) else {
            return Self::BadResponse {
                problem: "the status code is missing",
            };
        };
        if version != "2.0" {
            return Self::BadResponse {
                problem: "the version is not SIP/2.0",
            };
        }
        let rest = rest.trim_ascii_start();
        let (code, reason) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        let status = code.parse().ok().filter(|_| digits).and_then(Status::new);
        match status {
            Some(status) => Self::Response {
                status,
                reason: span(line, reason.trim_ascii()),
            },
            None => Self::BadResponse {
                problem: "the status code is not 100 to 699",
            },
        }
    }
}

/// Whether a `token` may contain the byte (RFC 3261, section 25.1).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// The text after `SIP/`, ignoring case (RFC 3261, section 7.1).
fn strip_sip(text: &str) -> Option<&str> {
    let (name, rest) = text.split_at_checked(4)?;
    name.eq_ignore_ascii_case("SIP/").then_some(rest)
}

/// The span of `part`, a slice of `line`.
fn span(line: &str, part: &str) -> HeadSpan {
    let start = part.as_ptr().addr().saturating_sub(line.as_ptr().addr());
    HeadSpan::at(start, part.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_read() {
        let check =
            |line: &str, expected: Option<(&str, &str)>| match (Start::parse(line), expected) {
                (Some(Start::Request { method, uri }), Some((token, text))) => {
                    assert_eq!(
                        (method.as_str(), uri),
                        (
                            token,
                            HeadSpan::at(line.find(text).unwrap_or(0), text.as_bytes())
                        ),
                        "{line:?}"
                    );
                }
                (start, expected) => assert!(
                    expected.is_none() && !matches!(start, Some(Start::Request { .. })),
                    "{line:?}: {start:?}"
                ),
            };
        check("INVITE sip:a@h SIP/2.0", Some(("INVITE", "sip:a@h")));
        check("INVITE  sip:a@h\tSIP/2.0  ", Some(("INVITE", "sip:a@h")));
        check("PING sip:h sip/2.0", Some(("PING", "sip:h")));
        // RFC 4475, sections 3.3.2 and 3.1.1.2: any scheme is valid; a '?' in the user part does not start headers.
        check(
            "OPTIONS unknown:x?y SIP/2.0",
            Some(("OPTIONS", "unknown:x?y")),
        );
        check("OPTIONS sip:a?b@h SIP/2.0", Some(("OPTIONS", "sip:a?b@h")));
        check(
            "REGISTER sip:[2001:db8::10] SIP/2.0",
            Some(("REGISTER", "sip:[2001:db8::10]")),
        );
        // RFC 4475, sections 3.1.2.7 and 3.1.2.8.
        check("INVITE <sip:user@example.com> SIP/2.0", None);
        check("INVITE sip:user@example.com; lr SIP/2.0", None);
        // RFC 4475, section 3.1.2.11.
        check("INVITE sip:a@h?Route=%3Csip:r%3E SIP/2.0", None);
        // RFC 5118, section 4.2.
        check("REGISTER sip:2001:db8::10 SIP/2.0", None);
        check("INVITE user@example.com SIP/2.0", None);
        check("INVITE SIP/2.0", None);
        check("IN@VITE sip:h SIP/2.0", None);
    }

    #[test]
    fn faults_are_named() {
        let check = |line: &str, code: u16| match Start::parse(line) {
            Some(Start::BadRequest { status, .. }) => assert_eq!(status.code(), code, "{line:?}"),
            Some(Start::BadResponse { .. }) => assert_eq!(0, code, "{line:?}"),
            None => assert_eq!(1, code, "{line:?}"),
            start => panic!("{line:?}: {start:?}"),
        };
        // RFC 4475, section 3.1.2.16.
        check("OPTIONS sip:t.watson@example.org SIP/7.0", 505);
        check("INVITE SIP/2.0", 400);
        check("SIP/2.0", 0);
        check("SIP/3.0 200 OK", 0);
        // RFC 4475, section 3.1.2.19.
        check("SIP/2.0 4294967301 better not break the receiver", 0);
        check("SIP/2.0 20 OK", 0);
        check("SIP/2.0 999 x", 0);
        check("GET / HTTP/1.1", 1);
        check("\u{16}\u{3}\u{1}", 1);
        check("", 1);
    }

    #[test]
    fn status_lines_are_read() {
        let check = |line: &str, code: u16, phrase: &str| match Start::parse(line) {
            Some(Start::Response { status, reason }) => {
                let at = if phrase.is_empty() {
                    line.len()
                } else {
                    line.find(phrase).unwrap_or(0)
                };
                assert_eq!(status.code(), code, "{line:?}");
                assert!(
                    phrase.is_empty() || reason == HeadSpan::at(at, phrase.as_bytes()),
                    "{line:?}"
                );
            }
            start => panic!("{line:?}: {start:?}"),
        };
        check("SIP/2.0 200 OK", 200, "OK");
        check("SIP/2.0 200", 200, "");
        // RFC 4475, sections 3.1.1.12 and 3.1.1.13: non-ASCII phrase, empty phrase.
        check("SIP/2.0 100 ", 100, "");
        check(
            "SIP/2.0 200 = 2**3 * 5**2 но сто",
            200,
            "= 2**3 * 5**2 но сто",
        );
    }
}
