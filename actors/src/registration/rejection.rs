//! The reasons to reject a REGISTER, and the response to each.

use uacsta_schema::sip::{HeaderName, Status};

use crate::sip::responder::FinalResponse;

/// Why a REGISTER is rejected.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The REGISTER is malformed or contradictory.
    #[error("{0}")]
    Malformed(String),
    /// The To names no phone.
    #[error("{0}")]
    NoPhone(String),
    /// The expiry is shorter than `advanced.min_expires`.
    #[error("the expiry is shorter than {min_expires} seconds")]
    IntervalTooBrief {
        /// The shortest expiry, in seconds.
        min_expires: u32,
    },
    /// The CSeq is not above the last one of the Call-ID.
    #[error("CSeq {cseq} out of order: the last one of this Call-ID is {last}")]
    OutOfOrder {
        /// The CSeq of the REGISTER.
        cseq: u32,
        /// The last CSeq.
        last: u32,
    },
    /// The phone was bound elsewhere less than a second ago.
    #[error("the phone registered on another connection less than a second ago")]
    RebindTooSoon,
    /// The list contains as many phones without lines as `limits.unknown_phones` allows.
    #[error("too many unknown phones")]
    TooManyUnknownPhones,
    /// The phone list cannot be written.
    #[error("the phone list cannot be written")]
    NotStored,
}

impl From<Rejection> for FinalResponse {
    fn from(rejection: Rejection) -> Self {
        let status = match &rejection {
            Rejection::Malformed(_) => Status::BAD_REQUEST,
            Rejection::NoPhone(_) => Status::FORBIDDEN,
            Rejection::IntervalTooBrief { .. } => Status::INTERVAL_TOO_BRIEF,
            // RFC 3261, section 10.3, step 7: a request that fails by its CSeq gets 500.
            Rejection::OutOfOrder { .. } => Status::SERVER_INTERNAL_ERROR,
            Rejection::RebindTooSoon | Rejection::TooManyUnknownPhones | Rejection::NotStored => {
                Status::SERVICE_UNAVAILABLE
            }
        };
        let response = Self::from(status).because(rejection.to_string());
        match rejection {
            Rejection::IntervalTooBrief { min_expires } => {
                response.header(HeaderName::MinExpires, min_expires)
            }
            Rejection::RebindTooSoon => response.header(HeaderName::RetryAfter, 1),
            Rejection::TooManyUnknownPhones | Rejection::NotStored => {
                response.header(HeaderName::RetryAfter, 60)
            }
            _ => response,
        }
    }
}
