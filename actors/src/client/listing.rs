//! GetSwitchingFunctionDevices (ECMA-269): sends a client its lists of lines, one at a time and a few segments ahead of its answers.
//!
//! The list is read in pages as its segments go out, so that no turn is long and no copy of very many lines is kept. Lines may
//! come and go meanwhile: each that is there all the time is listed once, in the order of the names.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uacsta_schema::csta::{
    self, Dialect, GetSwitchingFunctionDevices, GetSwitchingFunctionDevicesResponse,
    RequestedDeviceCategory, ServiceCrossRefId,
};

use super::{actor::Client, segments::Segments};
use crate::{
    directory::LineFilter,
    refusal::Refusal,
    registrar::{LinePage, ListLines},
    sip::{
        responder::Responder,
        session::{Body, Invoke, SessionId},
    },
};

/// How long a page waits that the registrar did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// A client's lists: the one that is being sent, and the requests for the next ones.
#[derive(Default)]
pub(super) struct LineLists {
    waiting: VecDeque<ListRequest>,
    sending: Sending,
    /// Counts the lists, so that an answer to a former one's segment is told from others.
    number: u64,
}

/// A request for a list.
pub(super) struct ListRequest {
    /// The session in which it came.
    pub(super) key: u64,
    /// Which lines are wanted.
    pub(super) which: GetSwitchingFunctionDevices,
    /// How the client speaks.
    pub(super) dialect: Dialect,
    /// Its answer.
    pub(super) reply: Responder,
}

#[derive(Default)]
enum Sending {
    #[default]
    Nothing,
    /// The registrar has been asked.
    Asked,
    List(LineList),
}

/// A list that is being sent.
struct LineList {
    key: u64,
    session: SessionId,
    which: GetSwitchingFunctionDevices,
    dialect: Dialect,
    segments: Segments,
    /// Whether a page is on its way.
    is_reading: bool,
}

impl Client {
    /// Queues a request for a list behind those of before.
    pub(super) fn list_lines(&mut self, wanted: ListRequest, ctx: &mut Context<Self>) {
        self.listings.waiting.push_back(wanted);
        self.next_list(ctx);
    }

    /// Begins with the next list, unless there is one under way: its response, and then the lines in segments.
    pub(super) fn next_list(&mut self, ctx: &mut Context<Self>) {
        if !matches!(self.listings.sending, Sending::Nothing) {
            return;
        }
        let Some(wanted) = self.listings.waiting.pop_front() else {
            return;
        };
        self.listings.sending = Sending::Asked;
        let filter = self.listed_in(wanted.key, &wanted.which);
        let asking = self.context.registrar.send(ListLines {
            filter,
            after: None,
        });
        ctx.spawn(asking.into_actor(self).map(move |page, client, ctx| {
            client.listings.sending = Sending::Nothing;
            let ListRequest {
                key,
                which,
                dialect,
                reply,
            } = wanted;
            let session = client.sessions.get(&key).and_then(|session| session.id);
            match (session, page) {
                (None, _) => reply.terminated(),
                (_, Err(_)) => client.refuse(
                    client.mac_of(key),
                    reply,
                    &dialect,
                    "GetSwitchingFunctionDevices",
                    &Refusal::Away,
                ),
                (Some(session), Ok(page)) => {
                    let cross_ref = ServiceCrossRefId::from(client.cross_refs.next().to_string());
                    let response = GetSwitchingFunctionDevicesResponse {
                        service_cross_ref_id: cross_ref.clone(),
                    };
                    reply.csta(csta::write(&response.into(), &dialect));
                    client.listings.number += 1;
                    client.listings.sending = Sending::List(LineList {
                        key,
                        session,
                        which,
                        dialect,
                        segments: Segments::new(cross_ref),
                        is_reading: true,
                    });
                    client.page_read(page);
                }
            }
            client.send_list(ctx);
        }));
    }

    /// The lines that a list in a session may name: all lines are stations.
    fn listed_in(&self, key: u64, which: &GetSwitchingFunctionDevices) -> LineFilter {
        let category = which.requested_device_category.as_ref();
        let names = match &which.requested_device_id {
            _ if category.is_some_and(|it| *it != RequestedDeviceCategory::STATION) => {
                Some(Arc::default())
            }
            Some(device) => Some(Arc::new([device.clone()].into_iter().collect())),
            None => self.rights.lines(),
        };
        let phone = self.mac_of(key);
        LineFilter { phone, names }
    }

    fn page_read(&mut self, page: LinePage) {
        if let Sending::List(listing) = &mut self.listings.sending {
            listing.is_reading = false;
            listing.segments.read(page);
        }
        self.hide_listed();
    }

    /// Leaves out what the log-on may not see.
    pub(super) fn hide_listed(&mut self) {
        if let Sending::List(listing) = &mut self.listings.sending {
            let rights = &self.rights;
            listing.segments.retain(|entry| rights.sees(entry));
        }
    }

    /// A segment was answered, in whatever way: another may follow.
    pub(super) fn segment_answered(&mut self, number: u64, ctx: &mut Context<Self>) {
        if let Sending::List(listing) = &mut self.listings.sending
            && number == self.listings.number
        {
            listing.segments.answered();
            self.send_list(ctx);
        }
    }

    /// Stops the list of a session that is over.
    pub(super) fn forget_list(&mut self, key: u64) {
        if matches!(&self.listings.sending, Sending::List(listing) if listing.key == key) {
            self.listings.sending = Sending::Nothing;
        }
    }

    /// Sends as much of the list as may be sent now, and goes on with the next list after the last answer.
    fn send_list(&mut self, ctx: &mut Context<Self>) {
        if let Sending::List(listing) = &mut self.listings.sending {
            while let Some(segment) = listing.segments.next() {
                self.link.do_send(Invoke {
                    session: listing.session,
                    ticket: self.listings.number,
                    content: Body::Whole(csta::write(&segment.into(), &listing.dialect)),
                });
            }
            if listing.segments.lacks_lines() && !std::mem::replace(&mut listing.is_reading, true) {
                return self.read_page(ctx);
            }
            if !listing.segments.are_done() {
                return;
            }
            self.listings.sending = Sending::Nothing;
        }
        self.next_list(ctx);
    }

    fn read_page(&self, ctx: &mut Context<Self>) {
        let Sending::List(listing) = &self.listings.sending else {
            return;
        };
        let number = self.listings.number;
        let asking = self.context.registrar.send(ListLines {
            filter: self.listed_in(listing.key, &listing.which),
            after: listing.segments.last_read().cloned(),
        });
        ctx.spawn(asking.into_actor(self).map(move |page, client, ctx| {
            if number != client.listings.number {
                return;
            }
            match page {
                Ok(page) => {
                    client.page_read(page);
                    client.send_list(ctx);
                }
                // Another registrar takes the place of one that failed.
                Err(_) => {
                    ctx.run_later(AGAIN, move |client, ctx| {
                        if number == client.listings.number {
                            client.read_page(ctx);
                        }
                    });
                }
            }
        }));
    }
}
