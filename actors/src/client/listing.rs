//! GetSwitchingFunctionDevices (ECMA-269): a client's lists of lines, one at a time and a few segments ahead of its answers, so
//! that who asks for thousands of lists holds nobody up.

use std::{collections::VecDeque, sync::Arc};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uacsta_schema::csta::{
    self, GetSwitchingFunctionDevices, GetSwitchingFunctionDevicesResponse, ListedDevice,
    RequestedDeviceCategory, ServiceCrossRefId, Speech, SwitchingFunctionDevices,
};

use super::Client;
use crate::{
    directory::Entry,
    refusal::Refusal,
    registrar::Lines,
    sip::{
        responder::Responder,
        session::{Body, Invoke, SessionId},
    },
};

/// How many lines one SwitchingFunctionDevices names at the most: about 10 KiB.
const SEGMENT: usize = 100;
/// How many segments are sent before the answer to the first has come.
const AHEAD: usize = 4;

/// A client's lists: the one that is being told, and the requests for the next ones.
#[derive(Default)]
pub(super) struct Listings {
    waiting: VecDeque<Wanted>,
    telling: Telling,
    /// Counts the lists, so that an answer to a former one's segment is told from others.
    number: u64,
}

/// A request for a list.
pub(super) struct Wanted {
    /// The session in which it came.
    pub(super) key: u64,
    /// Which lines are wanted.
    pub(super) which: GetSwitchingFunctionDevices,
    /// How the client speaks.
    pub(super) speech: Speech,
    /// Its answer.
    pub(super) reply: Responder,
}

#[derive(Default)]
enum Telling {
    #[default]
    Nothing,
    /// The registrar has been asked.
    Asked,
    List(Listing),
}

/// A list that is being told.
struct Listing {
    key: u64,
    session: SessionId,
    which: GetSwitchingFunctionDevices,
    speech: Speech,
    cross_ref: ServiceCrossRefId,
    lines: Arc<Vec<(Entry, String)>>,
    /// The first line that was not looked at yet; none when all are told.
    next: Option<usize>,
    segments: u32,
    unanswered: usize,
}

impl Client {
    /// A list is asked for: it has its turn after those that were asked for before.
    pub(super) fn list_lines(&mut self, wanted: Wanted, ctx: &mut Context<Self>) {
        self.listings.waiting.push_back(wanted);
        self.next_list(ctx);
    }

    /// Begins with the next list, unless there is one under way: its response, and then the lines in segments.
    pub(super) fn next_list(&mut self, ctx: &mut Context<Self>) {
        if !matches!(self.listings.telling, Telling::Nothing) {
            return;
        }
        let Some(wanted) = self.listings.waiting.pop_front() else {
            return;
        };
        self.listings.telling = Telling::Asked;
        let asking = self.house.registrar.send(Lines);
        ctx.spawn(asking.into_actor(self).map(move |lines, client, ctx| {
            client.listings.telling = Telling::Nothing;
            let Wanted {
                key,
                which,
                speech,
                reply,
            } = wanted;
            let session = client.sessions.get(&key).and_then(|session| session.id);
            match (session, lines) {
                (None, _) => reply.terminated(),
                (_, Err(_)) => client.refuse(
                    client.mac_of(key),
                    reply,
                    &speech,
                    "GetSwitchingFunctionDevices",
                    &Refusal::Away,
                ),
                (Some(session), Ok(lines)) => {
                    let cross_ref = ServiceCrossRefId::from(client.cross_refs.next().to_string());
                    let response = GetSwitchingFunctionDevicesResponse {
                        service_cross_ref_id: cross_ref.clone(),
                    };
                    reply.csta(csta::write(&response.into(), &speech));
                    client.listings.number += 1;
                    client.listings.telling = Telling::List(Listing {
                        key,
                        session,
                        which,
                        speech,
                        cross_ref,
                        lines,
                        next: Some(0),
                        segments: 0,
                        unanswered: 0,
                    });
                }
            }
            client.tell_list(ctx);
        }));
    }

    /// A segment was answered, in whatever way: another may follow.
    pub(super) fn segment_answered(&mut self, number: u64, ctx: &mut Context<Self>) {
        if let Telling::List(listing) = &mut self.listings.telling
            && number == self.listings.number
        {
            listing.unanswered = listing.unanswered.saturating_sub(1);
            self.tell_list(ctx);
        }
    }

    /// A session is over, and what was being told in it.
    pub(super) fn forget_list(&mut self, key: u64) {
        if matches!(&self.listings.telling, Telling::List(listing) if listing.key == key) {
            self.listings.telling = Telling::Nothing;
        }
    }

    /// Tells as much of the list as may be told now, and goes on with the next list after the last answer.
    fn tell_list(&mut self, ctx: &mut Context<Self>) {
        if let Telling::List(listing) = &mut self.listings.telling {
            let only = self
                .sessions
                .get(&listing.key)
                .and_then(|session| session.scope.mac());
            while listing.unanswered < AHEAD
                && let Some(from) = listing.next
            {
                let seen = |(_, (entry, _)): &(usize, &(Entry, String))| {
                    only.is_none_or(|mac| mac == entry.mac)
                        && self.rights.sees(entry)
                        && is_wanted(&listing.which, entry)
                };
                let lines = listing.lines.iter().enumerate().skip(from);
                let mut wanted = lines.filter(seen);
                let device_list = wanted
                    .by_ref()
                    .take(SEGMENT)
                    .map(|(_, (entry, model))| ListedDevice {
                        device_id: Some(entry.name.clone()),
                        device_model_name: (!model.is_empty()).then(|| model.clone()),
                        ..ListedDevice::default()
                    })
                    .collect();
                listing.next = wanted.next().map(|(at, _)| at);
                listing.segments += 1;
                listing.unanswered += 1;
                let part = SwitchingFunctionDevices {
                    service_cross_ref_id: listing.cross_ref.clone(),
                    segment_id: Some(listing.segments),
                    last_segment: listing.next.is_none(),
                    device_list,
                };
                self.link.do_send(Invoke {
                    session: listing.session,
                    ticket: self.listings.number,
                    content: Body::Whole(csta::write(&part.into(), &listing.speech)),
                });
            }
            if listing.unanswered > 0 {
                return;
            }
            self.listings.telling = Telling::Nothing;
        }
        self.next_list(ctx);
    }
}

/// Whether a line is among the devices that are asked for: all lines are stations.
fn is_wanted(wanted: &GetSwitchingFunctionDevices, entry: &Entry) -> bool {
    let category = wanted
        .requested_device_category
        .as_ref()
        .is_none_or(|category| *category == RequestedDeviceCategory::STATION);
    category
        && wanted
            .requested_device_id
            .as_ref()
            .is_none_or(|device| entry.is_called(device))
}
