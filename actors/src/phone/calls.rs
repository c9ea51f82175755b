//! Compares the tracked calls of monitored lines with SnapshotDevice, and tells subscribers of those that ended unheard.

use std::sync::Arc;

use actix::Context;
use uacsta_schema::csta::{
    self, DeviceId, Dialect, Document, Event, Message, Response, ServiceId, SnapshotDevice,
};

use super::{Phone, request_queue::Requester};
use crate::{
    monitor::{Mark, MonitorEvent, Observed, Reconciled},
    refusal::Refusal,
};

impl Phone {
    /// Asks for the calls of a line whose monitor was started, if any may have ended unheard.
    pub(super) fn check_calls(&mut self, line: &DeviceId, ctx: &mut Context<Self>) {
        let monitored = self.monitored.get(line);
        if monitored.is_some_and(|monitored| monitored.calls.needs_snapshot()) {
            self.ask_for_calls(line, ctx);
        }
    }

    /// Asks for the calls of each monitored line that has some as far as is known, or of every monitored line.
    pub(super) fn check_all_calls(&mut self, all: bool, ctx: &mut Context<Self>) {
        let lines: Vec<DeviceId> = self
            .monitored
            .iter()
            .filter(|monitored| all || !monitored.calls.is_empty())
            .map(|monitored| monitored.line.clone())
            .collect();
        for line in lines {
            self.ask_for_calls(&line, ctx);
        }
    }

    fn ask_for_calls(&mut self, line: &DeviceId, ctx: &mut Context<Self>) {
        let monitored = self.monitored.get(line);
        let Some(monitored) = monitored.filter(|monitored| monitored.cross_ref.is_some()) else {
            return;
        };
        let asked = monitored.calls.mark();
        if self.capabilities.has(ServiceId::SnapshotDevice) {
            let snapshot = SnapshotDevice {
                snapshot_object: line.clone(),
            };
            let line = line.clone();
            self.send_own(Requester::Snapshot { line, asked }, snapshot.into(), ctx);
        }
    }

    /// The phone answered SnapshotDevice, which was asked for at `asked`.
    pub(super) fn calls_answered(
        &mut self,
        line: &DeviceId,
        asked: Mark,
        result: Result<Document, Refusal>,
    ) {
        let Ok(Ok(Message::Response(Response::SnapshotDeviceResponse(response)))) =
            result.map(|document| document.message())
        else {
            return;
        };
        let Some(monitored) = self.monitored.get_mut(line) else {
            return;
        };
        let Reconciled { over, unheard } = monitored.calls.reconcile(line, &response.data, asked);
        if unheard {
            tracing::warn!(phone = %self.phone, %line, "the phone has a call that the line's monitor sent no event of; the monitor is restarted");
            monitored.monitor.do_send(MonitorEvent::Unheard);
        }
        for over in over {
            tracing::info!(phone = %self.phone, %line, "call ended without an event; its clients are told");
            self.tell_subscribers(line, over);
        }
    }

    /// Sends the subscribers of a line an event that the server made, as one of the phone's.
    pub(super) fn tell_subscribers(&self, line: &DeviceId, event: Event) {
        let written = csta::write(&event.into(), &Dialect::default());
        if let (Some(monitored), Ok(event)) = (self.monitored.get(line), Document::read(written)) {
            monitored.monitor.do_send(Observed(Arc::new(event)));
        }
    }
}
