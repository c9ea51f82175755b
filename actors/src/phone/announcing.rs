//! Says again what the registrar or licensing was told and asked for, when another has taken the place of one that failed.

use actix::Handler;

use super::{Announce, Phone};
use crate::registrar;

impl Handler<Announce> for Phone {
    type Result = ();

    fn handle(&mut self, announce: Announce, ctx: &mut Self::Context) {
        self.report(None);
        if self.seat.is_none() && self.binding.is_some() && self.in_operation {
            self.take_seat(ctx);
        }
        if !self.inventory.lines().is_empty() {
            self.house.registrar.do_send(registrar::Listed {
                mac: self.mac,
                lines: self.inventory.lines().to_vec(),
            });
        }
        for point in self.points.values() {
            point.monitor.do_send(announce);
        }
    }
}
