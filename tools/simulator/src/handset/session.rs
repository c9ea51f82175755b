//! The CSTA session of a simulated phone: its own responses, and the events of its monitors (ECMA TR/87, sections 7.2 and 7.3).

use std::{collections::HashMap, time::Duration};

use actix::{AsyncContext, Context};
use bytes::Bytes;
use uacsta_actors::sip::{
    responder::{FinalResponse, Responder},
    session::{Accept, Close, Invoke, Notify, SessionEvent, SessionEventKind, SessionId},
};
use uacsta_schema::{csta::*, sip::Status};

use super::{Handset, Invited, Sent, Stage};
use crate::pbx::{
    LineEvent, LineId,
    actor::{PbxRequest, PbxResponse},
};

/// A session with the server.
pub(super) struct Session {
    key: u64,
    /// `None` until the session is open.
    pub(super) id: Option<SessionId>,
    pub(super) monitors: Vec<Monitor>,
    pub(super) registrations: Vec<SysStatRegisterId>,
    /// Requests that wait for the PBX, by ticket.
    pending: HashMap<u64, Responder>,
}

/// A monitor on a line.
pub(super) struct Monitor {
    cross_ref: MonitorCrossRefId,
    pub(super) line: LineId,
    filter: MonitorFilter,
}

/// The session interval if the server requests none (RFC 4028).
const INTERVAL: Duration = Duration::from_secs(1800);
/// The ticket of the last segment of a list; all others have 0.
const LAST_PART: u64 = 1;
/// Lines in one segment of a list.
const SEGMENT: usize = 8;

impl Handset {
    /// Accepts the server's INVITE. The new session replaces the former one.
    pub(super) fn accept_invite(
        &mut self,
        Invited { body, reply }: Invited,
        ctx: &mut Context<Self>,
    ) {
        match Document::read(body) {
            Ok(document) if document.service() == Some(ServiceId::RequestSystemStatus) => {}
            Ok(_) | Err(_) => return reply.with(Status::NOT_ACCEPTABLE_HERE),
        }
        let key = self.next_serial();
        let former = self.session.replace(Session {
            key,
            id: None,
            monitors: Vec::new(),
            registrations: Vec::new(),
            pending: HashMap::new(),
        });
        if let (Some(id), Some(link)) = (former.and_then(|former| former.id), &self.link) {
            link.do_send(Close { session: id });
        }
        let status = self.write(normal());
        let Some(link) = &self.link else { return };
        link.do_send(Accept {
            responder: reply,
            response: FinalResponse::from(Status::OK).content(status),
            owner: ctx.address().recipient(),
            key,
            interval: INTERVAL,
        });
    }

    pub(super) fn session_event(
        &mut self,
        SessionEvent { key, session, what }: SessionEvent,
        ctx: &mut Context<Self>,
    ) {
        let Some(own) = self.session.as_mut().filter(|own| own.key == key) else {
            return;
        };
        match what {
            SessionEventKind::Opened(_) => {
                own.id = Some(session);
                self.set_stage(Stage::Open);
            }
            SessionEventKind::Request(body, reply) => self.document_received(body, reply, ctx),
            SessionEventKind::Ended(why) => {
                tracing::debug!(mac = %self.mac, %why, "simulated phone: session ended");
                self.session = None;
                self.set_stage(Stage::Registered);
            }
            // A phone sends no INVITE, and ignores the responses to its events.
            SessionEventKind::Response {
                ticket: LAST_PART,
                answer: Ok(_),
            } => self.set_stage(Stage::Listed),
            SessionEventKind::Response { .. }
            | SessionEventKind::Refused(_)
            | SessionEventKind::Repeated(..) => {}
        }
    }

    /// Sends the PBX's response to the server.
    pub(super) fn pbx_response(&mut self, PbxResponse { ticket, result }: PbxResponse) {
        let reply = self
            .session
            .as_mut()
            .and_then(|session| session.pending.remove(&ticket));
        if let Some(reply) = reply {
            self.answer(reply, result);
        }
    }

    /// Sends an event to every monitor of a line whose filter admits it.
    pub(super) fn report(&mut self, line: LineId, event: &LineEvent) {
        let device = self.lines.iter().find(|(own, _)| *own == line);
        let (Some((_, device)), Some(session)) = (device, &self.session) else {
            return;
        };
        let (Some(id), Some(link)) = (session.id, &self.link) else {
            return;
        };
        for monitor in session
            .monitors
            .iter()
            .filter(|monitor| monitor.line == line)
        {
            let event = event.clone().event(device);
            if monitor.filter.leaves_out(event.id()) || !self.maker.sends(event.id()) {
                continue;
            }
            let document = self.write(event.reported_by(monitor.cross_ref.clone()));
            if self.context.keeps_events {
                self.record.push(Sent {
                    line: device.clone(),
                    document: document.clone(),
                });
            }
            link.do_send(Notify {
                session: id,
                content: document.into(),
            });
        }
    }

    fn document_received(&mut self, body: Bytes, reply: Responder, ctx: &mut Context<Self>) {
        let document = match Document::read(body) {
            Ok(document) => document,
            Err(error) => {
                return reply
                    .with(FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()));
            }
        };
        if document
            .service()
            .is_some_and(|service| !self.maker.has(service))
        {
            return self.answer(reply, Err(Failure::SERVICE_NOT_SUPPORTED));
        }
        match document.message() {
            Ok(Message::Request(request)) => self.request_received(request, reply, ctx),
            Ok(_) => self.answer(reply, Err(Failure::SERVICE_NOT_SUPPORTED)),
            Err(_) => self.answer(reply, Err(Failure::INVALID_PARAMETER_VALUE)),
        }
    }

    fn request_received(&mut self, request: Request, reply: Responder, ctx: &mut Context<Self>) {
        let result = match request {
            Request::RequestSystemStatus(_) => Ok(normal().into()),
            Request::SystemStatus(_) => Ok(SystemStatusResponse {}.into()),
            Request::SystemRegister(_) => Ok(self.system_register()),
            Request::SystemRegisterCancel(request) => self.system_register_cancel(&request),
            Request::GetSwitchingFunctionDevices(request) => {
                return self.list_lines(&request, reply);
            }
            Request::GetCSTAFeatures(_) => Ok(self.features()),
            Request::GetLogicalDeviceInformation(request) => self.describe_line(&request.device),
            Request::GetPhysicalDeviceInformation(request) => self.describe_device(&request.device),
            Request::MonitorStart(request) => self.monitor(request),
            Request::MonitorStop(request) => self.unmonitor(&request),
            Request::ChangeMonitorFilter(request) => self.filter(request),
            request => return self.forward_to_pbx(request, reply, ctx),
        };
        self.answer(reply, result);
    }

    /// Forwards a request that concerns calls to the PBX, which answers with [`PbxResponse`].
    fn forward_to_pbx(&mut self, request: Request, reply: Responder, ctx: &mut Context<Self>) {
        let ticket = self.next_serial();
        if let Some(session) = &mut self.session {
            session.pending.insert(ticket, reply);
            self.pbx.do_send(PbxRequest {
                lines: self.line_ids(),
                request,
                phone: ctx.address().recipient(),
                ticket,
            });
        }
    }

    fn answer(&self, reply: Responder, result: Result<Response, Failure>) {
        let (status, explains) = self.maker.refusal();
        match result {
            Ok(response) => reply.csta(self.write(response)),
            Err(failure) if explains => {
                reply.with(FinalResponse::from(status).content(self.write(failure)));
            }
            Err(_) => reply.with(status),
        }
    }

    fn system_register(&mut self) -> Response {
        let id = SysStatRegisterId::from(self.next_serial().to_string());
        if let Some(session) = &mut self.session {
            session.registrations.push(id.clone());
        }
        SystemRegisterResponse {
            sys_stat_register_id: id,
            actual_status_filter: None,
        }
        .into()
    }

    fn system_register_cancel(
        &mut self,
        request: &SystemRegisterCancel,
    ) -> Result<Response, Failure> {
        let known = self.session.as_mut().and_then(|session| {
            let mut known = session.registrations.iter();
            let at = known.position(|id| *id == request.sys_stat_register_id)?;
            Some(session.registrations.remove(at))
        });
        known
            .map(|_| SystemRegisterCancelResponse {}.into())
            .ok_or(Failure::INVALID_CROSS_REF_ID)
    }

    /// Accepts the request, then sends the list in segments (ECMA-269).
    fn list_lines(&mut self, request: &GetSwitchingFunctionDevices, reply: Responder) {
        let cross_ref = ServiceCrossRefId::from(self.next_serial().to_string());
        let response = GetSwitchingFunctionDevicesResponse {
            service_cross_ref_id: cross_ref.clone(),
        };
        self.answer(reply, Ok(response.into()));
        // Phones list the identity that they register with, too.
        let log_on = DeviceId::from(format!(
            "sip:{}@{}",
            self.mac.bare(),
            self.context.server.host()
        ));
        let wanted = |device: &&DeviceId| {
            let asked = request.requested_device_id.as_ref();
            asked.is_none_or(|asked| asked.user() == device.user())
        };
        let devices: Vec<ListedDevice> = std::iter::once(&log_on)
            .chain(self.lines.iter().map(|(_, device)| device))
            .filter(wanted)
            .map(|device| ListedDevice {
                device_id: Some(device.clone()),
                device_category: Some(DeviceCategory::STATION),
                device_model_name: Some(self.maker.model().to_owned()),
                ..ListedDevice::default()
            })
            .collect();
        let count = devices.len().div_ceil(SEGMENT).max(1);
        for segment in 0..count {
            let part = devices.iter().skip(segment * SEGMENT).take(SEGMENT);
            let last_segment = segment + 1 == count;
            self.send_segment(SwitchingFunctionDevices {
                service_cross_ref_id: cross_ref.clone(),
                segment_id: u32::try_from(segment + 1).ok().filter(|_| count > 1),
                last_segment,
                device_list: part.cloned().collect(),
            });
        }
    }

    /// Sends a segment. The server's response to the last one completes the list.
    fn send_segment(&self, part: SwitchingFunctionDevices) {
        let id = self.session.as_ref().and_then(|session| session.id);
        if let (Some(session), Some(link)) = (id, &self.link) {
            let ticket = if part.last_segment { LAST_PART } else { 0 };
            let content = self.write(part).into();
            link.do_send(Invoke {
                session,
                ticket,
                content,
            });
        }
    }

    fn monitor(&mut self, request: MonitorStart) -> Result<Response, Failure> {
        let MonitorObject::Device(device) = request.monitor_object else {
            return Err(Failure::INVALID_MONITOR_OBJECT);
        };
        let own = self
            .lines
            .iter()
            .find(|(_, own)| own.user() == device.user());
        let (line, _) = *own.ok_or(Failure::INVALID_DEVICE_ID)?;
        let cross_ref = MonitorCrossRefId::from(self.next_serial().to_string());
        let filter = request.requested_monitor_filter.unwrap_or_default();
        if let Some(session) = &mut self.session {
            session.monitors.push(Monitor {
                cross_ref: cross_ref.clone(),
                line,
                filter,
            });
        }
        Ok(MonitorStartResponse {
            monitor_cross_ref_id: cross_ref,
            actual_monitor_filter: request.requested_monitor_filter,
            monitor_existing_calls: Some(true),
        }
        .into())
    }

    fn unmonitor(&mut self, request: &MonitorStop) -> Result<Response, Failure> {
        let session = self
            .session
            .as_mut()
            .ok_or(Failure::INVALID_MONITOR_CROSS_REF_ID)?;
        let index = session
            .monitors
            .iter()
            .position(|monitor| monitor.cross_ref == request.monitor_cross_ref_id)
            .ok_or(Failure::INVALID_MONITOR_CROSS_REF_ID)?;
        session.monitors.remove(index);
        Ok(MonitorStopResponse {}.into())
    }

    fn filter(&mut self, request: ChangeMonitorFilter) -> Result<Response, Failure> {
        let monitor = self
            .session
            .as_mut()
            .and_then(|session| {
                session
                    .monitors
                    .iter_mut()
                    .find(|monitor| monitor.cross_ref == request.monitor_cross_ref_id)
            })
            .ok_or(Failure::INVALID_MONITOR_CROSS_REF_ID)?;
        monitor.filter = request.requested_filter_list;
        Ok(ChangeMonitorFilterResponse {
            actual_filter_list: Some(request.requested_filter_list),
        }
        .into())
    }
}

fn normal() -> RequestSystemStatusResponse {
    RequestSystemStatusResponse {
        system_status: SystemStatusValue::NORMAL,
    }
}
