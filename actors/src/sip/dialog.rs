//! A dialog (RFC 3261, section 12), in one type for the caller and the called end.

use bytes::BytesMut;
use uacsta_schema::sip::{
    Head, HeaderError, HeaderName, MessageWriter, Method, NameAddr, Request, Response, Uri,
    header::Contacts,
};

/// The state that each end of a dialog holds (RFC 3261, section 12).
#[derive(Clone, Debug)]
pub struct Dialog {
    call_id: Box<str>,
    local_tag: Box<str>,
    remote_tag: Box<str>,
    local: Box<str>,
    remote: Box<str>,
    target: Box<str>,
    routes: Box<[Box<str>]>,
    /// The Request-URI where it is not the target: the first route, if that is a strict router's.
    strict: Option<Box<str>>,
    /// The header fields that are the same in all our requests, formatted once.
    lines: Box<str>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

/// The most octets that a dialog stores of its messages: identifiers, addresses, target and route set (RFC 3261, section 12.1).
const KEPT: usize = 4096;

/// Why a message establishes no dialog.
#[derive(Debug, thiserror::Error)]
pub enum NoDialog {
    /// A header field cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Too many octets would be stored.
    #[error(
        "the Call-ID, the tags, the URIs of From, To and Contact, and the Record-Route have {0} octets, but may have {KEPT} in all"
    )]
    TooLong(usize),
}

/// Checks how many octets a dialog would store of a message that establishes or refreshes it.
///
/// # Errors
/// Too many.
pub fn fits(head: &Head) -> Result<(), NoDialog> {
    let of = |party: NameAddr<'_>| {
        party.uri().as_str().len()
            + party.tag().unwrap_or_default().len()
            + party.params().get("epid").unwrap_or_default().len()
    };
    let target = match head.contacts() {
        Ok(Contacts::List(contacts)) => contacts.first().map_or(0, |it| it.uri().as_str().len()),
        _ => 0,
    };
    let octets = head.call_id().unwrap_or_default().len()
        + head.from().map_or(0, of)
        + head.to().map_or(0, of)
        + target
        + head
            .list(HeaderName::RecordRoute)
            .map(str::len)
            .sum::<usize>();
    match octets {
        ..=KEPT => Ok(()),
        _ => Err(NoDialog::TooLong(octets)),
    }
}

/// A request whose CSeq is not above the last one's: 500 (RFC 3261, section 12.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutOfOrder;

impl Dialog {
    /// The dialog that an INVITE of ours starts; `local` and `remote` are the From and To without tags, `routes` the Route of
    /// the INVITE alone (RFC 3261, section 12.1.2).
    pub fn uac(
        call_id: &str,
        local_tag: &str,
        local: &str,
        remote: &str,
        target: &str,
        routes: &[Box<str>],
    ) -> Self {
        let mut dialog = Self {
            call_id: call_id.into(),
            local_tag: local_tag.into(),
            remote_tag: "".into(),
            local: local.into(),
            remote: remote.into(),
            target: Uri::parse(target)
                .map_or(target, |uri| uri.without_headers())
                .into(),
            routes: routes.into(),
            strict: None,
            lines: "".into(),
            local_cseq: 0,
            remote_cseq: None,
        };
        dialog.format_lines();
        dialog
    }

    /// The dialog that a 2xx to an INVITE of ours establishes, of which nothing else is known.
    ///
    /// # Errors
    /// The From or To cannot be read.
    pub fn of_response(response: &Head) -> Result<Self, HeaderError> {
        let (from, to) = (response.from()?, response.to()?);
        let mut dialog = Self::uac(
            response.call_id().unwrap_or_default(),
            from.tag().unwrap_or_default(),
            &party(&from),
            &party(&to),
            to.uri().as_str(),
            &[],
        );
        dialog.local_cseq = response.cseq()?.number;
        // ACK and BYE can be sent even if it is too long.
        let _ = dialog.confirmed(response);
        Ok(dialog)
    }

    /// The 2xx to our INVITE establishes the dialog (RFC 3261, section 12.1.2).
    ///
    /// # Errors
    /// It establishes none. ACK and BYE can be sent nevertheless.
    pub fn confirmed(&mut self, response: &Head) -> Result<(), NoDialog> {
        let to = response.to()?;
        self.remote_tag = to.tag().unwrap_or_default().into();
        self.format_lines();
        fits(response)?;
        if let Some(epid) = to.params().get("epid")
            && !self.remote.contains(";epid=")
        {
            self.remote = format!("{};epid={epid}", self.remote).into();
        }
        let mut routes: Vec<Box<str>> = response
            .list(HeaderName::RecordRoute)
            .map(Into::into)
            .collect();
        routes.reverse();
        self.routes = routes.into();
        self.retarget(response);
        self.format_lines();
        Ok(())
    }

    /// The dialog that a received INVITE starts (RFC 3261, section 12.1.1).
    pub fn uas(request: &Request, local_tag: &str) -> Result<Self, HeaderError> {
        let head = request.head();
        let (from, to) = (head.from()?, head.to()?);
        let mut dialog = Self {
            call_id: head.call_id().unwrap_or_default().into(),
            local_tag: local_tag.into(),
            remote_tag: from.tag().unwrap_or_default().into(),
            local: format!("<{}>", to.uri()).into(),
            remote: party(&from).into(),
            target: from.uri().without_headers().into(),
            routes: head.list(HeaderName::RecordRoute).map(Into::into).collect(),
            strict: None,
            lines: "".into(),
            local_cseq: 0,
            remote_cseq: Some(head.cseq()?.number),
        };
        dialog.retarget(head);
        dialog.format_lines();
        Ok(dialog)
    }

    /// Whether a received message belongs to this dialog: Call-ID, and the tags as the peer writes them.
    pub fn is(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        *self.call_id == *call_id
            && *self.local_tag == *local_tag
            && *self.remote_tag == *remote_tag
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our tag.
    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// Where the peer is reached (RFC 3261, section 12.1.1: the remote target).
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The Request-URI of our requests: the target, or the URI of a strict router (RFC 3261, section 12.2.1.1).
    pub fn request_uri(&self) -> &str {
        self.strict.as_deref().unwrap_or(&self.target)
    }

    /// Whether the peer has given the dialog its tag.
    pub fn is_confirmed(&self) -> bool {
        !self.remote_tag.is_empty()
    }

    /// The CSeq of our last request.
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Starts the next request of ours (RFC 3261, section 12.2.1.1); `via` is the whole value of the Via.
    pub fn request<'out>(
        &mut self,
        out: &'out mut BytesMut,
        method: &Method,
        via: impl std::fmt::Display,
    ) -> MessageWriter<'out> {
        self.local_cseq += 1;
        self.compose(out, method, via, self.local_cseq)
    }

    /// Starts the CANCEL of the INVITE with this CSeq, whose Via it repeats (RFC 3261, section 9.1).
    pub fn cancel<'out>(
        &self,
        out: &'out mut BytesMut,
        via: impl std::fmt::Display,
        cseq: u32,
    ) -> MessageWriter<'out> {
        self.compose(out, &Method::Cancel, via, cseq)
    }

    /// Starts the ACK for the 2xx to the INVITE with this CSeq (RFC 3261, section 13.2.2.4).
    pub fn ack<'out>(
        &self,
        out: &'out mut BytesMut,
        via: impl std::fmt::Display,
        cseq: u32,
    ) -> MessageWriter<'out> {
        self.compose(out, &Method::Ack, via, cseq)
    }

    /// Starts the ACK for a rejection of the INVITE with this CSeq: the To is that of the response (RFC 3261, section 17.1.1.3).
    pub fn ack_rejection<'out>(
        &self,
        out: &'out mut BytesMut,
        via: impl std::fmt::Display,
        cseq: u32,
        remote_tag: Option<&str>,
    ) -> MessageWriter<'out> {
        if self.remote_tag.is_empty()
            && let Some(tag) = remote_tag
        {
            let mut rejected = Self {
                remote_tag: tag.into(),
                ..self.clone()
            };
            rejected.format_lines();
            return rejected.compose(out, &Method::Ack, via, cseq);
        }
        self.ack(out, via, cseq)
    }

    /// Checks and stores the CSeq of a received request (RFC 3261, section 12.2.2); gaps are permitted.
    ///
    /// # Errors
    /// It is not above the last one.
    pub fn received(&mut self, cseq: u32) -> Result<(), OutOfOrder> {
        if self.remote_cseq.is_some_and(|last| cseq <= last) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(cseq);
        Ok(())
    }

    /// Whether a request has the CSeq of the last one that was received.
    pub fn repeats(&self, cseq: u32) -> bool {
        self.remote_cseq == Some(cseq)
    }

    /// A target refresh (RFC 3261, section 12.2.1.2): the Contact of an INVITE or UPDATE, or of its 2xx, is the new target, unless
    /// it is too long. Headers in its URI are dropped: a peer that could add a Route would choose where we send (RFC 3261,
    /// section 19.1.5).
    pub fn retarget(&mut self, head: &Head) {
        if fits(head).is_ok()
            && let Ok(Contacts::List(contacts)) = head.contacts()
            && let Some(contact) = contacts.first()
            && *self.target != *contact.uri().without_headers()
        {
            self.target = contact.uri().without_headers().into();
            if self.strict.is_some() {
                self.format_lines();
            }
        }
    }

    fn compose<'out>(
        &self,
        out: &'out mut BytesMut,
        method: &Method,
        via: impl std::fmt::Display,
        cseq: u32,
    ) -> MessageWriter<'out> {
        MessageWriter::request(out, method, self.request_uri())
            .header(HeaderName::Via, via)
            .lines(&self.lines)
            .header(HeaderName::CSeq, format_args!("{cseq} {method}"))
    }

    fn format_lines(&mut self) {
        use std::fmt::Write as _;
        let mut lines = String::with_capacity(256);
        let mut line = |name: HeaderName, value: std::fmt::Arguments<'_>| {
            write!(lines, "{}: {value}\r\n", name.as_str())
                .expect("a String takes all that is written to it");
        };
        line(HeaderName::MaxForwards, format_args!("70"));
        self.strict = self.routes.first().and_then(|route| strict_router(route));
        // RFC 3261, section 12.2.1.1: a strict router takes the Request-URI, and the target becomes the last Route.
        for route in self.routes.iter().skip(usize::from(self.strict.is_some())) {
            line(HeaderName::Route, format_args!("{route}"));
        }
        if self.strict.is_some() {
            line(HeaderName::Route, format_args!("<{}>", self.target));
        }
        line(
            HeaderName::From,
            format_args!("{};tag={}", self.local, self.local_tag),
        );
        if self.remote_tag.is_empty() {
            line(HeaderName::To, format_args!("{}", self.remote));
        } else {
            line(
                HeaderName::To,
                format_args!("{};tag={}", self.remote, self.remote_tag),
            );
        }
        line(HeaderName::CallId, format_args!("{}", self.call_id));
        self.lines = lines.into();
    }
}

/// The URI of a party, and the `epid` by which servers for Office Communicator find its endpoint (MS-SIPRE, section 3.2.4.1).
fn party(address: &NameAddr<'_>) -> String {
    let uri = address.uri();
    match address.params().get("epid") {
        Some(epid) => format!("<{uri}>;epid={epid}"),
        None => format!("<{uri}>"),
    }
}

/// The URI of a route without `lr`, with what a Request-URI may contain (RFC 3261, sections 12.2.1.1 and 19.1.1).
fn strict_router(route: &str) -> Option<Box<str>> {
    let route = NameAddr::parse(route).ok()?;
    let uri = route.uri();
    (!uri.params().has("lr")).then(|| uri.without_headers().into())
}

/// The identifiers of a dialog in a received message (RFC 3261, section 12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DialogId<'a> {
    /// The Call-ID.
    pub call_id: &'a str,
    /// The tag of this end.
    pub local_tag: &'a str,
    /// The tag of the other end.
    pub remote_tag: &'a str,
}

impl<'a> DialogId<'a> {
    /// The dialog of a received request; `None` outside dialogs.
    pub fn of_request(request: &'a Request) -> Option<Self> {
        let head = request.head();
        Some(Self {
            call_id: head.call_id()?,
            local_tag: head.to_tag()?,
            remote_tag: head.from_tag().unwrap_or_default(),
        })
    }

    /// The dialog of a received response.
    pub fn of_response(response: &'a Response) -> Option<Self> {
        let head = response.head();
        Some(Self {
            call_id: head.call_id()?,
            local_tag: head.from_tag()?,
            remote_tag: head.to_tag().unwrap_or_default(),
        })
    }
}
