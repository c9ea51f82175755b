//! Messages as types: what a document says, and how it is written.

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

/// What a document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The request of a service.
    Request(Request),
    /// The positive response to a request.
    Response(Response),
    /// The negative response to any request.
    Failure(Failure),
    /// An event of a monitor.
    Event(Event),
    /// What is reported outside a monitor.
    Notification(Notification),
    /// A root element that has no type here: its local name. It can be relayed, and written without members.
    Unknown(Box<str>),
}

/// A service: ties its request to its response, so that whoever invokes it gets the one that belongs to it.
pub trait Service: Into<Request> {
    /// Its positive response.
    type Response: TryFrom<Response, Error = Response> + Into<Response>;
    /// Its row of the catalogue.
    const ID: ServiceId;
}

/// Writes a document in the edition, and with the prefix, of `dialect`.
pub fn write(message: &Message, dialect: &Dialect) -> Bytes {
    let mut out = Writer::new(dialect);
    match message {
        Message::Request(request) => request.write(&mut out),
        Message::Response(response) => response.write(&mut out),
        Message::Failure(failure) => failure.write(&mut out, FAILURE),
        Message::Event(event) => event.write(&mut out),
        Message::Notification(notification) => notification.write(&mut out),
        Message::Unknown(name) => out.text_element(name, ""),
    }
    out.into_bytes()
}

impl Document {
    /// What the document says, as types: the second pass.
    ///
    /// # Errors
    /// A mandatory member is missing, or a member has a content that its type does not allow; the error names both.
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
            Self::Event(event) => event.name(),
            Self::Notification(notification) => notification.name(),
            Self::Unknown(name) => name,
        }
    }

    fn read(root: &Element<'_>, kind: Kind) -> Result<Self, ReadError> {
        let typed = match kind {
            Kind::Request(service) => Request::read(service, root)?.map(Self::Request),
            Kind::Response(service) => Response::read(service, root)?.map(Self::Response),
            Kind::Event(event) => Event::read(event, root)?.map(Self::Event),
            Kind::Notification(service) => {
                Notification::read(service, root)?.map(Self::Notification)
            }
            Kind::Failure => Some(Self::Failure(Failure::read(root)?)),
            Kind::Unknown => None,
        };
        Ok(typed.unwrap_or_else(|| Self::Unknown(root.name.into())))
    }
}

impl From<Failure> for Message {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Defines an enumeration of messages: the row of the catalogue, and the root element, which is also the name of the type.
macro_rules! roots {
    ($( #[$meta:meta] )* $kind:ident by $id:ident: $( $row:ident => $name:ident ),+ $(,)?) => {
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

            /// The row of the catalogue.
            pub fn id(&self) -> $id {
                match self {
                    $( Self::$name(_) => $id::$row, )+
                }
            }

            /// `None` for what has no type here.
            fn read(id: $id, root: &Element<'_>) -> Result<Option<Self>, ReadError> {
                match id {
                    $( $id::$row => $name::read(root).map(|message| Some(Self::$name(message))), )+
                    _ => Ok(None),
                }
            }

            fn write(&self, out: &mut Writer<'_>) {
                match self {
                    $( Self::$name(message) => message.write(out, stringify!($name)), )+
                }
            }
        }

        impl From<$kind> for Message {
            fn from(message: $kind) -> Self {
                Self::$kind(message)
            }
        }

        impl TryFrom<Message> for $kind {
            type Error = Message;

            fn try_from(message: Message) -> Result<Self, Message> {
                match message {
                    Message::$kind(message) => Ok(message),
                    other => Err(other),
                }
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
                    Self::$kind(message.into())
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
            Request by ServiceId: $( $request => $request ),+
        }
        roots! {
            /// The positive response to a request.
            Response by ServiceId: $( $request => $response ),+
        }
        $(
            impl Service for $request {
                type Response = $response;
                const ID: ServiceId = ServiceId::$request;
            }
        )+
    };
}

/// Defines events.
macro_rules! events {
    ($( $name:ident ),+ $(,)?) => {
        roots! {
            /// An event of a monitor.
            Event by EventId: $( $name => $name ),+
        }

        impl Event {
            /// The monitor that the event belongs to.
            pub fn monitor_cross_ref_id(&self) -> &MonitorCrossRefId {
                match self {
                    $( Self::$name(event) => &event.monitor_cross_ref_id, )+
                }
            }
        }
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

events! {
    ServiceInitiatedEvent,
    DigitsDialedEvent,
    OriginatedEvent,
    NetworkReachedEvent,
    NetworkCapabilitiesChangedEvent,
    OfferedEvent,
    DeliveredEvent,
    EstablishedEvent,
    HeldEvent,
    RetrievedEvent,
    DivertedEvent,
    FailedEvent,
    QueuedEvent,
    ConnectionClearedEvent,
    CallClearedEvent,
    TransferedEvent,
    ConferencedEvent,
    DigitsGeneratedEvent,
    DoNotDisturbEvent,
    ForwardingEvent,
    MessageWaitingEvent,
    MicrophoneMuteEvent,
    SpeakerMuteEvent,
    SpeakerVolumeEvent,
    BackInServiceEvent,
    OutOfServiceEvent,
}

roots! {
    /// What is reported outside a monitor.
    Notification by ServiceId:
        SwitchingFunctionDevices => SwitchingFunctionDevices,
        SwFunctionDevicesChanged => SwFunctionDevicesChanged,
        SystemRegisterAbort => SystemRegisterAbort,
}

#[cfg(test)]
mod tests;
