//! Matches requests to server transactions (RFC 3261, section 17.2.3) in logarithmic time.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use uacsta_schema::sip::{HeaderName, Method, Request, Via};

/// Finds server transactions by the requests that belong to them. Empty, it holds no memory.
#[derive(Debug, Default)]
pub struct Matching(BTreeMap<u64, usize>);

/// The key of a transaction in a [`Matching`]; none if the request's Via cannot be read.
pub type Key = Option<u64>;

/// Nobody outside can find two requests that share one of these 2^64 hashes.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Matching {
    /// No transactions.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds the transaction in `slot`.
    pub fn insert(&mut self, key: Key, slot: usize) {
        if let Some(key) = key {
            self.0.insert(key, slot);
        }
    }

    /// Removes a transaction.
    pub fn remove(&mut self, key: Key) {
        if let Some(key) = key {
            self.0.remove(&key);
        }
    }

    /// The slot of the transaction of this method that a request repeats, acknowledges or cancels.
    pub fn find(&self, request: &Request, method: &Method) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&key(request, method)?).copied()
    }
}

/// The key of the transaction of this method that a request belongs to: its branch and sender or, where the branch does not
/// identify it, Call-ID, From tag, CSeq and Via.
pub fn key(request: &Request, method: &Method) -> Key {
    let head = request.head();
    let via = head.top_via().ok()?;
    let sender = (method.as_str(), via.host(), via.port());
    Some(match unique_branch(&via) {
        Some(branch) => HASHES.hash_one((sender, branch)),
        // RFC 2543; the To tag of an ACK is ours.
        None => HASHES.hash_one((
            sender,
            head.call_id(),
            head.from_tag(),
            head.get(HeaderName::Via),
            head.cseq().ok()?.number,
        )),
    })
}

/// The branch, if it is unique: RFC 3261, section 8.1.1.7 has it begin with seven letters, which alone are not.
fn unique_branch<'a>(via: &Via<'a>) -> Option<&'a str> {
    via.branch()
        .filter(|branch| branch.len() > 7 && branch.starts_with("z9hG4bK"))
}
