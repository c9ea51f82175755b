//! Ends sessions: for their owner, for the peer, or with the connection.

use actix::Context;
use uacsta_schema::sip::Method;

use super::{SipConnection, send::Purpose, sessions::Phase};
use crate::sip::{
    session::{RequestError, SessionEnd, SessionEvent, SessionEventKind, SessionId},
    uas::Uas,
};

impl<U: Uas> SipConnection<U> {
    /// Ends a session for its owner.
    pub(super) fn close(&mut self, id: SessionId, ctx: &mut Context<Self>) {
        let Some(slot) = self.session(id) else { return };
        if self.sessions[slot].phase == Phase::Inviting {
            // RFC 3261, section 15: a BYE needs a dialog. It follows when the INVITE is answered.
            self.sessions[slot].phase = Phase::Abandoned;
        } else {
            self.bye(slot, ctx);
            self.abandon(slot);
            self.sessions.remove(slot);
        }
    }

    pub(super) fn bye(&mut self, slot: usize, ctx: &mut Context<Self>) {
        self.send(
            slot,
            &Method::Bye,
            Purpose::Bye,
            ctx,
            |composer, authorization| authorization.add(composer).end(),
        );
    }

    /// Tells a session's owner what happened.
    pub(super) fn tell(&self, slot: usize, what: SessionEventKind) {
        let session = &self.sessions[slot];
        session.owner.do_send(SessionEvent {
            key: session.key,
            session: self.id(slot),
            what,
        });
    }

    /// Ends a session that the peer ended or lost; where the peer may still hold it, it gets a BYE.
    pub(super) fn end_session(&mut self, slot: usize, why: SessionEnd, ctx: &mut Context<Self>) {
        if matches!(why, SessionEnd::Silent | SessionEnd::Expired) {
            self.bye(slot, ctx);
        }
        self.finish(slot, why);
    }

    /// Removes a session. Its owner is told of each request that remains without a response, then of the end.
    pub(super) fn finish(&mut self, slot: usize, why: SessionEnd) {
        for ticket in self.abandon(slot) {
            self.tell(
                slot,
                SessionEventKind::Response {
                    ticket,
                    answer: Err(RequestError::Ended),
                },
            );
        }
        match self.sessions[slot].phase {
            Phase::Inviting => self.tell(slot, SessionEventKind::Refused(RequestError::Ended)),
            Phase::Abandoned => {}
            Phase::Unacknowledged | Phase::Open => self.tell(slot, SessionEventKind::Ended(why)),
        }
        self.sessions.remove(slot);
    }
}
