//! The lines of a client's session: named and found.

use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uacsta_schema::csta::{DeviceId, Document};

use super::actor::{Client, Scope};
use crate::{
    directory::Entry,
    refusal::Refusal,
    registrar::{FindLine, Line},
};

/// A line that was found for a request, and whether the phone's name of it goes into the request.
type ResolvedLine = Result<(Arc<Line>, bool), Refusal>;

impl Client {
    /// Finds the line that a request is for, then goes on: at once for a name that was found before.
    pub(super) fn on_line(
        &mut self,
        key: u64,
        document: &Document,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, ResolvedLine, &mut Context<Self>) + 'static,
    ) {
        let addressed = document.device().map(|device| DeviceId::from(&*device));
        let is_for_connection = addressed.is_some() && document.is_for_connection();
        let named = addressed.or_else(|| document.private_line().map(|line| (&*line).into()));
        // What is named as another party may be a second line of the same phone, which the log-on may not see.
        let parties = match self.rights.is_confined() {
            true => document.connections().1,
            false => Vec::new(),
        };
        let settle = move |client: &mut Self, meant: ResolvedLine, ctx: &mut _| {
            let meant = match meant {
                Ok((line, _)) if client.hides_one_of(&parties, &line) => Err(Refusal::NoRight),
                meant => meant,
            };
            then(client, meant, ctx);
        };
        match (self.sessions.get(&key).map(|session| &session.scope), named) {
            (Some(Scope::Line { .. }), named) => {
                self.line_of(key, ctx, move |client, line, ctx| {
                    let meant = line.and_then(|line| match named {
                        Some(name) if !line.entry.is_called(&name) => match is_for_connection {
                            // The connection of another party in the line's call, as an event told it: the phone knows it by that name.
                            true => Ok((line, false)),
                            false => Err(Refusal::OtherLine),
                        },
                        _ => Ok((line, true)),
                    });
                    settle(client, meant, ctx);
                });
            }
            (Some(Scope::Server), Some(name)) => self.find(name, ctx, move |client, line, ctx| {
                settle(client, line.map(|line| (line, true)), ctx);
            }),
            (Some(Scope::Server) | None, _) => settle(self, Err(Refusal::LineMissing), ctx),
        }
    }

    /// The other lines of a phone that the log-on may not see.
    pub(super) fn hidden<'l>(&self, line: &'l Line) -> impl Iterator<Item = &'l DeviceId> {
        let others = line.others.iter();
        let hidden = others.filter(|other| !self.rights.sees(other));
        hidden.map(|other| &other.device)
    }

    /// Whether one of the parties is a hidden line of the same phone, in whatever case and at whatever host.
    fn hides_one_of(&self, parties: &[DeviceId], line: &Line) -> bool {
        let mut parties = parties.iter().filter(|party| !line.entry.is_called(party));
        parties.any(|party| {
            let user = party.name().user;
            self.hidden(line)
                .any(|hidden| hidden.name().user.eq_ignore_ascii_case(&user))
        })
    }

    /// The line that a name means in the server's session.
    fn find(
        &mut self,
        name: DeviceId,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<Arc<Line>, Refusal>, &mut Context<Self>) + 'static,
    ) {
        if let Some(line) = self.found.get(name.as_str()) {
            let line = Arc::clone(line);
            return then(self, Ok(line), ctx);
        }
        self.look_up(name, None, ctx, move |client, name, line, ctx| {
            if let Ok(line) = &line {
                client.remember(name.as_str(), line);
            }
            then(client, line, ctx);
        });
    }

    /// The line of a line's session: where its name may mean several lines by now, still the one that it meant.
    fn line_of(
        &mut self,
        key: u64,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<Arc<Line>, Refusal>, &mut Context<Self>) + 'static,
    ) {
        let scope = self.sessions.get(&key).map(|session| &session.scope);
        let Some(Scope::Line { name, line, is_old }) = scope else {
            return then(self, Err(Refusal::LineMissing), ctx);
        };
        if !is_old {
            let line = Arc::clone(line);
            return then(self, Ok(line), ctx);
        }
        let (name, last) = (name.clone(), line.entry.clone());
        self.look_up(name, Some(last), ctx, move |client, _, found, ctx| {
            let session = client.sessions.get_mut(&key);
            if let Ok(found) = &found
                && let Some(Scope::Line { line, is_old, .. }) = session.map(|s| &mut s.scope)
            {
                *is_old = false;
                let former = std::mem::replace(line, Arc::clone(found));
                if former.entry.phone != found.entry.phone {
                    client.subscribe_status(key, ctx);
                }
            }
            then(client, found, ctx);
        });
    }

    /// Asks the registrar which line a name means, and whether the log-on may see that.
    pub(super) fn look_up(
        &self,
        name: DeviceId,
        session: Option<Entry>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, DeviceId, Result<Arc<Line>, Refusal>, &mut Context<Self>) + 'static,
    ) {
        let asked = FindLine {
            name: name.clone(),
            session,
        };
        let finding = self.context.registrar.send(asked);
        ctx.spawn(finding.into_actor(self).map(move |found, client, ctx| {
            let found = match found {
                Ok(Ok(line)) if client.rights.sees(&line.entry) => Ok(Arc::new(line)),
                Ok(Ok(_)) => Err(Refusal::NoRight),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(Refusal::Away),
            };
            then(client, name, found, ctx);
        }));
    }

    /// Lines or rights are not as they were: what names mean is looked up again when they are used.
    pub(super) fn forget_found(&mut self) {
        self.found.clear();
        for session in self.sessions.values_mut() {
            if let Scope::Line { is_old, .. } = &mut session.scope {
                *is_old = true;
            }
        }
    }
}
