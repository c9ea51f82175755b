//! What the audit log says of a CSTA request of an operator: service, line, masked number and result.

use serde::Serialize;
use uacsta_connect::ProbeOutcome;
use uacsta_schema::csta::{DeviceId, Document, Message, Request};

/// A CSTA request in the audit log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditedRequest {
    service: &'static str,
    /// The phone's name for the line that is controlled; null where the request names none.
    line: Option<String>,
    /// Whom the request calls, or to whom calls go, without the last digits; null where it names nobody.
    number: Option<String>,
    /// What the phone did; null where it was not asked.
    pub(super) result: Option<ProbeOutcome>,
}

/// How many characters at the end of a number are hidden.
const HIDDEN: usize = 3;

impl AuditedRequest {
    pub(super) fn of(service: &'static str, document: &Document) -> Self {
        let number = match document.message() {
            Ok(Message::Request(request)) => destination(&request).map(masked),
            _ => None,
        };
        Self {
            service,
            line: document.device().map(String::from),
            number,
            result: None,
        }
    }
}

/// Whom a request calls, or to whom calls go. Digits that are sent into a call may be a secret.
fn destination(request: &Request) -> Option<&DeviceId> {
    match request {
        Request::MakeCall(request) => Some(&request.called_directory_number),
        Request::ConsultationCall(request) => Some(&request.consulted_device),
        Request::DeflectCall(request) => request.new_destination.0.first(),
        Request::DialDigits(request) => Some(&request.dialling_sequence),
        Request::SetForwarding(request) => request.forward_dn.as_ref(),
        Request::SingleStepTransferCall(request) => Some(&request.transferred_to),
        Request::SingleStepConferenceCall(request) => Some(&request.device_to_join),
        _ => None,
    }
}

fn masked(number: &DeviceId) -> String {
    let user = number.user();
    let shown = user.chars().count().saturating_sub(HIDDEN);
    let hidden = "*".repeat(user.chars().count() - shown);
    user.chars().take(shown).collect::<String>() + &hidden
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn number_is_masked_wherever_a_request_has_one() {
        let connection =
            |name: &str| format!("<{name}><callID>1</callID><deviceID>215</deviceID></{name}>");
        let active = connection("activeCall");
        for (service, members, line, number) in [
            (
                "MakeCall",
                "<callingDevice>215</callingDevice><calledDirectoryNumber>tel:+4930123456</calledDirectoryNumber>".to_owned(),
                json!("215"),
                json!("+4930123***"),
            ),
            (
                "ConsultationCall",
                connection("existingCall") + "<consultedDevice>sip:216@pbx.example</consultedDevice>",
                json!("215"),
                json!("***"),
            ),
            (
                "DeflectCall",
                connection("callToBeDiverted") + "<newDestination>0171555</newDestination>",
                json!("215"),
                json!("0171***"),
            ),
            (
                "SingleStepTransferCall",
                active + "<transferredTo>12</transferredTo>",
                json!("215"),
                json!("**"),
            ),
            (
                "SetForwarding",
                "<device>215</device><activateForward>true</activateForward><forwardDN>0171555</forwardDN>".to_owned(),
                json!("215"),
                json!("0171***"),
            ),
            // Such as the code of a mailbox.
            (
                "GenerateDigits",
                connection("connectionToSendDigits") + "<charactersToSend>4711</charactersToSend>",
                json!("215"),
                Value::Null,
            ),
            ("GetDoNotDisturb", "<device>215</device>".to_owned(), json!("215"), Value::Null),
            ("RequestSystemStatus", String::new(), Value::Null, Value::Null),
            // The phone may know better what is missing.
            ("MakeCall", "<callingDevice>215</callingDevice>".to_owned(), json!("215"), Value::Null),
        ] {
            let text = format!("<{service}>{members}</{service}>");
            let document = Document::read(text.clone().into()).unwrap();
            let audited = AuditedRequest::of(document.service().unwrap().name(), &document);
            let expected = json!({ "service": service, "line": line, "number": number, "result": null });
            assert_eq!(json!(audited), expected, "{text}");
        }
    }
}
