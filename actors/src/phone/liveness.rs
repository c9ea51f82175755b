//! What the outcome of a keep-alive shows: the phone is there, it is lost, or its session is over.

use std::time::Duration;

use actix::Context;
use uacsta_schema::{
    csta::{Document, RequestSystemStatus},
    sip::Status,
};

use super::{
    Phone,
    request_queue::{Requester, Turn},
    session::SessionInput,
};
use crate::{
    reason::{Cause, Unanswered},
    refusal::Refusal,
    registration::Binding,
};

/// How long a binding takes to be written at most, mostly.
const WRITE_TIME: Duration = Duration::from_secs(1);
/// How long a phone that registered anew may take to answer in its dialog.
const PROBE_TIME: Duration = Duration::from_secs(4);

/// What the outcome of a keep-alive shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Liveness {
    /// The phone answered, whatever it thinks of the request.
    Alive,
    /// The phone did not answer, or a proxy answered in its place.
    Lost,
    /// The session's end, or its move, is reported by itself.
    Reported,
}

impl Liveness {
    /// Reads the outcome. `is_quiet` says that the phone asks for a pause by Retry-After, as no proxy does for a phone that is
    /// gone.
    pub(super) fn of(outcome: &Result<Document, Refusal>, is_quiet: bool) -> Self {
        match outcome {
            Err(Refusal::TimedOut) => Self::Lost,
            Err(Refusal::Away) => Self::Reported,
            Err(Refusal::Refused(status)) => Self::of_status(*status, is_quiet),
            // An empty 200 and a CSTA error are answers as well.
            Ok(_) | Err(_) => Self::Alive,
        }
    }

    /// A response without CSTA. The statuses of proxies that do not reach the phone are those that end a dialog (RFC 5057,
    /// section 5.1), 480, 430 (RFC 5626), 477 (Kamailio), and 5xx; phones that lack the service answer 501 or 4xx.
    fn of_status(status: Status, is_quiet: bool) -> Self {
        match status.code() {
            481 => Self::Reported,
            404 | 408 | 410 | 430 | 477 | 480 | 482..=485 | 604 => Self::Lost,
            501 | 505 | 513 | 580 => Self::Alive,
            500..600 if !is_quiet => Self::Lost,
            _ => Self::Alive,
        }
    }
}

/// Whether a REGISTER that made a binding on the connection of the former one may be of a phone that was restarted: one that
/// counts anew was. A refresh makes no binding, as it is answered by the connection, unless the former one is still being
/// written.
pub(super) fn registers_anew<F>(former: &Binding<F>, binding: &Binding<F>) -> bool {
    former.call_id != binding.call_id
        || binding.cseq <= former.cseq
        || binding.made_at >= former.made_at + WRITE_TIME
}

impl Phone {
    /// Sends a keep-alive.
    pub(super) fn keep_alive(&mut self, ctx: &mut Context<Self>) {
        let request = RequestSystemStatus::default().into();
        self.send_own(Requester::KeepAlive, request, ctx);
    }

    /// A phone that does not respond to the keep-alive is away, even if its connection is still open.
    pub(super) fn kept_alive(
        &mut self,
        result: &Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let phone = self.phone;
        match (self.liveness(result), result) {
            (Liveness::Lost, Err(refusal)) => {
                tracing::warn!(%phone, reason = %refusal, "phone is away: it did not answer the keep-alive");
                self.leave_connection("the phone does not answer the keep-alive", ctx);
                self.refuse_waiting();
                self.report(Some(Cause::NoAnswer {
                    to: Unanswered::KeepAlive,
                    proxy: match refusal {
                        Refusal::Refused(status) => Some(*status),
                        _ => None,
                    },
                }));
            }
            (Liveness::Reported | Liveness::Lost, _) => {}
            (Liveness::Alive, result) => {
                match result {
                    Ok(answer) => self.system_status_answered(answer, ctx),
                    Err(refusal) => {
                        tracing::warn!(%phone, reason = %refusal, "keep-alive refused");
                    }
                }
                self.on_session(SessionInput::KeptAlive, ctx);
            }
        }
    }

    /// The phone registered anew: asks for its status in the dialog, which a phone that was restarted no longer has.
    pub(super) fn probe_dialog(&mut self, ctx: &mut Context<Self>) {
        let deadline = self.deadline().min(self.context.clock.now() + PROBE_TIME);
        let request = RequestSystemStatus::default().into();
        self.send(Requester::DialogProbe, request, deadline, Turn::Next, ctx);
    }

    /// A phone that is there but not in the dialog gets a new session.
    pub(super) fn dialog_probed(
        &mut self,
        result: &Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        match self.liveness(result) {
            Liveness::Alive => {
                if let Ok(answer) = result {
                    self.system_status_answered(answer, ctx);
                }
                if let Some(binding) = self.admission.binding() {
                    self.monitored.session_survived(binding);
                }
                self.on_session(SessionInput::KeptAlive, ctx);
            }
            Liveness::Lost => {
                let reason = "the phone registered anew, and does not answer in the session";
                self.on_session(SessionInput::Renew(reason.into()), ctx);
            }
            Liveness::Reported => {}
        }
    }

    fn liveness(&self, result: &Result<Document, Refusal>) -> Liveness {
        let now = self.context.clock.now();
        Liveness::of(result, self.requests.is_quiet_beyond(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_shows_whether_the_phone_or_a_proxy_answered() {
        let read = |code, is_quiet| {
            let status = Status::new(code).ok_or(code);
            status.map(|status| Liveness::of(&Err(Refusal::Refused(status)), is_quiet))
        };
        for code in [
            400, 401, 403, 405, 407, 415, 469, 488, 489, 491, 501, 505, 513, 603, 606,
        ] {
            assert_eq!(read(code, false), Ok(Liveness::Alive), "{code}");
        }
        for code in [
            404, 408, 410, 430, 477, 480, 483, 500, 502, 503, 504, 599, 604,
        ] {
            assert_eq!(read(code, false), Ok(Liveness::Lost), "{code}");
        }
        assert_eq!(read(481, false), Ok(Liveness::Reported));
        // A phone that asks for a pause is there.
        for code in [500, 503] {
            assert_eq!(read(code, true), Ok(Liveness::Alive), "{code}");
        }
    }

    #[test]
    fn only_silence_is_lost_without_a_status() {
        for (refusal, expected) in [
            (Refusal::TimedOut, Liveness::Lost),
            (Refusal::Away, Liveness::Reported),
            (Refusal::NotCsta("empty".to_owned()), Liveness::Alive),
            (Refusal::TooLarge, Liveness::Alive),
        ] {
            assert_eq!(Liveness::of(&Err(refusal), false), expected);
        }
    }
}
