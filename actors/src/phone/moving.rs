//! The phone's dialog continues on another connection, without a new REGISTER (RFC 3261, section 12.2.2).

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler};

use super::{BindingMoved, Orphan, Phone, session::SessionInput};
use crate::{
    registration::{Flow, PhoneBinding, PhoneUas},
    sip::connection::{Migrate, Moved},
};

impl Handler<Orphan> for Phone {
    type Result = ();

    fn handle(&mut self, Orphan(orphan): Orphan, ctx: &mut Self::Context) {
        match &self.binding {
            Some(binding) if self.session.id().is_some() => {
                let user = binding.identity.aor.0;
                let search = Migrate::search(
                    orphan,
                    self.session.key(),
                    Box::new(move |uas: &mut PhoneUas, request| uas.admits(request, user)),
                    ctx.address().recipient(),
                );
                binding.flow.connection.do_send(search);
            }
            _ => orphan.responder.nowhere(),
        }
    }
}

impl Handler<Moved<PhoneUas>> for Phone {
    type Result = ();

    fn handle(&mut self, moved: Moved<PhoneUas>, ctx: &mut Self::Context) {
        if moved.key == self.session.key() {
            self.moved(moved, ctx);
        }
    }
}

impl Phone {
    /// Sends requests where the session is now. The phone has proved who it is, so the registrar moves the binding.
    fn moved(&mut self, moved: Moved<PhoneUas>, ctx: &mut Context<Self>) {
        let Some(former) = self.binding.take() else {
            return;
        };
        tracing::info!(phone = %self.phone, from = %former.address, to = %moved.address, "dialog continues on another connection; binding moved");
        let binding = Arc::new(PhoneBinding {
            flow: Flow {
                connection: Arc::new(moved.connection),
                arbiter: moved.arbiter,
            },
            address: moved.address,
            ..PhoneBinding::clone(&former)
        });
        self.binding = Some(Arc::clone(&binding));
        self.on_session(SessionInput::Moved(moved.session), ctx);
        self.context
            .registrar
            .do_send(BindingMoved { former, binding });
        self.send_next(ctx);
    }
}
