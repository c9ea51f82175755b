//! The status of a response (RFC 3261, section 21; IANA registry).

use std::fmt;

/// A status code, 100 to 699.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

macro_rules! statuses {
    ($($name:ident = $code:literal $reason:literal)*) => {
        #[allow(missing_docs, reason = "each is named after its reason phrase")]
        impl Status {
            $(pub const $name: Self = Self($code);)*

            /// The registered reason phrase; for an unregistered code, the name of its class.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    100..200 => "Session Progress",
                    200..300 => "OK",
                    300..400 => "Redirection",
                    400..500 => "Request Failure",
                    500..600 => "Server Failure",
                    _ => "Global Failure",
                }
            }
        }

        #[cfg(test)]
        const REGISTERED: &[Status] = &[$(Status::$name),*];
    };
}

statuses! {
    TRYING = 100 "Trying"
    RINGING = 180 "Ringing"
    CALL_IS_BEING_FORWARDED = 181 "Call Is Being Forwarded"
    QUEUED = 182 "Queued"
    SESSION_PROGRESS = 183 "Session Progress"
    EARLY_DIALOG_TERMINATED = 199 "Early Dialog Terminated"
    OK = 200 "OK"
    ACCEPTED = 202 "Accepted"
    NO_NOTIFICATION = 204 "No Notification"
    MULTIPLE_CHOICES = 300 "Multiple Choices"
    MOVED_PERMANENTLY = 301 "Moved Permanently"
    MOVED_TEMPORARILY = 302 "Moved Temporarily"
    USE_PROXY = 305 "Use Proxy"
    ALTERNATIVE_SERVICE = 380 "Alternative Service"
    BAD_REQUEST = 400 "Bad Request"
    UNAUTHORIZED = 401 "Unauthorized"
    PAYMENT_REQUIRED = 402 "Payment Required"
    FORBIDDEN = 403 "Forbidden"
    NOT_FOUND = 404 "Not Found"
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed"
    NOT_ACCEPTABLE = 406 "Not Acceptable"
    PROXY_AUTHENTICATION_REQUIRED = 407 "Proxy Authentication Required"
    REQUEST_TIMEOUT = 408 "Request Timeout"
    GONE = 410 "Gone"
    LENGTH_REQUIRED = 411 "Length Required"
    CONDITIONAL_REQUEST_FAILED = 412 "Conditional Request Failed"
    REQUEST_ENTITY_TOO_LARGE = 413 "Request Entity Too Large"
    REQUEST_URI_TOO_LONG = 414 "Request-URI Too Long"
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type"
    UNSUPPORTED_URI_SCHEME = 416 "Unsupported URI Scheme"
    BAD_EXTENSION = 420 "Bad Extension"
    EXTENSION_REQUIRED = 421 "Extension Required"
    SESSION_INTERVAL_TOO_SMALL = 422 "Session Interval Too Small"
    INTERVAL_TOO_BRIEF = 423 "Interval Too Brief"
    FIRST_HOP_LACKS_OUTBOUND_SUPPORT = 439 "First Hop Lacks Outbound Support"
    BAD_INFO_PACKAGE = 469 "Bad Info Package"
    TEMPORARILY_UNAVAILABLE = 480 "Temporarily Unavailable"
    CALL_OR_TRANSACTION_DOES_NOT_EXIST = 481 "Call/Transaction Does Not Exist"
    LOOP_DETECTED = 482 "Loop Detected"
    TOO_MANY_HOPS = 483 "Too Many Hops"
    ADDRESS_INCOMPLETE = 484 "Address Incomplete"
    AMBIGUOUS = 485 "Ambiguous"
    BUSY_HERE = 486 "Busy Here"
    REQUEST_TERMINATED = 487 "Request Terminated"
    NOT_ACCEPTABLE_HERE = 488 "Not Acceptable Here"
    BAD_EVENT = 489 "Bad Event"
    REQUEST_PENDING = 491 "Request Pending"
    UNDECIPHERABLE = 493 "Undecipherable"
    SERVER_INTERNAL_ERROR = 500 "Server Internal Error"
    NOT_IMPLEMENTED = 501 "Not Implemented"
    BAD_GATEWAY = 502 "Bad Gateway"
    SERVICE_UNAVAILABLE = 503 "Service Unavailable"
    SERVER_TIME_OUT = 504 "Server Time-out"
    VERSION_NOT_SUPPORTED = 505 "Version Not Supported"
    MESSAGE_TOO_LARGE = 513 "Message Too Large"
    BUSY_EVERYWHERE = 600 "Busy Everywhere"
    DECLINE = 603 "Decline"
    DOES_NOT_EXIST_ANYWHERE = 604 "Does Not Exist Anywhere"
    NOT_ACCEPTABLE_ANYWHERE = 606 "Not Acceptable"
    UNWANTED = 607 "Unwanted"
}

impl Status {
    /// The status with this code; `None` outside 100 to 699 (RFC 3261, section 7.2).
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            100..700 => Some(Self(code)),
            _ => None,
        }
    }

    /// The code, 100 to 699.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Whether the class is 1xx, so that a final response follows.
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// Whether the class is 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self.0, 200..300)
    }

    /// Whether the class is not 1xx.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !self.is_provisional()
    }
}

/// Writes code and reason phrase: `404 Not Found`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_the_first_digit() {
        // RFC 3261, section 7.2.
        let check = |code, provisional, success| {
            let status = Status::new(code);
            assert_eq!(
                status.map(Status::is_provisional),
                Some(provisional),
                "{code}"
            );
            assert_eq!(status.map(Status::is_success), Some(success), "{code}");
            assert_eq!(status.map(Status::is_final), Some(!provisional), "{code}");
        };
        check(100, true, false);
        check(199, true, false);
        check(200, false, true);
        check(299, false, true);
        check(300, false, false);
        check(699, false, false);
        for code in [0, 99, 700, u16::MAX] {
            assert_eq!(Status::new(code), None);
        }
    }

    /// Compares with the list of registered codes in `rsip`, which writes phrases without spaces.
    #[test]
    fn phrases_match_the_registry() {
        for status in REGISTERED {
            let known = rsip::StatusCode::from(status.code()).to_string();
            // `rsip` spells 202 and the phrase of 606 differently.
            if matches!(status.code(), 202 | 606) {
                continue;
            }
            let letters = |text: &str| {
                let kept = text.chars().filter(|c| c.is_ascii_alphanumeric());
                kept.collect::<String>().to_ascii_lowercase()
            };
            let ours = letters(&status.to_string());
            let theirs = letters(&known);
            assert_eq!(ours, theirs, "{known}");
        }
    }
}
