//! What of strangers' messages has come while the rest has not: all strangers share a bound of it, as they share the places.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What all strangers' unfinished messages take, in octets.
pub type Unfinished = Arc<AtomicUsize>;

/// One stranger's part of it, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Part {
    all: Unfinished,
    most: usize,
    /// What has come of the message, and what of that counts.
    come: usize,
    held: usize,
}

/// What nobody is refused, in octets: a log-on is hardly ever longer.
const FREE: usize = 4 * 1024;

impl Part {
    /// A part of `all`, which may be `most`.
    pub(super) fn of(all: Unfinished, most: usize) -> Self {
        let (come, held) = (0, 0);
        Self {
            all,
            most,
            come,
            held,
        }
    }

    /// So much came, which finishes no message. Returns whether there is room for it.
    pub(super) fn grows(&mut self, octets: usize) -> bool {
        self.come += octets;
        if self.come <= FREE {
            return true;
        }
        let more = self.come - self.held;
        self.held = self.come;
        self.all.fetch_add(more, Relaxed) + more <= self.most
    }

    /// A message is whole, and so much of the next is there.
    pub(super) fn begins_anew(&mut self, octets: usize) {
        self.all.fetch_sub(self.held, Relaxed);
        (self.come, self.held) = (octets, 0);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.all.fetch_sub(self.held, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_counts_until_it_is_whole_or_gone() {
        let all = Unfinished::default();
        let part = || Part::of(Arc::clone(&all), 3 * FREE);
        let (mut first, mut second) = (part(), part());
        assert!(first.grows(FREE) && second.grows(FREE));
        assert_eq!(all.load(Relaxed), 0);
        assert!(first.grows(FREE));
        assert_eq!(all.load(Relaxed), 2 * FREE);
        assert!(!second.grows(1));
        drop(second);
        assert!(first.grows(FREE) && !first.grows(1));
        first.begins_anew(1);
        assert_eq!(all.load(Relaxed), 0);
        assert!(part().grows(3 * FREE));
        assert_eq!(all.load(Relaxed), 0);
    }
}
