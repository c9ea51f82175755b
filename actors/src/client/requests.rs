//! Requests of clients: their responses, and whether the server or a phone carries out each.

use std::{cell::Cell, sync::Arc};

use uacsta_schema::{
    csta::{
        self, Changes, DeviceId, Document, DocumentLimits, Message, ReadError, Request, ServiceId,
    },
    phone_id::PhoneId,
};

use super::{messages::ClientName, rights::Rights, sessions::Scope};
use crate::{refusal::Refusal, sip::responder::Responder};

/// A client's CSTA request without a response yet.
pub(super) struct CstaRequest {
    /// The key of the session.
    pub(super) session: u64,
    /// The phone of a line's session, for the log.
    pub(super) phone: Option<PhoneId>,
    pub(super) document: Arc<Document>,
    pub(super) reply: Responder,
}

impl CstaRequest {
    /// Sends a response in the dialect of the request.
    pub(super) fn respond(self, response: impl Into<Message>) {
        let dialect = self.document.dialect();
        self.reply.csta(csta::write(&response.into(), &dialect));
    }

    /// Logs why the request of this client is refused, and sends the CSTA error.
    pub(super) fn refuse(self, client: &ClientName, refusal: &Refusal) {
        let phone = self.phone.map(tracing::field::display);
        tracing::info!(client = %client.user, peer = %client.peer, phone, service = self.document.name(), reason = %refusal, "request refused");
        self.respond(refusal.failure());
    }

    /// Sends the response, or refuses the request of this client.
    pub(super) fn conclude(
        self,
        client: &ClientName,
        response: Result<impl Into<Message>, Refusal>,
    ) {
        match response {
            Ok(response) => self.respond(response),
            Err(refusal) => self.refuse(client, &refusal),
        }
    }
}

/// Counts the requests, and those without a response: the responder of each holds a reference.
#[derive(Default)]
pub(super) struct PendingCount {
    pending: Arc<()>,
    total: Cell<u64>,
}

impl PendingCount {
    pub(super) fn get(&self) -> usize {
        Arc::strong_count(&self.pending) - 1
    }

    /// All requests so far.
    pub(super) fn total(&self) -> u64 {
        self.total.get()
    }

    /// Counts a request until its response.
    pub(super) fn hold(&self, reply: Responder) -> Responder {
        self.total.set(self.total.get() + 1);
        reply.counted(&self.pending)
    }
}

/// The actor that carries out a request.
#[derive(Debug)]
pub(super) enum Route {
    /// The server, with the parsed request.
    Server(Box<Request>),
    /// The phone, which receives the relayed document.
    Phone,
}

/// Decides whether the server or the phone carries out a request in a session of this scope.
///
/// # Errors
/// The request lacks a member, the user lacks a right, or the server does not support the service.
pub(super) fn route(
    service: ServiceId,
    request: &Document,
    scope: &Scope,
    rights: &Rights,
) -> Result<Route, Refusal> {
    // The phone would list the server's own monitors and registrations.
    if matches!(
        service,
        ServiceId::GetMonitors | ServiceId::GetRegistrations
    ) {
        return Err(Refusal::NotSupported);
    }
    if !rights.allow(service) {
        return Err(Refusal::MonitorOnly);
    }
    if !is_servers(service, request, scope, rights) {
        return match request.missing() {
            None => Ok(Route::Phone),
            Some(member) => Err(Refusal::Malformed(format!("<{member}> is missing"))),
        };
    }
    match completed(request, scope).and_then(|request| request.message()) {
        Ok(Message::Request(request)) => Ok(Route::Server(Box::new(request))),
        // The catalogue gives each service of the server a type.
        Ok(_) => Err(Refusal::NotSupported),
        Err(_) if request.device().is_none() && scope.is_server() && service.needs_device() => {
            Err(Refusal::LineMissing)
        }
        Err(error) => Err(Refusal::Malformed(error.to_string())),
    }
}

/// Whether the server itself carries out a request: by the catalogue, and monitors and calls from a number of the user's own.
fn is_servers(service: ServiceId, request: &Document, scope: &Scope, rights: &Rights) -> bool {
    match service {
        // The features of a line are those of its phone.
        ServiceId::GetCSTAFeatures => scope.is_server() && request.private_line().is_none(),
        ServiceId::MonitorStart | ServiceId::MonitorStop => true,
        ServiceId::MakeCall => {
            let device = request.device();
            device.is_some_and(|device| rights.own_number(&DeviceId::from(&*device)).is_some())
        }
        service => service.is_by_server(),
    }
}

/// The request, with the line of its session or of its private data inserted if the request names no device.
fn completed(request: &Document, scope: &Scope) -> Result<Document, ReadError> {
    let line = match scope {
        _ if request.device().is_some() => None,
        Scope::Line { name, .. } => Some(name.as_str().into()),
        Scope::Server => request.private_line(),
    };
    let Some(line) = line else {
        return Ok(request.clone());
    };
    let completed = request.relayed(&Changes {
        edition: request.edition().unwrap_or_default(),
        cross_ref: None,
        device: Some(&line),
    });
    Document::read_within(completed, DocumentLimits::NONE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::fixtures::{document, line, request};

    #[test]
    fn requests_are_routed_by_service_rights_and_scope() {
        let of_line = Scope::line(
            DeviceId::from("215"),
            line("000413000001", "sip:215@example.com"),
        );
        let check = |scope: &Scope, rights: &Rights, root: &str, content: &str, expected: &str| {
            let request = document(root, content);
            let service = request.service().unwrap();
            let routed = match route(service, &request, scope, rights) {
                Ok(Route::Phone) => "phone".to_owned(),
                Ok(Route::Server(request)) => format!("server: {}", request.name()),
                Err(refusal) => format!("{refusal:?}"),
            };
            assert!(routed.starts_with(expected), "{root} {content}: {routed}");
        };
        let (server, all, monitor_only) = (
            &Scope::Server,
            &Rights::all(&uacsta_config::Numbers::default()),
            &Rights::to_monitor(),
        );
        let call =
            "<callingDevice>215</callingDevice><calledDirectoryNumber>1</calledDirectoryNumber>";
        check(server, all, "MakeCall", call, "phone");
        check(server, monitor_only, "MakeCall", call, "MonitorOnly");
        check(
            server,
            all,
            "MakeCall",
            "<callingDevice>215</callingDevice>",
            "Malformed",
        );
        check(
            server,
            monitor_only,
            "SnapshotDevice",
            "<snapshotObject>215</snapshotObject>",
            "phone",
        );
        check(server, all, "GetMonitors", "", "NotSupported");
        check(server, all, "GetRegistrations", "", "NotSupported");
        check(server, all, "MonitorStart", "", "LineMissing");
        check(
            &of_line,
            monitor_only,
            "MonitorStart",
            "",
            "server: MonitorStart",
        );
        check(server, all, "MonitorStop", "", "Malformed");
        check(server, all, "SystemRegister", "", "Malformed");
        check(
            server,
            all,
            "GetCSTAFeatures",
            "",
            "server: GetCSTAFeatures",
        );
        check(&of_line, all, "GetCSTAFeatures", "", "phone");
        check(&of_line, all, "GetDoNotDisturb", "", "phone");
        check(
            &of_line,
            all,
            "RequestSystemStatus",
            "",
            "server: RequestSystemStatus",
        );
    }

    #[test]
    fn a_request_counts_until_its_response() {
        let pending = PendingCount::default();
        let mut first = request(1, "MonitorStop", "");
        first.reply = pending.hold(first.reply);
        let second = pending.hold(request(1, "MonitorStop", "").reply);
        assert_eq!(pending.get(), 2);
        first.respond(Refusal::Busy.failure());
        assert_eq!(pending.get(), 1);
        drop(second);
        assert_eq!(pending.get(), 0);
    }
}
