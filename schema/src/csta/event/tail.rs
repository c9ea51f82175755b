//! The common last members of call control events.

use crate::csta::{
    cause::EventCause, enumeration::LocalConnectionState, member::sequence, types::CallData,
};

sequence! {
    /// The common last members of call control events.
    ///
    /// The following members of the schema have no type, and a relay leaves them unchanged: services permitted, call and
    /// media characteristics, connection information, network and associated devices, linkage, messages, languages, history
    /// and location.
    pub struct CallEventTail {
        /// The state of the connection at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        correlator_data: Option<CallData> = "correlatorData",
        /// Data for the other party; several events lack this member.
        user_data: Option<CallData> = "userData",
        cause: EventCause = "cause",
    }
}
