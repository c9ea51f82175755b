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

/// The key of a transaction in a [`Matching`]; `None` if the Via of the request is invalid.
pub type Key = Option<u64>;

/// Keyed at random, so that no peer can compute two requests with the same hash.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Matching {
    /// Without transactions.
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

    /// The slot of the transaction of this method that a request copies, acknowledges or cancels.
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

/// What an INVITE outside dialogs has in common with copies of it that came other ways (RFC 3261, section 8.2.2.2); `None` for
/// other requests.
pub fn merged_key(request: &Request) -> Key {
    let head = request.head();
    let is_initial = *request.method() == Method::Invite && head.to_tag().is_none();
    let number = head.cseq().ok().filter(|_| is_initial)?.number;
    Some(HASHES.hash_one((head.call_id(), head.from_tag(), number)))
}

/// The branch, if it is unique: one of RFC 3261, section 8.1.1.7 begins with a magic cookie, after which more must follow.
fn unique_branch<'a>(via: &Via<'a>) -> Option<&'a str> {
    via.branch()
        .filter(|branch| branch.len() > 7 && branch.starts_with("z9hG4bK"))
}
