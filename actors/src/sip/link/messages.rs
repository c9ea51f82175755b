//! What other actors ask of a link.

use actix::Handler;

use super::{
    super::{
        reply::Answered,
        session::{Close, Invoke, Notify, Open},
    },
    Link, Overrun, Shut,
};
use crate::{
    counters::Event,
    registration::{Bindings, Bound, Left},
};

impl Handler<Answered> for Link {
    type Result = ();

    fn handle(
        &mut self,
        Answered {
            transaction,
            answer,
        }: Answered,
        ctx: &mut Self::Context,
    ) {
        self.answer(transaction, answer, ctx);
    }
}

impl Handler<Open> for Link {
    type Result = ();

    fn handle(&mut self, open: Open, ctx: &mut Self::Context) {
        self.open(open, ctx);
    }
}

impl Handler<Invoke> for Link {
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

impl Handler<Notify> for Link {
    type Result = ();

    fn handle(&mut self, Notify { session, content }: Notify, ctx: &mut Self::Context) {
        self.notify(session, content, ctx);
    }
}

impl Handler<Close> for Link {
    type Result = ();

    fn handle(&mut self, Close { session }: Close, ctx: &mut Self::Context) {
        self.close(session, ctx);
    }
}

impl Handler<Shut> for Link {
    type Result = ();

    fn handle(&mut self, Shut { reason }: Shut, ctx: &mut Self::Context) {
        self.end(reason, ctx);
    }
}

impl Handler<Overrun> for Link {
    type Result = ();

    fn handle(&mut self, Overrun: Overrun, ctx: &mut Self::Context) {
        if self.ending.is_none() {
            self.complain(
                "connection ended: events come faster than it takes them",
                None,
            );
            self.desk.count(Event::LeftBehind);
            self.end("it does not keep up with its events", ctx);
        }
    }
}

impl Handler<Bound> for Link {
    type Result = ();

    fn handle(&mut self, bound: Bound, ctx: &mut Self::Context) {
        self.desk.bound(bound);
        self.recognise();
        if let Some(at) = self.desk.sweep(self.clock.now()) {
            self.wake_at(at, ctx);
        }
    }
}

impl Handler<Left> for Link {
    type Result = ();

    fn handle(&mut self, Left { mac, reason }: Left, ctx: &mut Self::Context) {
        self.desk.left(mac);
        if !self.desk.is_known() {
            self.end(reason, ctx);
        }
    }
}

impl Handler<Bindings> for Link {
    type Result = ();

    fn handle(&mut self, Bindings { mac, reply }: Bindings, _: &mut Self::Context) {
        self.desk.bindings(mac, reply);
    }
}
