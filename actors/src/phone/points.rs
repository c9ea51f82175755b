//! The monitor points of the phone's lines, and the events that go to them.

use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context};
use uacsta_schema::csta::{DeviceId, Document, Message, MonitorObject, MonitorStart, Response};

use super::{Orphaned, Phone, calls::Calls, requests::Asker};
use crate::{
    counters::Event,
    monitor::{
        Monitor, MonitorLost, Observed, PhoneLost, PhoneReady, PhoneReplaced, Started, Surroundings,
    },
    quote::Quoted,
    refusal::Refusal,
};

/// A monitor point of one line.
pub(super) struct Point {
    pub(super) monitor: Addr<Monitor>,
    /// How many clients were sent to it, so that its end never passes a client that comes.
    joins: u64,
    /// The phone's cross reference, while its monitor runs.
    cross_ref: Option<Box<str>>,
    starting: bool,
    pub(super) calls: Calls,
    pub(super) trust: Trust,
}

/// What is known of whether a monitor tells all that it has to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Trust {
    /// It has just been started: the line may have calls that are older.
    #[default]
    New,
    /// It was compared with the phone's calls.
    Compared,
    /// It missed a call and was started again; that once is enough in a session.
    Restarted,
}

/// The monitor points by line. A phone has few lines, mostly one: a list is smaller than a map, and no slower.
#[derive(Default)]
pub(super) struct Points(Vec<(DeviceId, Point)>);

/// How many events wait for the response of a monitor that is being started.
const EARLY: usize = 64;

impl Point {
    pub(super) fn new(monitor: Addr<Monitor>) -> Self {
        Self {
            monitor,
            joins: 0,
            cross_ref: None,
            starting: false,
            calls: Calls::default(),
            trust: Trust::New,
        }
    }

    /// The monitor runs on the phone under this cross reference.
    pub(super) fn runs(&mut self, cross_ref: &str) {
        self.starting = false;
        self.cross_ref = Some(cross_ref.into());
    }

    /// Whether the monitor runs on the phone under this cross reference.
    fn is(&self, cross_ref: &str) -> bool {
        self.cross_ref.as_deref() == Some(cross_ref)
    }

    /// Whether the monitor runs on the phone.
    pub(super) fn is_watched(&self) -> bool {
        self.cross_ref.is_some()
    }

    /// Whether the monitor runs on the phone, or is about to.
    pub(super) fn is_active(&self) -> bool {
        self.starting || self.is_watched()
    }

    /// The session is lost, and the monitor with it, whose cross reference this was.
    pub(super) fn lost(&mut self) -> Option<Box<str>> {
        self.starting = false;
        self.calls.lost();
        self.trust = Trust::New;
        self.cross_ref.take()
    }
}

impl Points {
    pub(super) fn get(&self, device: &DeviceId) -> Option<&Point> {
        self.0
            .iter()
            .find_map(|(line, point)| (line == device).then_some(point))
    }

    pub(super) fn get_mut(&mut self, device: &DeviceId) -> Option<&mut Point> {
        self.0
            .iter_mut()
            .find_map(|(line, point)| (line == device).then_some(point))
    }

    /// The line whose monitor has this cross reference on the phone.
    fn known_as(&self, cross_ref: &str) -> Option<&DeviceId> {
        self.0
            .iter()
            .find_map(|(line, point)| point.is(cross_ref).then_some(line))
    }

    fn get_or_insert(&mut self, device: &DeviceId, new: impl FnOnce() -> Point) -> &mut Point {
        let at = match self.0.iter().position(|(line, _)| line == device) {
            Some(at) => at,
            None => {
                self.0.reserve_exact(1);
                self.0.push((device.clone(), new()));
                self.0.len() - 1
            }
        };
        &mut self.0[at].1
    }

    fn remove(&mut self, device: &DeviceId) -> Option<Point> {
        let at = self.0.iter().position(|(line, _)| line == device)?;
        Some(self.0.swap_remove(at).1)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&DeviceId, &mut Point)> {
        self.0.iter_mut().map(|(line, point)| (&*line, point))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Point> {
        self.0.iter().map(|(_, point)| point)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Point> {
        self.0.iter_mut().map(|(_, point)| point)
    }
}

impl Phone {
    /// The monitor point of a line that one more client is about to join.
    pub(super) fn point(&mut self, device: &DeviceId, ctx: &Context<Self>) -> Addr<Monitor> {
        let around = self.around(ctx);
        let ready = self.session.is_open() && self.has_line(device);
        let mac = self.mac;
        let point = self.points.get_or_insert(device, || {
            Point::new(Monitor::new(mac, device.clone(), around, ready).start())
        });
        point.joins += 1;
        point.monitor.clone()
    }

    /// Whom this phone's monitor points ask.
    fn around(&self, ctx: &Context<Self>) -> Surroundings {
        Surroundings {
            phone: ctx.address(),
            house: Arc::clone(&self.house),
        }
    }

    /// Takes over the monitor points of the actor whose place this one takes.
    pub(super) fn adopt(&mut self, ctx: &Context<Self>) {
        for point in self.points.values_mut() {
            point.lost();
        }
        for point in self.points.values() {
            point.monitor.do_send(PhoneReplaced(self.around(ctx)));
        }
    }

    /// A monitor point failed: another takes its place, for the same clients.
    pub(super) fn orphaned(
        &mut self,
        Orphaned {
            device,
            watchers,
            seat,
        }: Orphaned,
        ctx: &mut Context<Self>,
    ) {
        self.house.counters.count(Event::Panicked);
        tracing::error!(mac = %self.mac, line = %device, clients = watchers.len(), "the line's monitor point failed; another takes its place");
        let joins = watchers.len() as u64;
        let monitor = Monitor::new(
            self.mac,
            device.clone(),
            self.around(ctx),
            self.session.is_open(),
        )
        .inherited(watchers, seat);
        let failed = self.points.remove(&device);
        self.points.get_or_insert(&device, || Point {
            joins,
            ..Point::new(monitor.start())
        });
        if let Some(cross_ref) = failed.and_then(|failed| failed.cross_ref) {
            self.stop_monitor(&device, &cross_ref, ctx);
        }
    }

    /// The phone told its lines: a line that it has no more is out of service here, and one that it has again may be watched.
    pub(super) fn lines_told(&mut self, ctx: &mut Context<Self>) {
        let lines: Vec<DeviceId> = self
            .points
            .iter_mut()
            .map(|(line, _)| line.clone())
            .collect();
        for line in lines {
            let (has_line, open) = (self.has_line(&line), self.session.is_open());
            let Some(point) = self.points.get_mut(&line) else {
                continue;
            };
            if !has_line {
                tracing::warn!(mac = %self.mac, %line, "a line that is watched is no longer the phone's");
                let former = point.lost();
                point.monitor.do_send(PhoneLost);
                if let Some(former) = former {
                    self.stop_monitor(&line, &former, ctx);
                }
            } else if open && !point.is_active() {
                point.monitor.do_send(PhoneReady);
            }
        }
    }

    /// Asks the phone for the monitor of a line, unless it is being asked already: for one who came before, and left.
    pub(super) fn start_monitor(&mut self, device: &DeviceId, ctx: &mut Context<Self>) {
        let has_line = self.has_line(device);
        let Some(point) = self.points.get_mut(device) else {
            return;
        };
        if !self.session.is_open() {
            return point.monitor.do_send(Started(Err(Refusal::Away)));
        }
        if !has_line {
            return point.monitor.do_send(PhoneLost);
        }
        if point.is_watched() {
            return point.monitor.do_send(Started(Ok(())));
        }
        point.starting = true;
        if self.take_up(device) || self.requests.starts(device) {
            return;
        }
        let start = MonitorStart {
            monitor_object: MonitorObject::Device(device.clone()),
            ..MonitorStart::default()
        };
        self.ask_own(Asker::Monitor(device.clone()), &start.into(), ctx);
    }

    /// The phone answered MonitorStart. The line has one monitor: any other, and one for which nobody is there any more, is
    /// stopped.
    pub(super) fn monitor_answered(
        &mut self,
        device: &DeviceId,
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
        // By their cross reference alone events tell which line they are of.
        let started =
            started.and_then(|cross_ref| match self.points.known_as(cross_ref.as_str()) {
                Some(other) if other != device => Err(Refusal::NotCsta(format!(
                    "the monitorCrossRefID {} is that of the monitor of {other}",
                    Quoted(cross_ref.as_str())
                ))),
                _ => Ok(cross_ref),
            });
        let point = self.points.get_mut(device);
        let waits = point.as_ref().is_some_and(|point| point.starting);
        match (started, point) {
            (Ok(cross_ref), Some(point)) if waits => {
                point.runs(cross_ref.as_str());
                point.monitor.do_send(Started(Ok(())));
            }
            // Some phones have but one monitor of a line, however often they are asked.
            (Ok(cross_ref), Some(point)) if point.is(cross_ref.as_str()) => {}
            (Ok(cross_ref), _) => self.stop_monitor(device, cross_ref.as_str(), ctx),
            (Err(refusal), Some(point)) if waits => {
                point.starting = false;
                point.monitor.do_send(Started(Err(refusal)));
            }
            (Err(_), _) => {}
        }
        for event in std::mem::take(&mut self.early) {
            self.observed(event);
        }
        if waits {
            self.check_calls(device, ctx);
        }
    }

    /// Nobody watches a line any more, unless a client is on its way to the monitor point.
    pub(super) fn unwatched(&mut self, device: &DeviceId, joins: u64, ctx: &mut Context<Self>) {
        if self
            .points
            .get(device)
            .is_none_or(|point| point.joins != joins)
        {
            return;
        }
        if let Some(cross_ref) = self.points.remove(device).and_then(|point| point.cross_ref) {
            tracing::info!(mac = %self.mac, line = %device, "line is no longer monitored");
            self.stop_monitor(device, &cross_ref, ctx);
        }
    }

    /// An event of the phone's: to the monitor point that it names.
    pub(super) fn observed(&mut self, event: Arc<Document>) {
        let cross_ref = event.cross_ref();
        if let Some((device, point)) = self
            .points
            .iter_mut()
            .find(|(_, point)| point.cross_ref.is_some() && point.cross_ref.as_deref() == cross_ref)
        {
            point.calls.observe(device, &event);
            return point.monitor.do_send(Observed(event));
        }
        if self.early.len() < EARLY && self.points.values().any(|point| point.starting) {
            self.early.push_back(event);
        } else {
            self.house.counters.count(Event::StrayEvent);
            tracing::debug!(mac = %self.mac, event = event.name(), cross_ref, "event of no monitor that runs");
        }
    }

    /// The phone ended a monitor by itself (ECMA-269: MonitorStop sent by the switching function).
    pub(super) fn monitor_stopped(&mut self, cross_ref: &str) {
        if let Some(point) = self.points.values_mut().find(|point| point.is(cross_ref)) {
            point.lost();
            point.monitor.do_send(MonitorLost);
        }
    }
}
