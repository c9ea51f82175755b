//! Queries: which line a name means, and which lines and phones there are.

use actix::{Handler, MessageResult};
use actix_rt::Arbiter;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{
    ClientConnected, FindLine, Line, LinePage, ListLines, ListPhones, PhoneDetails, Record,
    Registrar,
    steps::{BATCH, LaterResult},
};
use crate::{
    directory::{Entry, NoLine},
    phone::Orphan,
    registration::ForwardOrphan,
};

/// How many lines a page has, which a client sends on in the same turn of the thread.
const PAGE: usize = 100;

impl Handler<FindLine> for Registrar {
    type Result = MessageResult<FindLine>;

    fn handle(
        &mut self,
        FindLine { name, session }: FindLine,
        _: &mut Self::Context,
    ) -> Self::Result {
        let found = self.directory.find(&name, session.as_ref());
        MessageResult(found.and_then(|entry| {
            let phone = self
                .phone(entry.phone, &Arbiter::current())
                .ok_or(NoLine::Unknown)?;
            let mut others = self.directory.of(entry.phone);
            others.retain(|other| other.device != entry.device);
            Ok(Line {
                entry,
                phone,
                others,
            })
        }))
    }
}

impl Handler<ForwardOrphan> for Registrar {
    type Result = ();

    fn handle(&mut self, ForwardOrphan { from, orphan }: ForwardOrphan, _: &mut Self::Context) {
        let phone = match self.directory.find(&DeviceId::from(from.bare()), None) {
            Ok(entry) => entry.phone,
            Err(_) => from,
        };
        let record = self.listed.get(&phone);
        match record.and_then(|record| record.phone.as_ref()) {
            Some(phone) => phone.do_send(Orphan(orphan)),
            None => orphan.responder.nowhere(),
        }
    }
}

impl Handler<ListLines> for Registrar {
    type Result = LaterResult<ListLines>;

    fn handle(
        &mut self,
        ListLines { filter, after }: ListLines,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        self.answer_in_step(ctx, move |registrar| {
            let mut lines = registrar.directory.page(&filter, after.as_ref(), PAGE + 1);
            let is_last = lines.len() <= PAGE;
            lines.truncate(PAGE);
            let described = |entry: Entry| {
                let listed = &registrar.listed.get(&entry.phone)?.entry;
                let model = listed.model.as_deref().map_or_else(
                    || listed.maker.clone(),
                    |model| format!("{} {model}", listed.maker),
                );
                Some((entry, model))
            };
            LinePage {
                lines: lines.into_iter().filter_map(described).collect(),
                is_last,
            }
        })
    }
}

impl Handler<ClientConnected> for Registrar {
    type Result = ();

    fn handle(&mut self, client: ClientConnected, _: &mut Self::Context) {
        self.clients.push(client);
    }
}

impl Handler<ListPhones> for Registrar {
    type Result = LaterResult<ListPhones>;

    fn handle(
        &mut self,
        ListPhones { after }: ListPhones,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        self.answer_in_step(ctx, move |registrar| {
            let records = registrar.telephones_after(after).take(BATCH);
            let unsaved = registrar.persistence.unsaved();
            let listing = |(phone, record): (&PhoneId, &Record)| PhoneDetails {
                entry: record.entry.clone(),
                status: record.status,
                reason: record.reason.clone(),
                unsaved: unsaved.contains(phone),
            };
            records.map(listing).collect()
        })
    }
}
