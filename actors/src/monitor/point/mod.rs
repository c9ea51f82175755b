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
    monitor: PhoneMonitor,
    permit: LinePermit,
    back_off: BackOff,
}

/// The state of the monitor on the phone.
#[derive(Debug, Default)]
enum PhoneMonitor {
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
enum LinePermit {
    #[default]
    None,
    Requested,
    Granted,
    Refused,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum MonitorEvent {
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
pub(super) enum MonitorEffect {
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
    /// Report [`MonitorEvent::Drained`] when the calls of the line are over.
    Drain,
    /// Report [`MonitorEvent::RetryDue`] after this long; the refusal, if any, is for the log.
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
pub(super) type MonitorEffects = SmallVec<[MonitorEffect; 3]>;

impl MonitorPoint {
    /// The successor of a monitor point that panicked, with its subscribers.
    pub(super) fn inherited(subscribers: usize, has_permit: bool) -> Self {
        let permit = if has_permit {
            LinePermit::Granted
        } else {
            LinePermit::None
        };
        Self {
            subscribers,
            permit,
            ..Self::default()
        }
    }

    /// Goes on at `now`, the time since the start of the server.
    pub(super) fn on(&mut self, event: MonitorEvent, now: Duration) -> MonitorEffects {
        let mut effects = MonitorEffects::new();
        let out = &mut effects;
        match event {
            MonitorEvent::Joined => self.joined(out),
            MonitorEvent::Left(number) => self.left(number, out),
            MonitorEvent::PhoneReady => self.phone_ready(out),
            MonitorEvent::PhoneAway => self.away(out),
            MonitorEvent::LineGone => {
                self.stop(out);
                self.away(out);
            }
            MonitorEvent::Answered(Ok(cross_ref)) => self.started(cross_ref, now, out),
            MonitorEvent::Answered(Err(refusal)) => self.refused(refusal, out),
            MonitorEvent::Stopped => self.lost(now, out),
            MonitorEvent::Unheard => {
                self.stop(out);
                self.lost(now, out);
            }
            MonitorEvent::InService(told) => {
                if let PhoneMonitor::Active { in_service, .. } = &mut self.monitor {
                    *in_service = told;
                }
            }
            MonitorEvent::RetryDue => {
                if let PhoneMonitor::Waiting = self.monitor {
                    self.start(out);
                }
            }
            MonitorEvent::Permit { granted: true } => self.permit_granted(out),
            MonitorEvent::Permit { granted: false } => self.permit_refused(out),
            MonitorEvent::PermitWithdrawn => {
                self.permit = LinePermit::None;
                self.request_permit(out);
            }
            MonitorEvent::LicensingRestarted => self.request_permit(out),
            MonitorEvent::Drained => self.drained(out),
        }
        effects
    }

    fn joined(&mut self, out: &mut MonitorEffects) {
        self.subscribers += 1;
        if self.permit == LinePermit::None {
            self.request_permit(out);
        }
        let in_service = match self.monitor {
            PhoneMonitor::Active { in_service, .. } => in_service,
            PhoneMonitor::Away | PhoneMonitor::Waiting => false,
            PhoneMonitor::Idle if self.permit == LinePermit::Refused => false,
            // It is told when this is decided.
            PhoneMonitor::Idle | PhoneMonitor::Starting => return,
        };
        out.push(MonitorEffect::Greet { in_service });
    }

    fn left(&mut self, number: usize, out: &mut MonitorEffects) {
        let before = self.subscribers;
        self.subscribers = before.saturating_sub(number);
        if before == 0 || self.subscribers > 0 {
            return;
        }
        self.permit = LinePermit::None;
        out.push(MonitorEffect::ReleasePermit);
        match self.monitor {
            // Whoever joins before the answer comes gets that monitor; else it is stopped then.
            PhoneMonitor::Starting => return,
            PhoneMonitor::Waiting => self.monitor = PhoneMonitor::Idle,
            PhoneMonitor::Away | PhoneMonitor::Idle | PhoneMonitor::Active { .. } => {}
        }
        out.push(MonitorEffect::End);
    }

    fn phone_ready(&mut self, out: &mut MonitorEffects) {
        if let PhoneMonitor::Starting | PhoneMonitor::Active { .. } = self.monitor {
            return;
        }
        self.back_off = BackOff::default();
        self.monitor = PhoneMonitor::Idle;
        match self.permit {
            LinePermit::Granted => self.start(out),
            LinePermit::None | LinePermit::Requested | LinePermit::Refused => {
                self.request_permit(out);
            }
        }
    }

    fn away(&mut self, out: &mut MonitorEffects) {
        self.monitor = PhoneMonitor::Away;
        self.out_of_service(out);
    }

    /// Tells the subscribers; a point without any ends.
    fn out_of_service(&self, out: &mut MonitorEffects) {
        out.push(if self.subscribers > 0 {
            MonitorEffect::OutOfService
        } else {
            MonitorEffect::End
        });
    }

    fn start(&mut self, out: &mut MonitorEffects) {
        if self.subscribers > 0 && self.permit == LinePermit::Granted {
            self.monitor = PhoneMonitor::Starting;
            out.push(MonitorEffect::Start);
        } else {
            self.monitor = PhoneMonitor::Idle;
        }
    }

    /// Stops the monitor if it runs.
    fn stop(&self, out: &mut MonitorEffects) {
        if let PhoneMonitor::Active { cross_ref, .. } = &self.monitor {
            out.push(MonitorEffect::Stop(cross_ref.clone()));
        }
    }

    /// The phone has started a monitor. The line has one: any other is stopped.
    fn started(&mut self, cross_ref: MonitorCrossRefId, now: Duration, out: &mut MonitorEffects) {
        match &self.monitor {
            PhoneMonitor::Starting => {
                self.monitor = PhoneMonitor::Active {
                    cross_ref,
                    in_service: true,
                };
                if self.subscribers == 0 {
                    return out.push(MonitorEffect::End);
                }
                self.back_off.stands(now);
                out.push(MonitorEffect::Monitored);
            }
            // Some phones have one monitor of a line, however often they are asked.
            PhoneMonitor::Active { cross_ref: own, .. } if *own == cross_ref => {}
            _ => out.push(MonitorEffect::Stop(cross_ref)),
        }
    }

    fn refused(&mut self, refusal: Refusal, out: &mut MonitorEffects) {
        let PhoneMonitor::Starting = self.monitor else {
            return;
        };
        self.monitor = PhoneMonitor::Idle;
        if self.subscribers == 0 {
            return out.push(MonitorEffect::End);
        }
        if refusal.is_permanent() {
            out.push(MonitorEffect::GiveUp(refusal));
            return self.left(self.subscribers, out);
        }
        self.monitor = PhoneMonitor::Waiting;
        out.push(MonitorEffect::RetryIn(
            self.back_off.failed(),
            Some(refusal),
        ));
        out.push(MonitorEffect::OutOfService);
    }

    /// The monitor does not run any more: it is started again, at once unless it has failed before.
    fn lost(&mut self, now: Duration, out: &mut MonitorEffects) {
        let PhoneMonitor::Active { .. } = self.monitor else {
            return;
        };
        self.monitor = PhoneMonitor::Idle;
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
        self.monitor = PhoneMonitor::Waiting;
        out.push(MonitorEffect::RetryIn(wait, None));
    }

    /// Asks for the permit that the line lacks; one that is refused counts as refused until it is granted.
    fn request_permit(&mut self, out: &mut MonitorEffects) {
        if self.subscribers == 0 || self.permit == LinePermit::Granted {
            return;
        }
        if self.permit == LinePermit::None {
            self.permit = LinePermit::Requested;
        }
        out.push(MonitorEffect::RequestPermit);
    }

    fn permit_granted(&mut self, out: &mut MonitorEffects) {
        if self.subscribers == 0 {
            return out.push(MonitorEffect::ReleasePermit);
        }
        self.permit = LinePermit::Granted;
        if let PhoneMonitor::Idle = self.monitor {
            self.start(out);
        }
    }

    fn permit_refused(&mut self, out: &mut MonitorEffects) {
        if self.subscribers == 0 || matches!(self.permit, LinePermit::Granted | LinePermit::Refused)
        {
            return;
        }
        self.permit = LinePermit::Refused;
        out.push(MonitorEffect::Unlicensed);
        match self.monitor {
            PhoneMonitor::Away => {}
            PhoneMonitor::Idle | PhoneMonitor::Waiting => {
                self.monitor = PhoneMonitor::Idle;
                out.push(MonitorEffect::OutOfService);
            }
            // The calls that go on are watched to their end.
            PhoneMonitor::Starting | PhoneMonitor::Active { .. } => out.push(MonitorEffect::Drain),
        }
    }

    fn drained(&mut self, out: &mut MonitorEffects) {
        // A permit may have come while the last call went on.
        if self.permit == LinePermit::Granted || self.subscribers == 0 {
            return;
        }
        if let PhoneMonitor::Away = self.monitor {
            return;
        }
        self.stop(out);
        self.monitor = PhoneMonitor::Idle;
        out.push(MonitorEffect::OutOfService);
    }
}
