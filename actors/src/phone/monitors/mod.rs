//! The lines with monitor points: the monitors that run on the phone, and the routing of events to them.

use std::{collections::VecDeque, sync::Arc};

use actix::{Addr, Handler};
use uacsta_schema::csta::{CallId, DeviceId, Document, Event, MonitorCrossRefId};

use self::boot_cycle::BootCycle;
use super::lines::LineList;
use crate::{
    monitor::{
        Calls, Emulated, LONGEST, Monitor, MonitorEvent, Observed, PointEnded, SubscriptionChange,
        SubscriptionChanged,
    },
    refusal::Refusal,
    registration::PhoneBinding,
    truncated::Truncated,
};

mod boot_cycle;

/// A line with a monitor point.
pub(super) struct MonitoredLine {
    pub(super) line: DeviceId,
    pub(super) monitor: Addr<Monitor>,
    /// How many clients joined. A monitor point ends only if this is still the number that it knows.
    joins: u64,
    /// The cross reference of the running monitor in the phone's events.
    pub(super) cross_ref: Option<MonitorCrossRefId>,
    pub(super) calls: Calls,
}

/// The lines with monitor points. A phone has few lines, mostly one: a list is smaller than a map, and as fast.
#[derive(Default)]
pub(super) struct MonitoredLines {
    lines: Vec<MonitoredLine>,
    /// Events that arrived before the response to a MonitorStart.
    early: VecDeque<Arc<Document>>,
    /// The length of these events, in octets.
    early_octets: usize,
    boot_cycle: BootCycle,
}

/// The next action after the response to a MonitorStart.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Started {
    /// Nothing.
    Done,
    /// Request the calls of the line, since some may have ended without an event.
    CheckCalls,
    /// Stop the monitor: the line no longer has a monitor point.
    Stop(MonitorCrossRefId),
}

/// How many events wait for the response of a MonitorStart.
const MAX_EARLY: usize = 64;
/// How many octets of events wait for it.
const MAX_EARLY_OCTETS: usize = 128 << 10;

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

    pub(super) fn add(&mut self, line: DeviceId, monitor: Addr<Monitor>) {
        self.lines.reserve_exact(1);
        self.lines.push(MonitoredLine {
            line,
            monitor,
            joins: 0,
            cross_ref: None,
            calls: Calls::default(),
        });
    }

    /// Removes a monitor point without subscribers, unless another client is joining.
    pub(super) fn remove(&mut self, line: &DeviceId, joins: u64) -> Option<MonitoredLine> {
        let ends = |monitored: &MonitoredLine| monitored.line == *line && monitored.joins == joins;
        let at = self.lines.iter().position(ends)?;
        let ended = self.lines.swap_remove(at);
        ended.monitor.do_send(PointEnded);
        Some(ended)
    }

    /// Replaces a monitor point that panicked; returns the cross reference of its running monitor.
    pub(super) fn replace(
        &mut self,
        line: &DeviceId,
        monitor: Addr<Monitor>,
    ) -> Option<MonitorCrossRefId> {
        let Some(monitored) = self.get_mut(line) else {
            self.add(line.clone(), monitor);
            return None;
        };
        monitored.monitor = monitor;
        monitored.joins = 0;
        monitored.cross_ref.clone()
    }

    /// Forwards a subscription change to the line's monitor point.
    pub(super) fn forward(&mut self, line: &DeviceId, change: SubscriptionChange) {
        if let Some(monitored) = self.get_mut(line) {
            monitored.joins += u64::from(matches!(change, SubscriptionChange::Join(_)));
            let joins = monitored.joins;
            let changed = SubscriptionChanged { joins, change };
            monitored.monitor.do_send(changed);
        }
    }

    /// A monitor of a line is being stopped: its events no longer count.
    pub(super) fn stopping(&mut self, line: &DeviceId, cross_ref: &MonitorCrossRefId) {
        if let Some(monitored) = self.get_mut(line)
            && monitored.is(cross_ref.as_str())
        {
            monitored.cross_ref = None;
            monitored.calls.monitor_lost();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &MonitoredLine> {
        self.lines.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut MonitoredLine> {
        self.lines.iter_mut()
    }

    /// Notifies all monitor points.
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

    /// The lines whose calls to request: those with known calls, or all.
    pub(super) fn to_check(&self, all: bool) -> Vec<DeviceId> {
        self.iter()
            .filter(|monitored| all || !monitored.calls.is_empty())
            .map(|monitored| monitored.line.clone())
            .collect()
    }

    /// The phone listed its lines: notifies the monitor points of missing and returned lines. Returns the missing lines.
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
            _ if cross_ref.as_str().len() > LONGEST => Err(Refusal::NotCsta(format!(
                "the monitorCrossRefID is longer than {LONGEST} octets"
            ))),
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

    /// Removes the events that arrived before the response to a MonitorStart.
    pub(super) fn take_early(&mut self) -> VecDeque<Arc<Document>> {
        self.early_octets = 0;
        std::mem::take(&mut self.early)
    }

    /// Routes an event to the monitor point with its cross reference, or keeps the event while a MonitorStart is pending.
    /// Returns whether the event's calls and names are short enough to be tracked.
    ///
    /// # Errors
    /// An event of no known monitor.
    pub(super) fn observe(
        &mut self,
        event: Arc<Document>,
        is_starting: bool,
    ) -> Result<bool, Arc<Document>> {
        let cross_ref = event.cross_ref();
        if let Some(monitored) = cross_ref.and_then(|cross_ref| self.known_as(cross_ref)) {
            let is_tracked = monitored.calls.observe(&monitored.line, &event);
            monitored.monitor.do_send(Observed(event));
            return Ok(is_tracked);
        }
        let octets = self.early_octets + event.raw().len();
        if !is_starting || self.early.len() >= MAX_EARLY || octets > MAX_EARLY_OCTETS {
            return Err(event);
        }
        self.early_octets = octets;
        self.early.push_back(event);
        Ok(true)
    }

    /// Sends an event that the server generated to the subscribers of a line.
    pub(super) fn notify_subscribers(&self, line: &DeviceId, event: Event) {
        if let Some(monitored) = self.get(line) {
            monitored.monitor.do_send(Emulated(event));
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

    /// Removes and returns the monitors that run on the phone.
    pub(super) fn take_running(&mut self) -> Vec<(DeviceId, MonitorCrossRefId)> {
        self.iter_mut()
            .filter_map(|monitored| Some((monitored.line.clone(), monitored.cross_ref.take()?)))
            .collect()
    }

    /// The phone says that events may be missing.
    pub(super) fn events_lost(&mut self) {
        for monitored in &mut self.lines {
            monitored.calls.events_lost();
        }
    }

    /// The phone's session is open under this registration. If the phone was restarted, its former calls are over.
    pub(super) fn session_opened(&mut self, binding: &PhoneBinding) {
        if self.boot_cycle.continues(binding) {
            for monitored in &mut self.lines {
                monitored.calls.phone_restarted();
            }
        }
    }

    /// The phone knows the session still, although it registered anew.
    pub(super) fn session_survived(&mut self, binding: &PhoneBinding) {
        self.boot_cycle.continues(binding);
    }

    /// The phone's session ended, and with it the monitors.
    pub(super) fn session_lost(&mut self) {
        self.take_early();
        for monitored in &mut self.lines {
            monitored.cross_ref = None;
            monitored.calls.session_lost();
        }
        self.notify(&MonitorEvent::PhoneAway);
    }
}

#[cfg(test)]
mod tests;
