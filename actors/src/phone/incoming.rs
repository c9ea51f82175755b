//! Classifies the documents that the phone sends unasked: events, requests and notifications.

use uacsta_schema::csta::{
    Document, Failure, Kind, Message, MonitorCrossRefId, MonitorStopResponse, Notification,
    Request, RequestSystemStatusResponse, SwitchingFunctionDevices, SystemStatusResponse,
    SystemStatusValue,
};

use crate::truncated::Truncated;

/// A document of the phone.
#[derive(Debug)]
pub(super) enum Incoming {
    /// An event of a monitor.
    Event(Document),
    /// A request, and its response; the text is for the log.
    Request(Message, String),
    /// The phone's system status, and the response.
    SystemStatus(SystemStatusValue, Message),
    /// MonitorStop of the switching function: the phone ended a monitor by itself (ECMA-269, section 15.1.2).
    MonitorStop(MonitorCrossRefId, Message),
    /// A part of the list of lines.
    Lines(SwitchingFunctionDevices),
    /// The list of lines has changed.
    LinesChanged,
    /// The phone ended the server's system registration.
    SystemRegisterAborted,
    /// A notification that the server does not use; the text is for the log.
    Ignored(String),
    /// A notification with an unreadable part; the text is for the log.
    Unreadable(String),
    /// A document that phones do not send; the text is for the phone and the log.
    Unexpected(String),
}

impl Incoming {
    /// Reads a document.
    pub(super) fn of(document: Document) -> Self {
        match document.kind() {
            Kind::Event(_) => Self::Event(document),
            Kind::Request(_) => match document.message() {
                Ok(Message::Request(request)) => Self::request(request),
                Ok(_) => Self::unsupported(),
                Err(error) => Self::Request(Failure::GENERIC.into(), error.to_string()),
            },
            Kind::Notification(_) => match document.message() {
                Ok(Message::Notification(notification)) => match notification {
                    Notification::SwitchingFunctionDevices(part) => Self::Lines(part),
                    Notification::SwFunctionDevicesChanged(_) => Self::LinesChanged,
                    Notification::SystemRegisterAbort(_) => Self::SystemRegisterAborted,
                },
                Ok(_) => Self::Ignored(Truncated(document.name()).to_string()),
                Err(error) => Self::Unreadable(error.to_string()),
            },
            Kind::Response(_) | Kind::Failure | Kind::Unknown => Self::Unexpected(format!(
                "{} is neither an event nor a request",
                Truncated(document.name())
            )),
        }
    }

    fn request(request: Request) -> Self {
        match request {
            Request::SystemStatus(request) => Self::SystemStatus(
                request.system_status,
                SystemStatusResponse::default().into(),
            ),
            Request::RequestSystemStatus(_) => {
                let system_status = SystemStatusValue::NORMAL;
                let response = RequestSystemStatusResponse { system_status }.into();
                Self::Request(response, "it checks the session".to_owned())
            }
            Request::MonitorStop(stop) => Self::MonitorStop(
                stop.monitor_cross_ref_id,
                MonitorStopResponse::default().into(),
            ),
            // Phones do not ask these of the server.
            Request::SystemRegister(_)
            | Request::SystemRegisterCancel(_)
            | Request::GetCSTAFeatures(_)
            | Request::GetSwitchingFunctionDevices(_)
            | Request::GetLogicalDeviceInformation(_)
            | Request::GetPhysicalDeviceInformation(_)
            | Request::MonitorStart(_)
            | Request::ChangeMonitorFilter(_)
            | Request::SnapshotDevice(_)
            | Request::SnapshotCall(_)
            | Request::MakeCall(_)
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
            | Request::SetSpeakerVolume(_) => Self::unsupported(),
        }
    }

    fn unsupported() -> Self {
        Self::Request(
            Failure::SERVICE_NOT_SUPPORTED.into(),
            "not supported".to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;

    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &str) {
        let read = Document::read(Bytes::copy_from_slice(document.as_bytes())).unwrap();
        let incoming = match Incoming::of(read) {
            Incoming::Event(event) => format!("event {}", event.name()),
            Incoming::Request(response, _) => format!("request {}", response.name()),
            Incoming::MonitorStop(cross_ref, response) => {
                format!("stop {} {}", cross_ref.as_str(), response.name())
            }
            Incoming::Lines(part) => format!("{} lines", part.device_list.len()),
            other => format!("{other:?}"),
        };
        assert_eq!(incoming, expected, "{document}");
    }

    #[test]
    fn each_kind_of_document_is_recognised() {
        check(
            "<HeldEvent><monitorCrossRefID>1</monitorCrossRefID></HeldEvent>",
            "event HeldEvent",
        );
        check(
            "<RequestSystemStatus/>",
            "request RequestSystemStatusResponse",
        );
        check("<MakeCall/>", "request CSTAErrorCode");
        check(
            "<MonitorStop><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
            "stop 7 MonitorStopResponse",
        );
        check("<MonitorStop/>", "request CSTAErrorCode");
        check(
            "<MonitorStopResponse/>",
            "Unexpected(\"MonitorStopResponse is neither an event nor a request\")",
        );
        check(
            "<x/>",
            "Unexpected(\"x is neither an event nor a request\")",
        );
    }
}
