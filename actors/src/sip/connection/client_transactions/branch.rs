//! The branch of a request of ours, which names its transaction (RFC 3261, section 8.1.1.7).

use std::fmt;

use crate::sip::transaction::table::TransactionId;

/// The branch of a request of ours. Its text names the transaction, so that a response finds it without a search.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::sip::connection) struct Branch {
    pub(super) id: TransactionId,
    pub(super) random: u64,
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransactionId { slot, serial } = self.id;
        write!(f, "z9hG4bK{slot:x}-{serial:x}-{:x}", self.random)
    }
}

impl Branch {
    pub(super) fn parse(branch: &str) -> Option<Self> {
        let mut parts = branch.strip_prefix("z9hG4bK")?.split('-');
        let slot = u32::from_str_radix(parts.next()?, 16).ok()?;
        let serial = u32::from_str_radix(parts.next()?, 16).ok()?;
        let random = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some(Self {
            id: TransactionId { slot, serial },
            random,
        })
    }

    pub(in crate::sip::connection) fn transaction(self) -> TransactionId {
        self.id
    }
}
