//! The lines of a client's session: named and found.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uacsta_schema::csta::{DeviceId, Document};

use super::{Client, Scope};
use crate::{
    directory::{Entry, called},
    refusal::Refusal,
    registrar::{Find, Line, LinesOf},
};

/// Makes the server's own cross references: no two monitors of a server share one.
#[derive(Debug, Default)]
pub struct CrossRefs(AtomicU64);

impl CrossRefs {
    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Whether two devices have the same user part or number, however it is spelled.
fn same_user(one: &DeviceId, other: &DeviceId) -> bool {
    let [one, other] = [one.normalised(), other.normalised()];
    let user = |name: &str| name.split('@').next().map(str::to_ascii_lowercase);
    user(&one) == user(&other)
}

impl Client {
    /// Finds the line that a request is for, then goes on: at once for a name that was found before.
    pub(super) fn on_line(
        &mut self,
        key: u64,
        document: &Document,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<(Arc<Line>, bool), Refusal>, &mut Context<Self>) + 'static,
    ) {
        let (name, named) = match self.name_of_line(key, document) {
            Ok(named) => named,
            Err(refusal) => return then(self, Err(refusal), ctx),
        };
        // What is named as another party may be a second line of the same phone, which the log-on may not see.
        let parties: Vec<DeviceId> = match !named && self.rights.is_confined() {
            true => document
                .devices()
                .map(|device| device.into_owned().into())
                .collect(),
            false => Vec::new(),
        };
        self.find(key, name, named, ctx, move |client, found, ctx| {
            let mac = match &found {
                Ok((line, _)) if !parties.is_empty() => line.entry.mac,
                _ => return then(client, found, ctx),
            };
            let listing = client.house.registrar.send(LinesOf(mac));
            ctx.spawn(listing.into_actor(client).map(move |lines, client, ctx| {
                let found = match lines {
                    Ok(lines) if client.hides_one_of(&parties, &lines) => Err(Refusal::NoRight),
                    Ok(_) => found,
                    Err(_) => Err(Refusal::Away),
                };
                then(client, found, ctx);
            }));
        });
    }

    /// Whether one of the parties is a line of these which the log-on may not see.
    fn hides_one_of(&self, parties: &[DeviceId], lines: &[Entry]) -> bool {
        lines
            .iter()
            .filter(|line| !self.rights.sees(line))
            .any(|line| parties.iter().any(|party| same_user(party, &line.device)))
    }

    fn find(
        &mut self,
        key: u64,
        name: DeviceId,
        named: bool,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<(Arc<Line>, bool), Refusal>, &mut Context<Self>) + 'static,
    ) {
        if let Some(line) = self.found.get(name.as_str()) {
            let line = Arc::clone(line);
            return then(self, Ok((line, named)), ctx);
        }
        let finding = self.house.registrar.send(Find(name.clone()));
        ctx.spawn(finding.into_actor(self).map(move |found, client, ctx| {
            let found = match found {
                Ok(Ok(line)) if client.rights.sees(&line.entry) => {
                    let line = Arc::new(line);
                    client.remember(name.as_str(), &line);
                    if let Some(session) = client.sessions.get_mut(&key)
                        && let Scope::Line { line: known, .. } = &mut session.scope
                    {
                        *known = Arc::clone(&line);
                    }
                    Ok((line, named))
                }
                Ok(Ok(_)) => Err(Refusal::NoRight),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(Refusal::Away),
            };
            then(client, found, ctx);
        }));
    }

    /// The name of the line that a request is for, and whether the phone's name is to be put into it.
    fn name_of_line(&self, key: u64, document: &Document) -> Result<(DeviceId, bool), Refusal> {
        let device = document
            .device()
            .or_else(|| document.private_line())
            .map(|device| DeviceId::from(device.into_owned()));
        let Some(session) = self.sessions.get(&key) else {
            return Err(Refusal::LineMissing);
        };
        match (&session.scope, device) {
            (Scope::Server, Some(device)) => Ok((device, true)),
            (Scope::Server, None) => Err(Refusal::LineMissing),
            (Scope::Line { name, .. }, None) => Ok((name.clone(), true)),
            (Scope::Line { name: line, .. }, Some(device)) => {
                let same = called(&device) == called(line)
                    || self
                        .found
                        .get(line.as_str())
                        .is_some_and(|found| found.entry.is_called(&device));
                match same {
                    true => Ok((line.clone(), true)),
                    // The connection of another party in the line's call, as an event told it: the phone knows it by that name.
                    false if document.is_for_connection() && document.device().is_some() => {
                        Ok((line.clone(), false))
                    }
                    false => Err(Refusal::OtherLine),
                }
            }
        }
    }
}
