//! The decisions of a monitor point as a pure state machine: events in, effects out.
//!
//! A line has one monitor on its phone while clients subscribe to the line (ECMA-269, section 15).
//! [`Monitor`](super::Monitor) carries out the effects.

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::csta::MonitorCrossRefId;

use super::WatchState;
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
    /// The phone accepts requests; a subscriber or a permit is missing.
    Idle,
    /// MonitorStart has no response yet.
    Starting,
    /// A retry is scheduled.
    Waiting,
    /// The monitor runs.
    Active {
        cross_ref: MonitorCrossRefId,
        in_service: bool,
    },
}

/// The licence permit of the line, held while the line has subscribers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum LinePermit {
    #[default]
    None,
    Requested,
    Granted,
    Refused,
}

/// An input of the state machine.
#[derive(Clone, Debug)]
pub enum MonitorEvent {
    /// This number of clients unsubscribed or disconnected.
    Joined,
    /// So many clients unsubscribed, or their connections ended.
    Left(usize),
    /// The phone accepts MonitorStart for the line.
    PhoneReady,
    /// The phone's session ended, and with it the monitors.
    PhoneAway,
    /// The phone no longer has the line.
    LineGone,
    /// The phone answered MonitorStart, perhaps after the deadline.
    Answered(Result<MonitorCrossRefId, Refusal>),
    /// The phone ended the monitor (ECMA-269: MonitorStop sent by the switching function).
    Stopped,
    /// The phone's snapshot lists a call that the monitor did not report.
    Unheard,
    /// The phone sent BackInService or OutOfService.
    InService(bool),
    /// The next attempt is due.
    RetryDue,
    /// Licensing granted or refused the permit. After a refusal, licensing grants the permit as soon as one is free.
    Permit {
        /// `false` if no permit is free.
        granted: bool,
    },
    /// The permit was withdrawn and given back.
    PermitWithdrawn,
    /// Licensing restarted and lost its list of pending permit requests.
    LicensingRestarted,
    /// The line's calls ended, or an hour passed since `MonitorEffect::Drain`.
    Drained,
}

/// The interpreter carries out the effects in this order.
#[derive(Clone, Debug)]
pub(super) enum MonitorEffect {
    /// Ask licensing for a permit.
    RequestPermit,
    /// Give the permit back.
    ReleasePermit,
    /// Log that no permit is free.
    Unlicensed,
    /// Send MonitorStart.
    Start,
    /// Send MonitorStop.
    Stop(MonitorCrossRefId),
    /// Report [`MonitorEvent::Drained`] when the calls of the line are over.
    Drain,
    /// Report [`MonitorEvent::RetryDue`] after this long; the refusal, if any, is for the log.
    RetryIn(Duration, Option<Refusal>),
    /// The monitor is running: notify all subscribers that the line is in service.
    Monitored,
    /// Notify all subscribers that the line is out of service.
    OutOfService,
    /// Notify the newest subscriber whether the line is in service.
    Greet { in_service: bool },
    /// Notify all subscribers that their monitors are stopped for this reason, and remove them.
    GiveUp(Refusal),
    /// End the monitor point and stop its monitor, unless another client is joining.
    End,
}

/// The effects of one event.
pub(super) type MonitorEffects = SmallVec<[MonitorEffect; 3]>;

impl MonitorPoint {
    /// Creates the successor of a monitor point that panicked, with its subscribers.
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

    /// How the line is watched. `refusal` is why the phone refused the monitor last.
    pub(super) fn watch_state(&self, refusal: Option<&Refusal>) -> WatchState {
        match (&self.monitor, self.permit, refusal) {
            _ if self.subscribers == 0 => WatchState::Off,
            (PhoneMonitor::Active { .. }, ..) => WatchState::On,
            (_, LinePermit::Refused, _) => WatchState::Unlicensed,
            (PhoneMonitor::Waiting, _, Some(refusal)) => WatchState::Refused(refusal.to_string()),
            _ => WatchState::Starting,
        }
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
            // The subscriber is notified when the result is known.
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
            // If no client joins before the response arrives, the monitor is stopped then.
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

    /// Notifies the subscribers; ends a monitor point without subscribers.
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

    /// Stops a running monitor.
    fn stop(&self, out: &mut MonitorEffects) {
        if let PhoneMonitor::Active { cross_ref, .. } = &self.monitor {
            out.push(MonitorEffect::Stop(cross_ref.clone()));
        }
    }

    /// The phone has started a monitor. It replaces any other monitor of the line, which is stopped.
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
            // Some phones return the same monitor for every MonitorStart of a line.
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

    /// The monitor ended: restarts it, at once unless it has failed before.
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

    /// Requests the line's missing permit. Licensing grants a refused permit later, so a refused permit is not requested
    /// again.
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
            // Existing calls are monitored until they end.
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
