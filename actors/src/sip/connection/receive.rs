//! Routes received requests: to their transaction, their session, or the UAS.

use actix::Context;
use uacsta_schema::sip::{Method, Request, Status};

use super::SipConnection;
use crate::sip::{
    dialog::DialogId,
    incident::Incident,
    refusals::{check_request, csta_body, unhandled},
    responder::{Disposition, FinalResponse, PendingRequest},
    session::{SessionEnd, SessionEventKind},
    transaction::table::TransactionId,
    uas::Uas,
};

/// Where the dialog of a request is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum DialogMatch {
    /// The request belongs to no dialog.
    OutsideDialog,
    /// In this session of the connection.
    Own(usize),
    /// Not on this connection.
    Foreign,
}

impl<U: Uas> SipConnection<U> {
    /// A request arrived. One that is answered in the same turn never becomes a transaction, unless it may have to be
    /// [remembered](Self::remembers): a reliable transport delivers it once.
    pub(super) fn request(&mut self, request: Request, ctx: &mut Context<Self>) {
        if *request.method() == Method::Ack {
            // An ACK gets no response. It confirms a refusal or an accepted session; most of those of refusals match nothing.
            if !self.acknowledged(&request)
                && let DialogMatch::Own(session) = self.dialog_of(&request)
            {
                self.confirmed(session, ctx);
            }
            return;
        }
        if let Some(slot) = self.matching.find(&request, request.method()) {
            return self.retransmitted(slot);
        }
        if self.is_too_busy(&request) {
            return;
        }
        let dialog = self.dialog_of(&request);
        let id = self.servers.next_id();
        let secure = self.endpoints.transport.is_secure();
        let Disposition(answer) = match check_request(&request, secure) {
            Ok(()) => self.route(&request, dialog, id, ctx),
            Err(answer) => {
                if answer.status == Status::MESSAGE_TOO_LARGE {
                    self.report(Incident::Malformed, answer.reason.as_deref());
                }
                answer.into()
            }
        };
        let session = match dialog {
            DialogMatch::Own(session) => Some(session).filter(|slot| self.sessions.contains(*slot)),
            DialogMatch::OutsideDialog | DialogMatch::Foreign => None,
        };
        match answer {
            Some(answer) if !self.remembers(&request, &answer) => {
                self.compose_answer(&request, session, answer, ctx);
            }
            answer => {
                let id = self.receive(request, session);
                if let Some(answer) = answer {
                    self.answer(id, answer, ctx);
                }
            }
        }
    }

    fn route(
        &mut self,
        request: &Request,
        dialog: DialogMatch,
        id: TransactionId,
        ctx: &mut Context<Self>,
    ) -> Disposition {
        let pending = PendingRequest::new(&self.responses, id);
        match (dialog, request.method()) {
            (_, Method::Cancel) => self.cancel(request, ctx),
            (DialogMatch::Own(session), _) => self.in_dialog(request, session, id, ctx),
            (DialogMatch::Foreign, _) => self.uas.orphan(request, pending),
            (DialogMatch::OutsideDialog, Method::Register | Method::Invite) => {
                let disposition = self.uas.request(request, pending);
                self.recognise();
                if let Some(device) = self.uas.peer().device {
                    self.transport.label(device);
                }
                disposition
            }
            (DialogMatch::OutsideDialog, method) => unhandled(method, false).into(),
        }
    }

    fn dialog_of(&self, request: &Request) -> DialogMatch {
        match DialogId::of_request(request) {
            None => DialogMatch::OutsideDialog,
            Some(id) => self
                .dialog(id)
                .map_or(DialogMatch::Foreign, DialogMatch::Own),
        }
    }

    /// The session of a dialog. Our tags begin with the session's slot, unless it migrated from another connection.
    pub(super) fn dialog(&self, id: DialogId<'_>) -> Option<usize> {
        let is = |slot: &usize| {
            self.sessions
                .get(*slot)
                .is_some_and(|session| session.dialog.is(id.call_id, id.local_tag, id.remote_tag))
        };
        let tag = id.local_tag.split('-').next();
        let slot = tag.and_then(|slot| usize::from_str_radix(slot, 16).ok());
        match slot.filter(is) {
            None if self.adopted => self.sessions.iter().map(|(slot, _)| slot).find(is),
            found => found,
        }
    }

    /// Handles the pending request of a session that has just migrated here.
    pub(super) fn resume(&mut self, id: TransactionId, session: usize, ctx: &mut Context<Self>) {
        let Some(request) = self.claim(id, session) else {
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
        // RFC 3261, section 12.2.2: a CSeq below the last one is out of order: 500.
        let in_order = request
            .head()
            .cseq()
            .is_ok_and(|cseq| self.sessions[session].dialog.received(cseq.number).is_ok());
        if !in_order {
            // Some phones retransmit on a stream, against RFC 3261, section 17.1.2.2. The first copy may have been answered
            // already, without a transaction: the owner answers again.
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
                self.end_session(session, SessionEnd::Bye, ctx);
                Status::OK.into()
            }
            method => unhandled(method, true).into(),
        }
    }
}
