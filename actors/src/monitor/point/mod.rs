//! The decisions of a monitor point as a pure state machine: events in, effects out.
//!
//! A line has one monitor on its phone for as long as clients subscribe to it (ECMA-269 section 15). The interpreter is
//! [`Monitor`](super::Monitor).

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::csta::MonitorCrossRefId;

use crate::{back_off::BackOff, refusal::Refusal};

#[cfg(test)]
mod tests;

/// The monitor point of one line.
#[derive(Debug, Default)]
pub(super) struct MonitorPoint {
    subscribers: usize,
    monitor: Monitor,
    permit: Permit,
    back_off: BackOff,
}

/// The state of the monitor on the phone.
#[derive(Debug, Default)]
enum Monitor {
    /// The phone or the line is away.
    #[default]
    Away,
    /// The phone can be asked; a subscriber or a permit is missing.
    Idle,
    /// MonitorStart waits for its answer.
    Starting,
    /// The next attempt waits for its time.
    Waiting,
    /// The monitor runs.
    Active {
        cross_ref: MonitorCrossRefId,
        in_service: bool,
    },
}

/// The licence permit of the line: it has one while it has subscribers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Permit {
    #[default]
    None,
    Requested,
    Granted,
    Refused,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A client subscribed.
    Joined,
    /// So many clients unsubscribed, or their connections ended.
    Left(usize),
    /// The phone takes MonitorStart for the line.
    PhoneReady,
    /// The phone's session is lost, and its monitors with it.
    PhoneAway,
    /// The phone does not have the line any more.
    LineGone,
    /// The phone answered MonitorStart, perhaps after its time.
    Answered(Result<MonitorCrossRefId, Refusal>),
    /// The phone ended the monitor (ECMA-269: MonitorStop sent by the switching function).
    Stopped,
    /// The phone has a call that the monitor sent no event of.
    Unheard,
    /// The phone sent BackInService or OutOfService.
    InService(bool),
    /// The next attempt is due.
    RetryDue,
    /// Licensing granted or refused the permit. A refused one is granted when there is one.
    Permit {
        /// Whether it was granted.
        granted: bool,
    },
    /// The permit was withdrawn and given back.
    PermitWithdrawn,
    /// Licensing has forgotten who waits for a permit.
    LicensingRestarted,
    /// The calls of the line are over, or have had an hour, as the point asked.
    Drained,
}

/// What the interpreter does, in this order.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Ask licensing for a permit.
    RequestPermit,
    /// Give the permit back.
    ReleasePermit,
    /// Log that there is no permit.
    Unlicensed,
    /// Send MonitorStart.
    Start,
    /// Send MonitorStop.
    Stop(MonitorCrossRefId),
    /// Report [`Event::Drained`] when the calls of the line are over.
    Drain,
    /// Report [`Event::RetryDue`] after this long; the refusal, if any, is for the log.
    RetryIn(Duration, Option<Refusal>),
    /// The monitor runs: tell all subscribers that the line is in service.
    Monitored,
    /// Tell all subscribers that the line is out of service.
    OutOfService,
    /// Tell the newest subscriber whether the line is in service.
    Greet { in_service: bool },
    /// Tell all subscribers that their monitors are stopped, for this reason, and remove them.
    GiveUp(Refusal),
    /// End the monitor point and stop its monitor, unless a subscriber is on its way.
    End,
}

/// The effects of one event.
pub(super) type Effects = SmallVec<[Effect; 3]>;

impl MonitorPoint {
    /// The successor of a monitor point that panicked, with its subscribers.
    pub(super) fn inherited(subscribers: usize, has_permit: bool) -> Self {
        let permit = if has_permit {
            Permit::Granted
        } else {
            Permit::None
        };
        Self {
            subscribers,
            permit,
            ..Self::default()
        }
    }

    /// Goes on at `now`, the time since the start of the server.
    pub(super) fn on(&mut self, event: Event, now: Duration) -> Effects {
        let mut effects = Effects::new();
        let out = &mut effects;
        match event {
            Event::Joined => self.joined(out),
            Event::Left(number) => self.left(number, out),
            Event::PhoneReady => self.phone_ready(out),
            Event::PhoneAway => self.away(out),
            Event::LineGone => {
                self.stop(out);
                self.away(out);
            }
            Event::Answered(Ok(cross_ref)) => self.started(cross_ref, now, out),
            Event::Answered(Err(refusal)) => self.refused(refusal, out),
            Event::Stopped => self.lost(now, out),
            Event::Unheard => {
                self.stop(out);
                self.lost(now, out);
            }
            Event::InService(told) => {
                if let Monitor::Active { in_service, .. } = &mut self.monitor {
                    *in_service = told;
                }
            }
            Event::RetryDue => {
                if let Monitor::Waiting = self.monitor {
                    self.start(out);
                }
            }
            Event::Permit { granted: true } => self.permit_granted(out),
            Event::Permit { granted: false } => self.permit_refused(out),
            Event::PermitWithdrawn => {
                self.permit = Permit::None;
                self.request_permit(out);
            }
            Event::LicensingRestarted => self.request_permit(out),
            Event::Drained => self.drained(out),
        }
        effects
    }

    fn joined(&mut self, out: &mut Effects) {
        self.subscribers += 1;
        if self.permit == Permit::None {
            self.request_permit(out);
        }
        let in_service = match self.monitor {
            Monitor::Active { in_service, .. } => in_service,
            Monitor::Away | Monitor::Waiting => false,
            Monitor::Idle if self.permit == Permit::Refused => false,
            // It is told when this is decided.
            Monitor::Idle | Monitor::Starting => return,
        };
        out.push(Effect::Greet { in_service });
    }

    fn left(&mut self, number: usize, out: &mut Effects) {
        let before = self.subscribers;
        self.subscribers = before.saturating_sub(number);
        if before == 0 || self.subscribers > 0 {
            return;
        }
        self.permit = Permit::None;
        out.push(Effect::ReleasePermit);
        match self.monitor {
            // Whoever joins before the answer comes gets that monitor; else it is stopped then.
            Monitor::Starting => return,
            Monitor::Waiting => self.monitor = Monitor::Idle,
            Monitor::Away | Monitor::Idle | Monitor::Active { .. } => {}
        }
        out.push(Effect::End);
    }

    fn phone_ready(&mut self, out: &mut Effects) {
        if let Monitor::Starting | Monitor::Active { .. } = self.monitor {
            return;
        }
        self.back_off = BackOff::default();
        self.monitor = Monitor::Idle;
        match self.permit {
            Permit::Granted => self.start(out),
            Permit::None | Permit::Requested | Permit::Refused => self.request_permit(out),
        }
    }

    fn away(&mut self, out: &mut Effects) {
        self.monitor = Monitor::Away;
        self.out_of_service(out);
    }

    /// Tells the subscribers; a point without any ends.
    fn out_of_service(&self, out: &mut Effects) {
        out.push(if self.subscribers > 0 {
            Effect::OutOfService
        } else {
            Effect::End
        });
    }

    fn start(&mut self, out: &mut Effects) {
        if self.subscribers > 0 && self.permit == Permit::Granted {
            self.monitor = Monitor::Starting;
            out.push(Effect::Start);
        } else {
            self.monitor = Monitor::Idle;
        }
    }

    /// Stops the monitor if it runs.
    fn stop(&self, out: &mut Effects) {
        if let Monitor::Active { cross_ref, .. } = &self.monitor {
            out.push(Effect::Stop(cross_ref.clone()));
        }
    }

    /// The phone has started a monitor. The line has one: any other is stopped.
    fn started(&mut self, cross_ref: MonitorCrossRefId, now: Duration, out: &mut Effects) {
        match &self.monitor {
            Monitor::Starting => {
                self.monitor = Monitor::Active {
                    cross_ref,
                    in_service: true,
                };
                if self.subscribers == 0 {
                    return out.push(Effect::End);
                }
                self.back_off.stands(now);
                out.push(Effect::Monitored);
            }
            // Some phones have one monitor of a line, however often they are asked.
            Monitor::Active { cross_ref: own, .. } if *own == cross_ref => {}
            _ => out.push(Effect::Stop(cross_ref)),
        }
    }

    fn refused(&mut self, refusal: Refusal, out: &mut Effects) {
        let Monitor::Starting = self.monitor else {
            return;
        };
        self.monitor = Monitor::Idle;
        if self.subscribers == 0 {
            return out.push(Effect::End);
        }
        if refusal.is_permanent() {
            out.push(Effect::GiveUp(refusal));
            return self.left(self.subscribers, out);
        }
        self.monitor = Monitor::Waiting;
        out.push(Effect::RetryIn(self.back_off.failed(), Some(refusal)));
        out.push(Effect::OutOfService);
    }

    /// The monitor does not run any more: it is started again, at once unless it has failed before.
    fn lost(&mut self, now: Duration, out: &mut Effects) {
        let Monitor::Active { .. } = self.monitor else {
            return;
        };
        self.monitor = Monitor::Idle;
        self.out_of_service(out);
        if self.subscribers == 0 {
            return;
        }
        self.back_off.lost(now);
        let at_once = self.back_off.is_fresh();
        let wait = self.back_off.failed();
        if at_once {
            return self.start(out);
        }
        self.monitor = Monitor::Waiting;
        out.push(Effect::RetryIn(wait, None));
    }

    /// Asks for the permit that the line lacks; one that is refused counts as refused until it is granted.
    fn request_permit(&mut self, out: &mut Effects) {
        if self.subscribers == 0 || self.permit == Permit::Granted {
            return;
        }
        if self.permit == Permit::None {
            self.permit = Permit::Requested;
        }
        out.push(Effect::RequestPermit);
    }

    fn permit_granted(&mut self, out: &mut Effects) {
        if self.subscribers == 0 {
            return out.push(Effect::ReleasePermit);
        }
        self.permit = Permit::Granted;
        if let Monitor::Idle = self.monitor {
            self.start(out);
        }
    }

    fn permit_refused(&mut self, out: &mut Effects) {
        if self.subscribers == 0 || matches!(self.permit, Permit::Granted | Permit::Refused) {
            return;
        }
        self.permit = Permit::Refused;
        out.push(Effect::Unlicensed);
        match self.monitor {
            Monitor::Away => {}
            Monitor::Idle | Monitor::Waiting => {
                self.monitor = Monitor::Idle;
                out.push(Effect::OutOfService);
            }
            // The calls that go on are watched to their end.
            Monitor::Starting | Monitor::Active { .. } => out.push(Effect::Drain),
        }
    }

    fn drained(&mut self, out: &mut Effects) {
        // A permit may have come while the last call went on.
        if self.permit == Permit::Granted || self.subscribers == 0 {
            return;
        }
        if let Monitor::Away = self.monitor {
            return;
        }
        self.stop(out);
        self.monitor = Monitor::Idle;
        out.push(Effect::OutOfService);
    }
}
