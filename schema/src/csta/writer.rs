//! Writes a document in the edition and with the namespace prefix of its receiver.

use bytes::Bytes;

use super::{
    edition::{Dialect, Edition},
    xml::escaped,
};

/// A document being written.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: String,
    dialect: &'a Dialect,
    /// The last start tag lacks its `>`, so that it can become an empty-element tag.
    unfinished: bool,
    /// The root element, with the namespace declaration, has been written.
    declared: bool,
}

impl<'a> Writer<'a> {
    /// Starts a document; the first element is its root.
    pub(super) fn new(dialect: &'a Dialect) -> Self {
        const TYPICAL_LENGTH: usize = 512;
        let mut out = String::with_capacity(TYPICAL_LENGTH);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        Self {
            out,
            dialect,
            unfinished: false,
            declared: false,
        }
    }

    /// The edition of the document.
    pub(super) fn edition(&self) -> Edition {
        self.dialect.edition
    }

    pub(super) fn open(&mut self, name: &str) {
        self.finish();
        self.tag("<", name);
        if !std::mem::replace(&mut self.declared, true) {
            self.declare();
        }
        self.unfinished = true;
    }

    pub(super) fn close(&mut self, name: &str) {
        if std::mem::take(&mut self.unfinished) {
            self.out.push_str("/>");
        } else {
            self.tag("</", name);
            self.out.push('>');
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.finish();
            self.out.push_str(&escaped(text));
        }
    }

    pub(super) fn text_element(&mut self, name: &str, text: &str) {
        self.open(name);
        self.text(text);
        self.close(name);
    }

    /// Writes a device by the receiver's name of it.
    pub(super) fn device(&mut self, name: &str, device: &str) {
        let own = self.dialect.own_name.as_ref();
        let device = own.and_then(|own| own.of(device)).unwrap_or(device);
        self.text_element(name, device);
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.out.into()
    }

    fn declare(&mut self) {
        self.out.push_str(" xmlns");
        if let Some(prefix) = &self.dialect.prefix {
            self.out.push(':');
            self.out.push_str(prefix);
        }
        self.out.push_str("=\"");
        self.out.push_str(self.dialect.edition.namespace());
        self.out.push('"');
    }

    fn finish(&mut self) {
        if std::mem::take(&mut self.unfinished) {
            self.out.push('>');
        }
    }

    fn tag(&mut self, bracket: &str, name: &str) {
        self.out.push_str(bracket);
        if let Some(prefix) = &self.dialect.prefix {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(name);
    }
}
