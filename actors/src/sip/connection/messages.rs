//! What other actors ask of a link.

use actix::Handler;

use super::{
    super::{
        responder::Respond,
        session::{Close, Invoke, Notify, Open},
    },
    Overrun, Shut, SipConnection,
};
use crate::{
    counters::Event,
    registration::{Bindings, Bound, Left},
};

impl Handler<Respond> for SipConnection {
    type Result = ();

    fn handle(
        &mut self,
        Respond {
            transaction,
            answer,
        }: Respond,
        ctx: &mut Self::Context,
    ) {
        self.answer(transaction, answer, ctx);
    }
}

impl Handler<Open> for SipConnection {
    type Result = ();

    fn handle(&mut self, open: Open, ctx: &mut Self::Context) {
        self.open(open, ctx);
    }
}

impl Handler<Invoke> for SipConnection {
    type Result = ();

    fn handle(
        &mut self,
        Invoke {
            session,
            ticket,
            content,
        }: Invoke,
        ctx: &mut Self::Context,
    ) {
        self.invoke(session, ticket, content, ctx);
    }
}

impl Handler<Notify> for SipConnection {
    type Result = ();

    fn handle(&mut self, Notify { session, content }: Notify, ctx: &mut Self::Context) {
        self.notify(session, content, ctx);
    }
}

impl Handler<Close> for SipConnection {
    type Result = ();

    fn handle(&mut self, Close { session }: Close, ctx: &mut Self::Context) {
        self.close(session, ctx);
    }
}

impl Handler<Shut> for SipConnection {
    type Result = ();

    fn handle(&mut self, Shut { reason }: Shut, ctx: &mut Self::Context) {
        self.end(reason, ctx);
    }
}

impl Handler<Overrun> for SipConnection {
    type Result = ();

    fn handle(&mut self, Overrun: Overrun, ctx: &mut Self::Context) {
        if self.ending.is_none() {
            self.complain(
                "connection ended: events come faster than it takes them",
                None,
            );
            self.uas.count(Event::LeftBehind);
            self.end("it does not keep up with its events", ctx);
        }
    }
}

impl Handler<Bound> for SipConnection {
    type Result = ();

    fn handle(&mut self, bound: Bound, ctx: &mut Self::Context) {
        self.uas.bound(bound);
        self.recognise();
        if let Some(at) = self.uas.sweep(self.clock.now()) {
            self.wake_at(at, ctx);
        }
    }
}

impl Handler<Left> for SipConnection {
    type Result = ();

    fn handle(&mut self, Left { mac, reason }: Left, ctx: &mut Self::Context) {
        self.uas.left(mac);
        if !self.uas.is_known() {
            self.end(reason, ctx);
        }
    }
}

impl Handler<Bindings> for SipConnection {
    type Result = ();

    fn handle(&mut self, Bindings { mac, reply }: Bindings, _: &mut Self::Context) {
        self.uas.bindings(mac, reply);
    }
}
