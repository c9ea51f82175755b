//! The phone's licence permit: without one the phone gets no requests; work in progress is allowed to finish.

use std::time::Duration;

use actix::{AsyncContext, Context, Handler};
use uacsta_schema::csta::DeviceId;

use super::{Phone, session::SessionInput};
use crate::{
    licensing::{LicensingNotice, PermitDecision, PermitKind, RequestPermit},
    monitor::MonitorEvent,
};

/// How long calls may go on without a permit.
const GRACE: Duration = Duration::from_secs(3600);
/// How often the server checks whether they are over.
const CHECK: Duration = Duration::from_secs(5);
/// Why a phone is not controlled.
const REASON: &str = "there is no licence for it; see: uacsta licenses";

impl Phone {
    pub(super) fn request_permit(&self, ctx: &Context<Self>) {
        self.context.licensing.do_send(RequestPermit {
            kind: PermitKind::Phone,
            to: ctx.address().recipient(),
        });
    }

    /// Gives the permit back, and waits for none.
    pub(super) fn release_permit(&mut self) {
        self.permit = None;
        self.unlicensed_since = None;
    }

    /// Why the phone is not controlled, if that is for lack of a permit.
    pub(super) fn lacks_permit(&self) -> Option<String> {
        self.unlicensed_since
            .filter(|_| self.session.is_closed())
            .map(|_| REASON.to_owned())
    }

    /// Ends the session once there are no calls and no open requests. It is opened again when there is a permit.
    fn drain(&mut self, ctx: &mut Context<Self>) {
        let Some(since) = self.unlicensed_since else {
            return;
        };
        let has_calls = self.monitored.has_calls();
        if self.session.is_closed() {
            self.report(None);
        } else if !has_calls && self.requests.is_idle() || self.is_late(since) {
            self.on_session(
                SessionInput::Close("there is no licence for the phone".into()),
                ctx,
            );
            self.report(None);
        } else {
            ctx.run_later(CHECK, Self::drain);
        }
    }

    /// Tells the monitor point of a line when the line has no calls any more.
    pub(super) fn drain_line(&mut self, line: DeviceId, since: Duration, ctx: &mut Context<Self>) {
        let Some(monitored) = self.monitored.get(&line) else {
            return;
        };
        if monitored.calls.is_empty() || self.is_late(since) {
            monitored.monitor.do_send(MonitorEvent::Drained);
        } else {
            ctx.run_later(CHECK, move |phone, ctx| phone.drain_line(line, since, ctx));
        }
    }

    fn is_late(&self, since: Duration) -> bool {
        self.context.clock.now() >= since + GRACE
    }
}

impl Handler<PermitDecision> for Phone {
    type Result = ();

    fn handle(&mut self, PermitDecision(permit): PermitDecision, ctx: &mut Self::Context) {
        if self.binding.is_none() || !self.enabled {
            return;
        }
        match permit {
            Some(permit) => {
                self.permit = Some(permit);
                self.unlicensed_since = None;
                if self.session.is_closed() {
                    self.open_session(ctx);
                }
            }
            None if self.unlicensed_since.is_none() && self.permit.is_none() => {
                tracing::warn!(phone = %self.phone, "{REASON}");
                self.unlicensed_since = Some(self.context.clock.now());
                self.drain(ctx);
            }
            None => {}
        }
    }
}

impl Handler<LicensingNotice> for Phone {
    type Result = ();

    fn handle(&mut self, notice: LicensingNotice, ctx: &mut Self::Context) {
        let is_due = match notice {
            LicensingNotice::Restarted => {
                self.permit.is_none() && self.binding.is_some() && self.enabled
            }
            LicensingNotice::PermitsWithdrawn => self
                .permit
                .take_if(|permit| permit.is_withdrawn())
                .is_some(),
        };
        if is_due {
            self.request_permit(ctx);
        }
        self.monitored.notify(&notice);
    }
}
