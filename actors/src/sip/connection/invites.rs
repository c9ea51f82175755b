//! Opens and withdraws sessions: sends INVITEs, their ACKs and CANCELs, and ends what late responses establish.

use actix::{Context, Handler};
use uacsta_schema::sip::{Method, Response};

use super::{
    actor::SipConnection,
    client_transactions::{Branch, Purpose},
    csta_session::{CstaSession, SessionRequest},
    owner::SessionOwner,
    sessions::OwnedSession,
};
use crate::sip::{
    dialog::Dialog,
    session::{Open, SessionId, Withdraw},
    transaction::Reliability,
    uas::Uas,
};

impl<U: Uas> SipConnection<U> {
    /// Opens a session.
    pub(super) fn open(&mut self, open: &Open, ctx: &mut Context<Self>) {
        let call = self.sessions.unguessable();
        let call_id = format!("{call:016x}@{}", self.endpoints.host);
        let tag = self.sessions.next_tag().to_string();
        let session = CstaSession::inviting(open, &call_id, &tag);
        let owner = SessionOwner::new(open.owner.clone(), open.key);
        let id = self.sessions.insert(OwnedSession { owner, session });
        self.send(id, &SessionRequest::Invite { retries: 0 }, ctx);
    }

    /// Sends the CANCEL of an INVITE of a session.
    pub(super) fn cancel(
        &mut self,
        id: SessionId,
        invite: Branch,
        cseq: u32,
        rang: bool,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.cancelled(rang);
        let dialog = session.dialog();
        let via = self.endpoints.via(invite);
        self.transport
            .compose(|out| dialog.cancel(out, via, cseq).end());
        let (cancel, due) = self.clients.start_cancel(invite, self.clock.now());
        self.clients.sent(cancel, cseq, self.transport.sent());
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
    }

    /// Acknowledges a 2xx to an INVITE that has no session any more, or another one, and ends its dialog (RFC 3261, section
    /// 13.2.2.4).
    pub(super) fn decline(&mut self, response: &Response, ctx: &mut Context<Self>) {
        let Ok(mut dialog) = Dialog::of_response(response.head()) else {
            return;
        };
        let is_kept = self.clients.may_decline();
        // RFC 3261, section 13.3.1.4: without an ACK the peer repeats its 2xx, and in the end sends the BYE itself.
        if !is_kept && self.endpoints.reliability() == Reliability::Unreliable {
            return;
        }
        tracing::debug!(peer = %self.endpoints.peer, phone = self.phone(), call_id = dialog.call_id(), "2xx to an INVITE without a session; sending BYE");
        self.acknowledge_in(&dialog, SessionId::NONE, dialog.local_cseq());
        let now = self.clock.now();
        let (branch, due) = self.clients.start(&Method::Bye, Purpose::Bye, now);
        let via = self.endpoints.via(branch);
        let sent = self.transport.request(|out| {
            dialog.request(out, &Method::Bye, via).end();
            dialog.local_cseq()
        });
        if !is_kept {
            // A stream loses no BYE, so its response is not awaited.
            self.clients.withdraw(branch.transaction());
            return;
        }
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
        self.sent(branch, sent, ctx);
    }

    /// Sends the ACK of a rejected INVITE, which has the branch of the INVITE (RFC 3261, section 17.1.1.3).
    pub(super) fn acknowledge_rejection(
        &self,
        dialog: &Dialog,
        branch: Branch,
        cseq: u32,
        response: &Response,
    ) {
        let via = self.endpoints.via(branch);
        let tag = response.head().to_tag();
        self.transport
            .compose(|out| dialog.ack_rejection(out, via, cseq, tag).end());
    }

    /// Sends the ACK of the 2xx to the INVITE with this CSeq, which has a branch of its own (RFC 3261, section 13.2.2.4).
    pub(super) fn acknowledge(&self, id: SessionId, cseq: u32) {
        if let Some(session) = self.sessions.get(id) {
            self.acknowledge_in(session.dialog(), id, cseq);
        }
    }

    pub(super) fn acknowledge_in(&self, dialog: &Dialog, id: SessionId, cseq: u32) {
        let via = self.endpoints.via(self.clients.ack_branch(id, cseq));
        self.transport
            .compose(|out| dialog.ack(out, via, cseq).end());
    }
}

impl<U: Uas> Handler<Open> for SipConnection<U> {
    type Result = ();

    /// Waits for the final response to an INVITE that the same owner gave up: no peer gets two at a time.
    fn handle(&mut self, open: Open, ctx: &mut Self::Context) {
        let closing = self.sessions.closing(&open.owner);
        match closing.and_then(|id| self.sessions.get_mut(id)) {
            Some(former) => *former.next_mut() = Some(Box::new(open)),
            None => self.open(&open, ctx),
        }
    }
}

impl<U: Uas> Handler<Withdraw> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Withdraw { owner, key }: Withdraw, ctx: &mut Self::Context) {
        if let Some(id) = self.sessions.opened(&owner, key)
            && let Some(session) = self.sessions.get_mut(id)
        {
            let effects = session.close();
            self.session_effects(id, effects, ctx);
        } else if let Some(id) = self.sessions.closing(&owner)
            && let Some(former) = self.sessions.get_mut(id)
        {
            former.next_mut().take_if(|next| next.key == key);
        }
    }
}
