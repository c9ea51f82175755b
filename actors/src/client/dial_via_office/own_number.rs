//! A MakeCall from one of the user's own numbers, which no desk phone has: it is made via the office.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler};
use uacsta_schema::csta::{
    self, DeviceId, Document, FailedEvent, LocalConnectionState, MakeCall, MonitorCrossRefId,
};

use super::{DialFailed, DialRequest, DialViaOffice};
use crate::{
    client::actor::{Client, Scope},
    counters::Counter,
    refusal::Refusal,
    registrar::Line,
    sip::{
        responder::Responder,
        session::{Body, Notify},
    },
};

/// How many calls via the office one client may have on their way.
const CALLS: usize = 8;

impl Client {
    /// MakeCall from one of the user's own numbers, by the line of the session or the account's only line.
    pub(in crate::client) fn make_call_via_office(
        &mut self,
        key: u64,
        user: DeviceId,
        call: &MakeCall,
        document: &Document,
        reply: Responder,
        ctx: &mut Context<Self>,
    ) {
        let dialect = document.dialect();
        let refuse = |client: &Self, reply, refusal: &Refusal| {
            client.refuse(client.mac_of(key), reply, &dialect, "MakeCall", refusal);
        };
        let Some(session) = self.sessions.get(&key) else {
            return reply.terminated();
        };
        let (line, last) = match &session.scope {
            Scope::Line { name, line, .. } => (Some(name.clone()), Some(line.entry.clone())),
            Scope::Server => (self.rights.only_line().cloned(), None),
        };
        let (Some(line), Some(id)) = (line, session.id) else {
            return refuse(self, reply, &Refusal::NumberWithoutLine);
        };
        let destination = call.called_directory_number.clone();
        let dialect = dialect.clone();
        self.look_up(line, last, ctx, move |client, _, line, ctx| {
            client.via_office.retain(actix::Addr::connected);
            match line {
                Ok(_) if client.via_office.len() >= CALLS => {
                    client.context.counters.count(Counter::TooManyRequests);
                    client.refuse(
                        client.mac_of(key),
                        reply,
                        &dialect,
                        "MakeCall",
                        &Refusal::Busy,
                    );
                }
                Ok(line) => {
                    let request = DialRequest {
                        client: client.name.clone(),
                        session: id,
                        line: Line::clone(&line),
                        user,
                        destination,
                        dialect,
                        cross_ref: client.cross_refs.next().to_string().into(),
                        patience: client.context.config().settings.advanced.request_timeout,
                        failed: ctx.address().recipient(),
                    };
                    client
                        .via_office
                        .push(DialViaOffice::new(request, reply).start());
                }
                Err(refusal) => {
                    client.refuse(client.mac_of(key), reply, &dialect, "MakeCall", &refusal);
                }
            }
        });
    }
}

impl Handler<DialFailed> for Client {
    type Result = ();

    /// The subscribers of the line hear why the call came to nothing.
    fn handle(&mut self, failed: DialFailed, _: &mut Self::Context) {
        let DialFailed {
            line,
            connection,
            called,
            cause,
        } = failed;
        for session in self.sessions.values() {
            let Some(id) = session.id else { continue };
            let monitored = session
                .monitored
                .iter()
                .filter(|(_, monitor)| monitor.line.entry.device == line.entry.device);
            for (cross_ref, _) in monitored {
                let event = FailedEvent {
                    monitor_cross_ref_id: MonitorCrossRefId::from(Arc::clone(cross_ref)),
                    failed_connection: connection.clone(),
                    failing_device: called.clone().into(),
                    calling_device: line.entry.device.clone().into(),
                    called_device: called.clone().into(),
                    local_connection_info: Some(LocalConnectionState::NULL),
                    cause: cause.clone(),
                    ..FailedEvent::default()
                };
                self.link.do_send(Notify {
                    session: id,
                    content: Body::Whole(csta::write(&event.into(), &session.dialect)),
                });
            }
        }
    }
}
