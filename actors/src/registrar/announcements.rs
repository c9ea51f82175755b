//! What the registrar tells all clients and phones: that the settings have changed, and that the server stops.

use actix::{Handler, Message, ResponseFuture};
use futures_util::future::join_all;

use super::Registrar;
use crate::{ConfigChanged, phone::Retire, sip::connection::Shut};

/// The server is about to stop. The receiver answers when it has sent what it has to send.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Stopping;

impl Handler<Stopping> for Registrar {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, stopping: Stopping, _: &mut Self::Context) -> Self::Result {
        // Several clients may share a connection: it ends after all of them.
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
            .listed
            .values()
            .filter_map(|record| record.phone.as_ref());
        let retired: Vec<_> = phones.map(|phone| phone.send(retire)).collect();
        Box::pin(async move {
            // A phone whose actor is gone holds nothing any more.
            let _ = join_all(retired).await;
        })
    }
}

impl Handler<ConfigChanged> for Registrar {
    type Result = ();

    fn handle(&mut self, changed: ConfigChanged, ctx: &mut Self::Context) {
        self.each_phone(ctx, move |phone| phone.do_send(changed));
        self.clients
            .retain(|client| client.config_changed.connected());
        for client in &self.clients {
            client.config_changed.do_send(changed);
        }
    }
}
