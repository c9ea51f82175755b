//! Calls that ended unheard: what the phone says of its calls is compared with what its events told.

use std::sync::Arc;

use actix::Context;
use uacsta_schema::csta::{
    self, DeviceId, Document, Event, Message, Response, Snapshot, SnapshotDevice, Speech,
};

use super::{Phone, requests::Asker};
use crate::{monitor::Observed, refusal::Refusal};

impl Phone {
    /// Asks for the calls at a line whose monitor runs (again), if any may have ended unheard.
    pub(super) fn check_calls(&mut self, device: &DeviceId, ctx: &mut Context<Self>) {
        let doubtful = self
            .points
            .get(device)
            .is_some_and(|point| point.is_watched() && point.calls.doubtful());
        if !doubtful || !self.has("SnapshotDevice") {
            return;
        }
        let snapshot = SnapshotDevice {
            snapshot_object: device.clone(),
        };
        self.ask_own(Asker::Calls(device.clone()), &snapshot.into(), ctx);
    }

    /// Asks for the calls at each line that has some, as far as is known.
    pub(super) fn recount(&mut self, ctx: &mut Context<Self>) {
        let lines: Vec<DeviceId> = self
            .points
            .iter_mut()
            .filter(|(_, point)| !point.calls.is_empty())
            .map(|(device, point)| {
                point.calls.grown_old();
                device.clone()
            })
            .collect();
        for device in lines {
            self.check_calls(&device, ctx);
        }
    }

    /// The phone told its calls: those that are gone are cleared, for all who watch the line.
    pub(super) fn calls_answered(&mut self, device: &DeviceId, result: Result<Document, Refusal>) {
        let Some(point) = self.points.get_mut(device) else {
            return;
        };
        let Ok(Ok(Message::Response(Response::SnapshotDeviceResponse(response)))) =
            result.map(|document| document.message())
        else {
            return;
        };
        // A list that follows later tells of another moment than the events around it: it is left alone.
        let Snapshot::Data(there) = response.data else {
            return;
        };
        for over in point.calls.compared(device, &there) {
            tracing::info!(mac = %self.mac, line = %device, "a call is over whose end was not told");
            self.tell_watchers(device, over);
        }
    }

    /// Tells those who watch a line of an event of the server's making, as of one of the phone's.
    pub(super) fn tell_watchers(&self, device: &DeviceId, event: Event) {
        let written = csta::write(&event.into(), &Speech::default());
        if let (Some(point), Ok(event)) = (self.points.get(device), Document::read(written)) {
            point.monitor.do_send(Observed(Arc::new(event)));
        }
    }
}
