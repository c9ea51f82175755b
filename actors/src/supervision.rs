//! Restarts actors after a panic, and provides addresses that remain valid across the restart.

use std::{
    cell::Cell,
    fmt,
    sync::{Arc, Weak},
};

use actix::{
    Actor, Addr, AsyncContext, Context, Handler, Message, Recipient,
    dev::{RecipientRequest, Request, ToEnvelope},
    prelude::SendError,
};
use actix_rt::ArbiterHandle;
use arc_swap::ArcSwap;

use crate::counters::{Counter, Counters};

/// An address of an actor and its successors.
pub struct RestartableAddr<A: Actor>(Arc<ArcSwap<Addr<A>>>);

/// An actor's address of itself, which does not keep the actor alive.
pub struct WeakRestartableAddr<A: Actor>(Weak<ArcSwap<Addr<A>>>);

/// The recipient of a message at an actor and its successors.
pub struct RestartableRecipient<M>(Arc<dyn Fn() -> Recipient<M> + Send + Sync>)
where
    M: Message + Send + 'static,
    M::Result: Send;

/// An actor that a successor replaces after a panic.
pub trait Restartable: Actor<Context = Context<Self>> {
    /// The address that the successor inherits; `None` if nobody holds it.
    fn address(&self) -> Option<RestartableAddr<Self>>;

    /// Counts the panic.
    fn counters(&self) -> &Counters;

    /// Logs the panic, and creates the successor from the state of this actor. Must not panic, or the process aborts.
    fn successor(&mut self) -> Self;

    /// Notifies other actors, after the successor has started, that their messages may be lost.
    fn report_restart(&self) {}
}

/// Starts the successor of an actor that panicked; call it in [`Actor::stopped`]. Messages in the mailbox are lost, and
/// senders of requests get an error.
///
/// A thread that unwinds drops all its actors, and a successor as soon as it starts; that one gets none.
pub fn restart_after_panic<A: Restartable>(actor: &mut A) {
    if !std::thread::panicking() || IS_STARTING.replace(true) {
        return;
    }
    actor.counters().count(Counter::Panicked);
    if let Some(address) = actor.address() {
        let successor = actor.successor();
        address.0.store(Arc::new(successor.start()));
        actor.report_restart();
    }
    IS_STARTING.set(false);
}

thread_local! {
    /// Whether this thread starts a successor.
    static IS_STARTING: Cell<bool> = const { Cell::new(false) };
}

impl<A: Actor> RestartableAddr<A> {
    /// The address of an actor that starts on this thread.
    pub fn new(actor: Addr<A>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(actor)))
    }

    /// Starts an actor on a thread. `make` runs there, with the actor's own address.
    pub fn start_in(
        arbiter: &ArbiterHandle,
        make: impl FnOnce(WeakRestartableAddr<A>) -> A + Send + 'static,
    ) -> Self
    where
        A: Actor<Context = Context<A>>,
    {
        let nobody = Arc::new(Context::<A>::new().address());
        let address = Self(Arc::new(ArcSwap::new(Arc::clone(&nobody))));
        let own = address.downgrade();
        let actor = A::start_in_arbiter(arbiter, move |_| make(own));
        // A successor may already have replaced the actor.
        address.0.compare_and_swap(&nobody, Arc::new(actor));
        address
    }

    /// The actor's address of itself.
    pub fn downgrade(&self) -> WeakRestartableAddr<A> {
        WeakRestartableAddr(Arc::downgrade(&self.0))
    }

    /// Whether the actor runs.
    pub fn connected(&self) -> bool {
        self.0.load().connected()
    }

    /// Sends a message, ignoring the limit of the mailbox.
    pub fn do_send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.0.load().do_send(message);
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The mailbox is full, or the actor does not run.
    pub fn try_send<M>(&self, message: M) -> Result<(), SendError<M>>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.0.load().try_send(message)
    }

    /// Sends a request; the result is an error if the actor panics meanwhile.
    pub fn send<M>(&self, message: M) -> Request<A, M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.0.load().send(message)
    }

    /// The address for one type of message, without the type of the actor.
    pub fn recipient<M>(&self) -> RestartableRecipient<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let address = self.clone();
        RestartableRecipient(Arc::new(move || Addr::clone(&address.0.load()).recipient()))
    }
}

impl<A: Actor> WeakRestartableAddr<A> {
    /// The address, unless all strong addresses were dropped.
    pub fn upgrade(&self) -> Option<RestartableAddr<A>> {
        self.0.upgrade().map(RestartableAddr)
    }
}

impl<M> RestartableRecipient<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Whether the actor runs.
    pub fn connected(&self) -> bool {
        (self.0)().connected()
    }

    /// Sends a message, ignoring the limit of the mailbox.
    pub fn do_send(&self, message: M) {
        (self.0)().do_send(message);
    }

    /// Sends a request; the result is an error if the actor panics meanwhile.
    pub fn send(&self, message: M) -> RecipientRequest<M> {
        (self.0)().send(message)
    }
}

impl<A: Actor> fmt::Debug for RestartableAddr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RestartableAddr")
    }
}

impl<A: Actor> Clone for RestartableAddr<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Actor> Clone for WeakRestartableAddr<A> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<M> Clone for RestartableRecipient<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use actix_rt::Arbiter;

    use super::*;

    /// Counts, and panics at 13.
    struct Adder {
        sum: u32,
        address: WeakRestartableAddr<Self>,
        counters: Arc<Counters>,
    }

    #[derive(Message)]
    #[rtype(u32)]
    struct Add(u32);

    impl Actor for Adder {
        type Context = Context<Self>;

        fn stopped(&mut self, _: &mut Self::Context) {
            restart_after_panic(self);
        }
    }

    impl Restartable for Adder {
        fn address(&self) -> Option<RestartableAddr<Self>> {
            self.address.upgrade()
        }

        fn counters(&self) -> &Counters {
            &self.counters
        }

        fn successor(&mut self) -> Self {
            Self {
                sum: self.sum,
                address: self.address.clone(),
                counters: Arc::clone(&self.counters),
            }
        }
    }

    impl Handler<Add> for Adder {
        type Result = u32;

        fn handle(&mut self, Add(number): Add, _: &mut Self::Context) -> u32 {
            assert_ne!(number, 13, "on purpose");
            self.sum += number;
            self.sum
        }
    }

    #[actix::test]
    async fn the_successor_of_an_actor_that_panicked_has_its_address_and_its_state() {
        let counters = Arc::new(Counters::default());
        let shared = Arc::clone(&counters);
        let address = RestartableAddr::start_in(&Arbiter::current(), move |address| Adder {
            sum: 0,
            address,
            counters: shared,
        });
        let recipient = address.recipient::<Add>();
        assert_eq!(address.send(Add(2)).await.unwrap(), 2);
        assert!(address.send(Add(13)).await.is_err());
        assert_eq!(address.send(Add(2)).await.unwrap(), 4);
        assert!(recipient.send(Add(13)).await.is_err());
        assert_eq!(recipient.send(Add(3)).await.unwrap(), 7);
        assert!(recipient.connected());
        assert_eq!(counters.total(Counter::Panicked), 2);
    }

    #[test]
    fn a_thread_that_unwinds_starts_one_successor_at_most() {
        let counters = Arc::new(Counters::default());
        let shared = Arc::clone(&counters);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            actix_rt::System::new().block_on(async {
                let address = RestartableAddr::start_in(&Arbiter::current(), |address| Adder {
                    sum: 0,
                    address,
                    counters: shared,
                });
                assert_eq!(address.send(Add(2)).await.unwrap(), 2);
                panic!("outside an actor, on purpose");
            })
        }));
        assert!(unwound.is_err());
        assert!(counters.total(Counter::Panicked) <= 1);
    }

    #[actix::test]
    async fn an_actor_ends_when_nobody_holds_its_address() {
        let address = RestartableAddr::start_in(&Arbiter::current(), |address| Adder {
            sum: 0,
            address,
            counters: Arc::default(),
        });
        let weak = address.downgrade();
        let actor = Addr::clone(&address.0.load()).downgrade();
        drop(address);
        actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
        assert!(weak.upgrade().is_none());
        assert!(actor.upgrade().is_none_or(|actor| !actor.connected()));
    }
}
