//! Carries out a client's requests: with the client's machines, or by relaying them to the phone of a line.

use std::sync::Arc;

use actix::{AsyncContext, Context, prelude::SendError};
use bytes::Bytes;
use uacsta_schema::{
    csta::{
        ChangeMonitorFilter, ChangeMonitorFilterResponse, MonitorCrossRefId, MonitorFilter,
        MonitorObject, MonitorStartResponse, MonitorStopResponse, Request, SysStatRegisterId,
        SystemStatusResponse,
    },
    sip::Status,
};

use super::{
    actor::Client,
    dial_via_office::PendingDial,
    features,
    line_resolver::{LineAction, LineRequest, ResolvedLine},
    monitors::ClientMonitor,
    requests::{CstaRequest, Route, route},
    rights::needed,
    system::StatusSubscription,
};
use crate::{
    counters::Counter,
    directory::LineFilter,
    log_limit::repeat_count,
    monitor::{ClientAddrs, Subscriber, SubscriptionChange},
    phone::{self, Subscribe},
    refusal::Refusal,
    registrar::Line,
    sip::{
        connection::Shut,
        responder::{FinalResponse, Responder},
    },
    truncated::Truncated,
};

impl Client {
    /// A CSTA document came in a session.
    pub(super) fn request(
        &mut self,
        key: u64,
        body: Bytes,
        reply: Responder,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = self.sessions.get(key) else {
            return reply.nowhere();
        };
        let (scope, client) = (&session.scope, &self.user.name);
        let document = match self.context.read(body) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(client = %client.user, peer = %client.peer, %error, "not a CSTA document");
                let response = FinalResponse::from(Status::BAD_REQUEST);
                return reply.with(response.because(error.to_string()));
            }
        };
        let Some(service) = document.service() else {
            let root = Truncated(document.name());
            tracing::warn!(client = %client.user, peer = %client.peer, %root, "not a CSTA request");
            let reason = format!("{root} is not a CSTA request");
            return reply.with(FinalResponse::from(Status::BAD_REQUEST).because(reason));
        };
        let limit = self
            .context
            .config()
            .settings
            .limits
            .pending_requests_per_client;
        let routed = if self.pending.get() >= limit {
            self.context.counters.count(Counter::TooManyOfClient);
            Err(Refusal::Busy)
        } else {
            route(service, &document, scope, &self.user.rights)
        };
        let dialect = document.dialect();
        let request = CstaRequest {
            session: key,
            phone: scope.phone(),
            document: Arc::new(document),
            reply: self.pending.hold(reply),
        };
        self.sessions.set_dialect(key, dialect);
        match routed {
            Ok(Route::Server(typed)) => self.serve(&typed, request, ctx),
            Ok(Route::Phone) => self.on_line(request, LineAction::Relay, ctx),
            Err(refusal) => request.refuse(&self.user.name, &refusal),
        }
    }

    /// Carries out a request in the server itself.
    fn serve(&mut self, typed: &Request, request: CstaRequest, ctx: &mut Context<Self>) {
        let (key, client) = (request.session, &self.user.name);
        match typed {
            Request::RequestSystemStatus(asked) => {
                let id = asked.sys_stat_register_id.as_ref();
                request.conclude(client, self.registrations.status(key, id));
            }
            Request::SystemStatus(_) => request.respond(SystemStatusResponse::default()),
            // The server is registered at the phones itself: clients register at the server.
            Request::SystemRegister(asked) => {
                let id = SysStatRegisterId::from(self.monitors.next_cross_ref());
                let registered = self.registrations.register(key, id, asked);
                let is_registered = registered.is_ok();
                request.conclude(client, registered);
                if is_registered {
                    self.subscribe_status(key, ctx);
                }
            }
            Request::SystemRegisterCancel(asked) => {
                let id = &asked.sys_stat_register_id;
                request.conclude(client, self.registrations.cancel(key, id));
            }
            Request::GetCSTAFeatures(_) => request.respond(features::of_server()),
            Request::GetSwitchingFunctionDevices(which) => {
                self.list_lines(which.clone(), request, ctx);
            }
            Request::MonitorStart(start) => match start.monitor_object {
                MonitorObject::Call(_) => request.refuse(client, &Refusal::NotADevice),
                _ => {
                    let action = LineAction::StartMonitor(start.requested_monitor_filter);
                    self.on_line(request, action, ctx);
                }
            },
            Request::MonitorStop(_) => self.stop_monitor(request),
            Request::ChangeMonitorFilter(change) => self.change_filter(change, request),
            Request::MakeCall(call) => {
                let user = self.user.rights.own_number(&call.calling_device);
                let session = self.sessions.get(key).and_then(|session| session.id);
                match (user, session) {
                    (Some(user), Some(session)) => {
                        let dial = PendingDial {
                            session,
                            user,
                            destination: call.called_directory_number.clone(),
                            request,
                        };
                        self.look_up_office_line(dial, ctx);
                    }
                    (Some(_), None) => request.reply.terminated(),
                    (None, _) => self.on_line(request, LineAction::Relay, ctx),
                }
            }
            // The catalogue leaves these to the phone.
            Request::GetLogicalDeviceInformation(_)
            | Request::GetPhysicalDeviceInformation(_)
            | Request::SnapshotDevice(_)
            | Request::SnapshotCall(_)
            | Request::AnswerCall(_)
            | Request::ClearConnection(_)
            | Request::ClearCall(_)
            | Request::HoldCall(_)
            | Request::RetrieveCall(_)
            | Request::AlternateCall(_)
            | Request::ReconnectCall(_)
            | Request::ConsultationCall(_)
            | Request::TransferCall(_)
            | Request::ConferenceCall(_)
            | Request::SingleStepTransferCall(_)
            | Request::SingleStepConferenceCall(_)
            | Request::DeflectCall(_)
            | Request::DirectedPickupCall(_)
            | Request::DialDigits(_)
            | Request::GenerateDigits(_)
            | Request::GetDoNotDisturb(_)
            | Request::SetDoNotDisturb(_)
            | Request::GetForwarding(_)
            | Request::SetForwarding(_)
            | Request::GetMessageWaitingIndicator(_)
            | Request::SetMessageWaitingIndicator(_)
            | Request::GetMicrophoneMute(_)
            | Request::SetMicrophoneMute(_)
            | Request::GetSpeakerMute(_)
            | Request::SetSpeakerMute(_)
            | Request::GetSpeakerVolume(_)
            | Request::SetSpeakerVolume(_) => self.on_line(request, LineAction::Relay, ctx),
        }
    }

    /// Carries out a request after the look-up of its line.
    pub(super) fn carry_out(
        &mut self,
        request: LineRequest,
        line: Result<Arc<Line>, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let resolved = line.and_then(|line| request.resolve(line, &self.user.rights));
        let LineRequest {
            request, action, ..
        } = request;
        match (resolved, action) {
            (Ok(line), LineAction::Relay) => self.relay(request, &line),
            (Ok(line), LineAction::StartMonitor(filter)) => {
                self.start_monitor(request, &line.line, filter, ctx);
            }
            (Err(refusal), _) => request.refuse(&self.user.name, &refusal),
        }
    }

    /// Relays a request to the phone of its line.
    fn relay(&self, request: CstaRequest, resolved: &ResolvedLine) {
        let line = &resolved.line;
        let session = self.sessions.get(request.session);
        let dialect = match session {
            Some(session) => session.scope.dialect(&request.document, line),
            None => request.document.dialect(),
        };
        let permission = self.user.changed_rights.permission(line, &request.document);
        let hidden = self.user.rights.hidden(line, needed(&request.document));
        let sent = line.phone.try_send(phone::Request {
            document: request.document,
            device: resolved
                .is_renamed
                .then(|| line.entry.device.as_str().into()),
            hidden: hidden.cloned().collect(),
            dialect,
            reply: request.reply.permitted(permission),
        });
        let (unsent, refusal) = match sent {
            Ok(()) => return,
            Err(SendError::Closed(unsent)) => (unsent, Refusal::Away),
            Err(SendError::Full(unsent)) => {
                self.context.counters.count(Counter::TooManyRequests);
                (unsent, Refusal::Busy)
            }
        };
        let request = CstaRequest {
            session: request.session,
            phone: Some(line.entry.phone),
            document: unsent.document,
            reply: unsent.reply,
        };
        request.refuse(&self.user.name, &refusal);
    }

    /// Answers a MonitorStart at once; the monitor on the phone starts later.
    fn start_monitor(
        &mut self,
        request: CstaRequest,
        line: &Arc<Line>,
        filter: Option<MonitorFilter>,
        ctx: &Context<Self>,
    ) {
        if self.has_too_many_monitors() {
            return request.respond(Refusal::Monitors.failure());
        }
        let key = request.session;
        let session = self.sessions.get(key);
        let Some((session, id)) = session.and_then(|session| Some((session, session.id?))) else {
            return request.reply.terminated();
        };
        let cross_ref: Arc<str> = self.monitors.next_cross_ref().into();
        let entry = &line.entry;
        tracing::info!(client = %self.user.name.user, peer = %self.user.name.peer, phone = %entry.phone, line = %entry.device, monitor = %cross_ref, "monitor started");
        // Most clients use the phone's name of the line: both share one text.
        let name = session.scope.line_name(&request.document);
        let name = name.filter(|name| *name != entry.device);
        let name = name.unwrap_or_else(|| entry.device.clone());
        let addrs = self.monitors.addrs(|| ClientAddrs {
            user: self.user.name.user.clone(),
            events: self.connection.clone().recipient(),
            overrun: self.connection.clone().recipient(),
            stopped: ctx.address().recipient(),
        });
        let subscriber = Subscriber {
            cross_ref: Arc::clone(&cross_ref),
            session: id,
            client: addrs,
            dialect: session.scope.dialect(&request.document, line),
            filter: filter.unwrap_or_default(),
            in_service: None,
        };
        request.respond(MonitorStartResponse {
            monitor_cross_ref_id: MonitorCrossRefId::from(cross_ref),
            actual_monitor_filter: filter,
            ..MonitorStartResponse::default()
        });
        let monitor = ClientMonitor {
            line: Arc::clone(line),
            name,
            subscriber: subscriber.clone(),
        };
        self.monitors.insert(key, monitor);
        self.subscribe(line, SubscriptionChange::Join(subscriber));
    }

    /// Whether the client has reached its limit of monitors; logs this once a minute.
    fn has_too_many_monitors(&self) -> bool {
        let monitors = self.monitors.count();
        if monitors < self.context.config().settings.limits.monitors_per_client {
            return false;
        }
        self.context.counters.count(Counter::TooManyMonitors);
        let client = &self.user.name;
        let what = ["monitors of ", &client.user].concat();
        let now = self.context.clock.now();
        if let Some(times) = self
            .context
            .log_limit
            .admit(self.user.name.peer.ip(), &what, now)
        {
            tracing::warn!(client = %client.user, peer = %client.peer, monitors, times = repeat_count(times), "monitors refused: limits.monitors_per_client reached");
        }
        true
    }

    fn stop_monitor(&mut self, request: CstaRequest) {
        let cross_ref = request.document.cross_ref().unwrap_or_default();
        let Some(monitor) = self.monitors.remove(request.session, cross_ref) else {
            return request.refuse(&self.user.name, &Refusal::NoMonitor);
        };
        let (entry, cross_ref) = (&monitor.line.entry, monitor.subscriber.cross_ref);
        tracing::info!(client = %self.user.name.user, peer = %self.user.name.peer, phone = %entry.phone, line = %entry.device, monitor = %cross_ref, "monitor stopped");
        Self::unsubscribe(&monitor.line, cross_ref);
        request.respond(MonitorStopResponse::default());
    }

    /// Changes the filter of one monitor, without affecting other clients of the line.
    fn change_filter(&mut self, change: &ChangeMonitorFilter, request: CstaRequest) {
        let (cross_ref, filter) = (
            change.monitor_cross_ref_id.as_str(),
            change.requested_filter_list,
        );
        let changed = self.monitors.set_filter(request.session, cross_ref, filter);
        let Some((line, change)) = changed else {
            return request.refuse(&self.user.name, &Refusal::NoMonitor);
        };
        self.subscribe(&line, change);
        request.respond(ChangeMonitorFilterResponse {
            actual_filter_list: Some(filter),
        });
    }

    /// Subscribes to a line, or changes the subscription. A client that fills the mailbox of the phone's actor loses its
    /// connection, never a single message.
    pub(super) fn subscribe(&mut self, line: &Line, change: SubscriptionChange) {
        if self.monitors.is_overrun() {
            return;
        }
        let subscribe = Subscribe {
            line: line.entry.device.clone(),
            change,
        };
        if let Err(SendError::Full(_)) = line.phone.try_send(subscribe) {
            self.monitors.overrun();
            let reason = "it changes monitors faster than the phone's actor can follow";
            tracing::warn!(client = %self.user.name.user, peer = %self.user.name.peer, phone = %line.entry.phone, line = %line.entry.device, reason, "closing the client's connection");
            self.context.counters.count(Counter::TooManyRequests);
            self.connection.do_send(Shut {
                reason: reason.into(),
            });
        }
    }

    pub(super) fn unsubscribe(line: &Line, cross_ref: Arc<str>) {
        line.phone.do_send(Subscribe {
            line: line.entry.device.clone(),
            change: SubscriptionChange::Leave { cross_ref },
        });
    }

    /// Subscribes a session that has registrations to the status of the lines that it sees now.
    pub(super) fn subscribe_status(&mut self, key: u64, ctx: &Context<Self>) {
        if let Some(session) = self.sessions.get(key) {
            let lines = LineFilter {
                phone: session.scope.phone(),
                names: self.user.rights.lines(),
            };
            let registrar = &self.registrar;
            self.registrations.subscribe(key, lines, || {
                StatusSubscription::new(registrar.clone(), ctx.address().recipient(), key)
            });
        }
    }
}
