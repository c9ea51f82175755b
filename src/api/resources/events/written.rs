//! An event as it is written, once for all its readers; and the cursors that stand in events.

use std::ops::Range;

use actix_web::web::Bytes;
use serde::Serialize;

/// An event in the form of each kind of stream. A copy shares the text.
#[derive(Clone, Debug)]
pub(super) struct Written {
    frame: Bytes,
    json: Range<usize>,
}

impl Written {
    pub(super) fn new(event: &impl Serialize, seq: u64) -> Self {
        let mut frame = format!("id: {}\ndata: ", cursor(seq)).into_bytes();
        let start = frame.len();
        // Values of ours always have a JSON form, which has no line break.
        let _ = serde_json::to_writer(&mut frame, event);
        let end = frame.len();
        frame.extend_from_slice(b"\n\n");
        Self {
            frame: frame.into(),
            json: start..end,
        }
    }

    /// How many octets it takes.
    pub(super) fn len(&self) -> usize {
        self.frame.len()
    }

    /// As a server-sent event.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// As JSON.
    pub(super) fn json(&self) -> Bytes {
        self.frame.slice(self.json.clone())
    }
}

/// The place after the event with this number.
pub(super) fn cursor(seq: u64) -> String {
    format!("e1.{seq:x}")
}

/// The number in a cursor; `None` if it is none of ours.
pub(super) fn seq(cursor: &str) -> Option<u64> {
    u64::from_str_radix(cursor.strip_prefix("e1.")?, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn event_has_its_cursor_in_front_and_its_json_within() {
        let event = json!({ "cursor": cursor(26), "text": "a\nb" });
        let written = Written::new(&event, 26);
        let text = std::str::from_utf8(written.frame()).unwrap();
        let id = text.lines().next().unwrap().strip_prefix("id: ").unwrap();
        assert_eq!(seq(id), Some(26));
        assert!(
            text.ends_with("\n\n") && text.lines().count() == 3,
            "{text}"
        );
        let json: Value = serde_json::from_slice(&written.json()).unwrap();
        assert_eq!(json, event);
    }

    #[test]
    fn text_that_is_no_cursor_has_no_number() {
        for wrong in ["", "e1.", "e2.1", "1", "e1.x"] {
            assert_eq!(seq(wrong), None, "{wrong}");
        }
    }
}
