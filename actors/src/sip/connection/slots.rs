//! Numbered places for a link's transactions and sessions, in no more memory than they need: most links have one or none.

use std::ops::{Deref, DerefMut};

use slab::Slab;

/// A slab that grows one by one while it is small, and holds no memory while it is empty.
pub(super) struct Slots<T>(Slab<T>);

/// Up to so many places a slab grows one by one; beyond, a link is a busy one, and the slab doubles.
const FEW: usize = 4;

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self(Slab::new())
    }

    /// Takes the place that [`Slab::vacant_key`] tells.
    pub(super) fn insert(&mut self, value: T) -> usize {
        if self.0.len() == self.0.capacity() && self.0.len() < FEW {
            self.0.reserve_exact(1);
        }
        self.0.insert(value)
    }

    /// Frees a place.
    pub(super) fn remove(&mut self, slot: usize) -> T {
        let value = self.0.remove(slot);
        if self.0.is_empty() && self.0.capacity() <= FEW {
            self.0 = Slab::new();
        }
        value
    }
}

impl<T> Deref for Slots<T> {
    type Target = Slab<T>;

    fn deref(&self) -> &Slab<T> {
        &self.0
    }
}

impl<T> DerefMut for Slots<T> {
    fn deref_mut(&mut self) -> &mut Slab<T> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_no_more_than_it_must() {
        let mut slots = Slots::new();
        let taken: Vec<usize> = (0..3)
            .map(|value| {
                let slot = slots.insert(value);
                assert_eq!(slots.capacity(), slots.len());
                slot
            })
            .collect();
        for (value, slot) in taken.into_iter().enumerate() {
            assert_eq!(slots.remove(slot), value);
        }
        assert_eq!(slots.capacity(), 0);
    }
}
