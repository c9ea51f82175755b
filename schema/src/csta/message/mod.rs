//! Typed messages: reading them from a document and writing them.

use bytes::Bytes;

use super::{
    catalogue::{EventId, FAILURE, Kind, ServiceId},
    document::Document,
    edition::Dialect,
    element::Element,
    error::ReadError,
    event::*,
    failure::Failure,
    member::Member,
    service::*,
    types::MonitorCrossRefId,
    writer::Writer,
};

/// The typed content of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The request of a service.
    Request(Request),
    /// The positive response to a request.
    Response(Response),
    /// The negative response to any request.
    Failure(Failure),
    /// An event that a monitor reports.
    Event(ReportedEvent),
    /// A one-way service outside a monitor.
    Notification(Notification),
    /// The local name of a root element without a type. A relay passes it on; [`write()`] writes it without members.
    Unknown(Box<str>),
}

/// Writes a root element with its members.
fn whole(out: &mut Writer<'_>, root: &str, members: impl FnOnce(&mut Writer<'_>)) {
    out.open(root);
    members(out);
    out.close(root);
}

/// An event with the cross reference of its monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedEvent {
    /// The monitor; `None` in an event for several monitors, each of which inserts its own.
    pub monitor_cross_ref_id: Option<MonitorCrossRefId>,
    /// The body of the event.
    pub event: Event,
}

/// The request of a service, with the type of its response.
pub trait Service: Into<Request> {
    /// The positive response to the request.
    type Response: TryFrom<Response, Error = Response> + Into<Response>;
    /// The service in the catalogue.
    const ID: ServiceId;
}

/// Writes a document in the edition and with the prefix of `dialect`.
pub fn write(message: &Message, dialect: &Dialect) -> Bytes {
    let mut out = Writer::new(dialect);
    match message {
        Message::Request(request) => {
            whole(&mut out, request.name(), |out| request.write_members(out));
        }
        Message::Response(response) => {
            whole(&mut out, response.name(), |out| response.write_members(out));
        }
        Message::Failure(failure) => failure.write(&mut out, FAILURE),
        Message::Event(reported) => reported.write(&mut out),
        Message::Notification(notification) => whole(&mut out, notification.name(), |out| {
            notification.write_members(out);
        }),
        Message::Unknown(name) => out.text_element(name, ""),
    }
    out.into_bytes()
}

impl Document {
    /// Reads the members of the document as types; this is the second pass.
    ///
    /// # Errors
    /// A mandatory member is missing, or the content of a member violates its type; the error names element and member.
    pub fn message(&self) -> Result<Message, ReadError> {
        let root = Element::parse(self.text())?;
        Message::read(&root, self.kind())
    }
}

impl Message {
    /// The local name of the root element.
    pub fn name(&self) -> &str {
        match self {
            Self::Request(request) => request.name(),
            Self::Response(response) => response.name(),
            Self::Failure(_) => FAILURE,
            Self::Event(reported) => reported.event.name(),
            Self::Notification(notification) => notification.name(),
            Self::Unknown(name) => name,
        }
    }

    fn read(root: &Element<'_>, kind: Kind) -> Result<Self, ReadError> {
        let typed = match kind {
            Kind::Request(service) => Request::read(service, root)?.map(Self::Request),
            Kind::Response(service) => Response::read(service, root)?.map(Self::Response),
            Kind::Event(event) => ReportedEvent::read(event, root)?.map(Self::Event),
            Kind::Notification(service) => {
                Notification::read(service, root)?.map(Self::Notification)
            }
            Kind::Failure => Some(Self::Failure(Failure::read(root)?)),
            Kind::Unknown => None,
        };
        Ok(typed.unwrap_or_else(|| Self::Unknown(root.name.into())))
    }
}

impl ReportedEvent {
    fn read(id: EventId, root: &Element<'_>) -> Result<Option<Self>, ReadError> {
        let Some(event) = Event::read(id, root)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            monitor_cross_ref_id: root.member(CROSS_REF)?,
            event,
        }))
    }

    fn write(&self, out: &mut Writer<'_>) {
        whole(out, self.event.name(), |out| {
            self.monitor_cross_ref_id.write(out, CROSS_REF);
            self.event.write_members(out);
        });
    }
}

/// The member of all events that identifies the monitor.
const CROSS_REF: &str = "monitorCrossRefID";

impl Event {
    /// Adds the cross reference of a monitor.
    pub fn reported_by(self, monitor: MonitorCrossRefId) -> ReportedEvent {
        ReportedEvent {
            monitor_cross_ref_id: Some(monitor),
            event: self,
        }
    }
}

impl From<ReportedEvent> for Message {
    fn from(reported: ReportedEvent) -> Self {
        Self::Event(reported)
    }
}

/// Leaves the cross reference open.
impl From<Event> for ReportedEvent {
    fn from(event: Event) -> Self {
        Self {
            monitor_cross_ref_id: None,
            event,
        }
    }
}

impl From<Failure> for Message {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Defines an enumeration of messages: the catalogue row, and the root element, which is also the type's name. Rows for
/// which `needed` holds must be among them; the compiler names one that is not. The others are relayed only.
macro_rules! roots {
    ($( #[$meta:meta] )* $kind:ident by $id:ident, needed if $needed:ident: $( $row:ident => $name:ident ),+ $(,)?) => {
        $( #[$meta] )*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $kind {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                $name($name),
            )+
        }

        impl $kind {
            /// The local name of the root element.
            pub fn name(&self) -> &'static str {
                match self {
                    $( Self::$name(_) => stringify!($name), )+
                }
            }

            /// The service or event in the catalogue.
            pub fn id(&self) -> $id {
                match self {
                    $( Self::$name(_) => $id::$row, )+
                }
            }

            /// `None` for a message without a type.
            fn read(id: $id, root: &Element<'_>) -> Result<Option<Self>, ReadError> {
                match id {
                    $( $id::$row => $name::read(root).map(|message| Some(Self::$name(message))), )+
                    _ => Ok(None),
                }
            }

            const fn is_typed(id: $id) -> bool {
                matches!(id, $( $id::$row )|+)
            }

            fn write_members(&self, out: &mut Writer<'_>) {
                match self {
                    $( Self::$name(message) => message.write_members(out), )+
                }
            }
        }

        // The name in the compiler's error is a row whose type is missing here.
        const _: () = {
            let mut at = 0;
            while at < $id::ALL.len() {
                let id = $id::ALL[at];
                if id.$needed() && !$kind::is_typed(id) {
                    panic!("{}", id.name());
                }
                at += 1;
            }
        };

        impl From<$kind> for Message {
            fn from(message: $kind) -> Self {
                Self::$kind(message.into())
            }
        }

        $(
            impl From<$name> for $kind {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }

            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    $kind::from(message).into()
                }
            }

            impl TryFrom<$kind> for $name {
                type Error = $kind;

                fn try_from(message: $kind) -> Result<Self, $kind> {
                    match message {
                        $kind::$name(message) => Ok(message),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

/// Defines requests and responses together.
macro_rules! services {
    ($( $request:ident => $response:ident ),+ $(,)?) => {
        roots! {
            /// The request of a service.
            Request by ServiceId, needed if needs_typed_request: $( $request => $request ),+
        }
        roots! {
            /// The positive response to a request.
            Response by ServiceId, needed if needs_typed_request: $( $request => $response ),+
        }
        $(
            impl Service for $request {
                type Response = $response;
                const ID: ServiceId = ServiceId::$request;
            }
        )+
    };
}

services! {
    RequestSystemStatus => RequestSystemStatusResponse,
    SystemStatus => SystemStatusResponse,
    SystemRegister => SystemRegisterResponse,
    SystemRegisterCancel => SystemRegisterCancelResponse,
    GetCSTAFeatures => GetCSTAFeaturesResponse,
    GetSwitchingFunctionDevices => GetSwitchingFunctionDevicesResponse,
    GetLogicalDeviceInformation => GetLogicalDeviceInformationResponse,
    GetPhysicalDeviceInformation => GetPhysicalDeviceInformationResponse,
    MonitorStart => MonitorStartResponse,
    MonitorStop => MonitorStopResponse,
    ChangeMonitorFilter => ChangeMonitorFilterResponse,
    SnapshotDevice => SnapshotDeviceResponse,
    SnapshotCall => SnapshotCallResponse,
    MakeCall => MakeCallResponse,
    AnswerCall => AnswerCallResponse,
    ClearConnection => ClearConnectionResponse,
    ClearCall => ClearCallResponse,
    HoldCall => HoldCallResponse,
    RetrieveCall => RetrieveCallResponse,
    AlternateCall => AlternateCallResponse,
    ReconnectCall => ReconnectCallResponse,
    ConsultationCall => ConsultationCallResponse,
    TransferCall => TransferCallResponse,
    ConferenceCall => ConferenceCallResponse,
    SingleStepTransferCall => SingleStepTransferCallResponse,
    SingleStepConferenceCall => SingleStepConferenceCallResponse,
    DeflectCall => DeflectCallResponse,
    DirectedPickupCall => DirectedPickupCallResponse,
    DialDigits => DialDigitsResponse,
    GenerateDigits => GenerateDigitsResponse,
    GetDoNotDisturb => GetDoNotDisturbResponse,
    SetDoNotDisturb => SetDoNotDisturbResponse,
    GetForwarding => GetForwardingResponse,
    SetForwarding => SetForwardingResponse,
    GetMessageWaitingIndicator => GetMessageWaitingIndicatorResponse,
    SetMessageWaitingIndicator => SetMessageWaitingIndicatorResponse,
    GetMicrophoneMute => GetMicrophoneMuteResponse,
    SetMicrophoneMute => SetMicrophoneMuteResponse,
    GetSpeakerMute => GetSpeakerMuteResponse,
    SetSpeakerMute => SetSpeakerMuteResponse,
    GetSpeakerVolume => GetSpeakerVolumeResponse,
    SetSpeakerVolume => SetSpeakerVolumeResponse,
}

roots! {
    /// An event that a monitor reports.
    Event by EventId, needed if needs_type:
        ServiceInitiatedEvent => ServiceInitiatedEvent,
        DigitsDialedEvent => DigitsDialedEvent,
        OriginatedEvent => OriginatedEvent,
        NetworkReachedEvent => NetworkReachedEvent,
        NetworkCapabilitiesChangedEvent => NetworkCapabilitiesChangedEvent,
        OfferedEvent => OfferedEvent,
        DeliveredEvent => DeliveredEvent,
        EstablishedEvent => EstablishedEvent,
        HeldEvent => HeldEvent,
        RetrievedEvent => RetrievedEvent,
        DivertedEvent => DivertedEvent,
        FailedEvent => FailedEvent,
        QueuedEvent => QueuedEvent,
        ConnectionClearedEvent => ConnectionClearedEvent,
        CallClearedEvent => CallClearedEvent,
        TransferedEvent => TransferedEvent,
        ConferencedEvent => ConferencedEvent,
        DigitsGeneratedEvent => DigitsGeneratedEvent,
        DoNotDisturbEvent => DoNotDisturbEvent,
        ForwardingEvent => ForwardingEvent,
        MessageWaitingEvent => MessageWaitingEvent,
        MicrophoneMuteEvent => MicrophoneMuteEvent,
        SpeakerMuteEvent => SpeakerMuteEvent,
        SpeakerVolumeEvent => SpeakerVolumeEvent,
        BackInServiceEvent => BackInServiceEvent,
        OutOfServiceEvent => OutOfServiceEvent,
}

roots! {
    /// A one-way service outside a monitor.
    Notification by ServiceId, needed if needs_typed_notification:
        SwitchingFunctionDevices => SwitchingFunctionDevices,
        SwFunctionDevicesChanged => SwFunctionDevicesChanged,
        SystemRegisterAbort => SystemRegisterAbort,
}

#[cfg(test)]
mod tests;
