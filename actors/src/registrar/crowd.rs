//! How many telephones are listed that nobody knows: those that never told a line, of which anybody who has the phones'
//! password could make up as many as there are addresses.

use std::net::SocketAddr;

use uacsta_schema::phone_id::PhoneId;

use super::Registrar;
use crate::counters::Event;

impl Registrar {
    /// Whether a telephone that is not listed finds no room. The log hears of it once until there is room again.
    pub(super) fn is_crowded(&mut self, mac: PhoneId, address: SocketAddr) -> bool {
        let crowded = self.unknown >= self.house.rules().settings.limits.unknown_phones;
        if crowded {
            self.house.counters.count(Event::TooManyPhones);
            if !self.crowded {
                tracing::warn!(%mac, %address, "new telephone refused, and so are others: as many are listed as limits.unknown_phones allows that never told a line");
            }
        }
        self.crowded = crowded;
        crowded
    }

    /// A telephone had no line, and has none now.
    pub(super) fn told_lines(&mut self, had_none: bool, has_none: bool) {
        match (had_none, has_none) {
            (true, false) => self.unknown = self.unknown.saturating_sub(1),
            (false, true) => self.unknown += 1,
            _ => {}
        }
    }
}
