//! A phone's registration (RFC 3261 section 10) as it travels from its link to the phone's actor.

use std::{net::SocketAddr, sync::Arc};

use actix::{Addr, Message};
use actix_rt::ArbiterHandle;
use uacsta_schema::phone_id::PhoneId;

use crate::{
    phone::Phone,
    sip::{link::Link, reply::Reply},
};

/// What one REGISTER says, after its sender proved to be the phone.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The phone.
    pub mac: PhoneId,
    /// The user name that it logged on with: its MAC address or an extension.
    pub user: PhoneId,
    /// The connection that it came on, which requests to the phone go by.
    pub link: Arc<Addr<Link>>,
    /// The thread on which that connection lives.
    pub arbiter: ArbiterHandle,
    /// Where it came from.
    pub address: SocketAddr,
    /// The address of record (the To).
    pub identity: Box<str>,
    /// The Contact's URI; none in a query.
    pub contact: Option<Box<str>>,
    /// The Call-ID.
    pub call_id: Box<str>,
    /// The CSeq.
    pub cseq: u32,
    /// Granted seconds; 0 ends the binding.
    pub expires: u32,
    /// What the phone says that it is.
    pub user_agent: Option<Box<str>>,
}

impl Registration {
    /// Whether `other` says the same, but for its CSeq and the seconds granted.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        let Self {
            mac,
            user,
            link,
            arbiter: _,
            address,
            identity,
            contact,
            call_id,
            cseq: _,
            expires: _,
            user_agent,
        } = other;
        (self.mac, self.user, self.address) == (*mac, *user, *address)
            && self.link == *link
            && (&self.identity, &self.contact) == (identity, contact)
            && (&self.call_id, &self.user_agent) == (call_id, user_agent)
    }
}

/// A registration on the link that the phone is bound to already.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Refresh {
    /// What the REGISTER says.
    pub registration: Registration,
    /// Its answer.
    pub reply: Reply,
}

/// The link on which a phone was bound is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LinkEnded {
    /// The link.
    pub link: Addr<Link>,
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Tells a link which phone is bound on it, so that its refreshes take the short way.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Bound {
    /// The phone.
    pub mac: PhoneId,
    /// Where its refreshes go; it is told when the link ends.
    pub phone: Addr<Phone>,
}
