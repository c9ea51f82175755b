//! A post that is always held: actors write to it, and whoever holds it may be replaced while they do.

use std::sync::Arc;

use actix::{
    Actor, Addr, Handler, Message, Recipient,
    dev::{RecipientRequest, Request, ToEnvelope},
};
use arc_swap::ArcSwap;

/// The address of the actor that holds a post now.
#[derive(Debug)]
pub struct Post<A: Actor>(Arc<ArcSwap<Addr<A>>>);

impl<A: Actor> Clone for Post<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Actor> Post<A> {
    /// A post with its first holder.
    pub fn new(holder: Addr<A>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(holder)))
    }

    /// Another actor holds it from now on.
    pub fn exchange(&self, holder: Addr<A>) {
        self.0.store(Arc::new(holder));
    }

    /// Tells the holder.
    pub fn do_send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.0.load().do_send(message);
    }

    /// Asks the holder; the answer is an error if it fails meanwhile.
    pub fn send<M>(&self, message: M) -> Request<A, M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.0.load().send(message)
    }

    /// Whoever holds the post when it is asked, known by the message alone.
    pub fn holder<M>(&self) -> Holder<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let post = self.clone();
        Holder(Arc::new(move || Addr::clone(&post.0.load()).recipient()))
    }
}

/// Whoever takes such a message now.
pub struct Holder<M>(Arc<dyn Fn() -> Recipient<M> + Send + Sync>)
where
    M: Message + Send + 'static,
    M::Result: Send;

impl<M> Clone for Holder<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Holder<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Whether there is somebody.
    pub fn connected(&self) -> bool {
        (self.0)().connected()
    }

    /// Asks; the answer is an error if the actor fails meanwhile.
    pub fn send(&self, message: M) -> RecipientRequest<M> {
        (self.0)().send(message)
    }
}
