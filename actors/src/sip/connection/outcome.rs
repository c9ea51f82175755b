//! The outcome of a request of ours, and what it means for the session and for whoever sent it.

use std::time::Duration;

use uacsta_schema::sip::{HeaderName, Response, Status};

use crate::sip::{
    body::received,
    session::{RequestError, SessionEnd},
    session_timer::MIN_SE,
};

/// The outcome of a request of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum RequestOutcome<'a> {
    /// The final response.
    Response(&'a Response),
    /// No final response arrived in time.
    TimedOut,
    /// The transport failed.
    Unreachable,
    /// The request was not sent: it is too large for a datagram.
    TooLarge,
}

/// The longest Retry-After that is honoured.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl<'a> RequestOutcome<'a> {
    /// The final response, also a negative one.
    pub(super) fn response(self) -> Option<&'a Response> {
        match self {
            Self::Response(response) => Some(response),
            Self::TimedOut | Self::Unreachable | Self::TooLarge => None,
        }
    }

    /// The 2xx.
    pub(super) fn success(self) -> Option<&'a Response> {
        self.response()
            .filter(|response| response.status().is_success())
    }

    /// A response that is no 2xx.
    pub(super) fn rejection(self) -> Option<&'a Response> {
        self.response()
            .filter(|response| !response.status().is_success())
    }

    /// A response that asks for credentials: 401 or 407.
    pub(super) fn challenge(self) -> Option<&'a Response> {
        self.response().filter(|response| {
            [Status::UNAUTHORIZED, Status::PROXY_AUTHENTICATION_REQUIRED]
                .contains(&response.status())
        })
    }

    /// Whether a request of the peer's crossed this one: 491 (RFC 3261, section 14.1).
    pub(super) fn is_crossing(self) -> bool {
        self.response()
            .is_some_and(|response| response.status() == Status::REQUEST_PENDING)
    }

    /// A 422, with the shortest session interval that the peer accepts, if it names one.
    pub(super) fn interval_too_small(self) -> Option<Option<Duration>> {
        let response = self.response()?;
        if response.status() != Status::SESSION_INTERVAL_TOO_SMALL {
            return None;
        }
        let least = response.head().min_se();
        Some(least.map(|seconds| Duration::from_secs(seconds.into()).max(MIN_SE)))
    }

    /// Why the session ends with this outcome of a request in it: 481, 408 or silence (RFC 3261, section 12.2.1.2).
    pub(super) fn session_end(self) -> Option<SessionEnd> {
        match self {
            Self::Response(response) => match response.status() {
                Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST => Some(SessionEnd::Unknown),
                Status::REQUEST_TIMEOUT => Some(SessionEnd::Silent),
                _ => None,
            },
            Self::TooLarge => None,
            Self::TimedOut => Some(SessionEnd::Silent),
            Self::Unreachable => Some(SessionEnd::ConnectionLost),
        }
    }

    /// The Retry-After of a response, at most an hour.
    pub(super) fn retry_after(self) -> Option<Duration> {
        let value = self.response()?.head().get(HeaderName::RetryAfter)?;
        let seconds = value.split([' ', ';', '(']).next()?.parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    /// Why there is no positive response.
    pub(super) fn error(self) -> RequestError {
        match self {
            Self::Response(response) => RequestError::Refused {
                status: response.status(),
                body: received(response.head(), response.body()),
                retry_after: self.retry_after(),
            },
            Self::TimedOut => RequestError::TimedOut,
            Self::Unreachable => RequestError::ConnectionLost,
            Self::TooLarge => RequestError::TooLarge,
        }
    }
}
