//! What the registrar is asked: which line a name means, and which lines and phones there are.

use std::sync::Arc;

use actix::{Handler, MessageResult};
use actix_rt::Arbiter;

use uacsta_schema::csta::DeviceId;

use super::{Enter, Find, Line, Lines, List, Listing, Registrar, Strayed, ToPhone};
use crate::{
    directory::{Entry, NoLine},
    phone::Wanted,
};

impl Handler<Find> for Registrar {
    type Result = MessageResult<Find>;

    fn handle(&mut self, Find { name, session }: Find, _: &mut Self::Context) -> Self::Result {
        let found = self.directory.find(&name, session.as_ref());
        MessageResult(found.and_then(|entry| {
            let phone = self
                .phone(entry.mac, &Arbiter::current())
                .ok_or(NoLine::Unknown)?;
            let mut others = self.directory.of(entry.mac);
            others.retain(|other| other.device != entry.device);
            Ok(Line {
                entry,
                phone,
                others,
            })
        }))
    }
}

impl Handler<Strayed> for Registrar {
    type Result = ();

    fn handle(&mut self, Strayed { from, stray }: Strayed, _: &mut Self::Context) {
        let mac = match self.directory.find(&DeviceId::from(from.bare()), None) {
            Ok(entry) => entry.mac,
            Err(_) => from,
        };
        let record = self.telephones.get(&mac);
        match record.and_then(|record| record.phone.as_ref()) {
            Some(phone) => phone.do_send(Wanted(stray)),
            None => stray.responder.nowhere(),
        }
    }
}

impl Handler<ToPhone> for Registrar {
    type Result = ();

    fn handle(&mut self, ToPhone { mac, subscribe }: ToPhone, _: &mut Self::Context) {
        if let Some(phone) = self.phone(mac, &Arbiter::current()) {
            phone.do_send(subscribe);
        }
    }
}

impl Handler<Lines> for Registrar {
    type Result = MessageResult<Lines>;

    fn handle(&mut self, _: Lines, _: &mut Self::Context) -> Self::Result {
        if let Some(lines) = self.listed.upgrade() {
            return MessageResult(lines);
        }
        let mut lines: Vec<(Entry, String)> = self
            .directory
            .all()
            .filter_map(|entry| {
                let telephone = &self.telephones.get(&entry.mac)?.telephone;
                let model = telephone.model.as_deref().map_or_else(
                    || telephone.maker.clone(),
                    |model| format!("{} {model}", telephone.maker),
                );
                Some((entry, model))
            })
            .collect();
        lines.sort_by(|(one, _), (other, _)| one.name.as_str().cmp(other.name.as_str()));
        let lines = Arc::new(lines);
        self.listed = Arc::downgrade(&lines);
        MessageResult(lines)
    }
}

impl Handler<Enter> for Registrar {
    type Result = ();

    fn handle(&mut self, client: Enter, _: &mut Self::Context) {
        self.clients.push(client);
    }
}

impl Handler<List> for Registrar {
    type Result = MessageResult<List>;

    fn handle(&mut self, _: List, _: &mut Self::Context) -> Self::Result {
        let mut listings: Vec<Listing> = self
            .telephones
            .values()
            .map(|record| Listing {
                telephone: record.telephone.clone(),
                status: record.status,
                reason: record.reason.clone(),
                unsaved: self.persistence.unsaved().contains(&record.telephone.mac),
            })
            .collect();
        listings.sort_by_key(|listing| listing.telephone.mac);
        MessageResult(listings)
    }
}
