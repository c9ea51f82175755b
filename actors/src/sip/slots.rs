//! A slab for the transactions and sessions of a connection, most of which have one or none.

use std::ops::{Deref, DerefMut};

use slab::Slab;

/// A slab that grows one by one while it is small, and holds no memory while it is empty.
#[derive(Debug)]
pub(super) struct Slots<T>(Slab<T>);

/// Up to this length the slab grows by one entry; beyond, the connection is busy, and the slab doubles.
const FEW: usize = 4;

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self(Slab::new())
    }

    /// Uses the slot of [`Slab::vacant_key`].
    pub(super) fn insert(&mut self, value: T) -> usize {
        if self.0.len() == self.0.capacity() && self.0.len() < FEW {
            self.0.reserve_exact(1);
        }
        self.0.insert(value)
    }

    /// Frees a slot, and all memory with the last one.
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
    fn capacity_follows_a_small_length() {
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
