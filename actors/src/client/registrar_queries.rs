//! Queries to the registrar for lines and pages of lists, and the handling of each answer.

use std::{sync::Arc, time::Duration};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::task::yield_now;
use uacsta_schema::csta::{self, DeviceId, GetSwitchingFunctionDevices, ServiceCrossRefId};

use super::{
    actor::Client,
    dial_via_office::PendingDial,
    line_resolver::{LineAction, LineRequest, Resolution, visible},
    listing::{ListEffect, ListEvent, ListRequest, PageRequest, listed},
    relocation::{MonitorLookup, Relocated, Relocation},
    requests::CstaRequest,
    rights::Rights,
    sessions::{Scope, SessionOffer},
};
use crate::{
    account::Level,
    directory::Entry,
    monitor::SubscriptionChange,
    refusal::Refusal,
    registrar::{FindLine, Line, ListLines},
    sip::session::{Body, Invoke},
};

/// The delay before a page is read again after the registrar failed.
const PAGE_RETRY: Duration = Duration::from_secs(1);

/// A pending look-up.
pub(super) struct PendingLookup {
    /// The client's name for the line.
    pub(super) name: DeviceId,
    /// The last known line of the name, kept while its phone has the line.
    pub(super) last: Option<Entry>,
    pub(super) then: Then,
}

/// The action on the found line.
pub(super) enum Then {
    OpenSession(SessionOffer),
    CarryOut(LineRequest),
    Dial(PendingDial),
    Relocate(MonitorLookup),
}

impl Then {
    /// The line, if the client has the right that the action needs and that its request does not tell.
    fn permitted(&self, line: Arc<Line>, rights: &Rights) -> Result<Arc<Line>, Refusal> {
        let needed = match self {
            Self::OpenSession(_) | Self::CarryOut(_) => Level::Status,
            Self::Relocate(_) => Level::Watch,
            Self::Dial(_) => Level::Control,
        };
        match rights.hold(needed, &line.entry) {
            true => Ok(line),
            false => Err(Refusal::NoRight),
        }
    }
}

impl Client {
    /// Looks up the line of a requested session.
    pub(super) fn look_up_session(
        &self,
        name: DeviceId,
        offer: SessionOffer,
        ctx: &mut Context<Self>,
    ) {
        let (last, then) = (None, Then::OpenSession(offer));
        self.look_up(PendingLookup { name, last, then }, ctx);
    }

    /// Looks up the line of a request and carries the request out; at once if the line is known.
    pub(super) fn on_line(
        &mut self,
        request: CstaRequest,
        action: LineAction,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = self.sessions.get(request.session) else {
            return request.reply.terminated();
        };
        let resolution = self.resolver.resolve(&session.scope, &request.document);
        let request = LineRequest::new(request, action, &session.scope);
        match resolution {
            Ok(Resolution::Known(line)) => self.carry_out(request, Ok(line), ctx),
            Ok(Resolution::LookUp { name, last }) => {
                let then = Then::CarryOut(request);
                self.look_up(PendingLookup { name, last, then }, ctx);
            }
            Err(refusal) => self.carry_out(request, Err(refusal), ctx),
        }
    }

    /// Looks up the lines of monitors that may have moved, a bounded number per turn.
    pub(super) fn relocate(&mut self, mut relocation: Relocation, ctx: &mut Context<Self>) {
        let lookups = relocation.step(&self.sessions, &self.monitors, self.user.rights.rules());
        if !relocation.is_done() {
            let next_turn = yield_now().into_actor(self);
            ctx.spawn(next_turn.map(move |(), client, ctx| client.relocate(relocation, ctx)));
        }
        for lookup in lookups {
            self.look_up_monitor(lookup, ctx);
        }
    }

    fn look_up_monitor(&self, lookup: MonitorLookup, ctx: &mut Context<Self>) {
        let (name, last) = (lookup.name.clone(), lookup.last.clone());
        let then = Then::Relocate(lookup);
        self.look_up(PendingLookup { name, last, then }, ctx);
    }

    pub(super) fn look_up(&self, pending: PendingLookup, ctx: &mut Context<Self>) {
        let answer = self.registrar.send(FindLine {
            name: pending.name.clone(),
            session: pending.last.clone(),
        });
        ctx.spawn(answer.into_actor(self).map(move |answer, client, ctx| {
            let rights = &client.user.rights;
            let line =
                visible(answer, rights).and_then(|line| pending.then.permitted(line, rights));
            client.looked_up(pending, line, ctx);
        }));
    }

    fn looked_up(
        &mut self,
        pending: PendingLookup,
        line: Result<Arc<Line>, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        match pending.then {
            Then::OpenSession(offer) => match line {
                Ok(line) => {
                    let scope = Scope::line(pending.name, line);
                    self.open_session(scope, offer, ctx);
                }
                Err(refusal) => offer.refuse(&self.user.name, &pending.name, refusal),
            },
            Then::CarryOut(request) => {
                let session = request.request.session;
                match &line {
                    Ok(line) if pending.last.is_none() => {
                        // A client that may monitor this many lines uses as many names.
                        let limit = self.context.config().settings.limits.monitors_per_client;
                        self.resolver.found(&pending.name, line, limit);
                    }
                    Ok(line) if self.sessions.set_line(session, line) => {
                        self.subscribe_status(session, ctx);
                    }
                    _ => {}
                }
                self.carry_out(request, line, ctx);
            }
            Then::Dial(dial) => self.dial(dial, line, ctx),
            Then::Relocate(lookup) => self.relocated(lookup, line, ctx),
        }
    }

    fn relocated(
        &mut self,
        mut lookup: MonitorLookup,
        line: Result<Arc<Line>, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let line = match lookup.found(line) {
            Relocated::To(line) => line,
            Relocated::LookUp => return self.look_up_monitor(lookup, ctx),
            Relocated::Revoked => return self.revoke_monitor(lookup.session, &lookup.cross_ref),
            Relocated::Nowhere => return,
        };
        let (session, cross_ref) = (lookup.session, lookup.cross_ref);
        let scope = self.sessions.get(session).map(|session| &session.scope);
        let own_name = scope.and_then(|scope| scope.own_name(&line));
        let moved = self.monitors.set_line(session, &cross_ref, &line, own_name);
        if let Some(moved) = moved {
            let (phone, device) = (line.entry.phone, &line.entry.device);
            tracing::info!(client = %self.user.name.user, peer = %self.user.name.peer, %phone, line = %device, former = %moved.former.entry.phone, monitor = %cross_ref, "monitor moved to the line's new phone");
            Self::unsubscribe(&moved.former, cross_ref);
            self.subscribe(&line, SubscriptionChange::Join(moved.subscriber));
        }
    }

    /// Queues a GetSwitchingFunctionDevices behind the client's other lists.
    pub(super) fn list_lines(
        &mut self,
        which: GetSwitchingFunctionDevices,
        request: CstaRequest,
        ctx: &mut Context<Self>,
    ) {
        let session = self.sessions.get(request.session);
        let Some(id) = session.and_then(|session| session.id) else {
            return request.reply.terminated();
        };
        let list = ListRequest {
            id,
            cross_ref: ServiceCrossRefId::from(self.monitors.next_cross_ref()),
            which,
            request,
        };
        self.on_list(ListEvent::Requested(list), ctx);
    }

    /// Passes an event to the lists and carries out its effects.
    pub(super) fn on_list(&mut self, event: ListEvent, ctx: &mut Context<Self>) {
        for effect in self.lists.on(event, &self.user.rights) {
            match effect {
                ListEffect::ReadPage(page) => self.read_page(page, ctx),
                ListEffect::Retry(number) => {
                    ctx.run_later(PAGE_RETRY, move |client, ctx| {
                        client.on_list(ListEvent::RetryDue(number), ctx);
                    });
                }
                ListEffect::Respond(request, response) => request.respond(response),
                ListEffect::Refuse(request) => request.refuse(&self.user.name, &Refusal::Away),
                ListEffect::Terminate(request) => request.reply.terminated(),
                ListEffect::Send {
                    number,
                    id,
                    segment,
                    dialect,
                } => self.connection.do_send(Invoke {
                    session: id,
                    ticket: number,
                    content: Body::Whole(csta::write(&segment.into(), &dialect)),
                }),
            }
        }
    }

    fn read_page(&self, page: PageRequest, ctx: &mut Context<Self>) {
        let session = self.sessions.get(page.session);
        let phone = session.and_then(|session| session.scope.phone());
        let answer = self.registrar.send(ListLines {
            filter: listed(&page.which, phone, &self.user.rights),
            after: page.after,
        });
        ctx.spawn(answer.into_actor(self).map(move |answer, client, ctx| {
            client.on_list(ListEvent::PageRead(page.number, answer.ok()), ctx);
        }));
    }
}
