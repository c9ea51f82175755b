//! Call control events for calls through an external network (ECMA-269).

use super::CallEventTail;
use crate::csta::{
    cause::EventCause,
    device::{CalledDevice, CallingDevice, RedirectionDevice, SubjectDevice},
    enumeration::{LocalConnectionState, NetworkType, ProgressDescription, ProgressLocation},
    member::sequence,
    types::{CallData, ConnectionId},
};

sequence! {
    /// A call reached an external network; possibly the last event about its far end.
    pub struct NetworkReachedEvent {
        outbound_connection: ConnectionId = "outboundConnection",
        network_interface_used: SubjectDevice = "networkInterfaceUsed",
        calling_device: CallingDevice = "callingDevice",
        called_device: CalledDevice = "calledDevice",
        last_redirection_device: RedirectionDevice = "lastRedirectionDevice",
        /// The network interface that the call came in by.
        originating_nid_connection: Option<ConnectionId> = "originatingNIDConnection",
        tail: CallEventTail = flattened,
    }

    /// The network's ability to report on a call changed.
    pub struct NetworkCapabilitiesChangedEvent {
        outbound_connection: ConnectionId = "outboundConnection",
        network_interface_used: SubjectDevice = "networkInterfaceUsed",
        called_device: CalledDevice = "calledDevice",
        /// The progress of the call in the network.
        progress_indicator: Option<ProgressIndicator> = "progressIndicator",
        /// The state of the connection at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        /// The network's ability to report on the call.
        network_capability: Option<NetworkCapability> = "networkCapability",
        cause: EventCause = "cause",
    }

    /// The progress of a call in a network.
    pub struct ProgressIndicator {
        /// The network in which the progress was detected.
        progress_location: ProgressLocation = "progressLocation",
        /// The standard that defines the description.
        progress_description: ProgressDescription = "progressDescription",
    }

    /// The network's ability to report on a call. `eventsProvided` has no type.
    pub struct NetworkCapability {
        /// The kind of network.
        network_type: NetworkType = "networkType",
    }
}
