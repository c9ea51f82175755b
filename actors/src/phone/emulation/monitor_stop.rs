//! Monitors that a phone without MonitorStop cannot stop. Each runs until the session ends or a client monitors its line
//! again.

use uacsta_schema::csta::{DeviceId, MonitorCrossRefId};

/// The monitors that still run on the phone without a monitor point.
#[derive(Default)]
pub(super) struct UnstoppedMonitors(Vec<(DeviceId, MonitorCrossRefId)>);

impl UnstoppedMonitors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, line: DeviceId, cross_ref: MonitorCrossRefId) {
        self.0.push((line, cross_ref));
    }

    /// Removes a monitor of the line, to be used again.
    pub(super) fn take(&mut self, line: &DeviceId) -> Option<MonitorCrossRefId> {
        let at = self.0.iter().position(|(known, _)| known == line)?;
        Some(self.0.swap_remove(at).1)
    }
}
