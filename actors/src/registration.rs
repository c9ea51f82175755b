//! A phone's registration (RFC 3261 section 10) as it travels from its link to the phone's actor.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix::{Addr, Message};
use actix_rt::ArbiterHandle;
use uacsta_schema::phone_id::PhoneId;

use crate::{
    phone::{Phone, uas::PhoneConnection},
    sip::responder::Responder,
};

/// What one REGISTER says, after its sender proved to be the phone.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The phone.
    pub mac: PhoneId,
    /// The user name that it logged on with: its MAC address or an extension.
    pub user: PhoneId,
    /// The connection that it came on, which requests to the phone go by.
    pub link: Arc<Addr<PhoneConnection>>,
    /// The thread on which that connection lives.
    pub arbiter: ArbiterHandle,
    /// Where it came from.
    pub address: SocketAddr,
    /// The address of record (the To).
    pub identity: Box<str>,
    /// The Contact's URI; none in a query.
    pub contact: Option<Arc<str>>,
    /// The Call-ID.
    pub call_id: Arc<str>,
    /// The CSeq.
    pub cseq: u32,
    /// Granted seconds; 0 ends the binding.
    pub expires: u32,
    /// What the phone says that it is.
    pub user_agent: Option<Box<str>>,
}

/// A registration that makes, changes or ends a binding, or asks for it. One that merely refreshes the binding is its
/// link's affair.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Refresh {
    /// What the REGISTER says.
    pub registration: Registration,
    /// Its answer.
    pub reply: Responder,
}

/// The link on which a phone was bound is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LinkEnded {
    /// The link.
    pub link: Addr<PhoneConnection>,
    /// Why, for the log.
    pub reason: Box<str>,
}

/// A phone's binding was not refreshed in time on this link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Lapsed {
    /// The link.
    pub link: Arc<Addr<PhoneConnection>>,
}

/// Tells a link which phone is bound on it, and how: from then on the link refreshes the binding and sees it lapse.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Bound {
    /// The phone.
    pub mac: PhoneId,
    /// Its actor.
    pub phone: Addr<Phone>,
    /// The Contact's URI.
    pub contact: Arc<str>,
    /// The Call-ID of the last REGISTER.
    pub call_id: Arc<str>,
    /// Its CSeq.
    pub cseq: u32,
    /// When the binding ends, as time since the server's start.
    pub until: Duration,
}

/// Tells a link that a phone is bound on it no longer. The link ends if nobody else is: a front end or a base station may
/// carry several phones on one connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Left {
    /// The phone.
    pub mac: PhoneId,
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Asks a link for the bindings of a phone that is bound on it (RFC 3261 10.2.3).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Bindings {
    /// The phone.
    pub mac: PhoneId,
    /// The answer to who asks.
    pub reply: Responder,
}
