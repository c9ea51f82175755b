//! Handles the messages of the phone's connection, the registrar and licensing.

use std::{sync::Arc, time::Duration};

use actix::{AsyncContext, Context, Handler, ResponseFuture};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    BindingMoved, Bound, EnabledChanged, LinesListed, NotRestarted, Orphan, Phone, ReportAgain,
    Request, RestartSession, Resume, Retire, Unbound,
    messages::SETTLE_TIME,
    responses,
    session::{Outlook, SessionInput},
};
use crate::{
    ConfigChanged,
    licensing::{LicensingNotice, PermitDecision},
    reason::{Cause, Unanswered},
    registration::{Flow, LoggedOff, PhoneBinding, PhoneUas},
    sip::{
        connection::{Migrate, Moved},
        session::{Close, RequestError, SessionEvent, SessionEventKind},
    },
};

/// How long a phone that rang on the INVITE is left alone, unless it registers anew.
const RANG: Duration = Duration::from_secs(3600);

impl Handler<SessionEvent> for Phone {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        let SessionEvent { key, session, what } = event;
        if key != self.session.key() {
            // A request in a session that the server closed belongs to no dialog (RFC 3261, section 12.2.2).
            if let SessionEventKind::Request(_, reply) | SessionEventKind::Repeated(_, reply) = what
            {
                reply.nowhere();
            }
            return;
        }
        match what {
            SessionEventKind::Opened(body) => {
                let edition = responses::check_status(&self.context, body);
                self.on_session(SessionInput::Opened(session, edition), ctx);
            }
            SessionEventKind::Refused(why) => {
                let rejected = rejected(why, |body| responses::csta_error(&self.context, body));
                self.on_session(rejected, ctx);
            }
            SessionEventKind::Request(body, reply) => self.received(body, reply, false, ctx),
            SessionEventKind::Repeated(body, reply) => self.received(body, reply, true, ctx),
            SessionEventKind::Response { ticket, answer } => self.responded(ticket, answer, ctx),
            SessionEventKind::Ended(why) => {
                self.requests.take_back_unsent();
                self.on_session(SessionInput::Ended(why), ctx);
            }
        }
    }
}

impl Handler<Bound> for Phone {
    type Result = ();

    fn handle(&mut self, Bound(binding): Bound, ctx: &mut Self::Context) {
        self.bound(binding, ctx);
    }
}

impl Handler<Unbound> for Phone {
    type Result = ();

    fn handle(&mut self, unbound: Unbound, ctx: &mut Self::Context) {
        let Unbound {
            binding,
            end,
            responder,
        } = unbound;
        if let Some(responder) = responder {
            // The BYE goes before the 200, since the phone may close the connection with the latter.
            self.on_session(SessionInput::Close(end.to_string().into()), ctx);
            self.admission.unbind();
            self.refuse_waiting();
            let connection = Arc::clone(&binding.flow.connection);
            connection.do_send(LoggedOff(binding));
            responder.ok();
            return self.report(Some(end.into()));
        }
        // The dialog may have moved to another connection meanwhile.
        let known = self.admission.binding();
        if known.is_some_and(|known| known.flow == binding.flow) {
            self.leave_connection(&end.to_string(), ctx);
            self.report(Some(end.into()));
        }
    }
}

impl Handler<Resume> for Phone {
    type Result = ();

    fn handle(&mut self, Resume { enabled, binding }: Resume, ctx: &mut Self::Context) {
        self.admission.enable(enabled);
        match binding {
            Some(binding) => self.bound(binding, ctx),
            None => self.report(None),
        }
    }
}

impl Handler<EnabledChanged> for Phone {
    type Result = ();

    fn handle(&mut self, EnabledChanged(enabled): EnabledChanged, ctx: &mut Self::Context) {
        if !self.admission.enable(enabled) {
            return;
        }
        if enabled {
            self.session.reset(self.session.edition());
            self.open_session(ctx);
        } else {
            let reason = "an operator switched the phone off".into();
            self.on_session(SessionInput::Close(reason), ctx);
        }
        let is_bound = self.admission.binding().is_some();
        self.report(is_bound.then_some(Cause::Opening));
    }
}

impl Handler<ReportAgain> for Phone {
    type Result = ();

    fn handle(&mut self, _: ReportAgain, _: &mut Self::Context) {
        self.report(None);
        if !self.lines.lines().is_empty() {
            self.upstream.lines.do_send(LinesListed {
                phone: self.phone,
                lines: self.lines.lines().to_vec(),
            });
        }
    }
}

impl Handler<PermitDecision> for Phone {
    type Result = ();

    fn handle(&mut self, PermitDecision(permit): PermitDecision, ctx: &mut Self::Context) {
        if !self.admission.is_wanted() {
            return;
        }
        if let Some(permit) = permit {
            let is_awaited = self.admission.is_unlicensed();
            self.admission.grant(permit);
            if self.session.is_closed() {
                self.open_session(ctx);
                if is_awaited {
                    self.report(Some(Cause::Opening));
                }
            }
        } else if self.admission.deny(self.context.clock.now()) {
            tracing::warn!(phone = %self.phone, "there is no licence for the phone; see: uacsta licenses");
            self.drain(ctx);
        }
    }
}

impl Handler<LicensingNotice> for Phone {
    type Result = ();

    fn handle(&mut self, notice: LicensingNotice, ctx: &mut Self::Context) {
        let is_due = match notice {
            LicensingNotice::Restarted => {
                self.admission.is_wanted() && !self.admission.has_permit()
            }
            LicensingNotice::PermitsWithdrawn => self.admission.withdraw(),
        };
        if is_due {
            self.request_permit(ctx);
        }
        self.monitored.notify(&notice);
    }
}

impl Handler<Orphan> for Phone {
    type Result = ();

    fn handle(&mut self, Orphan(orphan): Orphan, ctx: &mut Self::Context) {
        match self.admission.binding() {
            Some(binding) if self.session.id().is_some() => {
                let phone = binding.phone;
                let search = Migrate::search(
                    orphan,
                    self.session.key(),
                    Box::new(move |uas: &mut PhoneUas, request| uas.admits(request, phone)),
                    ctx.address().recipient(),
                );
                binding.flow.connection.do_send(search);
            }
            _ => orphan.responder.nowhere(),
        }
    }
}

impl Handler<Moved<PhoneUas>> for Phone {
    type Result = ();

    /// The session moved to another connection. The phone has authenticated there, so the registrar moves the binding.
    fn handle(&mut self, moved: Moved<PhoneUas>, ctx: &mut Self::Context) {
        let session = moved.session;
        if moved.key != self.session.key() || self.admission.binding().is_none() {
            // The server closed the session while it moved.
            return moved.connection.do_send(Close { session });
        }
        let Some(former) = self.admission.unbind() else {
            return;
        };
        tracing::info!(phone = %self.phone, former = %former.address, peer = %moved.address, "dialog continues on another connection; binding moved");
        let binding = Arc::new(PhoneBinding {
            flow: Flow {
                connection: Arc::new(moved.connection),
                arbiter: moved.arbiter,
            },
            address: moved.address,
            ..PhoneBinding::clone(&former)
        });
        self.admission.bind(Arc::clone(&binding));
        self.requests.take_back_unsent();
        self.on_session(SessionInput::Moved(moved.session), ctx);
        self.upstream
            .moved
            .do_send(BindingMoved { former, binding });
        self.send_next(ctx);
    }
}

impl Handler<Retire> for Phone {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, retire: Retire, ctx: &mut Self::Context) -> Self::Result {
        let (sender, done) = oneshot::channel();
        match retire {
            Retire::SettleRequests => {
                let until = self.context.clock.now() + SETTLE_TIME;
                self.requests.settle(until, sender);
                self.refuse_unsent();
                self.wake_at(until, ctx);
            }
            // The session ends when the phone has responded.
            Retire::EndSession => self.end_session(SessionInput::Drain(sender), ctx),
            Retire::LeaveConnection => self.leave_stopped(ctx),
        }
        Box::pin(async move {
            // The sender is only ever dropped.
            let _ = done.await;
        })
    }
}

impl Handler<RestartSession> for Phone {
    type Result = ResponseFuture<Result<(), NotRestarted>>;

    fn handle(&mut self, _: RestartSession, ctx: &mut Self::Context) -> Self::Result {
        let refusal = if self.session.is_closed() {
            Some(NotRestarted::NoSession)
        } else if self.session.is_draining() {
            Some(NotRestarted::Ending)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Box::pin(std::future::ready(Err(refusal)));
        }
        let (sender, done) = oneshot::channel();
        self.end_session(SessionInput::Restart(sender), ctx);
        Box::pin(async move {
            // The sender is only ever dropped.
            let _ = done.await;
            Ok(())
        })
    }
}

impl Handler<ConfigChanged> for Phone {
    type Result = ();

    /// The new profiles may change the phone's capabilities. The edition changes only with the next session.
    fn handle(&mut self, _: ConfigChanged, ctx: &mut Self::Context) {
        let binding = self.admission.binding();
        let mac = binding.map_or_else(|| self.phone.mac(), |binding| binding.mac);
        let user_agent = self.admission.user_agent();
        self.capabilities
            .reconfigure(&self.context.config(), mac, user_agent);
        // The phone may accept more requests at a time than before.
        self.send_next(ctx);
    }
}

impl Handler<Request> for Phone {
    type Result = ();

    fn handle(&mut self, request: Request, ctx: &mut Self::Context) {
        self.ask(request, ctx);
    }
}

impl Phone {
    /// Stops the monitors that run on the phone; the session ends when the phone has responded.
    fn end_session(&mut self, how: SessionInput, ctx: &mut Context<Self>) {
        self.on_session(how, ctx);
        for (line, cross_ref) in self.monitored.take_running() {
            self.stop_monitor(&line, cross_ref, ctx);
        }
        self.send_next(ctx);
    }
}

/// Why the phone did not accept the INVITE, and when to ask again.
fn rejected(why: RequestError, csta_error: impl FnOnce(Bytes) -> Option<Box<str>>) -> SessionInput {
    let connection_ended = || Cause::ConnectionLost("it ended during the INVITE".into());
    let (cause, retry_after, outlook) = match why {
        RequestError::Refused {
            status,
            body,
            retry_after,
        } => {
            let outlook = Outlook::of(status);
            let cause = Cause::Rejected {
                status,
                error: csta_error(body),
                is_lasting: outlook == Outlook::Lasting,
            };
            let retry_after = retry_after.filter(|wait| !wait.is_zero());
            (cause, retry_after, outlook)
        }
        // The request for the next session is the same.
        RequestError::TooLarge => (Cause::RequestTooLarge, None, Outlook::Lasting),
        // A person would be called every minute.
        RequestError::Rang => (Cause::Rings, Some(RANG), Outlook::Lasting),
        RequestError::TimedOut => {
            let to = Unanswered::Invite;
            let cause = Cause::NoAnswer { to, proxy: None };
            (cause, None, Outlook::Passing)
        }
        RequestError::Ended | RequestError::ConnectionLost => {
            (connection_ended(), None, Outlook::Passing)
        }
        RequestError::NoDialog => {
            let cause = Cause::NoCsta("its 200 to the INVITE establishes no dialog".into());
            (cause, None, Outlook::Passing)
        }
    };
    SessionInput::Rejected {
        cause,
        retry_after,
        outlook,
    }
}

#[cfg(test)]
mod tests {
    use uacsta_schema::sip::Status;

    use super::*;

    #[test]
    fn phone_that_rang_is_left_alone_for_an_hour() {
        let refused = |status, seconds| RequestError::Refused {
            status,
            body: Bytes::new(),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        for (why, wait, expected) in [
            (RequestError::Rang, Some(3600), Outlook::Lasting),
            (RequestError::TooLarge, None, Outlook::Lasting),
            (RequestError::TimedOut, None, Outlook::Passing),
            (
                refused(Status::SERVICE_UNAVAILABLE, 7),
                Some(7),
                Outlook::Passing,
            ),
            (
                refused(Status::SERVICE_UNAVAILABLE, 0),
                None,
                Outlook::Passing,
            ),
        ] {
            let name = why.to_string();
            let SessionInput::Rejected {
                retry_after,
                outlook,
                ..
            } = rejected(why, |_| None)
            else {
                panic!("{name} is no rejection");
            };
            let wait = wait.map(Duration::from_secs);
            assert_eq!((retry_after, outlook), (wait, expected), "{name}");
        }
    }
}
