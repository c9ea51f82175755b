//! The clients that subscribed to a line, and the events that each receives.

use std::sync::Arc;

use actix::Recipient;
use smallvec::SmallVec;
use uacsta_schema::csta::{
    self, BackInServiceEvent, DeviceId, Dialect, Document, MonitorCrossRefId, MonitorFilter,
    MonitorStop, OutOfServiceEvent, SubjectDevice,
};

use super::MonitorStopped;
use crate::sip::{
    connection::Overrun,
    session::{Body, Notify, SessionId},
};

/// A client's subscription to the events of one line.
#[derive(Clone)]
pub struct Subscriber {
    /// The client's cross reference of the monitor.
    pub cross_ref: Arc<str>,
    /// The session in which the client started the monitor.
    pub session: SessionId,
    /// The client.
    pub client: Arc<ClientAddrs>,
    /// The client's edition and prefix.
    pub dialect: Dialect,
    /// The events that the client does not receive.
    pub filter: MonitorFilter,
    /// The last service state that was sent to the client.
    pub in_service: Option<bool>,
}

/// The addresses of a client. All its subscriptions share them, since each copy of an address allocates.
pub struct ClientAddrs {
    /// The client's user, for operators.
    pub user: Box<str>,
    /// The client's connection, for events.
    pub events: Recipient<Notify>,
    /// The client's connection, closed when its event queue is full.
    pub overrun: Recipient<Overrun>,
    /// The client, for monitors that the phone cannot provide.
    pub stopped: Recipient<MonitorStopped>,
}

impl Subscriber {
    /// Sends a notification; `false` if the client is gone. Closes the connection of a client whose queue is full, instead of
    /// dropping a single event.
    fn send(&self, content: Body) -> bool {
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

    /// Notifies the client of a changed service state.
    fn tell(&mut self, line: &DeviceId, in_service: bool) {
        if self.in_service.replace(in_service) == Some(in_service) {
            return;
        }
        let device = SubjectDevice::from(line.clone());
        let event: csta::Event = if in_service {
            BackInServiceEvent {
                device,
                cause: None,
            }
            .into()
        } else {
            OutOfServiceEvent {
                device,
                cause: None,
            }
            .into()
        };
        self.write(event);
    }

    /// Ends the subscription with MonitorStop.
    pub(super) fn stop(self) {
        let stop = MonitorStop {
            monitor_cross_ref_id: MonitorCrossRefId::from(Arc::clone(&self.cross_ref)),
        };
        self.send(Body::Whole(csta::write(&stop.into(), &self.dialect)));
        self.client.stopped.do_send(MonitorStopped {
            cross_ref: self.cross_ref,
        });
    }

    /// Sends an event of the server's own if the filter lets it through; `false` if the client is gone.
    fn write(&self, event: csta::Event) -> bool {
        let monitor = MonitorCrossRefId::from(Arc::clone(&self.cross_ref));
        self.filter.leaves_out(event.id())
            || self.send(Body::Whole(csta::write(
                &event.reported_by(monitor).into(),
                &self.dialect,
            )))
    }
}

/// The subscribers of a line; most lines have one.
#[derive(Default)]
pub(super) struct Subscribers(pub(super) SmallVec<[Subscriber; 1]>);

/// The maximum number of a client's subscriptions to one line. Each event is sent to all of them in one turn, and each
/// subscription that ends is searched among them, while other phones wait.
const MAX_PER_CLIENT: usize = 1000;

impl Subscribers {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a subscriber.
    ///
    /// # Errors
    /// The subscriber, if its client has [`MAX_PER_CLIENT`] subscriptions already.
    pub(super) fn add(&mut self, subscriber: Subscriber) -> Result<(), Subscriber> {
        let known = self.0.iter();
        let own = known.filter(|known| Arc::ptr_eq(&known.client, &subscriber.client));
        if own.count() >= MAX_PER_CLIENT {
            return Err(subscriber);
        }
        self.0.push(subscriber);
        Ok(())
    }

    /// Removes a subscriber; returns how many were removed.
    pub(super) fn remove(&mut self, cross_ref: &str) -> usize {
        self.retain(|subscriber| *subscriber.cross_ref != *cross_ref)
    }

    fn retain(&mut self, keep: impl FnMut(&mut Subscriber) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(keep);
        before - self.0.len()
    }

    pub(super) fn filter(&mut self, cross_ref: &str, filter: MonitorFilter) {
        let mut subscribers = self.0.iter_mut();
        if let Some(subscriber) = subscribers.find(|known| *known.cross_ref == *cross_ref) {
            subscriber.filter = filter;
        }
    }

    pub(super) fn tell_all(&mut self, line: &DeviceId, in_service: bool) {
        for subscriber in &mut self.0 {
            subscriber.tell(line, in_service);
        }
    }

    pub(super) fn tell_newest(&mut self, line: &DeviceId, in_service: bool) {
        if let Some(subscriber) = self.0.last_mut() {
            subscriber.tell(line, in_service);
        }
    }

    /// Relays an event to each subscriber whose filter lets it through; returns how many were removed since they are gone.
    /// `in_service` is what the event says of the line's service: it is relayed where it is news.
    pub(super) fn relay(&mut self, event: &Arc<Document>, in_service: Option<bool>) -> usize {
        self.retain(|subscriber| {
            let is_old = in_service.is_some()
                && std::mem::replace(&mut subscriber.in_service, in_service) == in_service;
            if is_old
                || event
                    .event()
                    .is_some_and(|event| subscriber.filter.leaves_out(event))
            {
                return true;
            }
            subscriber.send(Body::Relayed {
                document: Arc::clone(event),
                edition: subscriber.dialect.edition,
                cross_ref: Some(Arc::clone(&subscriber.cross_ref)),
                device: None,
            })
        })
    }

    /// Sends an event of the server's own to each subscriber; returns how many were removed since they are gone.
    pub(super) fn tell(&mut self, event: &csta::Event) -> usize {
        self.retain(|subscriber| subscriber.write(event.clone()))
    }

    /// Sends MonitorStop to each subscriber and removes it.
    pub(super) fn stop_all(&mut self) {
        for subscriber in self.0.drain(..) {
            subscriber.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::fixtures::subscriber;

    #[test]
    fn subscriptions_of_one_client_to_a_line_are_limited() {
        let client = subscriber("").client;
        let of_client = |number: usize| Subscriber {
            client: Arc::clone(&client),
            ..subscriber(&number.to_string())
        };
        let mut subscribers = Subscribers::default();
        for number in 0..MAX_PER_CLIENT {
            assert!(subscribers.add(of_client(number)).is_ok());
        }
        let refused = subscribers.add(of_client(MAX_PER_CLIENT)).err();
        assert_eq!(&*refused.unwrap().cross_ref, "1000");
        // Another client is served, and one that ends gives its place back.
        assert!(subscribers.add(subscriber("another")).is_ok());
        assert_eq!(subscribers.remove("7"), 1);
        assert!(subscribers.add(of_client(MAX_PER_CLIENT)).is_ok());
        assert_eq!(subscribers.len(), MAX_PER_CLIENT + 1);
    }
}
