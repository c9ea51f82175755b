//! Events of the way through a network (ECMA-269, call control): a call has left the switch, and what the network can tell of it.

use super::CallEventTail;
use crate::csta::{
    cause::EventCause,
    device::{CalledDevice, CallingDevice, RedirectionDevice, SubjectDevice},
    enumeration::{LocalConnectionState, NetworkType, ProgressDescription, ProgressLocation},
    member::sequence,
    types::{CallData, ConnectionId},
};

sequence! {
    /// A call has left the switch; it may be the last that is heard of it.
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

    /// What the network tells of a call has changed.
    pub struct NetworkCapabilitiesChangedEvent {
        outbound_connection: ConnectionId = "outboundConnection",
        network_interface_used: SubjectDevice = "networkInterfaceUsed",
        called_device: CalledDevice = "calledDevice",
        /// How far the call has come.
        progress_indicator: Option<ProgressIndicator> = "progressIndicator",
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        correlator_data: Option<CallData> = "correlatorData",
        user_data: Option<CallData> = "userData",
        /// What the network can tell.
        network_capability: Option<NetworkCapability> = "networkCapability",
        cause: EventCause = "cause",
    }

    /// How far a call has come in a network.
    pub struct ProgressIndicator {
        /// Where that is known.
        progress_location: ProgressLocation = "progressLocation",
        /// In whose terms.
        progress_description: ProgressDescription = "progressDescription",
    }

    /// What a network can tell of a call. `eventsProvided` has no type.
    pub struct NetworkCapability {
        /// What kind of network it is.
        network_type: NetworkType = "networkType",
    }
}
