//! A dialog that goes on on another connection: it is known by its Call-ID and tags, not by what carries it (RFC 3261 12).

use std::net::SocketAddr;

use actix::{Addr, AsyncContext, Context, Handler, Message};
use actix_rt::{Arbiter, ArbiterHandle};
use uacsta_schema::phone_id::PhoneId;

use super::{SipConnection, sessions::Session};
use crate::{
    phone::Phone,
    sip::{
        dialog::DialogId,
        responder::Responder,
        session::{RequestError, SessionEventKind, SessionId},
    },
};

/// A request in a dialog that its link does not own, on its way to who does.
#[derive(Debug)]
pub struct Stray {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The peer's tag.
    pub remote_tag: Box<str>,
    /// The link that it came on.
    pub link: Addr<SipConnection>,
    /// Its answer: 481, unless the dialog moves there.
    pub reply: Responder,
}

/// A [`Stray`] whose party is found, and what is to be done with it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Move {
    stray: Stray,
    /// Whose the dialog must be.
    phone: Addr<Phone>,
    /// Its name for the session.
    key: u64,
    /// The user name that the sender must prove to be.
    user: PhoneId,
    step: Step,
}

/// A phone's session goes on on another link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Moved {
    /// The phone's name for the session.
    pub key: u64,
    /// The new link's name for it.
    pub session: SessionId,
    /// The new link.
    pub link: Addr<SipConnection>,
    /// Its thread.
    pub arbiter: ArbiterHandle,
    /// Where the phone is now.
    pub address: SocketAddr,
}

enum Step {
    /// To the link of the party: does it own the dialog?
    Search,
    /// Back to the link of the request: that one does. Its sender is to prove who it is.
    Prove(Addr<SipConnection>),
    /// To the owner: the sender is the party.
    Release,
    /// To the link of the request: here it is.
    Adopt(Box<Session>),
}

impl Move {
    /// Asks the link of a phone whether the dialog is the phone's session.
    pub fn search(stray: Stray, phone: Addr<Phone>, key: u64, user: PhoneId) -> Self {
        Self {
            stray,
            phone,
            key,
            user,
            step: Step::Search,
        }
    }
}

impl Stray {
    fn dialog(&self) -> DialogId<'_> {
        DialogId {
            call_id: &self.call_id,
            local_tag: &self.local_tag,
            remote_tag: &self.remote_tag,
        }
    }
}

impl Handler<Move> for SipConnection {
    type Result = ();

    fn handle(&mut self, mut moving: Move, ctx: &mut Self::Context) {
        let to = moving.stray.link.clone();
        match std::mem::replace(&mut moving.step, Step::Search) {
            Step::Search => {
                if self.own(&moving).is_none() {
                    return moving.stray.reply.nowhere();
                }
                moving.step = Step::Prove(ctx.address());
                to.do_send(moving);
            }
            Step::Prove(owner) => {
                let asked = self.asked(&moving.stray.reply);
                match asked.map(|request| self.uas.admits(&request, moving.user)) {
                    Some(Ok(())) => {
                        moving.step = Step::Release;
                        owner.do_send(moving);
                    }
                    Some(Err(answer)) => moving.stray.reply.with(answer),
                    None => moving.stray.reply.nowhere(),
                }
            }
            Step::Release => match self.own(&moving) {
                Some(slot) => {
                    // What was asked on the old connection may be done or not.
                    for ticket in self.abandon(slot) {
                        let answer = Err(RequestError::Ended);
                        self.tell(slot, SessionEventKind::Response { ticket, answer });
                    }
                    moving.step = Step::Adopt(Box::new(self.sessions.remove(slot)));
                    to.do_send(moving);
                }
                None => moving.stray.reply.nowhere(),
            },
            Step::Adopt(session) => self.adopt(*session, moving, ctx),
        }
    }
}

impl SipConnection {
    fn own(&self, moving: &Move) -> Option<usize> {
        self.dialog(moving.stray.dialog())
            .filter(|slot| self.sessions[*slot].key == moving.key)
    }

    /// Takes a session over, tells its owner, and then gives it the request that brought it here.
    fn adopt(&mut self, mut session: Session, moving: Move, ctx: &mut Context<Self>) {
        session.serial = self.next_serial();
        let due = session.due;
        let slot = self.sessions.insert(session);
        // The session's tag bears its place on another link.
        self.adopted = true;
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
        moving.phone.do_send(Moved {
            key: moving.key,
            session: self.id(slot),
            link: ctx.address(),
            arbiter: Arbiter::current(),
            address: self.place.peer,
        });
        let id = moving.stray.reply.forward();
        self.go_on(id, slot, ctx);
    }
}
