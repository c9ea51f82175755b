//! Receives session events for the console, acknowledges them at once and queues them, with a bound (ECMA TR/87, section 7.3).

use actix::{Actor, Addr, Context, Handler, Message};
use bytes::Bytes;
use tokio::sync::mpsc;
use uacsta_actors::sip::{
    connection::{Shut, SipConnection},
    responder::{Disposition, PendingRequest},
    session::{RequestError, SessionEnd, SessionEvent, SessionEventKind, SessionId},
    uas::{Peer, Uas},
};
use uacsta_schema::sip::{Request, Status};

/// Forwards events from the connection to the console.
pub(super) struct Listener {
    pub(super) queue: mpsc::Sender<ConsoleEvent>,
    pub(super) link: Option<Addr<SipConnection<ConsoleUas>>>,
}

/// An event for the console.
#[derive(Debug)]
pub(super) enum ConsoleEvent {
    Opened(SessionId),
    Refused(RequestError),
    /// An event or notification.
    Document(Bytes),
    Answered(u64, Result<Bytes, RequestError>),
    Ended(SessionEnd),
    Lost(Box<str>),
}

/// The connection opened or ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Connection {
    Made(Addr<SipConnection<ConsoleUas>>),
    Gone(Box<str>),
}

/// The console's UAS: rejects all requests outside its session.
pub(super) struct ConsoleUas(Addr<Listener>);

impl Listener {
    /// Queues an event. If the queue is full, closes the connection, so that no single event is lost unnoticed.
    fn forward(&mut self, event: ConsoleEvent) {
        if self.queue.try_send(event).is_err()
            && let Some(link) = self.link.take()
        {
            link.do_send(Shut {
                reason: "the console is too slow, its event queue is full".into(),
            });
        }
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Connection> for Listener {
    type Result = ();

    fn handle(&mut self, connection: Connection, _: &mut Self::Context) {
        match connection {
            Connection::Made(link) => self.link = Some(link),
            Connection::Gone(reason) => {
                self.link = None;
                self.forward(ConsoleEvent::Lost(reason));
            }
        }
    }
}

impl Handler<SessionEvent> for Listener {
    type Result = ();

    fn handle(&mut self, SessionEvent { session, what, .. }: SessionEvent, _: &mut Self::Context) {
        self.forward(match what {
            // The server resends nothing.
            SessionEventKind::Repeated(..) => return,
            SessionEventKind::Opened(_) => ConsoleEvent::Opened(session),
            SessionEventKind::Refused(why) => ConsoleEvent::Refused(why),
            SessionEventKind::Request(document, reply) => {
                reply.ok();
                ConsoleEvent::Document(document)
            }
            SessionEventKind::Response { ticket, answer } => ConsoleEvent::Answered(ticket, answer),
            SessionEventKind::Ended(why) => ConsoleEvent::Ended(why),
        });
    }
}

impl ConsoleUas {
    /// The UAS of `link`, whose events and end `listener` hears of.
    pub(super) fn new(listener: Addr<Listener>, link: &Addr<SipConnection<Self>>) -> Self {
        listener.do_send(Connection::Made(link.clone()));
        Self(listener)
    }
}

impl Uas for ConsoleUas {
    fn request(&mut self, _: &Request, _: PendingRequest<'_>) -> Disposition {
        // Only the console opens sessions.
        Status::METHOD_NOT_ALLOWED.into()
    }

    fn ended(&mut self, reason: &str) {
        self.0.do_send(Connection::Gone(reason.into()));
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: "server",
            device: None,
            authenticated: true,
        }
    }
}
