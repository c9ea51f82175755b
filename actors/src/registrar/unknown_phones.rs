//! Limits phones that never listed a line, which anybody who has the phones' password could invent.

use std::net::SocketAddr;

use uacsta_schema::phone_id::PhoneId;

use super::Registrar;
use crate::counters::Counter;

impl Registrar {
    /// Whether a phone is listed, or may be.
    pub(super) fn has_room(&mut self, phone: PhoneId) -> bool {
        let has_room = self.unknown < self.context.config().settings.limits.unknown_phones;
        self.crowded &= !has_room;
        has_room || self.listed.contains_key(&phone)
    }

    /// Counts a new phone for which there is no room. The log hears of it once until there is room again.
    pub(super) fn log_no_room(&mut self, phone: PhoneId, address: SocketAddr) {
        self.context.counters.count(Counter::TooManyPhones);
        if !std::mem::replace(&mut self.crowded, true) {
            tracing::warn!(phone = %phone, %address, "new phone refused, and so are others: as many are listed as limits.unknown_phones allows that never told a line");
        }
    }

    /// A phone had no line, and has none now.
    pub(super) fn told_lines(&mut self, had_none: bool, has_none: bool) {
        match (had_none, has_none) {
            (true, false) => self.unknown = self.unknown.saturating_sub(1),
            (false, true) => self.unknown += 1,
            _ => {}
        }
    }
}
