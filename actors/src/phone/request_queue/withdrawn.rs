//! Requests whose clients lost the right to them while they waited.

use super::{PhoneRequest, RequestQueue};

impl RequestQueue {
    /// Removes requests that would be sent next, but whose clients lost the right to them.
    pub(in crate::phone) fn take_withdrawn(&mut self) -> Vec<PhoneRequest> {
        let mut withdrawn = Vec::new();
        while let Some(next) = self
            .waiting
            .pop_front_if(|next| next.requester.is_withdrawn())
        {
            withdrawn.push(*next);
        }
        withdrawn
    }
}
