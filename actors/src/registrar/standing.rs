//! What the registrar tells everybody: how the lines stand (what ECMA-269's system registration is served from), that the rules
//! have changed, and the end of it all.

use std::{sync::Arc, time::Duration};

use actix::{AsyncContext, Context, Handler, Message, Recipient, ResponseFuture};
use futures_util::future::join_all;

use super::Registrar;
use crate::{
    directory::Entry,
    phone::{Retire, Status as PhoneStatus},
    sip::connection::Shut,
};

/// Asks to be told how the lines stand: at once, and whenever that changes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Follow(pub Recipient<Standing>);

/// All lines of phones in operation, in no order, and how each phone can be reached.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Standing(pub Arc<[(Entry, PhoneStatus)]>);

/// The server is about to stop. Whoever is told has said what it has to say when this is answered.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Stopping;

/// What the operator set is not as it was: whoever is told reads [`House::rules`](crate::House::rules) again.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RulesChanged;

/// How long changes are gathered: thousands of phones that return in one second are few changes to those who follow.
const GATHERED: Duration = Duration::from_millis(200);

impl Registrar {
    /// A line or a phone is not as it was.
    pub(super) fn stirred(&mut self, ctx: &mut Context<Self>) {
        if self.followers.is_empty() || self.telling {
            return;
        }
        self.telling = true;
        ctx.run_later(GATHERED, |registrar, _| {
            registrar.telling = false;
            registrar.followers.retain(Recipient::connected);
            let standing = registrar.standing();
            for follower in &registrar.followers {
                follower.do_send(standing.clone());
            }
        });
    }

    fn standing(&self) -> Standing {
        let lines = self.directory.all().filter_map(|entry| {
            let status = self.telephones.get(&entry.mac)?.status;
            Some((entry, status))
        });
        Standing(lines.collect())
    }
}

impl Handler<Follow> for Registrar {
    type Result = ();

    fn handle(&mut self, Follow(follower): Follow, _: &mut Self::Context) {
        follower.do_send(self.standing());
        if !self.followers.contains(&follower) {
            self.followers.push(follower);
        }
    }
}

impl Handler<Stopping> for Registrar {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, stopping: Stopping, _: &mut Self::Context) -> Self::Result {
        // Several clients may share a connection: it ends when all have been told.
        let (told, connections): (Vec<_>, Vec<_>) = self
            .clients
            .drain(..)
            .map(|client| (client.stopping.send(stopping), client.shut))
            .unzip();
        Box::pin(async move {
            // A client that is gone has nothing left to say, nor has its connection.
            let _ = join_all(told).await;
            let ended = connections.iter().map(|connection| {
                connection.send(Shut {
                    reason: "the server is stopping".into(),
                })
            });
            let _ = join_all(ended).await;
        })
    }
}

impl Handler<Retire> for Registrar {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, retire: Retire, _: &mut Self::Context) -> Self::Result {
        let phones = self
            .telephones
            .values()
            .filter_map(|record| record.phone.as_ref());
        let retired: Vec<_> = phones.map(|phone| phone.send(retire)).collect();
        Box::pin(async move {
            // A phone whose actor is gone holds nothing any more.
            let _ = join_all(retired).await;
        })
    }
}

impl Handler<RulesChanged> for Registrar {
    type Result = ();

    fn handle(&mut self, changed: RulesChanged, _: &mut Self::Context) {
        for phone in self
            .telephones
            .values()
            .filter_map(|record| record.phone.as_ref())
        {
            phone.do_send(changed);
        }
        self.clients
            .retain(|client| client.rules_changed.connected());
        for client in &self.clients {
            client.rules_changed.do_send(changed);
        }
    }
}
