//! The UAS of a simulated phone: passes the server's INVITE to the phone.

use std::sync::Arc;

use actix::{Addr, Message};
use bytes::Bytes;
use uacsta_actors::sip::{
    connection::SipConnection,
    responder::{Disposition, PendingRequest, Responder},
    uas::{Peer, Uas},
};
use uacsta_schema::{
    mac::Mac,
    sip::{Method, Request, Status},
};

use super::{Handset, challenge::Challenge};

/// Serves the server's requests outside sessions.
pub(super) struct HandsetUas {
    phone: Addr<Handset>,
    link: Arc<Addr<SipConnection<Self>>>,
    name: String,
    challenge: Option<Challenge>,
}

/// The server's INVITE.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Invited {
    /// The body of the INVITE.
    pub(super) body: Bytes,
    pub(super) reply: Responder,
}

/// The connection ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Lost {
    pub(super) link: Addr<SipConnection<HandsetUas>>,
    pub(super) reason: Box<str>,
}

impl HandsetUas {
    pub(super) fn new(
        phone: Addr<Handset>,
        mac: Mac,
        challenge: Option<Challenge>,
        link: &Arc<Addr<SipConnection<Self>>>,
    ) -> Self {
        let name = mac.to_string();
        Self {
            phone,
            link: Arc::clone(link),
            name,
            challenge,
        }
    }
}

impl Uas for HandsetUas {
    fn request(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition {
        let challenge = self.challenge.as_ref();
        match request.method() {
            Method::Invite if let Some(asks) = challenge.and_then(|asks| asks.refusal(request)) => {
                asks.into()
            }
            Method::Invite => {
                let (reply, taken) = asked.later();
                let body = request.body().clone();
                self.phone.do_send(Invited { body, reply });
                taken
            }
            _ => Status::METHOD_NOT_ALLOWED.into(),
        }
    }

    fn ended(&mut self, reason: &str) {
        self.phone.do_send(Lost {
            link: Addr::clone(&self.link),
            reason: reason.into(),
        });
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: &self.name,
            device: None,
            authenticated: true,
        }
    }
}
