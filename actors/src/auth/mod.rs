//! Digest authentication of SIP requests, and the rate limit of failed log-ons.

mod address_prefix;
mod authenticator;
mod digest_uri;
mod gcra;
mod under_way;

pub use address_prefix::address_prefix;
pub use authenticator::{
    AuthContext, AuthRequest, Authenticated, ChallengeData, CredentialFault, Denial,
    DigestAuthenticator, RETRY_AFTER, claimed_user,
};
pub use gcra::{AuthAttempt, AuthUser, LimitStatus, LogOnLimiter, Rate};
pub use under_way::{LogOnUnderWay, LogOnsUnderWay};
