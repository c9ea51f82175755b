//! Who gets a received request, and the answer for what nobody takes.

use actix::Context;
use bytes::Bytes;
use uacsta_schema::sip::{HeaderName, MediaType, Method, Request, Status, header::Contacts};

use super::{
    SipConnection,
    serve::{ALLOW, CSTA},
};
use crate::counters::Event;
use crate::sip::{
    dialog::{DialogId, fits},
    responder::{Disposition, FinalResponse, PendingRequest, TransactionId},
    session::{Ended, SessionEventKind},
    timer::{MIN_SE, SessionTimer},
    uas::Uas,
};

impl<U: Uas> SipConnection<U> {
    /// A request arrived. One that is answered in the same turn never becomes a transaction, unless it is an INVITE that is
    /// accepted, or came by UDP: what comes over a reliable transport comes once.
    pub(super) fn request(&mut self, request: Request, ctx: &mut Context<Self>) {
        if *request.method() == Method::Ack {
            // An ACK has no answer. It ends the wait of a refusal, or of a session that was accepted; most of those of refusals
            // find nothing that waits.
            if !self.acknowledged(&request)
                && let Some(slot) = DialogId::of_request(&request).and_then(|id| self.dialog(id))
            {
                self.confirmed(slot, ctx);
            }
            return;
        }
        if let Some(slot) = self.servers.find(&request, request.method()) {
            return self.again(slot);
        }
        if self.is_too_busy(&request) {
            return;
        }
        let session = DialogId::of_request(&request).map(|id| self.dialog(id));
        let known = session.flatten();
        let id = self.next_transaction();
        let Disposition(answer) = match unacceptable(&request, self.place.transport.is_secure()) {
            Some(answer) => {
                if answer.status == Status::MESSAGE_TOO_LARGE {
                    self.complain("message refused", answer.reason.as_deref());
                    self.uas.count(Event::Malformed);
                }
                answer.into()
            }
            None => self.take(&request, session, id, ctx),
        };
        let in_session = known.filter(|slot| self.sessions.contains(*slot));
        match answer {
            Some(answer) if !self.remembers(&request, &answer) => {
                self.compose_answer(&request, in_session, answer, ctx);
            }
            answer => {
                self.receive(request, id, in_session);
                if let Some(answer) = answer {
                    self.answer(id, answer, ctx);
                }
            }
        }
    }

    /// Gives a request to whom it is for: `session` is none outside of any dialog, and none inside where it is not ours.
    fn take(
        &mut self,
        request: &Request,
        session: Option<Option<usize>>,
        id: TransactionId,
        ctx: &mut Context<Self>,
    ) -> Disposition {
        match (session, request.method()) {
            (_, Method::Cancel) => self.cancel(request, ctx),
            (Some(Some(session)), _) => self.in_dialog(request, session, id, ctx),
            (Some(None), _) => self
                .uas
                .orphan(request, PendingRequest::new(&self.responses, id)),
            (None, Method::Register | Method::Invite) => {
                let taken = self
                    .uas
                    .request(request, PendingRequest::new(&self.responses, id));
                self.recognise();
                if let Some(mac) = self.uas.mac() {
                    self.wire.belongs_to(mac);
                }
                taken
            }
            (None, method) => untaken(method, false).into(),
        }
    }

    /// The session whose dialog a message names. Our tags begin with the session's slot, unless it came from another link.
    pub(super) fn dialog(&self, id: DialogId<'_>) -> Option<usize> {
        let is = |slot: &usize| {
            self.sessions
                .get(*slot)
                .is_some_and(|session| session.dialog.is(id.call_id, id.local_tag, id.remote_tag))
        };
        let told = id.local_tag.split('-').next();
        let slot = told.and_then(|slot| usize::from_str_radix(slot, 16).ok());
        match slot.filter(is) {
            None if self.adopted => self.sessions.iter().map(|(slot, _)| slot).find(is),
            found => found,
        }
    }

    /// A request that waits belongs to a session that has just come here.
    pub(super) fn go_on(&mut self, id: TransactionId, session: usize, ctx: &mut Context<Self>) {
        let Some(request) = self.claimed_by(id, session) else {
            return;
        };
        if let Disposition(Some(answer)) = self.in_dialog(&request, session, id, ctx) {
            self.answer(id, answer, ctx);
        }
    }

    fn in_dialog(
        &mut self,
        request: &Request,
        session: usize,
        id: TransactionId,
        ctx: &mut Context<Self>,
    ) -> Disposition {
        // RFC 3261 12.2.2: a CSeq below the last one is out of order: 500.
        let in_order = request
            .head()
            .cseq()
            .is_ok_and(|cseq| self.sessions[session].dialog.received(cseq.number).is_ok());
        if !in_order {
            // Nobody sends a request again on a stream (RFC 3261 17.1.2.2), but some phones do. The first may be answered
            // and forgotten: its owner answers once more.
            let repeated = *request.method() == Method::Info
                && request
                    .head()
                    .cseq()
                    .is_ok_and(|cseq| self.sessions[session].dialog.repeats(cseq.number));
            if repeated && let Ok(Some(document)) = csta_body(request) {
                let (reply, taken) = PendingRequest::new(&self.responses, id).later();
                self.tell(session, SessionEventKind::Repeated(document, reply));
                return taken;
            }
            return FinalResponse::from(Status::SERVER_INTERNAL_ERROR)
                .because("this CSeq is not above the last one of the dialog")
                .into();
        }
        match request.method() {
            Method::Info | Method::Invite => {
                if *request.method() == Method::Invite {
                    self.sessions[session].dialog.retarget(request.head());
                }
                match csta_body(request) {
                    Ok(Some(document)) => {
                        let (reply, taken) = PendingRequest::new(&self.responses, id).later();
                        self.tell(session, SessionEventKind::Request(document, reply));
                        taken
                    }
                    Ok(None) => Status::OK.into(),
                    Err(answer) => answer.into(),
                }
            }
            Method::Update => {
                self.sessions[session].dialog.retarget(request.head());
                Status::OK.into()
            }
            Method::Bye => {
                self.end_session(session, Ended::Bye, ctx);
                Status::OK.into()
            }
            method => untaken(method, true).into(),
        }
    }
}

/// The CSTA document that a request carries; none if it has no body, 415 if it is something else.
pub(crate) fn csta_body(request: &Request) -> Result<Option<Bytes>, FinalResponse> {
    if request.body().is_empty() {
        return Ok(None);
    }
    let is_csta = request
        .head()
        .content_type()
        .is_some_and(|kind| kind.is(CSTA) || kind.is("application/CSTAdata+xml"));
    let encoded = request
        .head()
        .get(HeaderName::ContentEncoding)
        .is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    if is_csta && !encoded {
        return Ok(Some(request.body().clone()));
    }
    // RFC 3261 21.4.7: who opens a session and does not take CSTA either would be told in vain what to send.
    let status = if *request.method() != Method::Invite || accepts_csta(request) {
        Status::UNSUPPORTED_MEDIA_TYPE
    } else {
        Status::NOT_ACCEPTABLE
    };
    Err(FinalResponse::from(status)
        .header(HeaderName::Accept, CSTA)
        .header(HeaderName::AcceptEncoding, "identity"))
}

/// Whether CSTA is among what the sender accepts. Without the header field nothing is excluded: RFC 3261 20.1 has it mean
/// SDP, which in a request to us would mean nothing.
fn accepts_csta(request: &Request) -> bool {
    let mut accepted = request.head().list(HeaderName::Accept).peekable();
    accepted.peek().is_none()
        || accepted.any(|range| {
            let range = MediaType::parse(range);
            [CSTA, "application/*", "*/*"]
                .iter()
                .any(|known| range.is(known))
        })
}

/// What every request is checked for (RFC 3261 8.2.2, RFC 4028 section 9), which came by TLS or not.
pub(crate) fn unacceptable(request: &Request, secure: bool) -> Option<FinalResponse> {
    // RFC 3261 8.2.2.1: a scheme that is not supported in the Request-URI.
    let scheme = request.uri().split_once(':').unwrap_or_default().0;
    if !["sip", "sips", "tel"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Some(
            FinalResponse::from(Status::UNSUPPORTED_URI_SCHEME)
                .because("the Request-URI is neither sip, sips nor tel"),
        );
    }
    if !secure && let Some(answer) = insecure(request) {
        return Some(answer);
    }
    if matches!(request.method(), Method::Invite | Method::Update)
        && SessionTimer::is_too_small(request.head())
    {
        return Some(
            FinalResponse::from(Status::SESSION_INTERVAL_TOO_SMALL)
                .header(HeaderName::MinSe, MIN_SE.as_secs().to_string()),
        );
    }
    if matches!(request.method(), Method::Invite | Method::Update)
        && let Err(error) = fits(request.head())
    {
        return Some(FinalResponse::from(Status::MESSAGE_TOO_LARGE).because(error.to_string()));
    }
    let unknown: Vec<&str> = request
        .head()
        .list(HeaderName::Require)
        .filter(|tag| !tag.eq_ignore_ascii_case("timer"))
        .collect();
    if unknown.is_empty() {
        return None;
    }
    Some(
        FinalResponse::from(Status::BAD_EXTENSION)
            .header(HeaderName::Unsupported, unknown.join(", ")),
    )
}

/// sips means TLS on each hop (RFC 3261 26.2.2, RFC 5630 3.1): elsewhere nobody may use it, nor may we send to it.
fn insecure(request: &Request) -> Option<FinalResponse> {
    if is_sips(request.uri()) {
        return Some(
            FinalResponse::from(Status::UNSUPPORTED_URI_SCHEME)
                .because("a sips Request-URI needs TLS: connect to the TLS port, or use sip"),
        );
    }
    names_sips(request).then(|| {
        FinalResponse::from(Status::BAD_REQUEST)
            .because("a sips Contact needs TLS: connect to the TLS port, or use sip")
    })
}

/// Whether a request speaks to us by sips, so that our Contact must be one too (RFC 3261 12.1.1).
pub(super) fn speaks_sips(request: &Request) -> bool {
    is_sips(request.uri()) || names_sips(request)
}

/// Whether a request that names a target for ours names a sips URI.
fn names_sips(request: &Request) -> bool {
    if !matches!(
        request.method(),
        Method::Register | Method::Invite | Method::Update
    ) {
        return false;
    }
    let is_likely = |line: &str| {
        let mut parts = line.as_bytes().windows(5);
        parts.any(|part| part.eq_ignore_ascii_case(b"sips:"))
    };
    request.head().all(HeaderName::Contact).any(is_likely)
        && matches!(request.head().contacts(), Ok(Contacts::List(contacts))
            if contacts.iter().any(|contact| contact.uri().is_sips()))
}

/// Whether a URI is a sips URI (RFC 3261 19.1.1).
pub(super) fn is_sips(uri: &str) -> bool {
    uri.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
}

/// The answer to a method that nobody takes: never silence.
pub(crate) fn untaken(method: &Method, in_dialog: bool) -> FinalResponse {
    match method {
        Method::Options => FinalResponse::from(Status::OK)
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Accept, CSTA)
            .header(HeaderName::Supported, "timer"),
        Method::Bye | Method::Info | Method::Update | Method::Prack if !in_dialog => {
            Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
        }
        // RFC 6665 4.1.2.3: an event package that is not supported.
        // Allow-Events cannot say that there is none, since its grammar wants one package at least (8.4).
        Method::Subscribe | Method::Notify => {
            FinalResponse::from(Status::BAD_EVENT).header(HeaderName::Allow, ALLOW)
        }
        Method::Other(_) => {
            FinalResponse::from(Status::NOT_IMPLEMENTED).header(HeaderName::Allow, ALLOW)
        }
        _ => FinalResponse::from(Status::METHOD_NOT_ALLOWED).header(HeaderName::Allow, ALLOW),
    }
}
