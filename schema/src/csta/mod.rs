//! CSTA documents between phones and clients (ECMA-269, ECMA-323).
//!
//! [`Document::read`] validates a received document and indexes the places that a relay may edit.
//! [`Document::relayed`] forwards it byte for byte except for [`Changes`]. [`Document::message`] reads it as a typed
//! [`Message`]; [`write()`] writes the server's own messages.

mod catalogue;
mod cause;
mod device;
mod document;
mod downgrade;
mod edit;
mod edition;
mod element;
mod encoding;
mod enumeration;
mod error;
pub mod event;
mod failure;
mod filter;
mod index;
mod limits;
mod member;
mod message;
mod name;
mod relay;
pub mod service;
mod types;
mod writer;
mod xml;

pub use catalogue::{Capability, EventId, Kind, ServiceId, Transition};
pub use cause::EventCause;
pub use device::{
    CalledDevice, CallingDevice, Destinations, DeviceId, Endpoint, RedirectionDevice, SubjectDevice,
};
pub use document::{CallEventSummary, Document, MAX_LENGTH};
pub use edition::{Dialect, Edition, OwnName};
pub use encoding::with_charset;
pub use enumeration::*;
pub use error::ReadError;
pub use event::*;
pub use failure::{Category, Failure};
pub use filter::MonitorFilter;
pub use limits::DocumentLimits;
pub use message::{Event, Message, Notification, ReportedEvent, Request, Response, Service, write};
pub use name::Name;
pub use relay::Changes;
pub use service::*;
pub use types::{
    CallData, CallId, CallOrigination, ConnectionId, ConnectionListItem, ForwardListItem,
    MonitorCrossRefId, Octets, ServiceCrossRefId, SysStatRegisterId,
};
