//! The secret number of each UDP peer address, which its nonces are made with.

use std::{
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
};

/// Numbers of addresses, not predictable from outside. A connection keeps its number, and the address gets another one, so that
/// credentials overheard on a connection cannot be replayed after it has ended (RFC 7616, section 3.4).
///
/// Addresses share a table of fixed size. One whose neighbour there connects is challenged once more.
pub(super) struct NonceKeys {
    seed: RandomState,
    connections: Box<[u32]>,
}

/// 256 KiB.
const CELLS: usize = 1 << 16;

impl Default for NonceKeys {
    fn default() -> Self {
        Self {
            seed: RandomState::new(),
            connections: vec![0; CELLS].into(),
        }
    }
}

impl NonceKeys {
    /// The current number of an address.
    pub(super) fn of(&self, address: SocketAddr) -> u64 {
        let connections = self.connections[self.cell(address)];
        self.seed.hash_one((address, connections))
    }

    /// Gives the address another number.
    pub(super) fn replace(&mut self, address: SocketAddr) {
        let connections = &mut self.connections[self.cell(address)];
        *connections = connections.wrapping_add(1);
    }

    fn cell(&self, address: SocketAddr) -> usize {
        self.seed.hash_one(address) as usize % CELLS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_stable_until_it_is_replaced() {
        let mut keys = NonceKeys::default();
        let address = SocketAddr::from(([192, 0, 2, 1], 5060));
        let first = keys.of(address);
        assert_eq!(keys.of(address), first);
        assert_ne!(keys.of(([192, 0, 2, 1], 5061).into()), first);
        keys.replace(address);
        assert_ne!(keys.of(address), first);
    }
}
