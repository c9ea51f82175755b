//! Streams of events over real sockets.
#![allow(clippy::unwrap_used)]

mod server_sent;
mod web_socket;

use super::{
    Feed,
    kinds::{PhoneRemoved, Topic},
};

/// Pushes an event of a mebibyte.
fn push(feed: &Feed) {
    feed.change(|state| {
        let subject = "/api/v1/phones/1".to_owned();
        state.ring.push(Topic::Phones, subject, None, |head| {
            PhoneRemoved::new(head, "x".repeat(1 << 20))
        });
    });
}
