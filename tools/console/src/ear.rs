//! What a console hears on its link: handed on in order, with a bound, and events acknowledged at once (TR/87 7.3).

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message};
use bytes::Bytes;
use tokio::sync::mpsc;
use uacsta_actors::sip::{
    connection::{Shut, SipConnection},
    responder::{Disposition, PendingRequest},
    session::{Ended, RequestError, SessionEvent, SessionEventKind, SessionId},
    uas::Uas,
};
use uacsta_schema::sip::{Request, Status};

/// Hears for a console.
pub(super) struct Ear {
    pub(super) heard: mpsc::Sender<Sound>,
    pub(super) link: Option<Addr<SipConnection<ConsoleUas>>>,
}

/// Something that a console hears.
#[derive(Debug)]
pub(super) enum Sound {
    Opened(SessionId),
    Refused(RequestError),
    /// An event or notification.
    Document(Bytes),
    Answered(u64, Result<Bytes, RequestError>),
    Ended(Ended),
    Lost(Box<str>),
}

/// The connection is made, or gone.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Connection {
    Made(Addr<SipConnection<ConsoleUas>>),
    Gone(Box<str>),
}

/// What the server meets at a console.
pub(super) struct ConsoleUas(pub(super) Addr<Ear>);

impl Ear {
    /// A console that does not listen while thousands of events come in loses its connection, never single events.
    fn pass(&mut self, sound: Sound) {
        if self.heard.try_send(sound).is_err()
            && let Some(link) = self.link.take()
        {
            link.do_send(Shut {
                reason: "the console does not take what it is sent".into(),
            });
        }
    }
}

impl Actor for Ear {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Connection> for Ear {
    type Result = ();

    fn handle(&mut self, connection: Connection, _: &mut Self::Context) {
        match connection {
            Connection::Made(link) => self.link = Some(link),
            Connection::Gone(reason) => {
                self.link = None;
                self.pass(Sound::Lost(reason));
            }
        }
    }
}

impl Handler<SessionEvent> for Ear {
    type Result = ();

    fn handle(&mut self, SessionEvent { session, what, .. }: SessionEvent, _: &mut Self::Context) {
        self.pass(match what {
            // The server repeats nothing.
            SessionEventKind::Repeated(..) => return,
            SessionEventKind::Opened(_) => Sound::Opened(session),
            SessionEventKind::Refused(why) => Sound::Refused(why),
            SessionEventKind::Request(document, reply) => {
                reply.ok();
                Sound::Document(document)
            }
            SessionEventKind::Response { ticket, answer } => Sound::Answered(ticket, answer),
            SessionEventKind::Ended(why) => Sound::Ended(why),
        });
    }
}

impl Uas for ConsoleUas {
    fn request(&mut self, _: &Request, _: PendingRequest<'_>) -> Disposition {
        // A console calls the server, never the other way round.
        Status::METHOD_NOT_ALLOWED.into()
    }

    fn opened(&mut self, link: &Arc<Addr<SipConnection<Self>>>) {
        self.0.do_send(Connection::Made(Addr::clone(link)));
    }

    fn ended(&mut self, reason: &str) {
        self.0.do_send(Connection::Gone(reason.into()));
    }

    fn peer(&self) -> &str {
        "server"
    }
}
