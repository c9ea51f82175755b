//! The seat of a watched line: asked for with its first watcher, and the phone is asked for the monitor when it is there.

use actix::{AsyncContext, Context, Handler};

use super::{Monitor, Relinquished, State};
use crate::{
    licensing::{Kind, Take, Taken},
    phone::{Announce, Relinquish},
    registrar::Reseat,
};

impl Monitor {
    /// Asks for a seat if the line has none, and else the phone for its monitor if it is there.
    pub(super) fn seated(&mut self, ctx: &mut Context<Self>) {
        match self.state {
            _ if self.seat.is_none() => self.take_seat(ctx),
            State::Seatless => self.start(ctx),
            State::Away | State::Starting | State::Active => {}
        }
    }

    pub(super) fn take_seat(&self, ctx: &Context<Self>) {
        self.around.house.licensing.do_send(Take {
            kind: Kind::Line,
            to: ctx.address().recipient(),
        });
    }
}

impl Handler<Taken> for Monitor {
    type Result = ();

    fn handle(&mut self, Taken(seat): Taken, ctx: &mut Self::Context) {
        // Nobody watches any more: the seat goes back at once.
        if self.watchers.is_empty() {
            return;
        }
        let granted = seat.is_some();
        if granted {
            self.seat = seat;
            self.refused = false;
            if self.state == State::Seatless {
                self.start(ctx);
            }
        } else if self.seat.is_none() && !self.refused {
            self.refused = true;
            tracing::warn!(mac = %self.mac, line = %self.device, "there is no licence for the line; see: uacsta licenses");
            match self.state {
                State::Away => {}
                State::Seatless => self.all_out_of_service(),
                State::Starting | State::Active => self.around.phone.do_send(Relinquish {
                    device: self.device.clone(),
                }),
            }
        }
    }
}

impl Handler<Relinquished> for Monitor {
    type Result = ();

    fn handle(&mut self, _: Relinquished, ctx: &mut Self::Context) {
        if matches!(self.state, State::Away) {
            return;
        }
        self.state = State::Seatless;
        self.all_out_of_service();
        // A seat may have come while the last call went on.
        if self.seat.is_some() {
            self.start(ctx);
        }
    }
}

impl Handler<Reseat> for Monitor {
    type Result = ();

    fn handle(&mut self, _: Reseat, ctx: &mut Self::Context) {
        if self.seat.take_if(|seat| seat.is_withdrawn()).is_some() {
            self.take_seat(ctx);
        }
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
