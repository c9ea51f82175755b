//! CSTA documents (ECMA-269, ECMA-323): what phones and clients say to each other.
//!
//! [`Document::read`] checks an arriving document and finds the places that are ours to change; what is forwarded is
//! [relayed](Document::relayed) byte for byte but for [`Changes`]; what we act on is read as a
//! [`Message`](Document::message); what we say ourselves goes through [`write()`].

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
pub use edition::{Dialect, Edition};
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
