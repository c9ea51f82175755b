//! Requests that must not be sent any more when their turn comes.

use super::{PhoneRequest, RequestQueue, Requester};
use crate::refusal::Refusal;

impl RequestQueue {
    /// Removes requests that would be sent next, but that `refusal` refuses by now.
    pub(in crate::phone) fn take_refused(
        &mut self,
        refusal: impl Fn(&Requester) -> Option<Refusal>,
    ) -> Vec<(PhoneRequest, Refusal)> {
        let mut refused = Vec::new();
        for queue in [&mut self.own, &mut self.waiting] {
            while let Some(why) = queue.front().and_then(|next| refusal(&next.requester)) {
                refused.extend(queue.pop_front().map(|request| (*request, why)));
            }
        }
        refused
    }
}
