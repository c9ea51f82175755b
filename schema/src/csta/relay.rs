//! What a relay may change in a document; everything else stays byte for byte.

use bytes::{Bytes, BytesMut};

use super::document::Document;
use super::edition::Edition;
use super::xml::{Span, escaped};

/// What the receiver of a relayed document needs changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes<'a> {
    /// The edition that the receiver speaks: the namespace is exchanged, and members
    /// that its edition lacks are converted or cut.
    pub edition: Edition,
    /// The receiver's own cross reference for the monitor.
    pub cross_ref: Option<&'a str>,
    /// The device in the receiver's own spelling; only ever put into a request,
    /// where it also fills in what the sender has left out.
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

/// A place that may have to change, found when the document was read.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// What is replaced; empty where something is inserted.
    pub(super) span: Span,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The URI of a CSTA namespace declaration.
    Namespace(Option<Edition>),
    /// Where the root would declare the namespace that it lacks.
    Declaration,
    CrossRef(Option<Box<Wrapping>>),
    Device(Option<Box<Wrapping>>),
    /// To be cut for editions older than this.
    CutBelow(Edition),
    /// A start or end tag of `device` that this edition and younger ones have.
    DeviceTagFrom(Edition, Side),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Start,
    End,
}

/// Elements to put round an inserted text. Boxed, since most documents have the text already.
#[derive(Clone, Debug)]
pub(super) struct Wrapping {
    /// Local name of the outer element.
    pub(super) outer: Option<&'static str>,
    /// Local name of the inner, or the only, element.
    pub(super) inner: Option<&'static str>,
    /// The qualified name of an empty-element tag whose `/>` is replaced.
    pub(super) reopened: Option<Span>,
}

impl Wrapping {
    /// `None` when nothing goes round the text.
    pub(super) fn of(
        outer: Option<&'static str>,
        inner: Option<&'static str>,
        reopened: Option<Span>,
    ) -> Option<Box<Self>> {
        let wrapping = Self {
            outer,
            inner,
            reopened,
        };
        let wraps = outer.is_some() || inner.is_some() || reopened.is_some();
        wraps.then(|| Box::new(wrapping))
    }
}

impl Document {
    /// The document as its receiver is to get it. Shares the bytes when nothing changes.
    pub fn relayed(&self, changes: &Changes<'_>) -> Bytes {
        if !self.edits().iter().any(|edit| wanted(edit, changes)) {
            return self.raw().clone();
        }
        let mut out = BytesMut::with_capacity(self.relayed_len(changes));
        self.relay_into(changes, &mut out);
        out.freeze()
    }

    /// Appends what [`relayed`](Self::relayed) returns to `out`.
    pub fn relay_into(&self, changes: &Changes<'_>, out: &mut BytesMut) {
        self.splice(changes, |piece| out.extend_from_slice(piece));
    }

    /// How many bytes [`relay_into`](Self::relay_into) appends.
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
            // What lies inside a member that was cut is gone with it.
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
                What::CutBelow(_) => {}
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

fn wanted(edit: &Edit, changes: &Changes<'_>) -> bool {
    match &edit.what {
        What::Namespace(edition) => *edition != Some(changes.edition),
        What::Declaration => true,
        What::CrossRef(_) => changes.cross_ref.is_some(),
        What::Device(_) => changes.device.is_some(),
        What::CutBelow(edition) => changes.edition < *edition,
        What::DeviceTagFrom(edition, _) => changes.edition >= *edition,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `NS` stands for the third edition's namespace, `N6` for the sixth's.
    fn spelled(text: &str) -> String {
        text.replace("NS", Edition::Ed3.namespace())
            .replace("N6", Edition::Ed6.namespace())
    }

    fn check(text: &str, changes: &Changes<'_>, expected: &str) {
        let document = Document::read(Bytes::from(spelled(text))).unwrap();
        let relayed = document.relayed(changes);
        assert_eq!(std::str::from_utf8(&relayed).unwrap(), spelled(expected));
        assert_eq!(relayed.len(), document.relayed_len(changes), "{text}");
        Document::read(relayed).unwrap();
    }

    #[test]
    fn the_namespace_of_the_receiver_is_put_in() {
        let to6 = Edition::Ed6.into();
        check("<A xmlns='NS'/>", &to6, "<A xmlns='N6'/>");
        check(
            "<c:A v='1' xmlns:c=\"NS\" xmlns='urn:x'/>",
            &to6,
            "<c:A v='1' xmlns:c=\"N6\" xmlns='urn:x'/>",
        );
        check("<A><b/></A>", &to6, "<A xmlns=\"N6\"><b/></A>");
        check("<A xmlns=''/>", &to6, "<A xmlns='N6'/>");
        check(
            "<A xmlns='NS'><b xmlns='NS'/></A>",
            &to6,
            "<A xmlns='N6'><b xmlns='N6'/></A>",
        );
        check(
            "<A xmlns='NS'><b>NS</b></A>",
            &to6,
            "<A xmlns='N6'><b>NS</b></A>",
        );
    }

    #[test]
    fn the_cross_reference_is_exchanged() {
        let changes = Changes {
            edition: Edition::Ed3,
            cross_ref: Some("a<b"),
            device: Some("never in an event"),
        };
        check(
            "<HeldEvent xmlns='NS'><monitorCrossRefID>43</monitorCrossRefID><x/></HeldEvent>",
            &changes,
            "<HeldEvent xmlns='NS'><monitorCrossRefID>a&lt;b</monitorCrossRefID><x/></HeldEvent>",
        );
        check(
            "<c:HeldEvent xmlns:c='NS'><x/></c:HeldEvent>",
            &changes,
            "<c:HeldEvent xmlns:c='NS'><c:monitorCrossRefID>a&lt;b</c:monitorCrossRefID><x/></c:HeldEvent>",
        );
        check(
            "<HeldEvent xmlns='NS'><monitorCrossRefID /></HeldEvent>",
            &changes,
            "<HeldEvent xmlns='NS'><monitorCrossRefID >a&lt;b</monitorCrossRefID></HeldEvent>",
        );
        check(
            "<HeldEvent xmlns='NS'/>",
            &changes,
            "<HeldEvent xmlns='NS'><monitorCrossRefID>a&lt;b</monitorCrossRefID></HeldEvent>",
        );
        check(
            "<MakeCallResponse xmlns='NS'/>",
            &changes,
            "<MakeCallResponse xmlns='NS'/>",
        );
    }

    #[test]
    fn the_device_is_put_where_the_service_wants_it() {
        fn device(name: &str, inside: &str, expected: &str) {
            let changes = Changes {
                edition: Edition::Ed3,
                cross_ref: None,
                device: Some("D&"),
            };
            let around = |inside: &str| format!("<{name} xmlns='NS'>{inside}</{name}>");
            check(&around(inside), &changes, &around(expected));
        }
        device(
            "MakeCall",
            "<callingDevice>1</callingDevice><b/>",
            "<callingDevice>D&amp;</callingDevice><b/>",
        );
        device(
            "MakeCall",
            "<b/>",
            "<callingDevice>D&amp;</callingDevice><b/>",
        );
        device(
            "MakeCall",
            "<callingDevice/>",
            "<callingDevice>D&amp;</callingDevice>",
        );
        device(
            "AnswerCall",
            "<callToBeAnswered> <callID>1</callID></callToBeAnswered>",
            "<callToBeAnswered> <callID>1</callID><deviceID>D&amp;</deviceID></callToBeAnswered>",
        );
        device(
            "AnswerCall",
            "<callToBeAnswered/>",
            "<callToBeAnswered><deviceID>D&amp;</deviceID></callToBeAnswered>",
        );
        device(
            "AnswerCall",
            "",
            "<callToBeAnswered><deviceID>D&amp;</deviceID></callToBeAnswered>",
        );
        device(
            "AnswerCall",
            "<callToBeAnswered><deviceID x='y'>1</deviceID></callToBeAnswered>",
            "<callToBeAnswered><deviceID x='y'>D&amp;</deviceID></callToBeAnswered>",
        );
        device(
            "AlternateCall",
            "<heldCall><callID>1</callID></heldCall><activeCall><callID>2</callID><deviceID>9</deviceID></activeCall>",
            "<heldCall><callID>1</callID><deviceID>D&amp;</deviceID></heldCall><activeCall><callID>2</callID><deviceID>D&amp;</deviceID></activeCall>",
        );
        device(
            "MonitorStart",
            "<monitorObject/>",
            "<monitorObject><deviceObject>D&amp;</deviceObject></monitorObject>",
        );
        device(
            "MonitorStart",
            "",
            "<monitorObject><deviceObject>D&amp;</deviceObject></monitorObject>",
        );
        device("GetSwitchingFunctionDevices", "", "");
        device(
            "RequestSystemStatus",
            "<device>1</device>",
            "<device>1</device>",
        );
    }

    #[test]
    fn what_an_older_edition_lacks_is_cut_or_converted() {
        fn to3(name: &str, inside: &str, expected: &str) {
            let around =
                |space: &str, inside: &str| format!("<{name} xmlns='{space}'>{inside}</{name}>");
            check(
                &around("N6", inside),
                &Edition::Ed3.into(),
                &around("NS", expected),
            );
            check(
                &around("N6", inside),
                &Edition::Ed6.into(),
                &around("N6", inside),
            );
        }
        to3(
            "GetForwardingResponse",
            "<locationInfoList/>",
            "<locationInfoList/>",
        );
        to3(
            "MakeCall",
            "<callingDevice>1</callingDevice><reason>normal</reason>",
            "<callingDevice>1</callingDevice>",
        );
        to3(
            "ClearConnection",
            "<reason>normal</reason>",
            "<reason>normal</reason>",
        );
        to3(
            "MakeCall",
            "<callCharacteristics><encryptedCall>true</encryptedCall></callCharacteristics>",
            "<callCharacteristics></callCharacteristics>",
        );
        to3(
            "DeflectCall",
            "<callCharacteristics><encryptedCall>true</encryptedCall></callCharacteristics>",
            "",
        );
        to3(
            "MakeCall",
            "<callingDevice privateNumber='true' typeOfNumber='other'>1</callingDevice>",
            "<callingDevice typeOfNumber='other'>1</callingDevice>",
        );
        to3(
            "DeflectCall",
            "<newDestination> <device>2</device><device>3</device> </newDestination>",
            "<newDestination>2</newDestination>",
        );
        to3("DeflectCall", "<newDestination/>", "<newDestination/>");
        let event = "<monitorCrossRefID>1</monitorCrossRefID>";
        let changes = Edition::Ed3.into();
        check(
            &format!(
                "<HeldEvent xmlns='N6'>{event}<locationInfoList><a/></locationInfoList></HeldEvent>"
            ),
            &changes,
            &format!("<HeldEvent xmlns='NS'>{event}</HeldEvent>"),
        );
        check(
            "<c:DeflectCall xmlns:c='NS'><c:newDestination>2</c:newDestination></c:DeflectCall>",
            &Edition::Ed6.into(),
            "<c:DeflectCall xmlns:c='N6'><c:newDestination><c:device>2</c:device></c:newDestination></c:DeflectCall>",
        );
    }
}
