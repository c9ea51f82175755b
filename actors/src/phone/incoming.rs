//! What the phone sends by itself: events, its list of lines, and requests.

use std::sync::Arc;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::{
    csta::{
        self, Document, Failure, Kind, Message, MonitorStopResponse, Notification, Request,
        RequestSystemStatusResponse, SystemStatusResponse, SystemStatusValue,
    },
    sip::Status,
};

use super::Phone;
use crate::{
    sip::responder::{FinalResponse, Responder},
    truncated::Truncated,
};

impl Phone {
    /// A CSTA document came from the phone.
    pub(super) fn asked(&mut self, body: Bytes, reply: Responder, ctx: &mut Context<Self>) {
        let document = match self.context.read(body) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(phone = %self.phone, %error, "what the phone sent is not CSTA");
                return reply
                    .with(FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()));
            }
        };
        match document.kind() {
            Kind::Event(_) => {
                reply.ok();
                self.observed(Arc::new(document));
            }
            Kind::Request(_) => {
                let answer = self.requested(&document);
                reply.csta(csta::write(&answer, &document.dialect()));
            }
            Kind::Notification(_) => {
                // What the phone told holds before it is told that it was heard.
                self.notified(&document, ctx);
                reply.ok();
            }
            Kind::Response(_) | Kind::Failure | Kind::Unknown => {
                tracing::warn!(phone = %self.phone, root = %Truncated(document.name()), "the phone sent neither an event nor a request");
                reply.with(FinalResponse::from(Status::BAD_REQUEST).because(format!(
                    "{} is neither an event nor a request",
                    Truncated(document.name())
                )));
            }
        }
    }

    /// The phone's last document came once more: it is answered as before. Its requests may be done twice; events and
    /// notifications are told once.
    pub(super) fn asked_again(&mut self, body: Bytes, reply: Responder) {
        tracing::debug!(phone = %self.phone, "the phone sent its last document once more");
        match self.context.read(body) {
            Ok(document) if document.service().is_some() => {
                let answer = self.requested(&document);
                reply.csta(csta::write(&answer, &document.dialect()));
            }
            Ok(document) if matches!(document.kind(), Kind::Event(_) | Kind::Notification(_)) => {
                reply.ok();
            }
            _ => reply.with(Status::BAD_REQUEST),
        }
    }

    /// The answer to a request of the phone's.
    fn requested(&mut self, document: &Document) -> Message {
        match document.message() {
            Ok(Message::Request(Request::SystemStatus(status))) => {
                tracing::info!(phone = %self.phone, status = %status.system_status, "the phone reports its system status");
                SystemStatusResponse::default().into()
            }
            Ok(Message::Request(Request::RequestSystemStatus(_))) => RequestSystemStatusResponse {
                system_status: SystemStatusValue::NORMAL,
            }
            .into(),
            Ok(Message::Request(Request::MonitorStop(stop))) => {
                self.monitor_stopped(stop.monitor_cross_ref_id.as_str());
                MonitorStopResponse::default().into()
            }
            Ok(_) => {
                tracing::info!(phone = %self.phone, service = document.name(), "the phone asks for what the server does not do");
                Failure::SERVICE_NOT_SUPPORTED.into()
            }
            Err(error) => {
                tracing::warn!(phone = %self.phone, %error, "a request of the phone cannot be read");
                Failure::GENERIC.into()
            }
        }
    }

    fn notified(&mut self, document: &Document, ctx: &mut Context<Self>) {
        match document.message() {
            Ok(Message::Notification(Notification::SwitchingFunctionDevices(part))) => {
                self.listed(part, ctx);
            }
            Ok(Message::Notification(Notification::SwFunctionDevicesChanged(_))) => {
                self.ask_for_lines(ctx);
            }
            Ok(Message::Notification(Notification::SystemRegisterAbort(_))) => {
                self.system_register(ctx);
            }
            Ok(_) => {
                tracing::debug!(phone = %self.phone, notification = document.name(), "notification without use");
            }
            Err(error) => {
                tracing::warn!(phone = %self.phone, %error, "a notification of the phone cannot be read");
            }
        }
    }
}
