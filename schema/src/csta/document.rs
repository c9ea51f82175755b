//! A CSTA document as it arrived (ECMA-323), with the places that are ours to change.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::edition::{Edition, Speech};
use super::encoding;
use super::error::ReadError;
use super::relay::{Edit, What};
use super::roots::{self, Kind, Place};
use super::survey::{self, NOTED, Noted, Survey};
use super::xml::{self, Span};

/// The longest document that is read, in bytes.
pub const MAX_LENGTH: usize = 1 << 20;

/// A document that has been checked once and is relayed without being parsed again.
///
/// It is well-formed, free of document type declarations, of bounded depth, and its root is in the namespace of
/// an edition of ECMA-323, or in none. Its members have not been looked at yet: [`message`](Self::message) does.
#[derive(Clone, Debug)]
pub struct Document {
    raw: ByteString,
    kind: Kind,
    root: Span,
    prefix: Option<Span>,
    edition: Option<Edition>,
    cross_ref: Option<Text>,
    device: Option<Text>,
    line: Option<Text>,
    noted: [Span; NOTED],
    missing: Option<&'static str>,
    edits: SmallVec<[Edit; 4]>,
}

/// What a call control event says of a call, found when the document was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The call.
    pub call: Cow<'a, str>,
    /// The device of the connection that the event is about.
    pub device: Option<Cow<'a, str>>,
    /// The state of the call at the monitored device, if it is told.
    pub local: Option<Cow<'a, str>>,
    /// Who calls, if it is told.
    pub calling: Option<Cow<'a, str>>,
    /// Who is called, if it is told.
    pub called: Option<Cow<'a, str>>,
}

impl Document {
    /// Reads a document in one pass.
    ///
    /// Blanks and a byte order mark before it are taken off, and ISO-8859-1 is brought into UTF-8.
    ///
    /// # Errors
    /// Whatever of the above does not hold.
    pub fn read(raw: Bytes) -> Result<Self, ReadError> {
        if raw.len() > MAX_LENGTH {
            return Err(ReadError::TooLong);
        }
        let raw = encoding::to_utf8(raw)?;
        let Survey {
            kind,
            root,
            prefix,
            edition,
            cross_ref,
            device,
            line,
            noted,
            missing,
            edits,
        } = survey::survey(&raw)?;
        let [cross_ref, device, line] =
            [cross_ref, device, line].map(|at| at.and_then(|span| Text::of(&raw, span)));
        Ok(Self {
            kind,
            root,
            prefix,
            edition,
            cross_ref,
            device,
            line,
            noted,
            missing,
            edits,
            raw,
        })
    }

    /// The bytes of the document: UTF-8, without blanks before it.
    pub fn raw(&self) -> &Bytes {
        self.raw.as_bytes()
    }

    /// The local name of the root element.
    pub fn name(&self) -> &str {
        self.at(self.root)
    }

    /// What the root element says it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The edition of the root's namespace; `None` when it is in no namespace.
    pub fn edition(&self) -> Option<Edition> {
        self.edition
    }

    /// How the sender speaks.
    pub fn speech(&self) -> Speech {
        Speech {
            edition: self.edition.unwrap_or_default(),
            prefix: self.prefix().map(Box::from),
        }
    }

    /// The root's `monitorCrossRefID`.
    pub fn cross_ref(&self) -> Option<&str> {
        self.cross_ref.as_ref().map(|text| text.get(self))
    }

    /// The device that a request addresses, as it stands there: the first that is named.
    pub fn device(&self) -> Option<Cow<'_, str>> {
        self.device.as_ref().map(|text| text.get(self).into())
    }

    /// All devices that a request addresses, as they stand there: of two connections, both.
    pub fn devices(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let places = self.edits.iter().filter_map(|edit| match edit.what {
            What::Device(None) => Text::of(&self.raw, edit.span),
            _ => None,
        });
        places.map(|text| text.get(self).to_owned().into())
    }

    /// Whether a request addresses connections in calls, which may be those of the other party, and not a line itself.
    pub fn is_for_connection(&self) -> bool {
        self.kind == Kind::Request
            && matches!(roots::places(self.name()), [Place::Connection(_), ..])
    }

    /// The line that a Microsoft client names in its private data (`lcs:line`).
    pub fn private_line(&self) -> Option<Cow<'_, str>> {
        self.line.as_ref().map(|text| text.get(self).into())
    }

    /// What a call control event says; `None` of any other document, and of one that names no call.
    pub fn progress(&self) -> Option<Progress<'_>> {
        Some(Progress {
            call: self.noted(Noted::Call)?,
            device: self.noted(Noted::Device),
            local: self.noted(Noted::State),
            calling: self.noted(Noted::Calling),
            called: self.noted(Noted::Called),
        })
    }

    fn noted(&self, member: Noted) -> Option<Cow<'_, str>> {
        let inner = self.at(self.noted[member as usize]);
        if memchr::memchr2(b'&', b'<', inner.as_bytes()).is_none() {
            return Some(inner.trim().into()).filter(|text: &Cow<'_, str>| !text.is_empty());
        }
        let plain = xml::plain(inner);
        Some(plain.trim().to_owned().into()).filter(|text: &Cow<'_, str>| !text.is_empty())
    }

    /// The first member without which a request asks for nothing, if it is not there. A device that a session may stand
    /// for is not among them.
    pub fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    pub(super) fn text(&self) -> &str {
        &self.raw
    }

    pub(super) fn at(&self, span: Span) -> &str {
        &self.raw[span.range()]
    }

    pub(super) fn prefix(&self) -> Option<&str> {
        self.prefix.map(|span| self.at(span))
    }

    pub(super) fn edits(&self) -> &[Edit] {
        &self.edits
    }
}

/// The trimmed content of an element: a place, or a copy where references or sections had to be resolved.
#[derive(Clone, Debug)]
enum Text {
    At(Span),
    Copy(Box<str>),
}

impl Text {
    /// `None` when nothing is left of it.
    fn of(text: &str, content: Span) -> Option<Self> {
        let range = content.range();
        let inner = &text[range.clone()];
        if memchr::memchr2(b'&', b'<', inner.as_bytes()).is_some() {
            let plain = xml::plain(inner);
            return Some(Self::Copy(plain.trim().into())).filter(|_| !plain.trim().is_empty());
        }
        let start = range.start + (inner.len() - inner.trim_start().len());
        let end = start + inner.trim().len();
        (start < end).then(|| Self::At(Span::new(start, end)))
    }

    fn get<'a>(&'a self, document: &'a Document) -> &'a str {
        match self {
            Self::At(span) => document.at(*span),
            Self::Copy(copy) => copy,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{MAX_ATTRIBUTES, MAX_DEPTH};
    use super::*;

    fn read(text: &str) -> Result<Document, ReadError> {
        Document::read(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// `NS` in the text stands for the third edition's namespace.
    fn document(text: &str) -> Document {
        read(&text.replace("NS", Edition::Ed3.namespace())).unwrap()
    }

    #[test]
    fn a_root_tells_name_kind_and_speech() {
        fn check(
            text: &str,
            name: &str,
            kind: Kind,
            edition: Option<Edition>,
            prefix: Option<&str>,
        ) {
            let document = document(text);
            assert_eq!((document.name(), document.kind()), (name, kind), "{text}");
            assert_eq!(
                (document.edition(), document.prefix()),
                (edition, prefix),
                "{text}"
            );
            assert_eq!(
                document.speech().edition,
                edition.unwrap_or_default(),
                "{text}"
            );
        }
        let ed3 = Some(Edition::Ed3);
        check(
            "<MonitorStop xmlns='NS'/>",
            "MonitorStop",
            Kind::Request,
            ed3,
            None,
        );
        check(
            "<c:HeldEvent xmlns:c = \"NS\" ></c:HeldEvent >",
            "HeldEvent",
            Kind::Event,
            ed3,
            Some("c"),
        );
        check(
            "<MakeCallResponse/>",
            "MakeCallResponse",
            Kind::Response,
            None,
            None,
        );
        check(
            "<CSTAErrorCode xmlns=''/>",
            "CSTAErrorCode",
            Kind::Failure,
            None,
            None,
        );
        check(
            "\u{FEFF}\r\n<?xml version=\"1.0\"?>\n\n<!-- a --><Fax xmlns='NS'/>\n<!-- b -->\n",
            "Fax",
            Kind::Unknown,
            ed3,
            None,
        );
        for edition in Edition::ALL {
            let text = format!("<SystemRegisterAbort xmlns='{}'/>", edition.namespace());
            check(
                &text,
                "SystemRegisterAbort",
                Kind::Notification,
                Some(edition),
                None,
            );
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        fn check(text: &str, expected: &str) {
            let error = read(text)
                .map(|document| document.name().to_owned())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        check("", "there is no element");
        check("<?xml version='1.0'?>", "there is no element");
        check("\u{FEFF}\u{FEFF}<A/>", "text outside");
        check("&amp;<A/>", "text outside");
        check("<![CDATA[a]]><A/>", "text outside");
        check("ring ring", "text outside");
        check("<A>", "not closed");
        check("<A", "not closed");
        check("<A></B>", "does not match");
        check("</A>", "without its start tag");
        check("<A/><B/>", "second root");
        check("<A/>text", "text outside");
        check("<A b='1' b='2'/>", "given twice");
        check("<A b=1/>", "not quoted");
        check("<A b/>", "no value");
        check("<A b='1'c='2'/>", "goes on");
        check("<A b='<'/>", "`<`");
        check("<A b='1", "not closed");
        check("<A b='&x;'/>", "reference");
        check("<A b='&'/>", "reference");
        check("<A>&nbsp;</A>", "reference");
        check("<A>&#0;</A>", "reference");
        check("<A>&#x+41;</A>", "reference");
        check("<A>a & b</A>", "reference");
        check("<A>]]></A>", "`]]>`");
        check("<1/>", "name");
        check("<a:/>", "name");
        check("<>", "name");
        check("<A/ >", "name");
        check("<A 1='2'/>", "name");
        check("<??><A/>", "name");
        check("<A><!-- a -- b --></A>", "comment");
        check("<A><![CDATA[</A>", "CDATA");
        check("<A><?pi</A>", "instruction");
        check("<A/><?xml version='1.0'?>", "declaration");
        check("<A/><?XML?>", "declaration");
        check("<!ELEMENT A><A/>", "declaration");
        check("<!DOCTYPE A", "document type declaration");
        check(
            "<!DOCTYPE A [<!ENTITY x 'y'>]><A>&x;</A>",
            "document type declaration",
        );
        check("<A xmlns='urn:x'/>", "\"urn:x\"");
        check("<x:A xmlns:x='urn:x'/>", "\"urn:x\"");
        check("<x:A/>", "namespace \"\"");
        check(&"<a>".repeat(MAX_DEPTH + 1), "deeper");
        let many: String = (0..=MAX_ATTRIBUTES)
            .map(|number| format!(" a{number}=''"))
            .collect();
        check(&format!("<A{many}/>"), "attributes");
        check(&" ".repeat(MAX_LENGTH + 1), "longer");
    }

    #[test]
    fn a_request_tells_what_it_lacks() {
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(document(text).missing(), expected, "{text}");
        }
        check("<MakeCall xmlns='NS'/>", Some("calledDirectoryNumber"));
        check(
            "<c:MakeCall xmlns:c='NS'><c:calledDirectoryNumber>1</c:calledDirectoryNumber></c:MakeCall>",
            None,
        );
        check(
            "<MakeCall xmlns='NS'><a><calledDirectoryNumber/></a></MakeCall>",
            Some("calledDirectoryNumber"),
        );
        check(
            "<TransferCall xmlns='NS'><activeCall/></TransferCall>",
            Some("heldCall"),
        );
        check("<HoldCall/>", Some("callToBeHeld"));
        check("<GetDoNotDisturb xmlns='NS'/>", None);
        check("<ButtonPress xmlns='NS'/>", None);
        check("<HoldCallResponse xmlns='NS'/>", None);
    }

    #[test]
    fn a_request_tells_every_device_that_it_addresses() {
        #[track_caller]
        fn check(text: &str, expected: &[&str], for_connection: bool) {
            let document = document(text);
            let devices: Vec<_> = document.devices().collect();
            assert_eq!(devices, expected, "{text}");
            assert_eq!(document.is_for_connection(), for_connection, "{text}");
        }
        check(
            "<TransferCall xmlns='NS'><heldCall><callID>1</callID><deviceID> a </deviceID></heldCall><activeCall><deviceID>b&amp;</deviceID></activeCall></TransferCall>",
            &["a", "b&"],
            true,
        );
        check(
            "<TransferCall xmlns='NS'><heldCall><callID>1</callID></heldCall><activeCall><deviceID/></activeCall></TransferCall>",
            &[],
            true,
        );
        check(
            "<ConsultationCall xmlns='NS'><existingCall><deviceID>a</deviceID></existingCall><consultedDevice>b</consultedDevice></ConsultationCall>",
            &["a"],
            true,
        );
        check(
            "<DirectedPickupCall xmlns='NS'><callToBePickedUp><deviceID>a</deviceID></callToBePickedUp><requestingDevice>b</requestingDevice></DirectedPickupCall>",
            &["b"],
            false,
        );
        check(
            "<ButtonPress xmlns='NS'><device>a</device></ButtonPress>",
            &["a"],
            false,
        );
        check("<MonitorStop xmlns='NS'/>", &[], false);
        check("<AlternateCallResponse xmlns='NS'/>", &[], false);
    }

    #[test]
    fn a_cross_reference_is_found_on_the_root_only() {
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(document(text).cross_ref(), expected, "{text}");
        }
        check(
            "<HeldEvent xmlns='NS'><monitorCrossRefID>43</monitorCrossRefID></HeldEvent>",
            Some("43"),
        );
        check(
            "<HeldEvent xmlns='NS'><monitorCrossRefID>\n 27ss </monitorCrossRefID></HeldEvent>",
            Some("27ss"),
        );
        check(
            "<HeldEvent xmlns='NS'><monitorCrossRefID>a&amp;<![CDATA[<b>]]><!-- x --></monitorCrossRefID></HeldEvent>",
            Some("a&<b>"),
        );
        check(
            "<HeldEvent xmlns='NS'><a><monitorCrossRefID>43</monitorCrossRefID></a></HeldEvent>",
            None,
        );
        check(
            "<HeldEvent xmlns='NS'><v:monitorCrossRefID xmlns:v='urn:v'>43</v:monitorCrossRefID></HeldEvent>",
            None,
        );
        check(
            "<HeldEvent xmlns='NS'><monitorCrossRefID/></HeldEvent>",
            None,
        );
        check(
            "<c:HeldEvent xmlns:c='NS'><c:monitorCrossRefID>43</c:monitorCrossRefID></c:HeldEvent>",
            Some("43"),
        );
        check(
            "<c:HeldEvent xmlns:c='NS'><monitorCrossRefID>43</monitorCrossRefID></c:HeldEvent>",
            Some("43"),
        );
    }

    #[test]
    fn a_call_control_event_tells_of_its_call() {
        fn check(text: &str, expected: Option<[&str; 5]>) {
            let document = document(text);
            let got = document.progress().map(|progress| {
                let Progress {
                    call,
                    device,
                    local,
                    calling,
                    called,
                } = progress;
                let told = |member: Option<Cow<'_, str>>| member.unwrap_or_default().into_owned();
                [
                    call.into_owned(),
                    told(device),
                    told(local),
                    told(calling),
                    told(called),
                ]
            });
            assert_eq!(got, expected.map(|all| all.map(str::to_owned)), "{text}");
        }
        check(
            "<HeldEvent xmlns='NS'><heldConnection><deviceID>1</deviceID><callID> 3 </callID></heldConnection><localConnectionInfo>hold</localConnectionInfo></HeldEvent>",
            Some(["3", "1", "hold", "", ""]),
        );
        check(
            "<c:DeliveredEvent xmlns:c='NS'><c:connection><c:callID>a&amp;b</c:callID></c:connection><c:callingDevice><c:deviceIdentifier>7</c:deviceIdentifier></c:callingDevice><c:calledDevice><c:notKnown/></c:calledDevice></c:DeliveredEvent>",
            Some(["a&b", "", "", "7", ""]),
        );
        check(
            "<ServiceInitiatedEvent xmlns='NS'><initiatedConnection><callID>3</callID></initiatedConnection><calledDevice><deviceIdentifier>2</deviceIdentifier></calledDevice></ServiceInitiatedEvent>",
            Some(["3", "", "", "", ""]),
        );
        check(
            "<HeldEvent xmlns='NS'><v:heldConnection xmlns:v='urn:v'><callID>3</callID></v:heldConnection></HeldEvent>",
            None,
        );
        check(
            "<HeldEvent xmlns='NS'><heldConnection><callID/></heldConnection></HeldEvent>",
            None,
        );
        check(
            "<DoNotDisturbEvent xmlns='NS'><device>1</device></DoNotDisturbEvent>",
            None,
        );
        check(
            "<HoldCall xmlns='NS'><heldConnection><callID>3</callID></heldConnection></HoldCall>",
            None,
        );
    }

    #[test]
    fn the_addressed_device_is_found_by_service() {
        fn check(name: &str, inside: &str, expected: Option<&str>) {
            let text = format!("<{name} xmlns='NS'>{inside}</{name}>");
            assert_eq!(document(&text).device().as_deref(), expected, "{text}");
        }
        check(
            "MonitorStart",
            "<monitorObject> <deviceObject>sip:1@a</deviceObject></monitorObject>",
            Some("sip:1@a"),
        );
        check(
            "MonitorStart",
            "<monitorObject><callObject><callID>3</callID><deviceID>1</deviceID></callObject></monitorObject>",
            Some("1"),
        );
        check("MonitorStart", "<deviceObject>1</deviceObject>", None);
        check(
            "MakeCall",
            "<calledDirectoryNumber>2</calledDirectoryNumber><callingDevice>1</callingDevice>",
            Some("1"),
        );
        check(
            "AnswerCall",
            "<callToBeAnswered><deviceID>1</deviceID><callID>3</callID></callToBeAnswered>",
            Some("1"),
        );
        check(
            "TransferCall",
            "<heldCall><callID>3</callID></heldCall><activeCall><deviceID>1</deviceID></activeCall>",
            Some("1"),
        );
        check(
            "SetDoNotDisturb",
            "<device>a &lt; b</device>",
            Some("a < b"),
        );
        check(
            "SnapshotDevice",
            "<snapshotObject>1</snapshotObject>",
            Some("1"),
        );
        check(
            "SnapshotCall",
            "<snapshotObject><callID>3</callID><deviceID>1</deviceID></snapshotObject>",
            Some("1"),
        );
        check(
            "DirectedPickupCall",
            "<callToBePickedUp><deviceID>2</deviceID></callToBePickedUp><requestingDevice>1</requestingDevice>",
            Some("1"),
        );
        check(
            "GetSwitchingFunctionDevices",
            "<requestedDeviceID>1</requestedDeviceID>",
            Some("1"),
        );
        check("DoNotDisturbEvent", "<device>1</device>", None);
        check("AnswerCall", "", None);
    }

    #[test]
    fn the_line_of_a_microsoft_client_is_private_data() {
        fn check(inside: &str, expected: Option<&str>) {
            let text = format!("<RequestSystemStatus xmlns='NS'>{inside}</RequestSystemStatus>");
            assert_eq!(
                document(&text).private_line().as_deref(),
                expected,
                "{text}"
            );
        }
        const RCC: &str = "xmlns:l='http://schemas.microsoft.com/Lcs/2005/04/RCCExtension'";
        let at = |line: &str| {
            format!("<extensions><privateData><private>{line}</private></privateData></extensions>")
        };
        check(
            &at(&format!("<l:line {RCC}>tel:12;phone-context=x</l:line>")),
            Some("tel:12;phone-context=x"),
        );
        check(&at(&format!("<l:other {RCC}>tel:12</l:other>")), None);
        check(&at("<line>tel:12</line>"), None);
        check(&format!("<l:line {RCC}>tel:12</l:line>"), None);
    }
}
