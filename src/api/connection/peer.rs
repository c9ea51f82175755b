//! What the server knows of the peer of a connection, and how long it waits for it.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_web::{HttpRequest, dev::ServiceRequest};
use tokio::time::Instant;

use super::places::{Place, Places};
use crate::{api::problem::Problem, texts::Text};

/// How long the server waits for a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From the beginning to the log-on.
    pub(super) log_on: Duration,
    /// From an answer to the next request.
    pub(super) idle: Duration,
    /// For a request's head from its first octet on, and again for its body.
    pub(super) request: Duration,
    /// While the peer leaves answers unread.
    pub(super) unread: Duration,
    /// For the peer to take the end of the connection.
    pub(super) close: Duration,
}

const TIMES: Times = Times {
    log_on: Duration::from_secs(10),
    idle: Duration::from_secs(60),
    request: Duration::from_secs(10),
    unread: Duration::from_secs(60),
    close: Duration::from_secs(2),
};

/// How long a connection without log-on is new.
pub(super) const NEW: Duration = Duration::from_millis(100);

/// What a connection is used for, what is missed the least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Use {
    Closing,
    /// The peer has sent nothing since the last answer.
    Idle,
    /// The peer sends a request.
    Sending,
    /// A request is being answered.
    Answering,
}

/// What is known of the peer of a connection.
pub(in crate::api) struct Peer {
    /// The server's address to which it connected.
    local: Option<IpAddr>,
    /// Whether the connection has TLS.
    is_secure: bool,
    pub(super) times: Times,
    begun: Cell<Instant>,
    /// The name of the log-on; empty before.
    log_on: RefCell<String>,
    authenticated: Cell<bool>,
    pub(super) requests: Cell<u32>,
    /// Whether nothing more is read, since the last answer closes the connection.
    pub(super) closing: Cell<bool>,
    current: Cell<Use>,
    /// Since when it is used so.
    since: Cell<Instant>,
    /// Since when the peer accepts no more octets.
    unread_since: Cell<Option<Instant>>,
    /// Whether it ends for the sake of another connection.
    gives_way: Cell<bool>,
    pub(super) place: Cell<Place>,
    places: Rc<Places>,
    /// Wakes the connection.
    waker: RefCell<Option<Waker>>,
}

/// A request that is being answered, until the answer has been handed over.
pub(super) struct Answering(Rc<Peer>);

impl Peer {
    /// The peer of a connection to the server's address `local`.
    pub(in crate::api) fn new(
        places: &Rc<Places>,
        local: Option<SocketAddr>,
        is_secure: bool,
    ) -> Self {
        Self::with_times(places, local, is_secure, TIMES)
    }

    pub(super) fn with_times(
        places: &Rc<Places>,
        local: Option<SocketAddr>,
        is_secure: bool,
        times: Times,
    ) -> Self {
        let now = Instant::now();
        Self {
            local: local.map(|address| address.ip().to_canonical()),
            is_secure,
            times,
            begun: Cell::new(now),
            log_on: RefCell::default(),
            authenticated: Cell::new(false),
            requests: Cell::new(0),
            closing: Cell::new(false),
            current: Cell::new(Use::Idle),
            since: Cell::new(now),
            unread_since: Cell::new(None),
            gives_way: Cell::new(false),
            place: Cell::new(Place::Ordinary),
            places: Rc::clone(places),
            waker: RefCell::default(),
        }
    }

    /// The peer of a request.
    pub(in crate::api) fn of(request: &ServiceRequest) -> Option<&Self> {
        Self::of_request(request.request())
    }

    pub(in crate::api) fn of_request(request: &HttpRequest) -> Option<&Self> {
        request.conn_data::<Rc<Self>>().map(Rc::as_ref)
    }

    /// The server's address to which it connected.
    pub(in crate::api) fn local(&self) -> Option<IpAddr> {
        self.local
    }

    /// Whether the connection has TLS, up to this server.
    pub(in crate::api) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Lifts the limits of an unauthenticated peer.
    pub(in crate::api) fn authenticated(&self) {
        self.authenticated.set(true);
        self.wake();
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated.get()
    }

    /// Notes who sent the request that is being answered.
    ///
    /// # Errors
    /// As many requests of this log-on are being answered as one may have.
    pub(in crate::api) fn note_log_on(&self, name: &str) -> Result<(), Problem> {
        if *self.log_on.borrow() != name {
            name.clone_into(&mut self.log_on.borrow_mut());
        }
        let most = self.places.most_of_one();
        if self.places.answering(name) <= most {
            return Ok(());
        }
        let detail = Text::new("too-many-at-once").with("name", name);
        let detail = detail.with("most", most);
        Err(Problem::too_many(detail, 1))
    }

    /// Whether a request of this log-on is being answered in an ordinary place.
    pub(super) fn answers(&self, name: &str) -> bool {
        let is_answering = self.current.get() == Use::Answering;
        is_answering && self.place.get() == Place::Ordinary && *self.log_on.borrow() == name
    }

    /// Whether the connection is beyond the limit.
    pub(in crate::api) fn is_spare(&self) -> bool {
        self.place.get() == Place::Spare
    }

    /// The answer that is being made has no end: it no longer counts as a request.
    pub(in crate::api) fn begins_stream(&self) {
        self.place.set(Place::Stream);
    }

    /// The answer that is being made is the last on the connection, which reads nothing more and closes.
    pub(in crate::api) fn ends(&self) {
        self.closing.set(true);
        self.wake();
    }

    /// Whether a request is being answered. While its body is awaited it is not.
    pub(in crate::api) fn set_answering(&self, answering: bool) {
        self.enter(if answering {
            Use::Answering
        } else {
            Use::Sending
        });
    }

    pub(super) fn is_answering(&self) -> bool {
        self.current.get() == Use::Answering
    }

    /// Octets of a request have arrived.
    pub(super) fn heard(&self) {
        if self.current.get() == Use::Idle {
            self.enter(Use::Sending);
        }
    }

    /// Begins the time for the log-on.
    pub(super) fn begin(&self) {
        self.begun.set(Instant::now());
    }

    /// Begins the end of the connection.
    pub(super) fn close(&self) {
        if self.current.get() != Use::Closing {
            self.enter(Use::Closing);
        }
    }

    fn enter(&self, next: Use) {
        self.current.set(next);
        self.since.set(Instant::now());
        self.wake();
    }

    /// Whether the peer accepts no more octets for now.
    pub(super) fn set_unread(&self, unread: bool) {
        let since = self.unread_since.get();
        self.unread_since
            .set(unread.then(|| since.unwrap_or_else(Instant::now)));
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread_since.get().is_some()
    }

    /// When the connection ends unless the peer does something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let times = self.times;
        if self.gives_way.get() {
            return Some(self.begun.get());
        }
        if !self.authenticated.get() {
            return Some(self.begun.get() + times.log_on);
        }
        if let Some(since) = self.unread_since.get() {
            return Some(since + times.unread);
        }
        let time = match self.current.get() {
            Use::Idle => times.idle,
            Use::Sending => times.request,
            Use::Answering => return None,
            Use::Closing => times.close,
        };
        Some(self.since.get() + time)
    }

    /// Whether the end of the connection costs its peer nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.current.get() == Use::Idle && !self.is_unread()
    }

    /// How much the connection is missed if it gives way, the least first, and since when; `None` while the server owes an answer.
    pub(super) fn worth(&self) -> Option<(impl Ord + use<>, Instant)> {
        if let Some(since) = self.unread_since.get() {
            return Some((Use::Answering, since));
        }
        let current = self.current.get();
        (current != Use::Answering).then(|| (current, self.since.get()))
    }

    /// Whether the peer has hardly had time to send anything.
    pub(super) fn is_new(&self) -> bool {
        !self.authenticated.get() && self.begun.get().elapsed() < NEW
    }

    /// Ends the connection for the sake of another.
    pub(super) fn give_way(&self) {
        self.gives_way.set(true);
        self.wake();
    }

    pub(super) fn has_given_way(&self) -> bool {
        self.gives_way.get()
    }

    /// Waits until the connection must give way to another.
    pub(in crate::api) async fn until_it_gives_way(&self) {
        poll_fn(|cx| {
            if self.gives_way.get() {
                return Poll::Ready(());
            }
            self.wake_later(cx);
            Poll::Pending
        })
        .await;
    }

    pub(super) fn wake_later(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if waker.as_ref().is_none_or(|old| !old.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Answering {
    pub(super) fn new(peer: &Rc<Peer>) -> Self {
        peer.set_answering(true);
        Self(Rc::clone(peer))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.enter(Use::Idle);
    }
}
