//! Messages that move a dialog to another connection: Call-ID and tags identify it, not the transport (RFC 3261, section 12).

use std::net::SocketAddr;

use actix::{Addr, Message, Recipient};
use actix_rt::ArbiterHandle;
use uacsta_schema::sip::Request;

use super::{actor::SipConnection, owner::SessionOwner, sessions::OwnedSession};
use crate::sip::{
    dialog::DialogId,
    responder::{FinalResponse, Responder},
    session::{SessionEnd, SessionEventKind, SessionId},
    uas::Uas,
};

/// A request in a dialog that its connection does not own, on its way to the dialog's owner.
pub struct OrphanRequest<U: Uas> {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag: that of the To.
    pub local_tag: Box<str>,
    /// The peer's tag: that of the From.
    pub remote_tag: Box<str>,
    /// The connection that received the request.
    pub connection: Addr<SipConnection<U>>,
    /// Answers 481, unless the dialog moves to that connection.
    pub responder: Responder,
}

/// Moves a session to the connection of an [`OrphanRequest`], if the sender proves to be the session's peer.
///
/// The message goes to the connection that may own the dialog, back to that of the request for the proof, to the owner for
/// the session, and with the session to the connection of the request.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Migrate<U: Uas> {
    pub(super) orphan: OrphanRequest<U>,
    /// The owner's name for the session that the dialog must be.
    pub(super) key: u64,
    pub(super) owner: Recipient<Moved<U>>,
    pub(super) step: MigrationStep<U>,
}

/// Checks that the sender of a request is the peer of the session; the error is the response to the request.
pub type Prove<U> = Box<dyn FnOnce(&mut U, &Request) -> Result<(), FinalResponse> + Send>;

/// A session moved to another connection.
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

pub(super) enum MigrationStep<U: Uas> {
    /// To the connection that may own the dialog.
    Search(Prove<U>),
    /// To the connection of the request, whose sender must prove who it is; the named connection owns the dialog.
    Prove(Prove<U>, Addr<SipConnection<U>>),
    /// To the owner: the sender is the peer.
    Release,
    /// To the connection of the request, with the session.
    Adopt(InTransit),
}

impl<U: Uas> Migrate<U> {
    /// Asks the receiving connection whether the dialog is its session of this key; if so, `prove` runs on the connection of
    /// the request, and `owner` is told when the session has moved.
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

    pub(super) fn dialog(&self) -> DialogId<'_> {
        DialogId {
            call_id: &self.orphan.call_id,
            local_tag: &self.orphan.local_tag,
            remote_tag: &self.orphan.remote_tag,
        }
    }
}

/// A session on its way to another connection. If that connection ends before it arrives, its owner is told that it is over.
pub(super) struct InTransit(Option<Box<OwnedSession<SessionOwner>>>);

impl InTransit {
    pub(super) fn new(owned: OwnedSession<SessionOwner>) -> Self {
        Self(Some(Box::new(owned)))
    }

    /// The session, once.
    pub(super) fn arrive(mut self) -> Option<OwnedSession<SessionOwner>> {
        self.0.take().map(|owned| *owned)
    }
}

impl Drop for InTransit {
    fn drop(&mut self) {
        if let Some(owned) = self.0.take() {
            let over = SessionEventKind::Ended(SessionEnd::Stranded);
            owned.owner.tell(SessionId::NONE, over);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Sender, channel},
        time::Duration,
    };

    use actix::{Actor, Context, Handler};

    use super::{super::samples, *};
    use crate::sip::{
        connection::{csta_session::CstaSession, session_refresh::SessionRefresh},
        session::SessionEvent,
    };

    struct Owner(Sender<SessionEvent>);

    impl Actor for Owner {
        type Context = Context<Self>;
    }

    impl Handler<SessionEvent> for Owner {
        type Result = ();

        fn handle(&mut self, event: SessionEvent, _: &mut Self::Context) {
            self.0.send(event).expect("the test waits");
        }
    }

    #[test]
    fn owner_of_a_session_is_told_when_the_connection_that_it_moves_to_has_ended() {
        let (told, events) = channel();
        actix_rt::System::new().block_on(async {
            let owner = Owner(told).start();
            let in_transit = |key| {
                let invite = samples::request("INVITE", 1, "z9hG4bK1x", "");
                let timer = SessionRefresh::proposed(Duration::from_secs(300));
                let session = CstaSession::accepted(&invite, "t", timer).expect("a dialog");
                let owner = SessionOwner::new(owner.clone().recipient(), key);
                InTransit::new(OwnedSession { owner, session })
            };
            assert!(in_transit(1).arrive().is_some());
            drop(in_transit(2));
            actix_rt::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        });
        let event = events.try_recv().expect("an event");
        assert_eq!(event.key, 2);
        assert!(matches!(
            event.what,
            SessionEventKind::Ended(SessionEnd::Stranded)
        ));
        assert!(events.try_recv().is_err());
    }
}
