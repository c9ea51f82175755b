//! The kinds of events, each a CloudEvent (version 1.0) with a type of its own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{
        audit::AuditEntry, clients::Client, licenses::Licensing, logs::LogLine,
        operations::OperationShown, phones::Phone, settings::Setting, trace::TracedMessage,
    },
    Time,
};

/// A topic of which the latest events are kept.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum Topic {
    Phones,
    Clients,
    Licenses,
    Settings,
    Operations,
    Audit,
}

impl Topic {
    pub(super) const ALL: [Self; 6] = [
        Self::Phones,
        Self::Clients,
        Self::Licenses,
        Self::Settings,
        Self::Operations,
        Self::Audit,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Phones => "phones",
            Self::Clients => "clients",
            Self::Licenses => "licenses",
            Self::Settings => "settings",
            Self::Operations => "operations",
            Self::Audit => "audit",
        }
    }
}

/// A topic as it is asked for.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the parameter in the API's document")]
pub(in crate::api) enum TopicAsked {
    Kept(Topic),
    Live(LiveTopicAsked),
}

/// `logs` or `trace:{phone}`, of which no history is kept.
#[derive(Debug, ToSchema)]
#[schema(pattern = "^(logs|trace:.+)$")]
#[expect(dead_code, reason = "describes the parameter in the API's document")]
pub(in crate::api) struct LiveTopicAsked(String);

/// A topic as it is told; also `trace:{phone}`.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the events in the API's document")]
pub(in crate::api) enum TopicTold {
    Phones,
    Clients,
    Licenses,
    Settings,
    Operations,
    Audit,
    Logs,
}

/// Why the topics of a reset are to be read anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum ResetReason {
    /// The stream begins without a cursor.
    Start,
    /// The cursor is older than the history, or of an earlier start of the server.
    HistoryLost,
    /// Nobody followed these topics in between, or they have no history.
    NotWatchedMeanwhile,
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum EndReason {
    /// The server stops, or listens elsewhere.
    Stopping,
    /// The log-on has ended, or lost the right.
    LoggedOff,
    /// The reader fell behind the history.
    TooSlow,
}

impl EndReason {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::LoggedOff => "loggedOff",
            Self::TooSlow => "tooSlow",
        }
    }
}

/// What events have in common.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) time: Time,
    pub(super) subject: String,
    pub(super) cursor: String,
    pub(super) seq: u64,
}

macro_rules! kinds {
    ($(
        $(#[$meta:meta])*
        $name:ident, $kind:ident, $data:ident = $text:tt { $($(#[$about:meta])* $member:ident: $type:ty,)* }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Serialize, ToSchema)]
            pub(in crate::api) struct $name {
                /// The version of CloudEvents.
                specversion: &'static str,
                /// Differs from that of every other event.
                id: String,
                source: &'static str,
                #[serde(rename = "type")]
                kind: $kind,
                time: Time,
                /// The path of what has changed, or `stream`.
                subject: String,
                /// From where a later stream goes on.
                cursor: String,
                data: $data,
            }

            /// The type of an event.
            #[derive(Clone, Copy, Debug, Serialize, ToSchema)]
            enum $kind {
                #[serde(rename = $text)]
                Only,
            }

            /// What an event tells.
            #[derive(Debug, Serialize, ToSchema)]
            #[serde(rename_all = "camelCase")]
            struct $data {
                /// Grows with each event, also over restarts of the server.
                seq: u64,
                $($(#[$about])* $member: $type,)*
            }

            impl $name {
                pub(super) fn new(head: Head $(, $member: $type)*) -> Self {
                    Self {
                        specversion: "1.0",
                        id: head.id,
                        source: "urn:uacsta",
                        kind: $kind::Only,
                        time: head.time,
                        subject: head.subject,
                        cursor: head.cursor,
                        data: $data { seq: head.seq $(, $member)* },
                    }
                }
            }
        )*

        /// An event. Clients ignore types that they do not know.
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(untagged)]
        #[schema(discriminator(property_name = "type", mapping($(($text = concat!("#/components/schemas/", stringify!($name)))),*)))]
        #[expect(dead_code, reason = "describes the events in the API's document")]
        pub(in crate::api) enum StreamEvent {
            $($name($name),)*
        }
    };
}

kinds! {
    /// A phone registered, was lost, or changed in another way.
    PhoneChanged, PhoneChangedType, PhoneChangedData = "phone.changed" {
        /// As it is now.
        phone: Phone,
    }
    /// A phone was removed.
    PhoneRemoved, PhoneRemovedType, PhoneRemovedData = "phone.removed" {
        id: String,
    }
    /// A client logged on, or has other sessions or monitors.
    ClientChanged, ClientChangedType, ClientChangedData = "client.changed" {
        /// As it is now.
        client: Client,
    }
    /// A client has ended.
    ClientRemoved, ClientRemovedType, ClientRemovedData = "client.removed" {
        id: String,
    }
    /// Licences, or what uses them, have changed.
    LicensesChanged, LicensesChangedType, LicensesChangedData = "licenses.changed" {
        /// As they are now.
        licenses: Licensing,
    }
    /// A setting has another value or origin.
    SettingChanged, SettingChangedType, SettingChangedData = "setting.changed" {
        /// As it is now.
        setting: Setting,
    }
    /// An operation began, went on or ended.
    OperationChanged, OperationChangedType, OperationChangedData = "operation.changed" {
        /// As it is now.
        operation: OperationShown,
    }
    /// An operation is no longer kept.
    OperationRemoved, OperationRemovedType, OperationRemovedData = "operation.removed" {
        id: String,
    }
    /// The audit log has a new entry.
    AuditAdded, AuditAddedType, AuditAddedData = "audit.added" {
        entry: AuditEntry,
    }
    /// The log has a new line.
    LogAdded, LogAddedType, LogAddedData = "log.added" {
        line: LogLine,
    }
    /// Lines of the log came faster than they were read, and were left out.
    LogMissed, LogMissedType, LogMissedData = "log.missed" {
        /// How many; null where they were deleted before they were counted.
        count: Option<u64>,
    }
    /// A phone and the server exchanged a message.
    TraceAdded, TraceAddedType, TraceAddedData = "trace.added" {
        message: TracedMessage,
    }
    /// Messages came faster than they were read, and were left out.
    TraceMissed, TraceMissedType, TraceMissedData = "trace.missed" {
        /// How many.
        count: Option<u64>,
    }
    /// The stream has begun.
    StreamHello, StreamHelloType, StreamHelloData = "stream.hello" {
        /// Of the server.
        version: &'static str,
        /// The longest silence of the stream.
        heartbeat_seconds: u64,
    }
    /// Read the lists of these topics anew; what changes from now on follows.
    StreamReset, StreamResetType, StreamResetData = "stream.reset" {
        reason: ResetReason,
        #[schema(value_type = Vec<TopicTold>)]
        topics: Vec<String>,
    }
    /// All events since the cursor were sent; from here on the stream is live.
    StreamReady, StreamReadyType, StreamReadyData = "stream.ready" {}
    /// The stream stands; its cursor has moved on.
    StreamHeartbeat, StreamHeartbeatType, StreamHeartbeatData = "stream.heartbeat" {}
    /// The stream ends.
    StreamEnd, StreamEndType, StreamEndData = "stream.end" {
        reason: EndReason,
        reconnect_after_seconds: u64,
    }
}
