//! The desk of the phones' links: REGISTER with the MAC address or the extension as user name, and nothing else.

use std::{net::SocketAddr, sync::Arc};

use actix::Addr;
use actix_rt::Arbiter;
use smallvec::SmallVec;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{HeaderName, Method, Request, Status, header::Contacts},
};

use super::identity::Claim;
use crate::{
    House,
    access::{Door, Verdict},
    registrar::Register,
    registration::{Bound, LinkEnded, Refresh, Registration},
    sip::{
        desk::Desk,
        link::Link,
        reply::{Answer, Reply},
    },
};

/// What a phone meets when it connects.
pub struct PhoneDesk {
    house: Arc<House>,
    address: SocketAddr,
    /// Shared with the bindings: each copy of an address takes memory of its own.
    link: Option<Arc<Addr<Link>>>,
    door: Door,
    /// The phones that are bound here; mostly one.
    bound: SmallVec<[Bound; 1]>,
    /// Whom the last REGISTER named, and the same in words, for the log.
    claimed: Option<PhoneId>,
    name: String,
}

impl PhoneDesk {
    /// The desk of the connection from `address`, which is the `number`th.
    pub fn new(house: Arc<House>, address: SocketAddr, number: u64) -> Self {
        Self {
            house,
            address,
            link: None,
            door: Door::new(number),
            bound: SmallVec::new(),
            claimed: None,
            name: String::new(),
        }
    }

    fn register(&mut self, request: &Request, reply: Reply) {
        let claim = match Claim::of(request, self.house.settings.phones.extensions) {
            Ok(claim) => claim,
            Err(answer) => {
                let reason = answer.reason.as_deref();
                tracing::warn!(address = %self.address, to = request.head().get(HeaderName::To), reason, "REGISTER refused");
                return reply.with(answer);
            }
        };
        let mac = claim.id;
        if self.claimed.replace(mac) != Some(mac) {
            self.name = mac.to_string();
        }
        let user_agent = request.head().get(HeaderName::UserAgent);
        let only_md5 = self
            .house
            .profiles
            .recognise(mac.oui(), user_agent)
            .md5_only;
        let password = self.house.settings.phones.password.expose();
        // One phone cannot speak for another: its credentials must bear the name that it registers.
        let verdict = self.door.check(&self.house, request, only_md5, |name| {
            (name.parse() == Ok(claim.user)).then_some(password)
        });
        match verdict {
            Verdict::Granted(_) => {}
            Verdict::Challenged(challenge) => return reply.with(challenge),
            Verdict::Refused(reason, challenge) => {
                tracing::warn!(%mac, address = %self.address, reason, "log-on refused");
                return reply.with(challenge);
            }
        }
        let registration = match self.registration(&claim, request, user_agent) {
            Ok(registration) => registration,
            Err(answer) => return reply.with(answer),
        };
        let refresh = Refresh {
            registration,
            reply,
        };
        match self
            .bound
            .iter()
            .find(|bound| bound.mac == mac && bound.phone.connected())
        {
            Some(bound) => bound.phone.do_send(refresh),
            None => self.house.registrar.do_send(Register(refresh)),
        }
    }

    fn registration(
        &self,
        claim: &Claim,
        request: &Request,
        user_agent: Option<&str>,
    ) -> Result<Registration, Answer> {
        let bad = |what: String| Answer::from(Status::BAD_REQUEST).because(what);
        let head = request.head();
        let contacts = head.contacts().map_err(|error| bad(error.to_string()))?;
        let advanced = &self.house.settings.advanced;
        let longest = u32::try_from(advanced.sip_expires.as_secs()).unwrap_or(u32::MAX);
        let (contact, asked) = match &contacts {
            // RFC 3261 10.3 step 6: "*" goes with an expiration time of zero and nothing else.
            Contacts::Star if head.expires() == Some(0) => (Some("*".into()), 0),
            Contacts::Star => return Err(bad("Contact: * needs Expires: 0".to_owned())),
            Contacts::List(list) => match list
                .iter()
                .find(|contact| contact.expires() != Some(0))
                .or_else(|| list.first())
            {
                Some(contact) => (
                    Some(contact.uri().as_str().into()),
                    contact
                        .expires()
                        .or_else(|| head.expires())
                        .unwrap_or(longest),
                ),
                None => (None, longest),
            },
        };
        if asked != 0 && u64::from(asked) < advanced.min_expires.as_secs() {
            return Err(Answer::from(Status::INTERVAL_TOO_BRIEF).header(
                HeaderName::MinExpires,
                advanced.min_expires.as_secs().to_string(),
            ));
        }
        let link = self
            .link
            .clone()
            .ok_or_else(|| Answer::from(Status::SERVER_INTERNAL_ERROR))?;
        Ok(Registration {
            mac: claim.id,
            user: claim.user,
            link,
            arbiter: Arbiter::current(),
            address: self.address,
            identity: head
                .to()
                .map_err(|error| bad(error.to_string()))?
                .uri()
                .as_str()
                .into(),
            contact,
            call_id: head.call_id().unwrap_or_default().into(),
            cseq: head.cseq().map_err(|error| bad(error.to_string()))?.number,
            expires: asked.min(longest),
            user_agent: user_agent.map(Into::into),
        })
    }
}

impl Desk for PhoneDesk {
    fn request(&mut self, request: &Request, reply: Reply) {
        match request.method() {
            Method::Register => self.register(request, reply),
            _ => reply.with(Answer::from(Status::FORBIDDEN).because(
                "phones do not open sessions here; clients have an interface of their own",
            )),
        }
    }

    fn opened(&mut self, link: &Addr<Link>) {
        self.link = Some(Arc::new(link.clone()));
    }

    fn bound(&mut self, bound: Bound) {
        self.bound.retain(|known| known.mac != bound.mac);
        self.bound.push(bound);
    }

    fn ended(&mut self, link: &Addr<Link>, reason: &str) {
        for bound in self.bound.drain(..) {
            bound.phone.do_send(LinkEnded {
                link: link.clone(),
                reason: reason.into(),
            });
        }
    }

    fn is_known(&self) -> bool {
        !self.bound.is_empty()
    }

    fn mac(&self) -> Option<PhoneId> {
        self.claimed
    }

    fn peer(&self) -> &str {
        &self.name
    }
}
