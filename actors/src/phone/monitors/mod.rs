//! Routes events to the monitor points of the phone's lines, and asks the phone for what the monitor points need.

use std::sync::Arc;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, fut};
use smallvec::SmallVec;
use uacsta_schema::csta::{
    DeviceId, Document, Message, MonitorCrossRefId, MonitorObject, MonitorStart, Response,
};

use super::{Phone, Subscribe, request_queue::Requester};
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
pub(super) struct MonitoredLines(Vec<MonitoredLine>);

/// How many events wait for the response of a MonitorStart.
const EARLY: usize = 64;

impl MonitoredLine {
    fn is(&self, cross_ref: &str) -> bool {
        self.cross_ref
            .as_ref()
            .is_some_and(|own| own.as_str() == cross_ref)
    }
}

impl MonitoredLines {
    pub(super) fn get(&self, line: &DeviceId) -> Option<&MonitoredLine> {
        self.0.iter().find(|monitored| monitored.line == *line)
    }

    pub(super) fn get_mut(&mut self, line: &DeviceId) -> Option<&mut MonitoredLine> {
        self.0.iter_mut().find(|monitored| monitored.line == *line)
    }

    /// The line whose monitor has this cross reference on the phone.
    fn known_as(&mut self, cross_ref: &str) -> Option<&mut MonitoredLine> {
        self.0.iter_mut().find(|monitored| monitored.is(cross_ref))
    }

    fn add(&mut self, line: DeviceId, monitor: Addr<Monitor>) {
        self.0.reserve_exact(1);
        self.0.push(MonitoredLine {
            line,
            monitor,
            joins: 0,
            cross_ref: None,
            calls: Calls::default(),
        });
    }

    fn remove(&mut self, line: &DeviceId, joins: u64) -> Option<MonitoredLine> {
        let ends = |monitored: &MonitoredLine| monitored.line == *line && monitored.joins == joins;
        let at = self.0.iter().position(ends)?;
        Some(self.0.swap_remove(at))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &MonitoredLine> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut MonitoredLine> {
        self.0.iter_mut()
    }

    /// Tells all monitor points.
    pub(super) fn notify<M>(&self, notice: &M)
    where
        M: actix::Message<Result = ()> + Clone + Send + 'static,
        Monitor: Handler<M>,
    {
        for monitored in &self.0 {
            monitored.monitor.do_send(notice.clone());
        }
    }

    /// The phone's session is lost, and its monitors with it.
    pub(super) fn session_lost(&mut self) {
        for monitored in &mut self.0 {
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
        let ready = self.session.is_open() && self.has_line(line);
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

    /// The phone told its lines: monitor points hear which of their lines it has no more, and which it has again.
    pub(super) fn lines_told(&mut self) {
        for monitored in self.monitored.iter() {
            if !self.has_line(&monitored.line) {
                tracing::warn!(phone = %self.phone, line = %monitored.line, "a line that is monitored is no longer the phone's");
                monitored.monitor.do_send(MonitorEvent::LineGone);
            } else if self.session.is_open() && monitored.cross_ref.is_none() {
                monitored.monitor.do_send(MonitorEvent::PhoneReady);
            }
        }
    }

    /// Asks the phone for the monitor of a line, unless it is being asked already.
    fn start_monitor(&mut self, line: &DeviceId, ctx: &mut Context<Self>) {
        let (has_line, is_open) = (self.has_line(line), self.session.is_open());
        let Some(monitored) = self.monitored.get(line) else {
            return;
        };
        let monitor = &monitored.monitor;
        if !is_open {
            return monitor.do_send(MonitorEvent::PhoneAway);
        }
        if !has_line {
            return monitor.do_send(MonitorEvent::LineGone);
        }
        if let Some(cross_ref) = &monitored.cross_ref {
            return monitor.do_send(MonitorEvent::Answered(Ok(cross_ref.clone())));
        }
        if let Some(cross_ref) = self.emulation.reuse_monitor(line) {
            return self.monitor_answered(line, Ok(cross_ref), ctx);
        }
        if self.requests.starts_monitor_of(line) {
            return;
        }
        let start = MonitorStart {
            monitor_object: MonitorObject::Device(line.clone()),
            ..MonitorStart::default()
        };
        self.send_own(Requester::MonitorStart(line.clone()), start.into(), ctx);
    }

    /// The phone answered MonitorStart, perhaps after its time.
    pub(super) fn monitor_start_answered(
        &mut self,
        line: &DeviceId,
        result: Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let started = result.and_then(|document| match document.message() {
            Ok(Message::Response(Response::MonitorStartResponse(response))) => {
                Ok(response.monitor_cross_ref_id)
            }
            Ok(_) => Err(Refusal::NotCsta(format!(
                "{} came instead of MonitorStartResponse",
                document.name()
            ))),
            Err(error) => Err(Refusal::NotCsta(error.to_string())),
        });
        self.monitor_answered(line, started, ctx);
    }

    fn monitor_answered(
        &mut self,
        line: &DeviceId,
        started: Result<MonitorCrossRefId, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        // By their cross reference alone events tell which line they are of.
        let started =
            started.and_then(
                |cross_ref| match self.monitored.known_as(cross_ref.as_str()) {
                    Some(other) if other.line != *line => Err(Refusal::NotCsta(format!(
                        "the monitorCrossRefID {} is that of the monitor of {}",
                        Truncated(cross_ref.as_str()),
                        other.line
                    ))),
                    _ => Ok(cross_ref),
                },
            );
        let mut is_new = false;
        match (self.monitored.get_mut(line), started) {
            (Some(monitored), started) => {
                if let (Ok(cross_ref), None) = (&started, &monitored.cross_ref) {
                    monitored.cross_ref = Some(cross_ref.clone());
                    is_new = true;
                }
                monitored.monitor.do_send(MonitorEvent::Answered(started));
            }
            (None, Ok(cross_ref)) => self.stop_monitor(line, cross_ref, ctx),
            (None, Err(_)) => {}
        }
        for event in std::mem::take(&mut self.early) {
            self.observed(event);
        }
        if is_new {
            self.check_calls(line, ctx);
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

    /// Routes an event of the phone's to the monitor point that it names.
    pub(super) fn observed(&mut self, event: Arc<Document>) {
        let cross_ref = event.cross_ref();
        let known = cross_ref.and_then(|cross_ref| self.monitored.known_as(cross_ref));
        if let Some(monitored) = known {
            monitored.calls.observe(&monitored.line, &event);
            return monitored.monitor.do_send(Observed(event));
        }
        if self.early.len() < EARLY && self.requests.is_starting_monitor() {
            self.early.push_back(event);
        } else {
            self.context.counters.count(Counter::StrayEvent);
            tracing::debug!(phone = %self.phone, event = event.name(), cross_ref, "event for unknown monitor");
        }
    }

    /// The phone ended a monitor by itself (ECMA-269: MonitorStop sent by the switching function).
    pub(super) fn monitor_stopped(&mut self, cross_ref: &str) {
        if let Some(monitored) = self.monitored.known_as(cross_ref) {
            monitored.cross_ref = None;
            monitored.calls.monitor_lost();
            monitored.monitor.do_send(MonitorEvent::Stopped);
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
