//! The desk of a simulated phone's link: it takes the server's INVITE.

use actix::{Addr, Message};
use bytes::Bytes;
use uacsta_actors::sip::{
    connection::SipConnection,
    responder::{Disposition, PendingRequest, Responder},
    uas::Uas,
};
use uacsta_schema::{
    mac::Mac,
    sip::{Method, Request, Status},
};

use super::{Handset, challenge::Challenge};

/// What the server meets at a phone.
pub(super) struct HandsetUas {
    phone: Addr<Handset>,
    name: String,
    challenge: Option<Challenge>,
}

/// The server opens a session.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Invited {
    /// What the INVITE carries.
    pub(super) body: Bytes,
    pub(super) reply: Responder,
}

/// The connection is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Lost {
    pub(super) link: Addr<SipConnection>,
    pub(super) reason: Box<str>,
}

impl HandsetUas {
    pub(super) fn new(phone: Addr<Handset>, mac: Mac, challenge: Option<Challenge>) -> Self {
        let name = mac.to_string();
        Self {
            phone,
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

    fn ended(&mut self, link: &Addr<SipConnection>, reason: &str) {
        self.phone.do_send(Lost {
            link: link.clone(),
            reason: reason.into(),
        });
    }

    fn peer(&self) -> &str {
        &self.name
    }
}
