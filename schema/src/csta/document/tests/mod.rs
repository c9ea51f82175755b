//! Tests of received CSTA documents.

#![allow(clippy::unwrap_used)]
use super::{super::DocumentLimits, *};

mod contents;
mod reading;

fn read(text: &str) -> Result<Document, ReadError> {
    Document::read(Bytes::copy_from_slice(text.as_bytes()))
}

/// Replaces `NS` in the text by the third edition's namespace.
fn document(text: &str) -> Document {
    read(&text.replace("NS", Edition::Ed3.namespace())).unwrap()
}
