//! The phone goes on on another connection amid its CSTA session, without a new REGISTER (RFC 3261 12.2.2).

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler};

use super::{Phone, Wanted, session::State, uas::PhoneUas};
use crate::{
    registration::Left,
    sip::connection::{Migrate, Moved},
};

impl Handler<Wanted> for Phone {
    type Result = ();

    fn handle(&mut self, Wanted(stray): Wanted, ctx: &mut Self::Context) {
        match &self.binding {
            Some(binding) if self.session.id().is_some() => {
                let registration = &binding.registration;
                let user = registration.user;
                let search = Migrate::search(
                    stray,
                    self.key,
                    Box::new(move |uas: &mut PhoneUas, request| uas.admits(request, user)),
                    ctx.address().recipient(),
                );
                registration.link.do_send(search);
            }
            _ => stray.responder.nowhere(),
        }
    }
}

impl Handler<Moved<PhoneUas>> for Phone {
    type Result = ();

    fn handle(&mut self, moved: Moved<PhoneUas>, ctx: &mut Self::Context) {
        if moved.key == self.key {
            self.moved(moved, ctx);
        }
    }
}

impl Phone {
    fn moved(&mut self, moved: Moved<PhoneUas>, ctx: &mut Context<Self>) {
        let Some(binding) = &mut self.binding else {
            return;
        };
        let registration = &mut binding.registration;
        tracing::info!(mac = %self.mac, from = %registration.address, to = %moved.address, "the phone goes on on another connection");
        let former = std::mem::replace(&mut registration.link, Arc::new(moved.connection));
        registration.address = moved.address;
        registration.arbiter = moved.arbiter;
        self.session = match self.session {
            State::Preparing(_) => State::Preparing(moved.session),
            State::Open(_) => State::Open(moved.session),
            other => other,
        };
        // The phone has proved who it is, which is as good as a refresh.
        self.bind_link(ctx);
        former.do_send(Left {
            mac: self.mac,
            reason: "the phone goes on on another connection".into(),
        });
        self.next_request(ctx);
    }
}
