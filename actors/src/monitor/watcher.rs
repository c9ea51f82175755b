//! A client that watches a line, and how it is reached.

use std::sync::Arc;

use actix::Recipient;
use uacsta_schema::csta::{MonitorFilter, Speech};

use super::Stopped;
use crate::sip::{
    connection::Overrun,
    session::{Body, Notify, SessionId},
};

/// A client that watches the line.
#[derive(Clone)]
pub struct Watcher {
    /// The cross reference that the client knows the monitor by.
    pub cross_ref: Arc<str>,
    /// The session in which the client started it.
    pub session: SessionId,
    /// The client.
    pub client: Arc<Audience>,
    /// How the client speaks.
    pub speech: Speech,
    /// What the client does not want to be told.
    pub filter: MonitorFilter,
    /// What the client was told last: in service or out of it.
    pub in_service: Option<bool>,
}

/// A client, as its monitors reach it: one value for all of them, since each copy of an address takes memory of its own.
pub struct Audience {
    /// Its connection, for events.
    pub events: Recipient<Notify>,
    /// Its connection, for its end when it takes no more events.
    pub overrun: Recipient<Overrun>,
    /// The client, who is told when a monitor cannot be.
    pub stopped: Recipient<Stopped>,
}

impl Watcher {
    /// Sends what the client is due. A client whose queue is full loses its connection, never a single event.
    pub(super) fn send(&self, content: Body) -> bool {
        match self.client.events.try_send(Notify {
            session: self.session,
            content,
        }) {
            Ok(()) => true,
            Err(actix::prelude::SendError::Closed(_)) => false,
            Err(actix::prelude::SendError::Full(_)) => {
                self.client.overrun.do_send(Overrun);
                false
            }
        }
    }
}
