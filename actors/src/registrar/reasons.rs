//! Why listed phones are not controlled: chooses the reason that an operator needs, and counts phones by it.

use std::ops::ControlFlow;

use actix::{Context, Handler};
use tokio::sync::oneshot;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{
    actor::Registrar,
    batches::{BATCH, LaterResult, in_batches},
    messages::CountReasons,
    records::Record,
};
use crate::{
    directory::Entry,
    phone::Status,
    reason::{Cause, Code, ContactFault, Reason},
    registration::{ContactFailed, is_client},
};

impl Registrar {
    /// Why a phone is not controlled, or a line of it is ambiguous. What explains the rest comes first.
    pub(super) fn reason(&self, phone: PhoneId, record: &Record) -> Option<Reason> {
        if !record.entry().enabled {
            return Some(record.switched_off());
        }
        let service = &self.context.service;
        if record.status() != Status::Controlled && !service.is_running() {
            return Some(Reason {
                cause: Cause::ServiceStopped,
                since: Some(service.state().since),
            });
        }
        let two_devices = record.same_name(self.context.clock.now());
        two_devices.or_else(|| match record.status() {
            Status::Away => self.refused(record).or_else(|| record.reason().cloned()),
            Status::Registered => record.reason().cloned(),
            Status::Controlled => self.same_number(phone, record),
        })
    }

    /// The last failed contact of a phone since it is away.
    fn refused(&self, record: &Record) -> Option<Reason> {
        let away_since = record.reason().and_then(|reason| reason.since);
        let by_address = record.entry().last_address;
        let by_address = by_address.and_then(|address| self.records.failure_from(address));
        let failures = [record.failure(), by_address].into_iter().flatten();
        let last = failures.max_by_key(|failure| failure.at)?;
        (Some(last.at) >= away_since).then(|| last.reason())
    }

    /// Another available phone that has a line of this one.
    fn same_number(&self, phone: PhoneId, record: &Record) -> Option<Reason> {
        let (line, other) = self.directory.rival(phone)?;
        self.shared(&line, other, record)
    }

    /// The same for a line.
    pub(super) fn same_number_of(&self, line: &Entry, record: &Record) -> Option<Reason> {
        let other = self.directory.rival_of(line.phone, &line.device)?;
        self.shared(&line.device, other, record)
    }

    fn shared(&self, line: &DeviceId, other: PhoneId, record: &Record) -> Option<Reason> {
        let since = self.records.get(other)?.status_since();
        let cause = Cause::SameNumber {
            line: line.as_str().into(),
            other,
        };
        Some(Reason {
            cause,
            since: since.max(record.status_since()),
        })
    }
}

impl Handler<ContactFailed> for Registrar {
    type Result = ();

    fn handle(&mut self, failed: ContactFailed, _: &mut Self::Context) {
        let ContactFailed { phone, from, fault } = failed;
        let at = self.context.clock.wall();
        let Some(phone) = phone else {
            return self.records.failed_from(from, fault, at);
        };
        // The failures of others say nothing about a phone that is here.
        if self.bindings.get(phone).is_some() {
            return;
        }
        if let Some(record) = self.records.get_mut(phone) {
            return record.contact_failed(fault, from, at);
        }
        // A phone that has a client's name would count as one with an extension.
        let user = phone.bare();
        let is_of_phones = fault != ContactFault::ClientsInterface;
        if is_of_phones && is_client(&self.context, &user) {
            let (user, is_client) = (user.into(), true);
            let fault = ContactFault::WrongUserName { user, is_client };
            self.records.failed_from(from, fault, at);
        }
    }
}

impl Handler<CountReasons> for Registrar {
    type Result = LaterResult<CountReasons>;

    fn handle(&mut self, _: CountReasons, ctx: &mut Self::Context) -> Self::Result {
        let (done, is_done) = oneshot::channel();
        let mut open = Some(([0; Code::ALL.len()], done));
        let mut last = None;
        let work = move |registrar: &mut Self, _: &mut Context<Self>| {
            let Some((counts, _)) = &mut open else {
                return ControlFlow::Break(());
            };
            let mut looked_at = 0;
            for (phone, record) in registrar.records.after(last).take(BATCH) {
                looked_at += 1;
                last = Some(phone);
                if let Some(reason) = registrar.reason(phone, record) {
                    counts[reason.cause.code() as usize] += 1;
                }
            }
            if looked_at == BATCH {
                return ControlFlow::Continue(());
            }
            if let Some((counts, done)) = open.take() {
                // The sender may be gone.
                let _ = done.send(counts);
            }
            ControlFlow::Break(())
        };
        in_batches(self, ctx, Box::new(work));
        LaterResult(is_done)
    }
}
