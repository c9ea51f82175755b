//! What the phone reports: events for the monitor points, its lines, its calls.

use std::sync::Arc;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::{
    csta::{
        self, DeviceId, Document, GetSwitchingFunctionDevices, Message, MonitorCrossRefId,
        MonitorObject, MonitorStart, Response, ServiceId, SnapshotDevice,
    },
    sip::Status,
};

use super::{
    LinesListed, Phone,
    incoming::Incoming,
    lines::{LinesKnown, MAX_LINES},
    monitors::Started,
    request_queue::Requester,
    session::SessionInput,
};
use crate::{
    counters::Counter,
    directory::LONGEST,
    monitor::{Mark, MonitorEvent, Reconciled},
    refusal::Refusal,
    sip::responder::{FinalResponse, Responder},
};

impl Phone {
    /// The phone sent a CSTA document. A repeated one gets the same response; events and notifications count once.
    pub(super) fn received(
        &mut self,
        body: Bytes,
        responder: Responder,
        is_repeated: bool,
        ctx: &mut Context<Self>,
    ) {
        let bad_request = |error: String| FinalResponse::from(Status::BAD_REQUEST).because(error);
        let document = match self.context.read(body) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(phone = %self.phone, %error, "phone sent an invalid CSTA document");
                return responder.with(bad_request(error.to_string()));
            }
        };
        let dialect = document.dialect();
        let incoming = Incoming::of(document);
        match incoming {
            Incoming::Request(response, note) => {
                tracing::info!(phone = %self.phone, response = response.name(), note, "phone sent a request");
                return responder.csta(csta::write(&response, &dialect));
            }
            Incoming::MonitorStop(cross_ref, response) => {
                self.monitored.stopped(cross_ref.as_str());
                return responder.csta(csta::write(&response, &dialect));
            }
            Incoming::Unexpected(error) => {
                tracing::warn!(phone = %self.phone, error, "phone sent an unexpected document");
                return responder.with(bad_request(error));
            }
            _ if is_repeated => {
                tracing::debug!(phone = %self.phone, "phone sent its last document again");
            }
            Incoming::Event(event) => self.observed(Arc::new(event)),
            // What the phone reports holds before it gets the response.
            Incoming::Lines(part) => {
                if let Some(known) = self.lines.add(part) {
                    self.lines_known(known, ctx);
                }
            }
            Incoming::LinesChanged => self.request_lines(ctx),
            Incoming::SystemRegisterAborted => self.system_register(ctx),
            Incoming::Ignored(notification) => {
                tracing::debug!(phone = %self.phone, notification, "unexpected notification");
            }
            Incoming::Unreadable(error) => {
                tracing::warn!(phone = %self.phone, error, "phone sent an unreadable notification");
            }
        }
        responder.ok();
    }

    /// Routes an event to the monitor point that it names.
    fn observed(&mut self, event: Arc<Document>) {
        let is_starting = self.requests.is_starting_monitor();
        if let Err(event) = self.monitored.observe(event, is_starting) {
            self.context.counters.count(Counter::StrayEvent);
            tracing::debug!(phone = %self.phone, event = event.name(), cross_ref = event.cross_ref(), "event for unknown monitor");
        }
    }

    /// Asks for the lines; a phone that cannot list them has those of before.
    pub(super) fn request_lines(&mut self, ctx: &mut Context<Self>) {
        if self
            .capabilities
            .has(ServiceId::GetSwitchingFunctionDevices)
        {
            self.lines.requested();
            let request = GetSwitchingFunctionDevices::default();
            self.send_own(Requester::Lines, request.into(), ctx);
        } else {
            self.give_up_list(ctx);
        }
    }

    /// Goes on without a list of lines.
    pub(super) fn give_up_list(&mut self, ctx: &mut Context<Self>) {
        let identity = self.binding.as_ref().map(|binding| &*binding.to);
        let known = self.lines.give_up(identity);
        self.lines_known(known, ctx);
    }

    fn lines_known(&mut self, known: LinesKnown, ctx: &mut Context<Self>) {
        let (phone, left_out) = (self.phone, known.left_out);
        if left_out > 0 {
            tracing::warn!(%phone, left_out, "phone lists lines that have no name or one of more than {LONGEST} octets, or more than {MAX_LINES} lines; they are left out");
        }
        if known.is_new {
            tracing::info!(%phone, lines = known.lines.len(), "phone listed its lines");
        }
        if known.is_news {
            let is_ready = self.session.is_open();
            for line in self.monitored.lines_listed(&self.lines, is_ready) {
                tracing::warn!(%phone, %line, "phone no longer has a line that is monitored");
            }
        }
        self.context.registrar.do_send(LinesListed {
            phone,
            lines: known.lines,
        });
        self.on_session(SessionInput::Prepared, ctx);
    }

    /// Asks for the calls of a line whose monitor runs, to compare them with those that its events told of.
    pub(super) fn request_calls(&mut self, line: DeviceId, ctx: &mut Context<Self>) {
        let monitored = self.monitored.get(&line);
        let running = monitored.filter(|monitored| monitored.cross_ref.is_some());
        let Some(asked) = running.map(|monitored| monitored.calls.mark()) else {
            return;
        };
        if self.capabilities.has(ServiceId::SnapshotDevice) {
            let snapshot = SnapshotDevice {
                snapshot_object: line.clone(),
            };
            self.send_own(Requester::Snapshot { line, asked }, snapshot.into(), ctx);
        }
    }

    /// The phone listed the calls of a line, which were asked for at `asked`.
    pub(super) fn calls_listed(
        &mut self,
        line: &DeviceId,
        asked: Mark,
        result: Result<Document, Refusal>,
    ) {
        let Ok(Ok(Message::Response(Response::SnapshotDeviceResponse(response)))) =
            result.map(|document| document.message())
        else {
            return;
        };
        let Some(monitored) = self.monitored.get_mut(line) else {
            return;
        };
        let Reconciled { over, unheard } = monitored.calls.reconcile(line, &response.data, asked);
        if unheard {
            tracing::warn!(phone = %self.phone, %line, "phone has a call that the line's monitor sent no event of; the monitor is restarted");
            monitored.monitor.do_send(MonitorEvent::Unheard);
        }
        for over in over {
            tracing::info!(phone = %self.phone, %line, "call ended without an event; its clients are told");
            self.monitored.notify_subscribers(line, over);
        }
    }

    /// Sends MonitorStart for a line, unless it runs or is being started already.
    pub(super) fn start_monitor(&mut self, line: &DeviceId, ctx: &mut Context<Self>) {
        let Some(monitored) = self.monitored.get(line) else {
            return;
        };
        let refusal = if !self.session.is_open() {
            Some(MonitorEvent::PhoneAway)
        } else if !self.lines.has(line) {
            Some(MonitorEvent::LineGone)
        } else {
            let running = monitored.cross_ref.clone();
            running.map(|cross_ref| MonitorEvent::Answered(Ok(cross_ref)))
        };
        if let Some(event) = refusal {
            return monitored.monitor.do_send(event);
        }
        if let Some(cross_ref) = self.emulation.reuse_monitor(line) {
            return self.monitor_started(line, Ok(cross_ref), ctx);
        }
        if !self.requests.starts_monitor_of(line) {
            let start = MonitorStart {
                monitor_object: MonitorObject::Device(line.clone()),
                ..MonitorStart::default()
            };
            self.send_own(Requester::MonitorStart(line.clone()), start.into(), ctx);
        }
    }

    /// The phone responded to the MonitorStart of a line.
    pub(super) fn monitor_started(
        &mut self,
        line: &DeviceId,
        result: Result<MonitorCrossRefId, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let started = self.monitored.started(line, result);
        if let Started::Stop(cross_ref) = &started {
            self.stop_monitor(line, cross_ref.clone(), ctx);
        }
        for event in self.monitored.take_early() {
            self.observed(event);
        }
        if started == Started::CheckCalls {
            self.request_calls(line.clone(), ctx);
        }
    }
}
