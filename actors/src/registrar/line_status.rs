//! The sessions that subscribed to the status of their lines (ECMA-269, system registration).

use std::{collections::HashMap, rc::Rc, time::Duration};

use actix::Recipient;

use super::messages::{LineStatus, SubscribeStatus};
use crate::directory::{Directory, LineFilter};

/// How long changes are gathered: subscribers are notified at most five times a second, however many phones register.
pub(super) const GATHERED: Duration = Duration::from_millis(200);

/// The subscriptions, by client and session.
#[derive(Default)]
pub(super) struct LineStatusSubscriptions {
    filters: HashMap<Subscription, Rc<LineFilter>>,
    /// Whether a notification is scheduled.
    is_scheduled: bool,
}

/// A client and its session.
type Subscription = (Recipient<LineStatus>, u64);

impl LineStatusSubscriptions {
    /// Adds a subscription, and replaces the session's former one.
    pub(super) fn add(
        &mut self,
        SubscribeStatus { to, key, lines }: SubscribeStatus,
    ) -> Subscription {
        let subscription = (to, key);
        self.filters.insert(subscription.clone(), Rc::new(lines));
        subscription
    }

    pub(super) fn remove(&mut self, to: Recipient<LineStatus>, key: u64) {
        self.filters.remove(&(to, key));
    }

    /// The successor's subscriptions after a panic of the registrar.
    pub(super) fn hand_over(&mut self) -> Self {
        Self {
            filters: std::mem::take(&mut self.filters),
            is_scheduled: false,
        }
    }

    /// A line or a phone changed. Returns whether to schedule [`Self::due`] after [`GATHERED`].
    pub(super) fn changed(&mut self) -> bool {
        !self.filters.is_empty() && !std::mem::replace(&mut self.is_scheduled, true)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// The subscriptions of connected clients, to notify in turn.
    pub(super) fn due(&mut self) -> Vec<Subscription> {
        self.is_scheduled = false;
        self.filters.retain(|(to, _), _| to.connected());
        self.filters.keys().cloned().collect()
    }

    /// Notifies a subscriber of the status of its lines, if they may have changed. Returns how many names had to be looked
    /// up.
    pub(super) fn tell(
        &self,
        subscription: &Subscription,
        directory: &Directory,
        may_have_changed: impl Fn(&LineFilter) -> bool,
    ) -> usize {
        let filter = self.filters.get(subscription);
        let Some(filter) = filter.filter(|filter| may_have_changed(filter)) else {
            return 0;
        };
        let (to, key) = subscription;
        let lines = directory.summary(filter);
        to.do_send(LineStatus { key: *key, lines });
        filter.names()
    }
}

#[cfg(test)]
mod tests {
    use actix::{Actor, Context, Handler};

    use super::*;

    /// A client that adds up how many lines it was told of.
    #[derive(Default)]
    struct Listener {
        told: Vec<(u64, usize)>,
    }

    #[derive(actix::Message)]
    #[rtype(result = "Vec<(u64, usize)>")]
    struct Told;

    impl Actor for Listener {
        type Context = Context<Self>;
    }

    impl Handler<LineStatus> for Listener {
        type Result = ();

        fn handle(&mut self, LineStatus { key, lines }: LineStatus, _: &mut Self::Context) {
            self.told.push((key, lines.controlled + lines.uncontrolled));
        }
    }

    impl Handler<Told> for Listener {
        type Result = Vec<(u64, usize)>;

        fn handle(&mut self, _: Told, _: &mut Self::Context) -> Self::Result {
            std::mem::take(&mut self.told)
        }
    }

    #[actix::test]
    async fn subscribers_are_told_of_their_lines_where_they_may_have_changed() {
        let client = Listener::default().start();
        let mut directory = Directory::default();
        let phones = ["000413000001", "000413000002"].map(|phone| phone.parse().ok());
        for phone in phones.into_iter().flatten() {
            directory.set(phone, []);
        }
        let mut status = LineStatusSubscriptions::default();
        assert!(!status.changed(), "nobody subscribed");
        for (key, phone) in [(1, None), (2, phones[0]), (2, phones[1])] {
            let lines = LineFilter { phone, names: None };
            let to = client.clone().recipient();
            status.add(SubscribeStatus { to, key, lines });
        }
        assert!(status.changed() && !status.changed());
        for subscription in status.due() {
            assert_eq!(status.tell(&subscription, &directory, |_| true), 1);
            assert_eq!(status.tell(&subscription, &directory, |_| false), 0);
        }
        let mut told = client.send(Told).await.unwrap_or_default();
        told.sort_unstable();
        assert_eq!(told, [(1, 2), (2, 1)]);
        assert!(status.changed(), "due ends the schedule");
        status.remove(client.clone().recipient(), 2);
        assert_eq!(status.due().len(), 1);
    }
}
