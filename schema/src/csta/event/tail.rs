//! The members that end each call control event.

use crate::csta::{
    cause::EventCause, enumeration::LocalConnectionState, member::sequence, types::CallData,
};

sequence! {
    /// The members at the end of call control events.
    ///
    /// Of those that follow in the schema, services permitted, call and media characteristics, connection information, network
    /// and associated devices, linkage, messages, languages, history and location have no type: a relay leaves them as they are.
    pub struct CallEventTail {
        /// The state of the call at the monitored device.
        local_connection_info: Option<LocalConnectionState> = "localConnectionInfo",
        correlator_data: Option<CallData> = "correlatorData",
        /// For the other party; several events have no such member.
        user_data: Option<CallData> = "userData",
        cause: EventCause = "cause",
    }
}
