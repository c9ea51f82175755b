//! Handles queries and subscriptions of clients, and queries of operators.

use std::ops::ControlFlow;

use actix::{Context, Handler, Message, MessageResult};
use actix_rt::Arbiter;
use tokio::sync::oneshot;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{
    actor::Registrar,
    batches::{BATCH, LaterResult, in_batches},
    messages::{
        AccountsChanged, ClientConnected, ClientEnded, CountPhones, FindLine, FindPhone, GetPhone,
        IsOnDisk, Line, LinePage, ListLines, ListPhones, OnDisk, PhoneDetails, SubscribeStatus,
        UnsubscribeStatus,
    },
    records::Record,
};
use crate::{
    directory::{Entry, NoLine},
    phone::{EnabledChanged, Orphan},
    registration::ForwardOrphan,
};

/// The number of lines on a page. A client sends a page in one turn.
const PAGE: usize = 100;

impl Registrar {
    /// Answers a query in a batch of its own.
    pub(super) fn answer_later<M: Message>(
        &mut self,
        ctx: &mut Context<Self>,
        answer: impl FnOnce(&Self) -> M::Result + 'static,
    ) -> LaterResult<M> {
        let (done, is_done) = oneshot::channel();
        let mut query = Some((answer, done));
        let work = move |registrar: &mut Self, _: &mut Context<Self>| {
            if let Some((answer, done)) = query.take() {
                // The sender may be gone.
                let _ = done.send(answer(registrar));
            }
            ControlFlow::Break(())
        };
        in_batches(self, ctx, Box::new(work));
        LaterResult(is_done)
    }

    /// A phone as it is told to operators.
    fn details(&self, phone: PhoneId, record: &Record, unsaved: bool) -> PhoneDetails {
        PhoneDetails {
            entry: record.entry().clone(),
            status: record.status(),
            since: record.status_since(),
            reason: self.reason(phone, record),
            unsaved,
        }
    }

    /// Lists the lines of a phone that is on disk, and reuses the phone's actor from before its removal.
    pub(super) fn show(&mut self, phone: PhoneId, ctx: &mut Context<Self>) {
        if !self.directory.of(phone).is_empty() {
            return;
        }
        let restored = self.records.restore_actor(phone).cloned();
        let Some(record) = self.records.get(phone) else {
            return;
        };
        if let Some(actor) = restored {
            actor.do_send(EnabledChanged(record.entry().enabled));
        }
        let lines = record.entry().lines.iter().cloned();
        self.directory.set(phone, lines.map(DeviceId::from));
        self.directory
            .set_availability(phone, record.availability());
        self.lines_changed([], ctx);
    }
}

impl Handler<ClientConnected> for Registrar {
    type Result = ();

    fn handle(&mut self, client: ClientConnected, _: &mut Self::Context) {
        self.clients.add(client);
    }
}

impl Handler<AccountsChanged> for Registrar {
    type Result = ();

    fn handle(&mut self, _: AccountsChanged, _: &mut Self::Context) {
        self.clients.tell_config_changed();
    }
}

impl Handler<ClientEnded> for Registrar {
    type Result = ();

    fn handle(&mut self, ClientEnded(client): ClientEnded, _: &mut Self::Context) {
        self.clients.remove(&client);
    }
}

impl Handler<FindLine> for Registrar {
    type Result = MessageResult<FindLine>;

    fn handle(&mut self, find: FindLine, _: &mut Self::Context) -> Self::Result {
        let rules = &self.context.config().settings.numbers;
        let directory = &self.directory;
        let found = directory.find_number(&find.name, find.session.as_ref(), rules);
        MessageResult(found.and_then(|entry| {
            let phone = self
                .actor_of(entry.phone, &Arbiter::current())
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
        // The name that logs on, else a line.
        let record = self.records.get(from).or_else(|| {
            let line = self.directory.find(&DeviceId::from(from.bare()), None);
            self.records.get(line.ok()?.phone)
        });
        match record.and_then(|record| record.actor()) {
            Some(actor) => actor.do_send(Orphan(orphan)),
            None => orphan.responder.nowhere(),
        }
    }
}

impl Handler<ListLines> for Registrar {
    type Result = LaterResult<ListLines>;

    fn handle(&mut self, list: ListLines, ctx: &mut Self::Context) -> Self::Result {
        let ListLines { filter, after } = list;
        self.answer_later(ctx, move |registrar| {
            let mut lines = registrar.directory.page(&filter, after.as_ref(), PAGE + 1);
            let is_last = lines.len() <= PAGE;
            lines.truncate(PAGE);
            let with_model = |entry: Entry| {
                let model = registrar.records.get(entry.phone)?.model();
                Some((entry, model))
            };
            LinePage {
                lines: lines.into_iter().filter_map(with_model).collect(),
                is_last,
            }
        })
    }
}

impl Handler<ListPhones> for Registrar {
    type Result = LaterResult<ListPhones>;

    fn handle(&mut self, list: ListPhones, ctx: &mut Self::Context) -> Self::Result {
        self.answer_later(ctx, move |registrar| {
            let unsaved = registrar.persistence.unsaved();
            let records = registrar.records.after(list.after).take(BATCH);
            records
                .map(|(phone, record)| registrar.details(phone, record, unsaved.contains(&phone)))
                .collect()
        })
    }
}

impl Handler<GetPhone> for Registrar {
    type Result = MessageResult<GetPhone>;

    fn handle(&mut self, GetPhone(name): GetPhone, _: &mut Self::Context) -> Self::Result {
        let by_line = || {
            let line = self.directory.find(&DeviceId::from(name.bare()), None);
            self.records.get(line.ok()?.phone)
        };
        let record = self.records.get(name).or_else(by_line);
        MessageResult(record.map(|record| {
            let phone = record.entry().id;
            let is_unsaved = self.persistence.unsaved().contains(&phone);
            self.details(phone, record, is_unsaved)
        }))
    }
}

impl Handler<FindPhone> for Registrar {
    type Result = MessageResult<FindPhone>;

    fn handle(&mut self, FindPhone(phone): FindPhone, _: &mut Self::Context) -> Self::Result {
        let record = self.records.get(phone);
        MessageResult(record.and_then(|record| record.actor().cloned()))
    }
}

impl Handler<SubscribeStatus> for Registrar {
    type Result = ();

    fn handle(&mut self, subscribe: SubscribeStatus, ctx: &mut Self::Context) {
        let subscription = self.line_status.add(subscribe);
        let work = move |registrar: &mut Self, _: &mut Context<Self>| {
            let directory = &registrar.directory;
            registrar
                .line_status
                .tell(&subscription, directory, |_| true);
            ControlFlow::Break(())
        };
        in_batches(self, ctx, Box::new(work));
    }
}

impl Handler<UnsubscribeStatus> for Registrar {
    type Result = ();

    fn handle(&mut self, UnsubscribeStatus { to, key }: UnsubscribeStatus, _: &mut Self::Context) {
        self.line_status.remove(to, key);
    }
}

impl Handler<CountPhones> for Registrar {
    type Result = MessageResult<CountPhones>;

    fn handle(&mut self, _: CountPhones, _: &mut Self::Context) -> Self::Result {
        let mut counts = [0; 3];
        for (_, record) in self.records.after(None) {
            counts[record.status() as usize] += 1;
        }
        MessageResult(counts)
    }
}

impl Handler<IsOnDisk> for Registrar {
    type Result = MessageResult<IsOnDisk>;

    fn handle(&mut self, _: IsOnDisk, _: &mut Self::Context) -> Self::Result {
        MessageResult(OnDisk {
            writable: !self.persistence.has_failed(),
            unsaved: self.persistence.unsaved().len(),
        })
    }
}
