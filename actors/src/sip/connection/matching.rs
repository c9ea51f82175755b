//! Which server transaction a request repeats, acknowledges or cancels (RFC 3261 17.2.3), found without looking at the others.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    ops::{Deref, DerefMut},
    sync::LazyLock,
};

use slab::Slab;
use uacsta_schema::sip::{HeaderName, Method, Request, Via};

use super::{serve::ServerTransaction, slots::Slots};

/// A link's server transactions. While there are none they hold no memory.
pub(super) struct Received {
    transactions: Slots<ServerTransaction>,
    /// The slots by what tells the transactions apart.
    slots: BTreeMap<u64, usize>,
}

/// Nobody outside can find two requests that share a number of these 2^64.
static NUMBERS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Received {
    pub(super) const fn new() -> Self {
        Self {
            transactions: Slots::new(),
            slots: BTreeMap::new(),
        }
    }

    /// Takes the place that [`Slab::vacant_key`] tells.
    pub(super) fn insert(&mut self, transaction: ServerTransaction) {
        let number = transaction.number;
        let slot = self.transactions.insert(transaction);
        if let Some(number) = number {
            self.slots.insert(number, slot);
        }
    }

    /// Forgets a transaction.
    pub(super) fn remove(&mut self, slot: usize) {
        if let Some(number) = self.transactions.remove(slot).number {
            self.slots.remove(&number);
        }
    }

    /// The transaction of this method to which a request belongs: same branch and sender, or, where the branch does not
    /// tell, same call, number and Via.
    pub(super) fn find(&self, request: &Request, method: &Method) -> Option<usize> {
        if self.transactions.is_empty() {
            return None;
        }
        self.slots.get(&number(request, method)?).copied()
    }
}

impl Deref for Received {
    type Target = Slab<ServerTransaction>;

    fn deref(&self) -> &Self::Target {
        &self.transactions
    }
}

impl DerefMut for Received {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.transactions
    }
}

/// What tells a request's transaction of this method from all others; none for one whose Via cannot be read.
pub(super) fn number(request: &Request, method: &Method) -> Option<u64> {
    let head = request.head();
    let via = head.top_via().ok()?;
    let sender = (method.as_str(), via.host(), via.port());
    Some(match telling_branch(&via) {
        Some(branch) => NUMBERS.hash_one((sender, branch)),
        // RFC 2543; the To tag of an ACK is ours.
        None => NUMBERS.hash_one((
            sender,
            head.call_id(),
            head.from_tag(),
            head.get(HeaderName::Via),
            head.cseq().ok()?.number,
        )),
    })
}

/// The branch, if it tells transactions apart: RFC 3261 8.1.1.7 has it begin with seven letters that alone say nothing.
fn telling_branch<'a>(via: &Via<'a>) -> Option<&'a str> {
    via.branch()
        .filter(|branch| branch.len() > 7 && branch.starts_with("z9hG4bK"))
}
