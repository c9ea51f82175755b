//! The reasons to refuse a client's request, and the CSTA error of each.

use std::sync::Arc;

use uacsta_schema::{
    csta::{Document, Failure},
    sip::Status,
};

use crate::directory::NoLine;

/// Why a request is refused, in words for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The request names an unknown line.
    #[error("{0}")]
    NoLine(#[from] NoLine),
    /// The session is for another line.
    #[error("the session is for another line; open that line, or the server's session")]
    OtherLine,
    /// The request names no line, and the server's session determines none.
    #[error("the request names no line")]
    LineMissing,
    /// The call is from the user's own number, but neither session nor account determines the desk phone.
    #[error(
        "no desk phone for the call: request it in a line's session, or give the account exactly one line"
    )]
    NumberWithoutLine,
    /// A client requests a monitor of a call.
    #[error("only lines can be monitored, not single calls")]
    NotADevice,
    /// The phone is not connected.
    #[error("the phone is away")]
    Away,
    /// An operator disabled the phone.
    #[error("the phone is disabled; enable it with: uacsta phones on <MAC>")]
    Disabled,
    /// The phone refused the line for good while its list of lines changes.
    #[error("the phone refused the line while its list of lines changes")]
    LinesChange,
    /// The phone did not answer in time.
    #[error("the phone did not answer in time")]
    TimedOut,
    /// Too many requests wait for the phone.
    #[error("too many requests wait for the phone")]
    Busy,
    /// The phone sent 503 with a Retry-After that is longer than a request may wait.
    #[error("phone sent Retry-After beyond the request timeout")]
    RetryAfter,
    /// The phone is on UDP, and the request is larger than a datagram may be.
    #[error(
        "the request is larger than 1300 octets, the most for a phone on UDP (RFC 3261, section 18.1.1); let the phone use TCP"
    )]
    TooLarge,
    /// The server does not have this service.
    #[error("the server does not support this service")]
    NotSupported,
    /// The account may monitor lines, but not control them.
    #[error("this account may monitor lines, but not control them")]
    MonitorOnly,
    /// The account may not see the line.
    #[error("this account has no right to the line")]
    NoRight,
    /// No monitor has this cross reference.
    #[error("no monitor of this session has this cross reference")]
    NoMonitor,
    /// No registration has this identifier.
    #[error("no registration of this session has this identifier")]
    NoRegistration,
    /// The client has as many monitors as `limits.monitors_per_client` allows.
    #[error("the client has as many monitors as limits.monitors_per_client allows")]
    Monitors,
    /// The session has as many registrations as it may have.
    #[error("the session has as many registrations as it may have")]
    Registrations,
    /// The line has no such call.
    #[error("the line has no such call")]
    NoCall,
    /// The call that is to be retrieved is not on hold.
    #[error("the call that is to be retrieved is not on hold")]
    NotHeld,
    /// A member of the request is missing or invalid.
    #[error("{0}")]
    Malformed(String),
    /// The phone's response is not a CSTA document, or not the response of the request.
    #[error("invalid response from phone: {0}")]
    NotCsta(String),
    /// The phone refused with a CSTA error.
    #[error("the phone refused: {failure}")]
    Failed {
        /// The error.
        failure: Failure,
        /// The phone's document, which the client receives unchanged.
        document: Arc<Document>,
    },
    /// The phone refused with a SIP status alone.
    #[error("the phone refused with {} {}", .0.code(), .0.reason())]
    Refused(Status),
}

impl Refusal {
    /// The CSTA error of the response (ECMA-269, universal failures).
    pub fn failure(&self) -> Failure {
        match self {
            Self::NoLine(_) | Self::OtherLine | Self::LineMissing => Failure::INVALID_DEVICE_ID,
            Self::Away | Self::Disabled | Self::LinesChange | Self::TimedOut => {
                Failure::DEVICE_OUT_OF_SERVICE
            }
            Self::NotADevice => Failure::INVALID_MONITOR_OBJECT,
            Self::Busy | Self::RetryAfter => Failure::RESOURCE_BUSY,
            Self::TooLarge => Failure::RESOURCE_LIMIT_EXCEEDED,
            Self::NotSupported => Failure::SERVICE_NOT_SUPPORTED,
            Self::MonitorOnly | Self::NoRight => Failure::PRIVILEGE_VIOLATION_SPECIFIED_DEVICE,
            Self::NoMonitor => Failure::INVALID_MONITOR_CROSS_REF_ID,
            Self::NumberWithoutLine => Failure::INVALID_CALLING_DEVICE_ID,
            Self::NoRegistration => Failure::INVALID_CROSS_REF_ID,
            Self::Monitors => Failure::OVERALL_MONITOR_LIMIT_EXCEEDED,
            Self::Registrations => Failure::REGISTRATION_LIMIT_EXCEEDED,
            Self::NoCall => Failure::INVALID_CALL_ID,
            Self::NotHeld => Failure::NO_HELD_CALL,
            Self::Malformed(_) | Self::NotCsta(_) => Failure::GENERIC,
            Self::Failed { failure, .. } => failure.clone(),
            Self::Refused(status) => match *status {
                Status::METHOD_NOT_ALLOWED
                | Status::NOT_IMPLEMENTED
                | Status::UNSUPPORTED_MEDIA_TYPE => Failure::SERVICE_NOT_SUPPORTED,
                Status::NOT_FOUND => Failure::INVALID_DEVICE_ID,
                Status::BUSY_HERE | Status::BUSY_EVERYWHERE | Status::REQUEST_PENDING => {
                    Failure::RESOURCE_BUSY
                }
                _ => Failure::GENERIC,
            },
        }
    }

    /// Whether the phone itself refused the request; otherwise the phone may never have received it.
    pub(crate) fn is_by_phone(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Refused(_))
    }

    /// Whether a retry cannot succeed: the phone lacks the service, or the line.
    pub fn is_permanent(&self) -> bool {
        let failure = self.failure();
        self.is_by_phone()
            && (failure == Failure::SERVICE_NOT_SUPPORTED || failure == Failure::INVALID_DEVICE_ID)
    }
}
