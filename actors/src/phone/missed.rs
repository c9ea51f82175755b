//! What was missed of calls: what the phone says of its calls is compared with what its events told.

use std::sync::Arc;

use actix::Context;
use uacsta_schema::csta::{
    self, DeviceId, Document, Event, Message, Response, Snapshot, SnapshotDevice, Speech,
};

use super::{Phone, points::Trust, requests::Asker};
use crate::{
    monitor::{MonitorLost, Observed},
    refusal::Refusal,
};

impl Phone {
    /// Asks for the calls at a line whose monitor runs (again), if any may have ended unheard.
    pub(super) fn check_calls(&mut self, device: &DeviceId, ctx: &mut Context<Self>) {
        if self
            .points
            .get(device)
            .is_some_and(|point| point.calls.doubtful())
        {
            self.ask_for_calls(device, ctx);
        }
    }

    /// Asks for the calls at each watched line that has some, as far as is known; at every watched line once in a while.
    pub(super) fn recount(&mut self, all: bool, ctx: &mut Context<Self>) {
        let lines: Vec<DeviceId> = self
            .points
            .iter_mut()
            .filter(|(_, point)| all || !point.calls.is_empty())
            .map(|(device, point)| {
                point.calls.grown_old();
                device.clone()
            })
            .collect();
        for device in lines {
            self.ask_for_calls(&device, ctx);
        }
    }

    fn ask_for_calls(&mut self, device: &DeviceId, ctx: &mut Context<Self>) {
        let watched = self
            .points
            .get(device)
            .is_some_and(|point| point.is_watched());
        if watched && self.has("SnapshotDevice") {
            let snapshot = SnapshotDevice {
                snapshot_object: device.clone(),
            };
            self.ask_own(Asker::Calls(device.clone()), &snapshot.into(), ctx);
        }
    }

    /// The phone told its calls: those that are gone are cleared, for all who watch the line, and a monitor that told nothing of a
    /// call is started again.
    pub(super) fn calls_answered(
        &mut self,
        device: &DeviceId,
        result: Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
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
        let over = point.calls.compared(device, &there);
        let unheard = point.trust == Trust::Compared && point.calls.unheard(&there);
        point.calls.take_up(&there, point.trust == Trust::New);
        if point.trust == Trust::New {
            point.trust = Trust::Compared;
        }
        for over in over {
            tracing::info!(mac = %self.mac, line = %device, "a call is over whose end was not told");
            self.tell_watchers(device, over);
        }
        if unheard {
            self.restart_monitor(device, ctx);
        }
    }

    /// The phone lists a call for longer than an event takes, and none came: the monitor may be lost.
    fn restart_monitor(&mut self, device: &DeviceId, ctx: &mut Context<Self>) {
        let Some(point) = self.points.get_mut(device) else {
            return;
        };
        tracing::warn!(mac = %self.mac, line = %device, "the phone has a call that the line's monitor did not tell of; the monitor is started again");
        let former = point.lost();
        point.trust = Trust::Restarted;
        point.monitor.do_send(MonitorLost);
        if let Some(former) = former {
            self.stop_monitor(device, &former, ctx);
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
