//! Session-Expires: the session interval and the refresher (RFC 4028, section 4).

use std::fmt;

use super::{Params, text::leading_number};

/// A Session-Expires value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// The session interval in seconds. The receiver must enforce the minimum of 90 with a 422 (RFC 4028, section 5).
    pub interval: u32,
    /// The refresher; a request may leave the choice to the other side.
    pub refresher: Option<Refresher>,
}

/// The side of the transaction that refreshes the session (RFC 4028, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// The sender of the request.
    Uac,
    /// The sender of the response.
    Uas,
}

impl SessionExpires {
    /// Reads `seconds;refresher=uac`; ignores an unknown refresher.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let semicolon = memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len());
        let (interval, params) = text.split_at(semicolon);
        let refresher = match Params::new(params).get("refresher") {
            Some(side) if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(side) if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        let interval = leading_number(interval.trim_ascii())?;
        Some(Self {
            interval,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_and_refresher_are_read() {
        let check = |text, shown: Option<&str>| {
            let read = SessionExpires::parse(text).map(|expires| expires.to_string());
            assert_eq!(read.as_deref(), shown, "{text:?}");
        };
        // RFC 4028, section 4.
        check("4000", Some("4000"));
        check("3600;refresher=uas", Some("3600;refresher=uas"));
        check("1800 ; refresher = UAC", Some("1800;refresher=uac"));
        check("90;x=1;refresher=who", Some("90"));
        check("", None);
        check("uas", None);
        check(";refresher=uas", None);
    }
}
