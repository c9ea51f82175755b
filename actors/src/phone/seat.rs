//! The phone's seat: nothing is sent to a phone that has none, and what runs when it is withdrawn may come to its end.

use std::time::Duration;

use actix::{AsyncContext, Context, Handler};
use uacsta_schema::csta::DeviceId;

use super::{Phone, Relinquish};
use crate::{
    licensing::{Kind, Take, Taken},
    monitor::Relinquished,
    registrar::Reseat,
};

/// How long calls may go on without a seat.
const GRACE: Duration = Duration::from_secs(3600);
/// How often it is looked whether they are over.
const LOOK: Duration = Duration::from_secs(5);
/// Why a phone is not controlled.
const REASON: &str = "there is no licence for it; see: uacsta licenses";

impl Phone {
    pub(super) fn take_seat(&self, ctx: &Context<Self>) {
        self.house.licensing.do_send(Take {
            kind: Kind::Phone,
            to: ctx.address().recipient(),
        });
    }

    /// Gives the seat back, and waits for none.
    pub(super) fn leave_seat(&mut self) {
        self.seat = None;
        self.seatless = None;
    }

    /// Why the phone is not controlled, if that is for want of a seat.
    pub(super) fn lacks_seat(&self) -> Option<String> {
        self.seatless
            .filter(|_| self.session.is_closed())
            .map(|_| REASON.to_owned())
    }

    /// Ends the session once there is no call any more and no request is open. It is opened again when there is a seat.
    fn wind_up(&mut self, ctx: &mut Context<Self>) {
        let Some(since) = self.seatless else { return };
        let calls = self.points.values().any(|point| !point.calls.is_empty());
        if self.session.is_closed() {
            self.report(None);
        } else if !calls && self.requests.is_idle() || self.is_late(since) {
            self.close_session("there is no licence for the phone", ctx);
            self.report(None);
        } else {
            ctx.run_later(LOOK, Self::wind_up);
        }
    }

    /// Ends the monitor of a line once the line has no call any more.
    fn wind_up_line(&mut self, device: DeviceId, since: Duration, ctx: &mut Context<Self>) {
        let late = self.is_late(since);
        let Some(point) = self.points.get_mut(&device) else {
            return;
        };
        if point.calls.is_empty() || late {
            let (monitor, cross_ref) = (point.monitor.clone(), point.lost());
            if let Some(cross_ref) = cross_ref {
                self.stop_monitor(&device, &cross_ref, ctx);
            }
            monitor.do_send(Relinquished);
        } else {
            ctx.run_later(LOOK, move |phone, ctx| {
                phone.wind_up_line(device, since, ctx);
            });
        }
    }

    fn is_late(&self, since: Duration) -> bool {
        self.house.clock.now() >= since + GRACE
    }
}

impl Handler<Taken> for Phone {
    type Result = ();

    fn handle(&mut self, Taken(seat): Taken, ctx: &mut Self::Context) {
        if self.binding.is_none() || !self.in_operation {
            return;
        }
        match seat {
            Some(seat) => {
                self.seat = Some(seat);
                self.seatless = None;
                if self.session.is_closed() {
                    self.open_session(ctx);
                }
            }
            None if self.seatless.is_none() && self.seat.is_none() => {
                tracing::warn!(mac = %self.mac, "{REASON}");
                self.seatless = Some(self.house.clock.now());
                self.wind_up(ctx);
            }
            None => {}
        }
    }
}

impl Handler<Reseat> for Phone {
    type Result = ();

    fn handle(&mut self, reseat: Reseat, ctx: &mut Self::Context) {
        if self.seat.take_if(|seat| seat.is_withdrawn()).is_some() {
            self.take_seat(ctx);
        }
        for point in self.points.values() {
            point.monitor.do_send(reseat);
        }
    }
}

impl Handler<Relinquish> for Phone {
    type Result = ();

    fn handle(&mut self, Relinquish { device }: Relinquish, ctx: &mut Self::Context) {
        let now = self.house.clock.now();
        self.wind_up_line(device, now, ctx);
    }
}
