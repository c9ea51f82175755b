//! Why a phone is not controlled: the cause with its facts, and since when. The program's texts say it to people.

mod cause;
mod code;
mod contact;
mod fact;

pub use cause::{Cause, Unanswered};
pub use code::Code;
pub use contact::{Contact, ContactFault, TlsFault};
pub use fact::{Fact, Facts};

/// A cause, and since when it holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// The cause.
    pub cause: Cause,
    /// In seconds since 1970-01-01T00:00:00Z; `None` if it is older than this run of the server.
    pub since: Option<u64>,
}

impl Reason {
    /// What follows a former reason at this time: a cause of the same code goes on, with the facts of now.
    #[must_use]
    pub fn after(former: Option<Self>, cause: Cause, at: u64) -> Self {
        let continued = former.filter(|former| former.cause.code() == cause.code());
        Self {
            cause,
            since: continued.map_or(Some(at), |former| former.since),
        }
    }
}

#[cfg(test)]
mod tests;
