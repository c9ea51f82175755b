//! CSTA documents of the generator's phones and clients (ECMA-323, edition 3).

use crate::support::csta;
pub(crate) use crate::support::csta::element;

/// What a client asks of a phone: 700 octets with a vendor's private data, which every server must carry unharmed.
const MAKE_CALL: &str = include_str!("wire/make-call.xml");
/// What the phone says to it.
pub(crate) const MAKE_CALL_RESPONSE: &str = include_str!("wire/make-call-response.xml");
/// An event of a phone; `{ref}` and `{call}` stand for its monitor and its call.
const DELIVERED: &str = include_str!("wire/delivered-event.xml");

/// A MakeCall for that device.
pub(crate) fn make_call(device: &str) -> String {
    MAKE_CALL.trim_end().replace("{device}", device)
}

/// A DeliveredEvent in that monitor; the number comes back out of [`event_number`].
pub(crate) fn delivered(cross_ref: &str, number: u64) -> String {
    DELIVERED
        .trim_end()
        .replace("{ref}", cross_ref)
        .replace("{call}", &format!("E{number:08}"))
}

/// Which event this document is, if it is one of [`delivered`].
pub(crate) fn event_number(body: &str) -> Option<u64> {
    let (_, after) = body.split_once("<callID>E")?;
    after.split('<').next()?.parse().ok()
}

/// A document of edition 3, the one that all rows use.
pub(crate) fn document(name: &str, inner: &str) -> String {
    csta::document("ed3", name, inner)
}

// 700 octets, once a DeviceID of 24 stands for the eight of `{device}` and the line end is gone.
const _: () = assert!(MAKE_CALL.len() == 700 - 24 + 8 + 1);
