//! Relays a document: applies the receiver's changes and copies everything else byte for byte.

use bytes::{Bytes, BytesMut};

use super::{
    document::Document,
    edit::{Edit, Side, What, Wrapping},
    edition::Edition,
    xml::escaped,
};

/// The changes that the receiver of a relayed document needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes<'a> {
    /// The receiver's edition: the relay replaces the namespace and converts or removes
    /// members that the edition lacks.
    pub edition: Edition,
    /// The receiver's own cross reference for the monitor.
    pub cross_ref: Option<&'a str>,
    /// The device in the receiver's own spelling. Applies to requests only,
    /// where it also fills in a missing device.
    pub device: Option<&'a str>,
}

impl From<Edition> for Changes<'_> {
    fn from(edition: Edition) -> Self {
        Self {
            edition,
            cross_ref: None,
            device: None,
        }
    }
}

impl Document {
    /// The document for its receiver. Shares the bytes if nothing changes.
    pub fn relayed(&self, changes: &Changes<'_>) -> Bytes {
        if !self.edits().iter().any(|edit| wanted(edit, changes)) {
            return self.raw().clone();
        }
        let mut out = BytesMut::with_capacity(self.relayed_len(changes));
        self.relay_into(changes, &mut out);
        out.freeze()
    }

    /// Appends the result of [`relayed`](Self::relayed) to `out`.
    pub fn relay_into(&self, changes: &Changes<'_>, out: &mut BytesMut) {
        self.splice(changes, |piece| out.extend_from_slice(piece));
    }

    /// The number of bytes that [`relay_into`](Self::relay_into) appends.
    pub fn relayed_len(&self, changes: &Changes<'_>) -> usize {
        let mut length = 0;
        self.splice(changes, |piece| length += piece.len());
        length
    }

    fn splice(&self, changes: &Changes<'_>, mut piece: impl FnMut(&[u8])) {
        let text = self.raw();
        let mut done = 0;
        for edit in self.edits() {
            let range = edit.span.range();
            // Skips edits inside a removed member.
            if range.start < done || !wanted(edit, changes) {
                continue;
            }
            piece(&text[done..range.start]);
            done = range.end;
            match &edit.what {
                What::Namespace(_) => piece(changes.edition.namespace().as_bytes()),
                What::Declaration => {
                    piece(b" xmlns=\"");
                    piece(changes.edition.namespace().as_bytes());
                    piece(b"\"");
                }
                What::CrossRef(wrapping) => {
                    self.wrapped(
                        wrapping.as_deref(),
                        changes.cross_ref.unwrap_or_default(),
                        &mut piece,
                    );
                }
                What::Device(wrapping) => {
                    self.wrapped(
                        wrapping.as_deref(),
                        changes.device.unwrap_or_default(),
                        &mut piece,
                    );
                }
                What::CutBelow(_) | What::Cut => {}
                What::Prefix(prefix) => declaration(&text[prefix.range()], &mut piece),
                What::ValueBelow(_, value) => piece(value.as_bytes()),
                What::DeviceTagFrom(_, side) => self.tag(*side, "device", &mut piece),
            }
        }
        piece(&text[done..]);
    }

    fn wrapped(&self, wrapping: Option<&Wrapping>, content: &str, piece: &mut impl FnMut(&[u8])) {
        let content = escaped(content);
        let Some(wrapping) = wrapping else {
            return piece(content.as_bytes());
        };
        if wrapping.reopened.is_some() {
            piece(b">");
        }
        for name in [wrapping.outer, wrapping.inner].into_iter().flatten() {
            self.tag(Side::Start, name, piece);
        }
        piece(content.as_bytes());
        for name in [wrapping.inner, wrapping.outer].into_iter().flatten() {
            self.tag(Side::End, name, piece);
        }
        if let Some(name) = wrapping.reopened {
            piece(b"</");
            piece(&self.raw()[name.range()]);
            piece(b">");
        }
    }

    fn tag(&self, side: Side, name: &str, piece: &mut impl FnMut(&[u8])) {
        piece(match side {
            Side::Start => &b"<"[..],
            Side::End => b"</",
        });
        if let Some(prefix) = self.prefix() {
            piece(prefix.as_bytes());
            piece(b":");
        }
        piece(name.as_bytes());
        piece(b">");
    }
}

/// Declares a prefix that its sender did not: that of XML Schema as meant, any other for a namespace of its own.
fn declaration(prefix: &[u8], piece: &mut impl FnMut(&[u8])) {
    let (space, suffix) = match prefix {
        b"xsi" => ("http://www.w3.org/2001/XMLSchema-instance", &b""[..]),
        other => ("urn:uacsta:undeclared:", other),
    };
    for part in [
        &b" xmlns:"[..],
        prefix,
        b"=\"",
        space.as_bytes(),
        suffix,
        b"\"",
    ] {
        piece(part);
    }
}

fn wanted(edit: &Edit, changes: &Changes<'_>) -> bool {
    match &edit.what {
        What::Namespace(edition) => *edition != Some(changes.edition),
        What::Declaration | What::Prefix(_) | What::Cut => true,
        What::CrossRef(_) => changes.cross_ref.is_some(),
        What::Device(_) => changes.device.is_some(),
        What::CutBelow(edition) | What::ValueBelow(edition, _) => changes.edition < *edition,
        What::DeviceTagFrom(edition, _) => changes.edition >= *edition,
    }
}

#[cfg(test)]
mod tests;
