//! What other actors ask of a connection.

use actix::Handler;

use super::{
    super::{
        incident::Incident,
        responder::Respond,
        session::{Close, Invoke, Notify, Open},
        uas::Uas,
    },
    Overrun, Shut, SipConnection,
};

impl<U: Uas> Handler<Respond> for SipConnection<U> {
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

impl<U: Uas> Handler<Open> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, open: Open, ctx: &mut Self::Context) {
        self.open(open, ctx);
    }
}

impl<U: Uas> Handler<Invoke> for SipConnection<U> {
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

impl<U: Uas> Handler<Notify> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Notify { session, content }: Notify, ctx: &mut Self::Context) {
        self.notify(session, content, ctx);
    }
}

impl<U: Uas> Handler<Close> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Close { session }: Close, ctx: &mut Self::Context) {
        self.close(session, ctx);
    }
}

impl<U: Uas> Handler<Shut> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Shut { reason }: Shut, ctx: &mut Self::Context) {
        self.end(reason, ctx);
    }
}

impl<U: Uas> Handler<Overrun> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Overrun: Overrun, ctx: &mut Self::Context) {
        if self.ending.is_none() {
            self.end_for(Incident::EventQueueFull, ctx);
        }
    }
}
