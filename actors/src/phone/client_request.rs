//! A client's request to a phone, while the client waits for the response.

use std::{sync::Arc, time::Duration};

use uacsta_schema::{
    csta::{self, Changes, DeviceId, Dialect, Document, DocumentLimits, Message},
    phone_id::PhoneId,
};

use super::{emulation::EmulationStep, monitors::MonitoredLines};
use crate::{refusal::Refusal, sip::responder::Responder};

/// A client's request that the server itself parses.
pub(super) struct ClientRequest {
    pub(super) document: Arc<Document>,
    /// The line by the phone's name, if the client used another name.
    pub(super) device: Option<Arc<str>>,
    pub(super) responder: Responder,
    pub(super) dialect: Dialect,
    /// The time at which the client gets an error, on the server's clock.
    pub(super) deadline: Duration,
}

impl ClientRequest {
    /// Parses the request, and inserts the line by the phone's name.
    ///
    /// # Errors
    /// The document is not a request of a typed service, or lacks a mandatory member.
    pub(super) fn read(&self) -> Result<csta::Request, Refusal> {
        let completed = self.document.relayed(&Changes {
            edition: self.document.edition().unwrap_or_default(),
            cross_ref: None,
            device: self.device.as_deref(),
        });
        let read = Document::read_within(completed, DocumentLimits::NONE);
        match read.and_then(|document| document.message()) {
            Ok(Message::Request(request)) => Ok(request),
            Ok(_) => Err(Refusal::NotSupported),
            Err(error) => Err(Refusal::Malformed(error.to_string())),
        }
    }

    /// The line by the phone's name; empty if the request names no line.
    pub(super) fn line(&self) -> DeviceId {
        match (&self.device, self.document.device()) {
            (Some(device), _) => DeviceId::from(&**device),
            (None, Some(device)) => DeviceId::from(&*device),
            (None, None) => DeviceId::default(),
        }
    }

    /// Responds with the message, or with the CSTA error of the refusal, which is logged.
    pub(super) fn respond(self, phone: PhoneId, answer: Result<Message, Refusal>) {
        let response = answer.unwrap_or_else(|refusal| {
            tracing::info!(%phone, service = self.document.name(), reason = %refusal, "request refused");
            refusal.failure().into()
        });
        self.responder.csta(csta::write(&response, &self.dialect));
    }
}

/// A client's emulated request, while the phone performs one of its steps.
pub(super) struct EmulatedRequest {
    pub(super) client: ClientRequest,
    pub(super) step: EmulationStep,
}

/// Whether a request may reach hidden lines: it names only their calls, or its service has no member for a line.
pub(super) fn reaches_hidden(
    document: &Document,
    hidden: &[DeviceId],
    lines: &[DeviceId],
    monitored: &MonitoredLines,
) -> bool {
    if hidden.is_empty() {
        return false;
    }
    if document.is_for_no_line() {
        return true;
    }
    let (calls, _) = document.connections();
    calls.iter().any(|call| {
        let mut visible = lines.iter().filter(|line| !hidden.contains(line));
        hidden.iter().any(|line| monitored.knows_call(line, call))
            && !visible.any(|line| monitored.knows_call(line, call))
    })
}
