//! One monitor point: one line's single, unfiltered monitor on its phone, fanned out to the clients that opened the line.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, AsyncContext, Context, Handler, SpawnHandle};
use smallvec::SmallVec;
use uacsta_schema::{
    csta::{
        self, BackInServiceEvent, DeviceId, MonitorCrossRefId, MonitorStop, OutOfServiceEvent,
        SubjectDevice,
    },
    phone_id::PhoneId,
};

use crate::{
    House,
    back_off::BackOff,
    licensing::Seat,
    phone::{Orphaned, Phone, StartMonitor, Unwatched},
    sip::session::Body,
};

mod messages;
mod seat;
mod watcher;

pub use messages::*;
pub use watcher::{Audience, Watcher};

/// A monitor point.
pub struct Monitor {
    mac: PhoneId,
    device: DeviceId,
    around: Surroundings,
    watchers: SmallVec<[Watcher; 1]>,
    joins: u64,
    state: State,
    /// Whether the phone has said itself that the line is out of service, since its monitor runs.
    out_of_service: bool,
    back_off: BackOff,
    /// The next try to start the monitor on the phone.
    again: Option<SpawnHandle>,
    seat: Option<Seat>,
    /// Whether it has heard that there is no licence for it.
    refused: bool,
}

/// Whom a monitor point asks.
#[derive(Clone)]
pub struct Surroundings {
    /// The phone: for its monitor, when nobody watches any more, and when this actor fails, to start another for those
    /// who watch.
    pub phone: Addr<Phone>,
    /// The house, whose licensing has a seat for the line.
    pub house: Arc<House>,
}

/// Where the monitor on the phone stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The phone is not there.
    Away,
    /// The phone could be asked, once there is a seat.
    Seatless,
    /// The phone was asked.
    Starting,
    /// The phone watches.
    Active,
}

impl Monitor {
    /// The monitor point of a line; `ready` says whether its phone can be asked now.
    pub fn new(mac: PhoneId, device: DeviceId, around: Surroundings, ready: bool) -> Self {
        let state = if ready { State::Seatless } else { State::Away };
        Self {
            mac,
            device,
            around,
            watchers: SmallVec::new(),
            joins: 0,
            state,
            out_of_service: false,
            back_off: BackOff::default(),
            again: None,
            seat: None,
            refused: false,
        }
    }

    /// The monitor point that takes the place of one that failed, for the same clients and with its seat.
    pub fn inherited(self, watchers: SmallVec<[Watcher; 1]>, seat: Option<Seat>) -> Self {
        Self {
            joins: watchers.len() as u64,
            watchers,
            seat,
            ..self
        }
    }

    fn start(&mut self, ctx: &mut Context<Self>) {
        if let Some(again) = self.again.take() {
            ctx.cancel_future(again);
        }
        if self.watchers.is_empty() {
            // Who is on the way here, if anybody, gets a seat first.
            self.state = State::Seatless;
            return;
        }
        self.state = State::Starting;
        self.around.phone.do_send(StartMonitor {
            device: self.device.clone(),
        });
    }

    fn start_in(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        self.state = State::Starting;
        let again = ctx.run_later(wait, |monitor, ctx| {
            monitor.again = None;
            if monitor.state == State::Starting {
                monitor.start(ctx);
            }
        });
        self.again = Some(again);
    }

    fn all_out_of_service(&mut self) {
        for at in 0..self.watchers.len() {
            self.tell(at, false);
        }
    }

    /// Tells one watcher whether the line is in service, if that is news.
    fn tell(&mut self, at: usize, in_service: bool) {
        let watcher = &mut self.watchers[at];
        if watcher.in_service.replace(in_service) == Some(in_service) {
            return;
        }
        let name = if in_service {
            "BackInServiceEvent"
        } else {
            "OutOfServiceEvent"
        };
        if watcher.filter.leaves_out(name) {
            return;
        }
        let monitor_cross_ref_id = MonitorCrossRefId::from(Arc::clone(&watcher.cross_ref));
        let device = SubjectDevice::from(self.device.clone());
        let event = if in_service {
            BackInServiceEvent {
                monitor_cross_ref_id,
                device,
                cause: None,
            }
            .into()
        } else {
            OutOfServiceEvent {
                monitor_cross_ref_id,
                device,
                cause: None,
            }
            .into()
        };
        let content = Body::Whole(csta::write(&event, &watcher.speech));
        watcher.send(content);
    }

    /// The phone will never have this monitor: each client gets MonitorStop, and the line's seat goes back.
    fn give_up(&mut self) {
        self.state = State::Seatless;
        if self.watchers.is_empty() {
            // The phone has been told; who is on the way here asks it anew.
            return;
        }
        for watcher in self.watchers.drain(..) {
            let stop = MonitorStop {
                monitor_cross_ref_id: MonitorCrossRefId::from(Arc::clone(&watcher.cross_ref)),
            };
            watcher.send(Body::Whole(csta::write(&stop.into(), &watcher.speech)));
            watcher.client.stopped.do_send(Stopped {
                cross_ref: watcher.cross_ref,
            });
        }
        self.unwatched();
    }

    fn unwatched(&mut self) {
        self.seat = None;
        self.refused = false;
        self.around.phone.do_send(Unwatched {
            device: self.device.clone(),
            joins: self.joins,
        });
    }
}

impl Actor for Monitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.seated(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // With clients left, only a panic ends a monitor point.
        if !self.watchers.is_empty() {
            let watchers = std::mem::take(&mut self.watchers);
            self.around.phone.do_send(Orphaned {
                device: self.device.clone(),
                watchers,
                seat: self.seat.take(),
            });
        }
    }
}

/// How many events may wait for the monitor's turn.
const MAILBOX: usize = 4096;

impl Handler<Join> for Monitor {
    type Result = ();

    fn handle(&mut self, Join(watcher): Join, ctx: &mut Self::Context) {
        self.joins += 1;
        if self.watchers.is_empty() && self.joins > 1 && self.seat.is_none() {
            self.take_seat(ctx);
        }
        self.watchers.push(watcher);
        match self.state {
            State::Active => self.tell(self.watchers.len() - 1, !self.out_of_service),
            State::Away => self.tell(self.watchers.len() - 1, false),
            State::Starting if self.again.is_some() => self.tell(self.watchers.len() - 1, false),
            State::Seatless if self.refused => self.tell(self.watchers.len() - 1, false),
            State::Seatless | State::Starting => {}
        }
    }
}

impl Handler<Leave> for Monitor {
    type Result = ();

    fn handle(&mut self, Leave { cross_ref }: Leave, _: &mut Self::Context) {
        let before = self.watchers.len();
        self.watchers
            .retain(|watcher| watcher.cross_ref != cross_ref);
        if before > 0 && self.watchers.is_empty() {
            self.unwatched();
        }
    }
}

impl Handler<Filter> for Monitor {
    type Result = ();

    fn handle(&mut self, Filter { cross_ref, filter }: Filter, _: &mut Self::Context) {
        if let Some(watcher) = self
            .watchers
            .iter_mut()
            .find(|watcher| watcher.cross_ref == cross_ref)
        {
            watcher.filter = filter;
        }
    }
}

impl Handler<PhoneReplaced> for Monitor {
    type Result = ();

    fn handle(&mut self, PhoneReplaced(around): PhoneReplaced, _: &mut Self::Context) {
        self.around = around;
        self.state = State::Away;
        self.all_out_of_service();
    }
}

impl Handler<PhoneReady> for Monitor {
    type Result = ();

    fn handle(&mut self, _: PhoneReady, ctx: &mut Self::Context) {
        self.back_off = BackOff::default();
        self.state = State::Seatless;
        self.seated(ctx);
    }
}

impl Handler<PhoneLost> for Monitor {
    type Result = ();

    fn handle(&mut self, _: PhoneLost, _: &mut Self::Context) {
        self.state = State::Away;
        self.all_out_of_service();
    }
}

impl Handler<MonitorLost> for Monitor {
    type Result = ();

    fn handle(&mut self, _: MonitorLost, ctx: &mut Self::Context) {
        if self.state == State::Active {
            self.all_out_of_service();
            self.back_off.lost(self.around.house.clock.now());
            let at_once = self.back_off.is_fresh();
            match self.back_off.failed() {
                _ if at_once => self.start(ctx),
                wait => self.start_in(wait, ctx),
            }
        }
    }
}

impl Handler<Started> for Monitor {
    type Result = ();

    fn handle(&mut self, Started(result): Started, ctx: &mut Self::Context) {
        if self.state != State::Starting {
            return;
        }
        match result {
            Ok(()) => {
                self.state = State::Active;
                self.out_of_service = false;
                self.back_off.stands(self.around.house.clock.now());
                tracing::info!(mac = %self.mac, line = %self.device, clients = self.watchers.len(), "line is monitored");
                for at in 0..self.watchers.len() {
                    self.tell(at, true);
                }
            }
            Err(refusal) if refusal.is_permanent() => {
                tracing::warn!(mac = %self.mac, line = %self.device, %refusal, "line cannot be monitored; its clients are told to stop");
                self.give_up();
            }
            Err(refusal) => {
                let wait = self.back_off.failed();
                tracing::warn!(mac = %self.mac, line = %self.device, %refusal, again_in = ?wait, "line is not monitored");
                self.all_out_of_service();
                self.start_in(wait, ctx);
            }
        }
    }
}

impl Handler<Observed> for Monitor {
    type Result = ();

    fn handle(&mut self, Observed(document): Observed, _: &mut Self::Context) {
        let before = self.watchers.len();
        let in_service = match document.name() {
            "BackInServiceEvent" => Some(true),
            "OutOfServiceEvent" => Some(false),
            _ => None,
        };
        if let Some(in_service) = in_service {
            self.out_of_service = !in_service;
        }
        self.watchers.retain(|watcher| {
            // What the phone says of its service is relayed where it is news, as what the server says.
            let is_old = in_service.is_some()
                && std::mem::replace(&mut watcher.in_service, in_service) == in_service;
            if is_old || watcher.filter.leaves_out(document.name()) {
                return true;
            }
            watcher.send(Body::Relayed {
                document: Arc::clone(&document),
                edition: watcher.speech.edition,
                cross_ref: Some(Arc::clone(&watcher.cross_ref)),
                device: None,
            })
        });
        if before > 0 && self.watchers.is_empty() {
            self.unwatched();
        }
    }
}
