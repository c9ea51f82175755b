//! The seat of a watched line: asked for with its first watcher, and again where licensing failed meanwhile.

use actix::{AsyncContext, Context, Handler};

use super::Monitor;
use crate::{
    licensing::{Kind, Take},
    phone::Announce,
};

impl Monitor {
    pub(super) fn take_seat(&self, ctx: &Context<Self>) {
        self.around.house.licensing.do_send(Take {
            kind: Kind::Line,
            to: ctx.address().recipient(),
        });
    }
}

impl Handler<Announce> for Monitor {
    type Result = ();

    fn handle(&mut self, _: Announce, ctx: &mut Self::Context) {
        if self.seat.is_none() && !self.watchers.is_empty() {
            self.take_seat(ctx);
        }
    }
}
