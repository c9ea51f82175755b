//! A dialog that continues on another connection: Call-ID and tags identify it, not the transport (RFC 3261, section 12).

use std::net::SocketAddr;

use actix::{Addr, AsyncContext, Context, Handler, Message, Recipient};
use actix_rt::{Arbiter, ArbiterHandle};
use uacsta_schema::sip::Request;

use super::{SipConnection, sessions::CstaSession};
use crate::sip::{
    dialog::DialogId,
    responder::{FinalResponse, Responder},
    session::{RequestError, SessionEventKind, SessionId},
    uas::Uas,
};

/// A request in a dialog that its connection does not own, on its way to the dialog's owner.
pub struct OrphanRequest<U: Uas> {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The peer's tag.
    pub remote_tag: Box<str>,
    /// The connection that the request came on.
    pub connection: Addr<SipConnection<U>>,
    /// Responds 481, unless the dialog moves to that connection.
    pub responder: Responder,
}

/// Moves a session to the connection of an [`OrphanRequest`], when its sender proves to be the session's peer.
///
/// The message goes to the connection that may own the dialog, back to that of the request for the proof, to the owner for
/// the session, and with the session to the connection of the request.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Migrate<U: Uas> {
    orphan: OrphanRequest<U>,
    /// The owner's name for the session that the dialog must be.
    key: u64,
    owner: Recipient<Moved<U>>,
    step: MigrationStep<U>,
}

/// Checks that the sender of a request is the peer of the session; the error is its response.
pub type Prove<U> = Box<dyn FnOnce(&mut U, &Request) -> Result<(), FinalResponse> + Send>;

/// A session continues on another connection.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Moved<U: Uas> {
    /// The owner's name for the session.
    pub key: u64,
    /// The new connection's name for it.
    pub session: SessionId,
    /// The new connection.
    pub connection: Addr<SipConnection<U>>,
    /// The thread of the new connection.
    pub arbiter: ArbiterHandle,
    /// The peer's address on the new connection.
    pub address: SocketAddr,
}

enum MigrationStep<U: Uas> {
    /// To the connection that may own the dialog.
    Search(Prove<U>),
    /// To the connection of the request, whose sender must prove who it is; the named connection owns the dialog.
    Prove(Prove<U>, Addr<SipConnection<U>>),
    /// To the owner: the sender is the peer.
    Release,
    /// To the connection of the request, with the session.
    Adopt(Box<CstaSession>),
}

impl<U: Uas> Migrate<U> {
    /// Sent to a connection, asks whether the dialog is its session of this key; if so, `prove` runs where the request
    /// waits, and `owner` is told when the session has moved.
    pub fn search(
        orphan: OrphanRequest<U>,
        key: u64,
        prove: Prove<U>,
        owner: Recipient<Moved<U>>,
    ) -> Self {
        Self {
            orphan,
            key,
            owner,
            step: MigrationStep::Search(prove),
        }
    }
}

impl<U: Uas> OrphanRequest<U> {
    fn dialog(&self) -> DialogId<'_> {
        DialogId {
            call_id: &self.call_id,
            local_tag: &self.local_tag,
            remote_tag: &self.remote_tag,
        }
    }
}

impl<U: Uas> Handler<Migrate<U>> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, mut migration: Migrate<U>, ctx: &mut Self::Context) {
        let to = migration.orphan.connection.clone();
        match std::mem::replace(&mut migration.step, MigrationStep::Release) {
            MigrationStep::Search(prove) => {
                if self.session_of(&migration).is_none() {
                    return migration.orphan.responder.nowhere();
                }
                migration.step = MigrationStep::Prove(prove, ctx.address());
                to.do_send(migration);
            }
            MigrationStep::Prove(prove, owner) => {
                let request = self.pending(&migration.orphan.responder);
                match request.map(|request| prove(&mut self.uas, &request)) {
                    Some(Ok(())) => owner.do_send(migration),
                    Some(Err(response)) => migration.orphan.responder.with(response),
                    None => migration.orphan.responder.nowhere(),
                }
            }
            MigrationStep::Release => match self.session_of(&migration) {
                Some(slot) => {
                    // Whether the peer carried out what was sent on this connection is not known.
                    for ticket in self.abandon(slot) {
                        let answer = Err(RequestError::Ended);
                        self.tell(slot, SessionEventKind::Response { ticket, answer });
                    }
                    migration.step = MigrationStep::Adopt(Box::new(self.sessions.remove(slot)));
                    to.do_send(migration);
                }
                None => migration.orphan.responder.nowhere(),
            },
            MigrationStep::Adopt(session) => self.adopt(*session, migration, ctx),
        }
    }
}

impl<U: Uas> SipConnection<U> {
    fn session_of(&self, migration: &Migrate<U>) -> Option<usize> {
        self.dialog(migration.orphan.dialog())
            .filter(|slot| self.sessions[*slot].key == migration.key)
    }

    /// Takes over a session, tells its owner, and hands it the request that brought it here.
    fn adopt(&mut self, mut session: CstaSession, migration: Migrate<U>, ctx: &mut Context<Self>) {
        session.serial = self.next_serial();
        let due = session.due;
        let slot = self.sessions.insert(session);
        // The session's tag names its slot on the other connection.
        self.adopted = true;
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
        migration.owner.do_send(Moved {
            key: migration.key,
            session: self.id(slot),
            connection: ctx.address(),
            arbiter: Arbiter::current(),
            address: self.endpoints.peer,
        });
        let id = migration.orphan.responder.forward();
        self.resume(id, slot, ctx);
    }
}
