//! MonitorStop for phones without it: the monitor runs on unheard until a new dialog ends it, or a client subscribes again.

use actix::Context;
use uacsta_schema::csta::{DeviceId, MonitorCrossRefId, MonitorStop};

use crate::phone::{Phone, capabilities::Provider, request_queue::Requester};

impl Phone {
    /// Stops a monitor of a line on the phone.
    pub(in crate::phone) fn stop_monitor(
        &mut self,
        line: &DeviceId,
        cross_ref: MonitorCrossRefId,
        ctx: &mut Context<Self>,
    ) {
        if self.capabilities.provider("MonitorStop") == Provider::Emulation {
            return self.leave_monitor(line.clone(), cross_ref, ctx);
        }
        let stop = MonitorStop {
            monitor_cross_ref_id: cross_ref.clone(),
        };
        let line = line.clone();
        self.send_own(
            Requester::MonitorStop { line, cross_ref },
            &stop.into(),
            ctx,
        );
    }

    /// The phone cannot stop a monitor: it runs on until the next dialog, or until a client subscribes to the line again.
    pub(in crate::phone) fn leave_monitor(
        &mut self,
        line: DeviceId,
        cross_ref: MonitorCrossRefId,
        ctx: &mut Context<Self>,
    ) {
        let left = &mut self.emulation.get_or_insert_default().left;
        left.push((line, cross_ref));
        self.send_next(ctx);
    }

    /// Takes up a monitor of a line that runs unheard, if there is one.
    pub(in crate::phone) fn take_up(&mut self, line: &DeviceId) -> Option<MonitorCrossRefId> {
        let left = &mut self.emulation.as_mut()?.left;
        let at = left.iter().position(|(known, _)| known == line)?;
        Some(left.swap_remove(at).1)
    }

    /// Forgets the monitors that run unheard or are still to be answered for: they ended with the dialog.
    pub(in crate::phone) fn forget_left(&mut self) {
        if let Some(kept) = &mut self.emulation {
            kept.left.clear();
        }
    }

    /// Whether only a new dialog ends monitors that nobody needs, and disturbs none that somebody does.
    pub(in crate::phone) fn needs_new_dialog(&self) -> bool {
        self.emulation
            .as_ref()
            .is_some_and(|kept| !kept.left.is_empty())
            && self.monitored.iter().all(|line| line.cross_ref.is_none())
    }
}
