//! The desk of the clients' links: log-on by REGISTER or with the first INVITE, and sessions.

use std::{net::SocketAddr, sync::Arc};

use actix::{Actor, Addr};
use uacsta_schema::{
    csta::DeviceId,
    sip::{HeaderName, Method, Request, Status, header::Contacts, uri::Uri},
};

use super::{Client, Gone, Invite, Rights, lines::CrossRefs};
use crate::{
    House,
    access::{Door, Verdict},
    registrar::Registrar,
    sip::{
        desk::Desk,
        link::{Link, csta_body},
        reply::{Answer, Reply},
    },
};

/// What a client meets when it connects.
pub struct ClientDesk {
    house: Arc<House>,
    registrar: Addr<Registrar>,
    cross_refs: Arc<CrossRefs>,
    address: SocketAddr,
    link: Option<Addr<Link>>,
    door: Door,
    client: Option<Addr<Client>>,
    name: String,
}

impl ClientDesk {
    /// The desk of the connection from `address`, which is the `number`th.
    pub fn new(
        house: Arc<House>,
        registrar: Addr<Registrar>,
        cross_refs: Arc<CrossRefs>,
        address: SocketAddr,
        number: u64,
    ) -> Self {
        Self {
            house,
            registrar,
            cross_refs,
            address,
            link: None,
            door: Door::new(number),
            client: None,
            name: String::new(),
        }
    }

    /// The client that the request comes from: the one that logged on on this connection, or that does so now.
    fn log_on(&mut self, request: &Request, always: bool) -> Result<Addr<Client>, Answer> {
        if let Some(client) = self
            .client
            .as_ref()
            .filter(|client| !always && client.connected())
        {
            return Ok(client.clone());
        }
        let settings = Arc::clone(&self.house.settings);
        let user = match self.door.check(&self.house, request, false, |user| {
            Rights::of(&settings, user).map(|(password, _)| password)
        }) {
            Verdict::Granted(user) => user,
            Verdict::Challenged(challenge) => return Err(challenge),
            Verdict::Refused(reason, challenge) => {
                tracing::warn!(address = %self.address, reason, "a client's log-on refused");
                return Err(challenge);
            }
        };
        let name = format!("{user}@{}", self.address);
        if let Some(client) = self
            .client
            .as_ref()
            .filter(|client| client.connected() && self.name == name)
        {
            return Ok(client.clone());
        }
        let (Some((_, rights)), Some(link)) = (Rights::of(&settings, &user), self.link.clone())
        else {
            return Err(Status::SERVER_INTERNAL_ERROR.into());
        };
        if let Some(former) = self.client.take() {
            former.do_send(Gone {
                reason: "another user logged on on its connection".into(),
            });
        }
        tracing::info!(client = %name, "client logged on");
        self.name = name;
        let client = Client::new(
            Arc::clone(&self.house),
            self.registrar.clone(),
            link,
            self.name.as_str().into(),
            rights,
            Arc::clone(&self.cross_refs),
        )
        .start();
        self.client = Some(client.clone());
        Ok(client)
    }

    fn register(&mut self, request: &Request, reply: Reply) {
        if let Err(answer) = self.log_on(request, true) {
            return reply.with(answer);
        }
        let longest =
            u32::try_from(self.house.settings.advanced.sip_expires.as_secs()).unwrap_or(u32::MAX);
        let shortest = self.house.settings.advanced.min_expires.as_secs();
        // A client is its connection: its registration only proves who it is, and nothing is looked up by it.
        match request.head().contacts() {
            Ok(Contacts::List(list)) if !list.is_empty() => {
                let asked = list[0]
                    .expires()
                    .or_else(|| request.head().expires())
                    .unwrap_or(longest);
                if asked != 0 && u64::from(asked) < shortest {
                    return reply.with(
                        Answer::from(Status::INTERVAL_TOO_BRIEF)
                            .header(HeaderName::MinExpires, shortest.to_string()),
                    );
                }
                let granted = asked.min(longest);
                let contact = format!("<{}>;expires={granted}", list[0].uri().as_str());
                reply.with(
                    Answer::from(Status::OK)
                        .header(HeaderName::Contact, contact)
                        .header(HeaderName::Expires, granted.to_string()),
                );
            }
            Ok(_) => reply.ok(),
            Err(error) => reply.with(Answer::from(Status::BAD_REQUEST).because(error.to_string())),
        }
    }

    fn invite(&mut self, request: &Request, reply: Reply) {
        let client = match self.log_on(request, false) {
            Ok(client) => client,
            Err(answer) => return reply.with(answer),
        };
        match csta_body(request) {
            Ok(content) => client.do_send(Invite {
                line: line(request),
                content,
                reply,
            }),
            Err(answer) => {
                tracing::warn!(client = %self.name, content_type = request.head().get(HeaderName::ContentType), "session refused: the INVITE does not carry CSTA");
                reply.with(answer);
            }
        }
    }
}

/// The line that an INVITE names: in To, else in the Request-URI; none where neither has a user part.
fn line(request: &Request) -> Option<DeviceId> {
    let to = request
        .head()
        .to()
        .ok()
        .map(|to| to.uri().as_str().to_owned());
    [to, Some(request.uri().to_owned())]
        .into_iter()
        .flatten()
        .find(|uri| {
            Uri::parse(uri)
                .is_ok_and(|uri| uri.user().is_some_and(|user| !user.is_empty()) || uri.is_tel())
        })
        .map(DeviceId::from)
}

impl Desk for ClientDesk {
    fn request(&mut self, request: &Request, reply: Reply) {
        match request.method() {
            Method::Register => self.register(request, reply),
            _ => self.invite(request, reply),
        }
    }

    fn opened(&mut self, link: &Addr<Link>) {
        self.link = Some(link.clone());
    }

    fn ended(&mut self, _: &Addr<Link>, reason: &str) {
        if let Some(client) = self.client.take() {
            client.do_send(Gone {
                reason: reason.into(),
            });
        }
    }

    fn is_known(&self) -> bool {
        self.client.is_some()
    }

    fn peer(&self) -> &str {
        &self.name
    }
}
