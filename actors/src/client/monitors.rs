//! The monitors of a client: started, stopped and filtered at once, whatever happens to them at the phone.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actix::{AsyncContext, Context, Handler, prelude::SendError};
use uacsta_schema::csta::{
    self, ChangeMonitorFilter, ChangeMonitorFilterResponse, DeviceId, Dialect, Document,
    MonitorCrossRefId, MonitorObject, MonitorStart, MonitorStartResponse, MonitorStopResponse,
};

use super::actor::Client;
use crate::{
    counters::Counter,
    log_limit::repeat_count,
    monitor::{ClientAddrs, MonitorStopped, Subscriber, SubscriptionChange},
    phone::Subscribe,
    refusal::Refusal,
    registrar::{Line, ToPhone},
    sip::{connection::Shut, responder::Responder},
};

/// Makes the server's own cross references: no two monitors of a server share one.
#[derive(Debug, Default)]
pub struct CrossRefs(AtomicU64);

impl CrossRefs {
    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A monitor of a session.
pub(super) struct ClientMonitor {
    pub(super) line: Arc<Line>,
    pub(super) requested: Box<Requested>,
    /// Counts it among the client's monitors.
    _counted: Arc<()>,
}

/// What the client asked for, in case the line moves to another phone.
pub(super) struct Requested {
    /// What the client called the line.
    pub(super) name: DeviceId,
    pub(super) subscriber: Subscriber,
}

impl Client {
    /// MonitorStart is answered at once; the monitor on the phone starts asynchronously.
    pub(super) fn monitor_start(
        &mut self,
        key: u64,
        start: &MonitorStart,
        document: &Document,
        reply: Responder,
        ctx: &mut Context<Self>,
    ) {
        let dialect = document.dialect();
        if let MonitorObject::Call(_) = start.monitor_object {
            return self.refuse(
                self.mac_of(key),
                reply,
                &dialect,
                "MonitorStart",
                &Refusal::NotADevice,
            );
        }
        let filter = start.requested_monitor_filter;
        let name = self.name_of(key, document);
        self.on_line(key, document, ctx, move |client, line, ctx| {
            let line = match line {
                Ok((line, _)) => line,
                Err(refusal) => return client.refuse(client.mac_of(key), reply, &dialect, "MonitorStart", &refusal),
            };
            if client.has_too_many_monitors() {
                let refusal = Refusal::Monitors;
                return reply.csta(csta::write(&refusal.failure().into(), &dialect));
            }
            let Some(session) = client.sessions.get_mut(&key) else { return reply.terminated() };
            let Some(id) = session.id else { return reply.terminated() };
            let cross_ref: Arc<str> = client.cross_refs.next().to_string().into();
            let response = MonitorStartResponse {
                monitor_cross_ref_id: MonitorCrossRefId::from(Arc::clone(&cross_ref)),
                actual_monitor_filter: filter,
                ..MonitorStartResponse::default()
            };
            reply.csta(csta::write(&response.into(), &dialect));
            let (phone, device) = (line.entry.phone, line.entry.device.clone());
            tracing::info!(client = %client.name, %phone, line = %device, cross_ref = &*cross_ref, "monitor started");
            let addrs = client.addrs.get_or_insert_with(|| Arc::new(ClientAddrs {
                events: client.link.clone().recipient(),
                overrun: client.link.clone().recipient(),
                stopped: ctx.address().recipient(),
            }));
            let subscriber = Subscriber {
                cross_ref: Arc::clone(&cross_ref),
                session: id,
                client: Arc::clone(addrs),
                dialect,
                filter: filter.unwrap_or_default(),
                in_service: None,
            };
            // Most clients call a line as its phone does: one text serves for both.
            let name = name.filter(|name| *name != device).unwrap_or_else(|| device.clone());
            let monitored = ClientMonitor {
                line: Arc::clone(&line),
                requested: Box::new(Requested { name, subscriber: subscriber.clone() }),
                _counted: Arc::clone(&client.monitoring),
            };
            session.monitored.insert(cross_ref, monitored);
            client.subscribe(&line, SubscriptionChange::Join(subscriber));
        });
    }

    /// Whether the client has no monitor left to start, which the log says once a minute.
    fn has_too_many_monitors(&self) -> bool {
        let monitors = Arc::strong_count(&self.monitoring) - 1;
        if monitors < self.context.config().settings.limits.monitors_per_client {
            return false;
        }
        self.context.counters.count(Counter::TooManyMonitors);
        let what = format!("monitors of {}", self.name);
        let said = self
            .context
            .log_limit
            .admit(self.address, &what, self.context.clock.now());
        if let Some(times) = said {
            tracing::warn!(client = %self.name, monitors, times = repeat_count(times), "monitors refused: the client has as many as limits.monitors_per_client allows");
        }
        true
    }

    /// MonitorStop of a monitor of this session's.
    pub(super) fn monitor_stop(&mut self, key: u64, document: &Document, reply: Responder) {
        let dialect = document.dialect();
        let stopped = document.cross_ref().and_then(|cross_ref| {
            self.sessions
                .get_mut(&key)?
                .monitored
                .remove_entry(cross_ref)
        });
        match stopped {
            Some((cross_ref, ClientMonitor { line, .. })) => {
                tracing::info!(client = %self.name, phone = %line.entry.phone, line = %line.entry.device, cross_ref = &*cross_ref, "monitor stopped");
                self.unsubscribe(&line, cross_ref);
                reply.csta(csta::write(
                    &MonitorStopResponse::default().into(),
                    &dialect,
                ));
            }
            None => self.refuse(
                self.mac_of(key),
                reply,
                &dialect,
                "MonitorStop",
                &Refusal::NoMonitor,
            ),
        }
    }

    /// ChangeMonitorFilter of a monitor of this session's: other clients of the line keep theirs.
    pub(super) fn change_filter(
        &mut self,
        key: u64,
        change: &ChangeMonitorFilter,
        dialect: &Dialect,
        reply: Responder,
    ) {
        let filter = change.requested_filter_list;
        let monitored = self.sessions.get_mut(&key).and_then(|session| {
            session
                .monitored
                .get_mut(change.monitor_cross_ref_id.as_str())
        });
        let Some(ClientMonitor {
            line, requested, ..
        }) = monitored
        else {
            return self.refuse(
                self.mac_of(key),
                reply,
                dialect,
                "ChangeMonitorFilter",
                &Refusal::NoMonitor,
            );
        };
        requested.subscriber.filter = filter;
        let cross_ref = Arc::clone(&requested.subscriber.cross_ref);
        let line = Arc::clone(line);
        self.subscribe(&line, SubscriptionChange::Filter { cross_ref, filter });
        let response = ChangeMonitorFilterResponse {
            actual_filter_list: Some(filter),
        };
        reply.csta(csta::write(&response.into(), dialect));
    }

    /// Subscribes to a line, or changes the subscription. A client that fills the mailbox of the phone's actor loses its connection,
    /// never a single message.
    pub(super) fn subscribe(&self, line: &Line, change: SubscriptionChange) {
        let subscribe = Subscribe {
            line: line.entry.device.clone(),
            change,
        };
        if let Err(SendError::Full(_)) = line.phone.try_send(subscribe) {
            tracing::warn!(client = %self.name, phone = %line.entry.phone, line = %line.entry.device, "closing connection: the client starts and changes monitors faster than the server takes it");
            self.context.counters.count(Counter::TooManyRequests);
            self.link.do_send(Shut {
                reason: "it starts and changes monitors faster than the server takes it".into(),
            });
        }
    }

    /// Unsubscribes from a line; where the phone's actor has been replaced, the registrar knows the new one.
    pub(super) fn unsubscribe(&self, line: &Line, cross_ref: Arc<str>) {
        let subscribe = Subscribe {
            line: line.entry.device.clone(),
            change: SubscriptionChange::Leave { cross_ref },
        };
        if line.phone.connected() {
            line.phone.do_send(subscribe);
        } else {
            self.context.registrar.do_send(ToPhone {
                phone: line.entry.phone,
                subscribe,
            });
        }
    }
}

impl Handler<MonitorStopped> for Client {
    type Result = ();

    fn handle(&mut self, MonitorStopped { cross_ref }: MonitorStopped, _: &mut Self::Context) {
        let mut sessions = self.sessions.values_mut();
        if let Some(ClientMonitor { line, .. }) =
            sessions.find_map(|session| session.monitored.remove(&cross_ref))
        {
            // The line may have moved to another phone meanwhile.
            self.unsubscribe(&line, cross_ref);
        }
    }
}
