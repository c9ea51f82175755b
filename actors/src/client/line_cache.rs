//! Bounded cache from client-supplied device IDs to lines.

use std::collections::HashMap;

/// What names mean, until lines change.
#[derive(Debug)]
pub(super) struct LineCache<T>(HashMap<Box<str>, T>);

impl<T> Default for LineCache<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> LineCache<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name)
    }

    /// Keeps what a name means. Where `most` names are known all are forgotten: each is looked up again when it is used.
    pub(super) fn insert(&mut self, name: &str, meaning: T, most: usize) {
        if self.0.len() >= most && !self.0.contains_key(name) {
            self.clear();
        }
        self.0.insert(name.into(), meaning);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_spelled_in_many_ways_takes_a_bounded_place() {
        let mut found = LineCache::default();
        for spelling in 0..1000 {
            found.insert(&format!("215;x={spelling}"), spelling, 4);
            assert!(found.0.len() <= 4, "{spelling}");
            assert_eq!(found.get(&format!("215;x={spelling}")), Some(&spelling));
        }
        found.insert("215;x=999", 7, 4);
        assert_eq!((found.0.len(), found.get("215;x=996")), (4, Some(&996)));
    }
}
