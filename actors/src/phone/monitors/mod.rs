//! Routes events to the monitor points of the phone's lines, and asks the phone for what the monitor points need.

use std::{collections::VecDeque, sync::Arc};

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, fut};
use smallvec::SmallVec;
use uacsta_schema::csta::{self, CallId, DeviceId, Dialect, Document, Event, MonitorCrossRefId};

use super::{Phone, Subscribe, lines::LineList};
use crate::{
    counters::Counter,
    licensing::LicencePermit,
    monitor::{
        Calls, Deps, Monitor, MonitorEvent, Observed, PointAction, PointEnded, PointRequest,
        Subscriber, SubscriptionChange, SubscriptionChanged,
    },
    refusal::Refusal,
    supervision::RestartableAddr,
    truncated::Truncated,
};

/// A line with a monitor point.
pub(super) struct MonitoredLine {
    pub(super) line: DeviceId,
    pub(super) monitor: Addr<Monitor>,
    /// How many clients joined, so that the end of the monitor point never passes one that comes.
    joins: u64,
    /// The cross reference by which the phone's events name the monitor, while it runs.
    pub(super) cross_ref: Option<MonitorCrossRefId>,
    pub(super) calls: Calls,
}

/// The lines with monitor points. A phone has few lines, mostly one: a list is smaller than a map, and no slower.
#[derive(Default)]
pub(super) struct MonitoredLines {
    lines: Vec<MonitoredLine>,
    /// Events that came before the response to a MonitorStart.
    early: VecDeque<Arc<Document>>,
}

/// What is next after the phone responded to a MonitorStart.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Started {
    /// Nothing.
    Done,
    /// The calls of the line are asked for, since some may have ended without an event.
    CheckCalls,
    /// The monitor is stopped: its line has no monitor point any more.
    Stop(MonitorCrossRefId),
}

/// How many events wait for the response of a MonitorStart.
const MAX_EARLY: usize = 64;

impl MonitoredLine {
    fn is(&self, cross_ref: &str) -> bool {
        self.cross_ref
            .as_ref()
            .is_some_and(|own| own.as_str() == cross_ref)
    }
}

impl MonitoredLines {
    pub(super) fn get(&self, line: &DeviceId) -> Option<&MonitoredLine> {
        self.lines.iter().find(|monitored| monitored.line == *line)
    }

    pub(super) fn get_mut(&mut self, line: &DeviceId) -> Option<&mut MonitoredLine> {
        self.lines
            .iter_mut()
            .find(|monitored| monitored.line == *line)
    }

    /// The line whose monitor has this cross reference on the phone.
    fn known_as(&mut self, cross_ref: &str) -> Option<&mut MonitoredLine> {
        self.lines
            .iter_mut()
            .find(|monitored| monitored.is(cross_ref))
    }

    fn add(&mut self, line: DeviceId, monitor: Addr<Monitor>) {
        self.lines.reserve_exact(1);
        self.lines.push(MonitoredLine {
            line,
            monitor,
            joins: 0,
            cross_ref: None,
            calls: Calls::default(),
        });
    }

    fn remove(&mut self, line: &DeviceId, joins: u64) -> Option<MonitoredLine> {
        let ends = |monitored: &MonitoredLine| monitored.line == *line && monitored.joins == joins;
        let at = self.lines.iter().position(ends)?;
        Some(self.lines.swap_remove(at))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &MonitoredLine> {
        self.lines.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut MonitoredLine> {
        self.lines.iter_mut()
    }

    /// Tells all monitor points.
    pub(super) fn notify<M>(&self, notice: &M)
    where
        M: actix::Message<Result = ()> + Clone + Send + 'static,
        Monitor: Handler<M>,
    {
        for monitored in &self.lines {
            monitored.monitor.do_send(notice.clone());
        }
    }

    /// Whether no monitor runs on the phone.
    pub(super) fn are_stopped(&self) -> bool {
        self.iter().all(|monitored| monitored.cross_ref.is_none())
    }

    /// Whether a line has a call, as far as is known.
    pub(super) fn has_calls(&self) -> bool {
        self.iter().any(|monitored| !monitored.calls.is_empty())
    }

    /// Whether a call is one of a line's.
    pub(super) fn knows_call(&self, line: &DeviceId, call: &CallId) -> bool {
        self.get(line)
            .is_some_and(|monitored| monitored.calls.find(call.as_str()).is_some())
    }

    /// The lines whose calls are to be asked for: those that have some as far as is known, or all.
    pub(super) fn to_check(&self, all: bool) -> Vec<DeviceId> {
        self.iter()
            .filter(|monitored| all || !monitored.calls.is_empty())
            .map(|monitored| monitored.line.clone())
            .collect()
    }

    /// The phone listed its lines: tells monitor points which lines it no longer has, and which it has again. Returns the
    /// former.
    pub(super) fn lines_listed(&self, lines: &LineList, is_ready: bool) -> Vec<&DeviceId> {
        let mut gone = Vec::new();
        for monitored in self.iter() {
            if !lines.has(&monitored.line) {
                gone.push(&monitored.line);
                monitored.monitor.do_send(MonitorEvent::LineGone);
            } else if is_ready && monitored.cross_ref.is_none() {
                monitored.monitor.do_send(MonitorEvent::PhoneReady);
            }
        }
        gone
    }

    /// The phone responded to the MonitorStart of a line, perhaps after its deadline.
    pub(super) fn started(
        &mut self,
        line: &DeviceId,
        result: Result<MonitorCrossRefId, Refusal>,
    ) -> Started {
        // Events name their line by the cross reference alone.
        let result = result.and_then(|cross_ref| match self.known_as(cross_ref.as_str()) {
            Some(other) if other.line != *line => Err(Refusal::NotCsta(format!(
                "the monitorCrossRefID {} is that of the monitor of {}",
                Truncated(cross_ref.as_str()),
                other.line
            ))),
            _ => Ok(cross_ref),
        });
        match (self.get_mut(line), result) {
            (Some(monitored), result) => {
                let is_new = result.is_ok() && monitored.cross_ref.is_none();
                if is_new {
                    monitored.cross_ref = result.as_ref().ok().cloned();
                }
                monitored.monitor.do_send(MonitorEvent::Answered(result));
                if is_new && monitored.calls.needs_snapshot() {
                    Started::CheckCalls
                } else {
                    Started::Done
                }
            }
            (None, Ok(cross_ref)) => Started::Stop(cross_ref),
            (None, Err(_)) => Started::Done,
        }
    }

    /// The events that came before the response to a MonitorStart.
    pub(super) fn take_early(&mut self) -> VecDeque<Arc<Document>> {
        std::mem::take(&mut self.early)
    }

    /// Routes an event to the monitor point that it names, or keeps it while a monitor is being started.
    ///
    /// # Errors
    /// An event of no known monitor.
    pub(super) fn observe(
        &mut self,
        event: Arc<Document>,
        is_starting: bool,
    ) -> Result<(), Arc<Document>> {
        let cross_ref = event.cross_ref();
        if let Some(monitored) = cross_ref.and_then(|cross_ref| self.known_as(cross_ref)) {
            monitored.calls.observe(&monitored.line, &event);
            monitored.monitor.do_send(Observed(event));
        } else if is_starting && self.early.len() < MAX_EARLY {
            self.early.push_back(event);
        } else {
            return Err(event);
        }
        Ok(())
    }

    /// Sends the subscribers of a line an event that the server made.
    pub(super) fn notify_subscribers(&self, line: &DeviceId, event: Event) {
        let written = csta::write(&event.into(), &Dialect::default());
        if let (Some(monitored), Ok(event)) = (self.get(line), Document::read(written)) {
            monitored.monitor.do_send(Observed(Arc::new(event)));
        }
    }

    /// The phone ended a monitor by itself.
    pub(super) fn stopped(&mut self, cross_ref: &str) {
        if let Some(monitored) = self.known_as(cross_ref) {
            monitored.cross_ref = None;
            monitored.calls.monitor_lost();
            monitored.monitor.do_send(MonitorEvent::Stopped);
        }
    }

    /// Takes the monitors that run on the phone.
    pub(super) fn take_running(&mut self) -> Vec<(DeviceId, MonitorCrossRefId)> {
        self.iter_mut()
            .filter_map(|monitored| Some((monitored.line.clone(), monitored.cross_ref.take()?)))
            .collect()
    }

    /// The phone's session is lost, and its monitors with it.
    pub(super) fn session_lost(&mut self) {
        self.early.clear();
        for monitored in &mut self.lines {
            monitored.cross_ref = None;
            monitored.calls.session_lost();
        }
        self.notify(&MonitorEvent::PhoneAway);
    }
}

impl Phone {
    /// What this phone's monitor points ask.
    fn deps(&self, ctx: &Context<Self>) -> Deps {
        let address = self.address.upgrade();
        let address = address.unwrap_or_else(|| RestartableAddr::new(ctx.address()));
        Deps {
            phone: address.recipient(),
            context: Arc::clone(&self.context),
        }
    }

    /// A monitor point of a line, to be started.
    fn monitor(&self, line: &DeviceId, ctx: &Context<Self>) -> Monitor {
        let ready = self.session.is_open() && self.lines.has(line);
        Monitor::new(self.phone, line.clone(), self.deps(ctx), ready)
    }

    /// Forwards a change to the monitor point of its line; the first subscriber starts it.
    fn subscribe(&mut self, Subscribe { line, change }: Subscribe, ctx: &Context<Self>) {
        if matches!(change, SubscriptionChange::Join(_)) && self.monitored.get(&line).is_none() {
            let monitor = self.monitor(&line, ctx).start();
            self.monitored.add(line.clone(), monitor);
        }
        if let Some(monitored) = self.monitored.get_mut(&line) {
            monitored.joins += u64::from(matches!(change, SubscriptionChange::Join(_)));
            let joins = monitored.joins;
            let changed = SubscriptionChanged { joins, change };
            monitored.monitor.do_send(changed);
        }
    }

    /// Stops a monitor on the phone, whose events have no receiver any more.
    fn monitor_over(
        &mut self,
        line: &DeviceId,
        cross_ref: MonitorCrossRefId,
        ctx: &mut Context<Self>,
    ) {
        // Another session has other monitors, perhaps by the same cross references.
        if self.session.id().is_none() {
            return;
        }
        if let Some(monitored) = self.monitored.get_mut(line)
            && monitored.is(cross_ref.as_str())
        {
            monitored.cross_ref = None;
            monitored.calls.monitor_lost();
        }
        self.stop_monitor(line, cross_ref, ctx);
    }

    /// Starts another monitor point in the place of one that panicked.
    fn replace(
        &mut self,
        line: &DeviceId,
        subscribers: SmallVec<[Subscriber; 1]>,
        permit: Option<LicencePermit>,
        ctx: &mut Context<Self>,
    ) {
        self.context.counters.count(Counter::Panicked);
        tracing::error!(phone = %self.phone, %line, clients = subscribers.len(), "the line's monitor point panicked and was restarted");
        let monitor = self.monitor(line, ctx).inherited(subscribers, permit);
        let Some(monitored) = self.monitored.get_mut(line) else {
            return self.monitored.add(line.clone(), monitor.start());
        };
        monitored.monitor = monitor.start();
        monitored.joins = 0;
        if let Some(cross_ref) = monitored.cross_ref.clone() {
            self.monitor_over(line, cross_ref, ctx);
        }
    }

    /// Ends a monitor point that has no subscribers and to which no further client is on its way.
    fn end(&mut self, line: &DeviceId, joins: u64, ctx: &mut Context<Self>) {
        let Some(ended) = self.monitored.remove(line, joins) else {
            return;
        };
        ended.monitor.do_send(PointEnded);
        if let Some(cross_ref) = ended.cross_ref {
            tracing::info!(phone = %self.phone, %line, "line is no longer monitored");
            self.stop_monitor(line, cross_ref, ctx);
        }
    }
}

impl Handler<Subscribe> for Phone {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, ctx: &mut Self::Context) {
        let monitored = self.monitored.get(&subscribe.line);
        if monitored.is_none_or(|monitored| monitored.monitor.connected()) {
            return self.subscribe(subscribe, ctx);
        }
        // The monitor point panicked: its request for a successor is in the mailbox, unless it asked a former actor of this phone.
        ctx.spawn(
            fut::ready(subscribe).map(|subscribe, phone: &mut Self, ctx| {
                let monitored = phone.monitored.get(&subscribe.line);
                if monitored.is_some_and(|monitored| !monitored.monitor.connected()) {
                    phone.replace(&subscribe.line, SmallVec::new(), None, ctx);
                }
                phone.subscribe(subscribe, ctx);
            }),
        );
    }
}

impl Handler<PointRequest> for Phone {
    type Result = ();

    fn handle(&mut self, PointRequest { line, action }: PointRequest, ctx: &mut Self::Context) {
        match action {
            PointAction::Start => self.start_monitor(&line, ctx),
            PointAction::Stop(cross_ref) => self.monitor_over(&line, cross_ref, ctx),
            PointAction::Drain => {
                let now = self.context.clock.now();
                self.drain_line(line, now, ctx);
            }
            PointAction::End(joins) => self.end(&line, joins, ctx),
            PointAction::Replace {
                subscribers,
                permit,
            } => self.replace(&line, subscribers, permit, ctx),
        }
    }
}

#[cfg(test)]
mod tests;
