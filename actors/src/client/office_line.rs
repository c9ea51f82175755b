//! Finds the desk phone's line for a call via the office, and starts the call.

use std::sync::Arc;

use actix::{AsyncContext, Context};
use uacsta_schema::csta::DeviceId;

use super::{
    actor::Client,
    dial_via_office::{DialRequest, PendingDial},
    registrar_queries::{PendingLookup, Then},
    sessions::Scope,
};
use crate::{counters::Counter, numbers::dialled, refusal::Refusal, registrar::Line};

impl Client {
    /// Looks up the desk phone's line for a call via the office: the session's line, else the client's only visible line.
    pub(super) fn look_up_office_line(&self, dial: PendingDial, ctx: &mut Context<Self>) {
        let session = self.sessions.get(dial.request.session);
        let (name, last) = match session.map(|session| &session.scope) {
            Some(Scope::Line { name, line, .. }) => (name.clone(), Some(line.entry.clone())),
            _ => match self.user.rights.only_line() {
                Some(line) => (line.clone(), None),
                None => {
                    let refusal = Refusal::NumberWithoutLine;
                    return dial.request.refuse(&self.user.name, &refusal);
                }
            },
        };
        let then = Then::Dial(dial);
        self.look_up(PendingLookup { name, last, then }, ctx);
    }

    /// Starts a call via the office on the line that was found.
    pub(super) fn dial(
        &mut self,
        dial: PendingDial,
        line: Result<Arc<Line>, Refusal>,
        ctx: &Context<Self>,
    ) {
        let line = match line {
            Ok(line) if self.office_calls.have_room() => line,
            Ok(_) => {
                self.context.counters.count(Counter::TooManyRequests);
                return dial.request.refuse(&self.user.name, &Refusal::Busy);
            }
            Err(refusal) => return dial.request.refuse(&self.user.name, &refusal),
        };
        let document = &dial.request.document;
        let session = self.sessions.get(dial.request.session);
        let dialect = session.map(|session| session.scope.dialect(document, &line));
        let rules = self.user.rights.rules();
        let dialled = |number: DeviceId| dialled(rules, &number).unwrap_or(number);
        let request = DialRequest {
            client: self.user.name.clone(),
            session: dial.session,
            line: Line::clone(&line),
            user: dialled(dial.user),
            destination: dialled(dial.destination),
            dialect: dialect.unwrap_or_default(),
            cross_ref: self.monitors.next_cross_ref().into(),
            timeout: self.context.config().settings.advanced.request_timeout,
            failed: ctx.address().recipient(),
        };
        self.office_calls.start(request, dial.request.reply);
    }
}
