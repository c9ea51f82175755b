//! Which of the server's own requests are pending: queued, or sent without a response.

use uacsta_schema::csta::DeviceId;

use super::{RequestQueue, Requester};

impl RequestQueue {
    /// Whether a SystemRegister is queued or has no response yet.
    pub(in crate::phone) fn is_registering(&self) -> bool {
        let mut pending = self.own.iter().chain(&self.sent);
        pending.any(|request| matches!(request.requester, Requester::SystemRegister))
    }

    /// Whether a MonitorStart of a line is queued or has no response yet.
    pub(in crate::phone) fn starts_monitor_of(&self, line: &DeviceId) -> bool {
        self.own.iter().chain(&self.sent).any(
            |request| matches!(&request.requester, Requester::MonitorStart(known) if known == line),
        )
    }

    /// Whether a MonitorStart of any line was sent and has no response yet.
    pub(in crate::phone) fn is_starting_monitor(&self) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|request| matches!(request.requester, Requester::MonitorStart(_)))
    }
}
