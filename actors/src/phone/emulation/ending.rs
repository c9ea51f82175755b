//! The end of a monitor on a phone that has no MonitorStop: the monitor runs on unheard, and ends with a new dialog.

use actix::Context;
use uacsta_schema::csta::{DeviceId, MonitorCrossRefId, MonitorStop};

use crate::{
    monitor::Started,
    phone::{Phone, requests::Asker},
};

impl Phone {
    /// Ends the monitor of a line on the phone.
    pub(in crate::phone) fn stop_monitor(
        &mut self,
        device: &DeviceId,
        cross_ref: &str,
        ctx: &mut Context<Self>,
    ) {
        if !self.has("MonitorStop") && self.profile.emulates("MonitorStop") {
            return self.monitor_left(device, cross_ref, ctx);
        }
        let stop = MonitorStop {
            monitor_cross_ref_id: MonitorCrossRefId::from(cross_ref),
        };
        let asker = Asker::MonitorStop {
            device: device.clone(),
            cross_ref: cross_ref.into(),
        };
        self.ask_own(asker, &stop.into(), ctx);
    }

    /// The phone cannot stop a monitor: it runs on until the next dialog, or until somebody watches the line again.
    pub(in crate::phone) fn monitor_left(
        &mut self,
        device: &DeviceId,
        cross_ref: &str,
        ctx: &mut Context<Self>,
    ) {
        let left = &mut self.kept.get_or_insert_default().left;
        left.push((device.clone(), cross_ref.into()));
        self.next_request(ctx);
    }

    /// Takes a monitor up again that was left running; `false` if there is none.
    pub(in crate::phone) fn take_up(&mut self, device: &DeviceId) -> bool {
        let Some(left) = self.kept.as_mut().map(|kept| &mut kept.left) else {
            return false;
        };
        let Some(at) = left.iter().position(|(known, _)| known == device) else {
            return false;
        };
        let (_, cross_ref) = left.swap_remove(at);
        if let Some(point) = self.points.get_mut(device) {
            point.runs(&cross_ref);
            point.monitor.do_send(Started(Ok(())));
        }
        true
    }

    /// Forgets the monitors that were left running, or are still to be answered for: they ended with the dialog.
    pub(in crate::phone) fn forget_left(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.left.clear();
            kept.overdue.clear();
        }
    }

    /// Whether only a new dialog ends monitors that nobody needs, and disturbs none that somebody does.
    pub(in crate::phone) fn needs_new_dialog(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| !kept.left.is_empty())
            && !self.points.values().any(|point| point.is_active())
    }
}
