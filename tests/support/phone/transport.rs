//! The transport of a phone: connecting, losing and dropping its connection.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    super::{sip::Message, wire::Wire},
    Phone, State,
};

impl Phone {
    /// Its connection, opened when there is none.
    pub async fn wire(&self) -> Wire {
        self.try_wire()
            .await
            .unwrap_or_else(|e| panic!("no connection to {}: {e}", self.server()))
    }

    /// Like [`Self::wire`], where the server may be down.
    pub async fn try_wire(&self) -> std::io::Result<Wire> {
        if let Some(wire) = self.state().wire.clone() {
            return Ok(wire);
        }
        let (certificate, own) = (self.setup.certificate.as_deref(), self.setup.own.as_deref());
        let (server, documents) = (self.server(), Arc::clone(&self.documents));
        let (wire, requests) = match self.setup.udp {
            Some(weather) => Wire::datagrams(server, weather, documents).await?,
            None => {
                let source = self.setup.source;
                Wire::connect_from(source, server, certificate, own, documents).await?
            }
        };
        self.change(|state| {
            state.wire = Some(wire.clone());
            state.connected = true;
        });
        drop(tokio::spawn(self.clone().serve(wire.clone(), requests)));
        Ok(wire)
    }

    /// Opens another connection and leaves the old one open.
    pub async fn reconnect(&self) -> Wire {
        self.change(|state| state.wire = None);
        self.wire().await
    }

    pub(super) async fn serve(self, wire: Wire, mut requests: UnboundedReceiver<Message>) {
        while let Some(request) = requests.recv().await {
            self.answer(&wire, request);
        }
        self.change(|state| {
            if state
                .wire
                .as_ref()
                .is_some_and(|current| current.local == wire.local)
            {
                state.wire = None;
                state.connected = false;
            }
        });
    }

    /// Closes its connection; the dialog is kept.
    pub fn disconnect(&self) {
        self.leave(Wire::close);
    }

    /// Resets its connection and forgets its state, as a reboot does.
    pub fn reboot(&self) {
        self.leave(Wire::reset);
        self.change(State::forget);
    }

    /// Stops reading for good, as at a power cut: the connection stays half-open, and its memory is empty.
    pub fn power_cut(&self) -> Option<Wire> {
        let wire = self.state().wire.take()?;
        wire.listen(false);
        wire.give_up();
        self.change(|state| {
            state.connected = false;
            state.forget();
        });
        Some(wire)
    }

    /// Waits until its connection ends.
    pub async fn gone(&self) {
        let mut changes = self.changed.subscribe();
        while self.state().connected {
            changes
                .changed()
                .await
                .expect("the phone itself holds the sender");
        }
    }

    /// Uses this address of the server from the next connection on.
    pub fn moves_to(&self, server: SocketAddr) {
        self.state().server = Some(server);
    }

    pub(super) fn server(&self) -> SocketAddr {
        self.state().server.unwrap_or(self.setup.server)
    }

    pub(super) fn leave(&self, how: impl FnOnce(&Wire)) {
        self.change(|state| {
            state.connected = false;
            if let Some(wire) = state.wire.take() {
                how(&wire);
            }
        });
    }
}
