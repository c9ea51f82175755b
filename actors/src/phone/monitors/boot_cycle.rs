//! Whether a phone was restarted between two sessions, as far as its registrations show.

use std::time::Duration;

use crate::registration::PhoneBinding;

/// The registration under which the phone's last session was open.
#[derive(Debug, Default)]
pub(super) struct BootCycle(Option<Registration>);

#[derive(Debug)]
struct Registration {
    call_id: Box<str>,
    cseq: u32,
    made_at: Duration,
}

impl BootCycle {
    /// The phone is in a session under this registration. Returns whether it was restarted since the last call: a phone
    /// registers by one Call-ID and a rising CSeq until it restarts (RFC 3261, section 10.2).
    pub(super) fn continues(&mut self, binding: &PhoneBinding) -> bool {
        let known = self.0.as_ref();
        if known.is_some_and(|known| known.made_at == binding.made_at) {
            return false;
        }
        let was_restarted = known
            .is_some_and(|known| known.call_id != binding.call_id || binding.cseq <= known.cseq);
        self.0 = Some(Registration {
            call_id: binding.call_id.clone(),
            cseq: binding.cseq,
            made_at: binding.made_at,
        });
        was_restarted
    }
}
