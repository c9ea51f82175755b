//! A client's request to a phone, while the client waits for the response.

use std::{sync::Arc, time::Duration};

use uacsta_schema::{
    csta::{self, Changes, DeviceId, Dialect, Document, DocumentLimits, Message},
    phone_id::PhoneId,
};

use super::{emulation::EmulationStep, monitors::MonitoredLines};
use crate::{refusal::Refusal, sip::responder::Responder};

/// A client's request that the server itself has to understand.
pub(super) struct ClientRequest {
    pub(super) document: Arc<Document>,
    /// The line by the phone's name of it, where the client named it otherwise.
    pub(super) device: Option<Arc<str>>,
    pub(super) responder: Responder,
    pub(super) dialect: Dialect,
    /// When the client gets an error instead of a response, on the server's clock.
    pub(super) deadline: Duration,
}

impl ClientRequest {
    /// Parses the request, with the line by the phone's name of it, also where the client left it out.
    ///
    /// # Errors
    /// A document that is no request of a typed service, or lacks one of its members.
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

    /// The line by the phone's name of it; empty where the request names none.
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
            tracing::info!(%phone, service = self.document.name(), %refusal, "request refused");
            refusal.failure().into()
        });
        self.responder.csta(csta::write(&response, &self.dialect));
    }
}

/// A client's request that is emulated, while the phone performs a step of it.
pub(super) struct EmulatedRequest {
    pub(super) client: ClientRequest,
    pub(super) step: EmulationStep,
}

/// Whether a request names calls of lines only that its client may not see, or may reach any line since it has no place for
/// one.
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
