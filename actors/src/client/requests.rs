//! What a client asks: answered by the server where it is the server's, else sent to the phone.

use std::sync::Arc;

use actix::{Context, prelude::SendError};
use bytes::Bytes;
use uacsta_schema::{
    csta::{self, Changes, Document, Limits, Message, ReadError, Request, SystemStatusResponse},
    sip::Status,
};

use super::{
    actor::{Client, Scope},
    features,
    listing::ListRequest,
};
use crate::{
    counters::Counter,
    phone,
    refusal::Refusal,
    sip::responder::{FinalResponse, Responder},
    truncated::Truncated,
};

impl Client {
    /// A CSTA document came from the client.
    pub(super) fn asked(
        &mut self,
        key: u64,
        body: Bytes,
        reply: Responder,
        ctx: &mut Context<Self>,
    ) {
        if !self.sessions.contains_key(&key) {
            return reply.nowhere();
        }
        let document = match self.context.read(body) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(client = %self.name, %error, "what the client sent is not CSTA");
                return reply
                    .with(FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()));
            }
        };
        if document.service().is_none() {
            tracing::warn!(client = %self.name, root = %Truncated(document.name()), "what the client sent is not a CSTA request");
            return reply.with(FinalResponse::from(Status::BAD_REQUEST).because(format!(
                "{} is not a CSTA request",
                Truncated(document.name())
            )));
        }
        if let Some(session) = self.sessions.get_mut(&key) {
            session.dialect = document.dialect();
        }
        // Each answer that is waited for holds one.
        let waiting = Arc::strong_count(&self.waiting) - 1;
        let most = self
            .context
            .config()
            .settings
            .limits
            .pending_requests_per_client;
        if waiting >= most {
            self.context.counters.count(Counter::TooManyOfClient);
            return self.refuse(
                self.mac_of(key),
                reply,
                &document.dialect(),
                document.name(),
                &Refusal::Busy,
            );
        }
        let reply = reply.counted(&self.waiting);
        // Whatever runs at a phone is the server's and other clients'.
        if matches!(document.name(), "GetMonitors" | "GetRegistrations") {
            return self.refuse(
                self.mac_of(key),
                reply,
                &document.dialect(),
                document.name(),
                &Refusal::NotSupported,
            );
        }
        if !self.rights.allow(document.name()) {
            return self.refuse(
                self.mac_of(key),
                reply,
                &document.dialect(),
                document.name(),
                &Refusal::WatchOnly,
            );
        }
        // What is the phone's goes to it as it is, read no further.
        if !self.does(&document) {
            return match document.missing() {
                None => self.relay(key, document, reply, ctx),
                Some(member) => self.refuse(
                    self.mac_of(key),
                    reply,
                    &document.dialect(),
                    document.name(),
                    &Refusal::Malformed(format!("<{member}> is missing")),
                ),
            };
        }
        match self
            .completed(key, &document)
            .and_then(|document| document.message())
        {
            Ok(Message::Request(request)) => self.typed(key, &request, document, reply, ctx),
            Ok(_) => self.relay(key, document, reply, ctx),
            Err(error) => {
                let nowhere = document.device().is_none()
                    && self.is_servers(key)
                    && needs_line(document.name());
                let refusal = match nowhere {
                    true => Refusal::LineMissing,
                    false => Refusal::Malformed(error.to_string()),
                };
                self.refuse(
                    self.mac_of(key),
                    reply,
                    &document.dialect(),
                    document.name(),
                    &refusal,
                );
            }
        }
    }

    /// Whether the server itself does what a request asks for, for which it reads the members.
    fn does(&self, request: &Document) -> bool {
        match request.name() {
            "RequestSystemStatus"
            | "SystemStatus"
            | "SystemRegister"
            | "SystemRegisterCancel"
            | "MonitorStart"
            | "MonitorStop"
            | "ChangeMonitorFilter"
            | "GetSwitchingFunctionDevices"
            | "GetCSTAFeatures" => true,
            "MakeCall" => request.device().is_some_and(|device| {
                self.rights
                    .own_number(&device.into_owned().into())
                    .is_some()
            }),
            _ => false,
        }
    }

    fn is_servers(&self, key: u64) -> bool {
        self.sessions
            .get(&key)
            .is_some_and(|session| matches!(session.scope, Scope::Server))
    }

    /// The request with the line in it that its session stands for, if it names none itself.
    fn completed(&self, key: u64, document: &Document) -> Result<Document, ReadError> {
        let line = match self.sessions.get(&key).map(|session| &session.scope) {
            _ if document.device().is_some() => None,
            Some(Scope::Line { name, .. }) => Some(name.as_str().into()),
            Some(Scope::Server) => document.private_line(),
            None => None,
        };
        match line {
            Some(line) => {
                let completed = document.relayed(&Changes {
                    edition: document.edition().unwrap_or_default(),
                    cross_ref: None,
                    device: Some(&line),
                });
                Document::read_within(completed, Limits::NONE)
            }
            None => Ok(document.clone()),
        }
    }

    fn typed(
        &mut self,
        key: u64,
        request: &Request,
        document: Document,
        reply: Responder,
        ctx: &mut Context<Self>,
    ) {
        let dialect = document.dialect();
        match request {
            Request::RequestSystemStatus(asked) => self.system_status(key, asked, &dialect, reply),
            Request::SystemStatus(_) => reply.csta(csta::write(
                &SystemStatusResponse::default().into(),
                &dialect,
            )),
            Request::MakeCall(call)
                if let Some(user) = self.rights.own_number(&call.calling_device) =>
            {
                self.make_call_via_office(key, user, call, &document, reply, ctx);
            }
            Request::MonitorStart(start) => self.monitor_start(key, start, &document, reply, ctx),
            Request::MonitorStop(_) => self.monitor_stop(key, &document, reply),
            Request::ChangeMonitorFilter(change) => {
                self.change_filter(key, change, &dialect, reply);
            }
            Request::GetSwitchingFunctionDevices(wanted) => {
                let wanted = ListRequest {
                    key,
                    which: wanted.clone(),
                    dialect,
                    reply,
                };
                self.list_lines(wanted, ctx);
            }
            // The server's registration at a phone is its own: a client registers with the server.
            Request::SystemRegister(asked) => {
                self.system_register(key, asked, &dialect, reply, ctx);
            }
            Request::SystemRegisterCancel(asked) => {
                self.system_register_cancel(key, asked, &dialect, reply);
            }
            Request::GetCSTAFeatures(_)
                if self.is_servers(key) && document.private_line().is_none() =>
            {
                reply.csta(csta::write(&features::of_server().into(), &dialect));
            }
            _ => self.relay(key, document, reply, ctx),
        }
    }

    /// A request that the phone does.
    fn relay(&mut self, key: u64, document: Document, reply: Responder, ctx: &mut Context<Self>) {
        let dialect = document.dialect();
        let document = Arc::new(document);
        let request = Arc::clone(&document);
        self.on_line(key, &document, ctx, move |client, line, _| {
            let (line, renamed) = match line {
                Ok(found) => found,
                Err(refusal) => {
                    return client.refuse(
                        client.mac_of(key),
                        reply,
                        &dialect,
                        request.name(),
                        &refusal,
                    );
                }
            };
            let asked = line.phone.try_send(phone::Request {
                document: request,
                device: renamed.then(|| line.entry.device.as_str().into()),
                hidden: client.hidden(&line).cloned().collect(),
                dialect,
                reply,
            });
            let (asked, refusal) = match asked {
                Ok(()) => return,
                Err(SendError::Closed(asked)) => (asked, Refusal::Away),
                Err(SendError::Full(asked)) => {
                    client.context.counters.count(Counter::TooManyRequests);
                    (asked, Refusal::Busy)
                }
            };
            client.refuse(
                Some(line.entry.phone),
                asked.reply,
                &asked.dialect,
                asked.document.name(),
                &refusal,
            );
        });
    }
}

/// Whether a service is for a line, which the server's session cannot stand for.
fn needs_line(service: &str) -> bool {
    !matches!(service, "MonitorStop" | "ChangeMonitorFilter") && !service.starts_with("System")
}
