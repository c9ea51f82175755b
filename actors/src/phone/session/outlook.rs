//! How long a rejected INVITE may stay unsent: whether the rejection will pass by itself.

use std::time::Duration;

use uacsta_schema::sip::Status;

/// Whether a rejection will pass by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::phone) enum Outlook {
    /// The phone is busy, unreachable or starting: it is asked again within a minute.
    Passing,
    /// The phone lacks CSTA or does not want it: it is asked again within an hour, or when it registers anew.
    Lasting,
}

impl Outlook {
    /// The outlook after a rejection with this status. 404, 410 and 480 are passing, since a proxy gives them until the phone
    /// registers with it again. 500 lasts: a phone that gives it at its start does so for seconds, one without CSTA always.
    pub(in crate::phone) fn of(status: Status) -> Self {
        match status.code() {
            400 | 402 | 403 | 405 | 406 | 413..=416 | 420 | 421 | 469 | 488 | 489 => Self::Lasting,
            500 | 501 | 505 | 513 | 603 | 606 | 607 => Self::Lasting,
            _ => Self::Passing,
        }
    }

    /// The longest time until the next INVITE.
    pub(super) fn longest_wait(self) -> Duration {
        match self {
            Self::Passing => Duration::from_secs(60),
            Self::Lasting => Duration::from_secs(3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_of_csta_last_and_those_of_the_moment_pass() {
        let read = |code| Status::new(code).map(Outlook::of);
        for code in [
            403, 405, 406, 415, 416, 420, 469, 488, 500, 501, 505, 513, 603, 606,
        ] {
            assert_eq!(read(code), Some(Outlook::Lasting), "{code}");
        }
        for code in [
            302, 401, 404, 407, 408, 422, 477, 480, 481, 486, 491, 502, 503, 504, 600,
        ] {
            assert_eq!(read(code), Some(Outlook::Passing), "{code}");
        }
    }
}
