//! Requests whose client was told of a time-out: what a late success of the phone leads to.

use uacsta_schema::csta::{
    ClearConnection, ConnectionId, DeviceId, Document, Message, Request, Response, RetrieveCall,
    ServiceId,
};

use super::{PhoneRequest, Requester};

/// A request past its deadline that the phone may still perform.
pub(in crate::phone) enum LateRequest {
    /// MonitorStart of this line.
    MonitorStart(DeviceId),
    /// This service, by which a client places a call: nobody asks for the call any more.
    Call(ServiceId),
    /// HoldCall of the active call of an AlternateCall that was given up.
    Hold(ConnectionId),
}

impl LateRequest {
    /// `None` if nothing depends on the late response.
    pub(super) fn of(request: &PhoneRequest) -> Option<Self> {
        let requester = &request.requester;
        match (requester, request.service) {
            (Requester::MonitorStart(line), _) => Some(Self::MonitorStart(line.clone())),
            (_, ServiceId::MakeCall | ServiceId::ConsultationCall) if requester.is_of_others() => {
                Some(Self::Call(request.service))
            }
            (Requester::Emulation(emulated), ServiceId::HoldCall) => {
                emulated.step.active_call().cloned().map(Self::Hold)
            }
            _ => None,
        }
    }

    /// The request that undoes what the phone did with this response.
    pub(in crate::phone) fn undone_by(&self, response: &Document) -> Option<Request> {
        if let Self::Hold(active) = self {
            let call_to_be_retrieved = active.clone();
            return Some(
                RetrieveCall {
                    call_to_be_retrieved,
                }
                .into(),
            );
        }
        let connection_to_be_cleared = match response.message().ok()? {
            Message::Response(Response::MakeCallResponse(made)) => made.calling_device,
            Message::Response(Response::ConsultationCallResponse(made)) => made.initiated_call,
            _ => return None,
        };
        let clear = ClearConnection {
            connection_to_be_cleared,
            ..ClearConnection::default()
        };
        Some(clear.into())
    }

    /// The service of the response.
    pub(in crate::phone) fn service(&self) -> ServiceId {
        match self {
            Self::MonitorStart(_) => ServiceId::MonitorStart,
            Self::Call(service) => *service,
            Self::Hold(_) => ServiceId::HoldCall,
        }
    }
}
