//! Says again what the registrar or licensing was told and asked for, when another has taken the place of one that failed.

use actix::Handler;

use super::{Announce, LinesListed, Phone};
use crate::monitor::MonitorEvent;

impl Handler<Announce> for Phone {
    type Result = ();

    fn handle(&mut self, _: Announce, ctx: &mut Self::Context) {
        self.report(None);
        if self.permit.is_none() && self.binding.is_some() && self.enabled {
            self.request_permit(ctx);
        }
        if !self.inventory.lines().is_empty() {
            self.context.registrar.do_send(LinesListed {
                phone: self.phone,
                lines: self.inventory.lines().to_vec(),
            });
        }
        self.monitored.notify(&MonitorEvent::LicensingRestarted);
    }
}
