//! The desk of the clients' links: log-on by REGISTER or with the first INVITE, and sessions.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use actix::{Actor, Addr};
use uacsta_schema::{
    csta::{self, DeviceId},
    sip::{HeaderName, Method, Request, Status, header::Contacts, uri::Uri},
};

use super::{Client, ClientDisconnected, CrossRefs, LogOn, OpenSession, Rights};
use crate::{
    ServerContext,
    auth::{AuthRequest, AuthUser, DigestAuthenticator},
    counters::Counter,
    log_limit::repeat_count,
    sip::{
        connection::SipConnection,
        incident::Incident,
        refusals::csta_body,
        responder::{Disposition, FinalResponse, PendingRequest},
        uas::{Limits, Peer, Uas},
    },
    truncated::{Truncated, truncated},
};

/// The connection of a client, or of a trusted front end.
pub type ClientConnection = SipConnection<ClientUas>;

/// What a client meets when it connects.
pub struct ClientUas {
    context: Arc<ServerContext>,
    cross_refs: Arc<CrossRefs>,
    address: SocketAddr,
    link: Option<Addr<ClientConnection>>,
    authenticator: DigestAuthenticator,
    /// Whether whoever connects is believed without a challenge (`clients.trusted`).
    trusted: bool,
    /// By user: one, but for a trusted front end.
    clients: HashMap<Box<str>, Addr<Client>>,
    name: String,
}

impl ClientUas {
    /// The desk of the connection from `address`, which is the `number`th; of a trusted one, From names the user.
    pub fn new(
        context: Arc<ServerContext>,
        cross_refs: Arc<CrossRefs>,
        address: SocketAddr,
        number: u64,
        trusted: bool,
    ) -> Self {
        Self {
            context,
            cross_refs,
            address,
            link: None,
            authenticator: DigestAuthenticator::new(number),
            trusted,
            clients: HashMap::new(),
            name: String::new(),
        }
    }

    /// How much a client may leave undone.
    pub fn limits(context: &ServerContext) -> Limits {
        let limits = &context.config().settings.limits;
        Limits {
            // The INVITEs that were accepted in the last half minute are among them.
            pending_requests: limits.pending_requests_per_client + limits.sessions_per_connection,
            unanswered_events: limits.client_unanswered,
        }
    }

    fn is_known(&self) -> bool {
        self.trusted || !self.clients.is_empty()
    }

    /// The client that the request comes from: the one that logged on on this connection, or that does so now.
    fn log_on(&mut self, request: &Request, always: bool) -> Result<Addr<Client>, FinalResponse> {
        if self.trusted {
            return self.vouched_for(request);
        }
        if let Some(client) = self
            .clients
            .values()
            .find(|client| !always && client.connected())
        {
            return Ok(client.clone());
        }
        let config = self.context.config();
        let settings = &config.settings;
        let caller = AuthRequest {
            address: self.address.ip(),
            phone: None,
            // Without trust there is one at most.
            here: self.clients.keys().next().map(|user| AuthUser::User(user)),
            only_md5: false,
        };
        let granted = self
            .authenticator
            .check(&self.context, request, caller, |user| {
                Rights::of(settings, user).map(|(password, _)| password)
            });
        let user = granted.map_err(|denial| {
            if let Some(reason) = denial.reason()
                && let Some(times) = self.context.may_log(self.address, false, reason)
            {
                tracing::warn!(address = %self.address, reason, times = repeat_count(times), "a client's log-on refused");
            }
            self.context.denied(&denial)
        })?;
        if let Some(client) = self.known(user) {
            return Ok(client);
        }
        for (_, former) in self.clients.drain() {
            former.do_send(ClientDisconnected {
                reason: "another user logged on on its connection".into(),
            });
        }
        self.enter(LogOn::proven(user))
    }

    /// The client whom a trusted front end names in the From (RFC 3261 20.20): it speaks for many on one connection.
    fn vouched_for(&mut self, request: &Request) -> Result<Addr<Client>, FinalResponse> {
        let from = request.head().from().ok();
        let user = from
            .as_ref()
            .map(|from| from.uri().as_str())
            .filter(|uri| names_someone(uri))
            .map(|uri| csta::Name::of(uri).to_string());
        let Some(user) = user else {
            tracing::warn!(address = %self.address, "a trusted front end names no user in its From");
            return Err(FinalResponse::from(Status::FORBIDDEN).because("the From names no user"));
        };
        if let Some(client) = self.known(&user) {
            return Ok(client);
        }
        if self.clients.len()
            >= self
                .context
                .config()
                .settings
                .limits
                .sessions_per_connection
        {
            self.context.counters.count(Counter::TooManySessions);
            tracing::warn!(address = %self.address, users = self.clients.len(), "a trusted front end speaks for too many users");
            return Err(FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                .because("too many users on this connection"));
        }
        self.enter(LogOn::vouched(&user))
    }

    fn known(&self, user: &str) -> Option<Addr<Client>> {
        let client = self.clients.get(user)?;
        client.connected().then(|| client.clone())
    }

    fn enter(&mut self, log_on: LogOn) -> Result<Addr<Client>, FinalResponse> {
        let rights = log_on.rights(&self.context.config().settings);
        let (Some(link), Some(rights)) = (self.link.clone(), rights) else {
            return Err(Status::SERVER_INTERNAL_ERROR.into());
        };
        let user: Box<str> = log_on.user().into();
        let name = format!("{}@{}", Truncated(&user), self.address);
        tracing::info!(client = %name, trusted = self.trusted, "client logged on");
        self.name.clone_from(&name);
        let client = Client::new(
            Arc::clone(&self.context),
            link,
            (name.into(), self.address.ip()),
            log_on,
            rights,
            Arc::clone(&self.cross_refs),
        )
        .start();
        self.clients.insert(user, client.clone());
        Ok(client)
    }

    fn register(&mut self, request: &Request) -> FinalResponse {
        if let Err(answer) = self.log_on(request, true) {
            return answer;
        }
        let longest = u32::try_from(
            self.context
                .config()
                .settings
                .advanced
                .sip_expires
                .as_secs(),
        )
        .unwrap_or(u32::MAX);
        let shortest = self
            .context
            .config()
            .settings
            .advanced
            .min_expires
            .as_secs();
        // A client is its connection: its registration only proves who it is, and nothing is looked up by it.
        match request.head().contacts() {
            Ok(Contacts::List(list)) if !list.is_empty() => {
                let asked = list[0]
                    .expires()
                    .or_else(|| request.head().expires())
                    .unwrap_or(longest);
                if asked != 0 && u64::from(asked) < shortest {
                    return FinalResponse::from(Status::INTERVAL_TOO_BRIEF)
                        .header(HeaderName::MinExpires, shortest);
                }
                let granted = asked.min(longest);
                let contact = format!("<{}>;expires={granted}", list[0].uri());
                FinalResponse::from(Status::OK)
                    .header(HeaderName::Contact, contact)
                    .header(HeaderName::Expires, granted)
            }
            Ok(_) => Status::OK.into(),
            Err(error) => FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()),
        }
    }

    fn invite(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition {
        let client = match self.log_on(request, false) {
            Ok(client) => client,
            Err(answer) => return answer.into(),
        };
        match csta_body(request) {
            Ok(content) => {
                let (reply, taken) = asked.later();
                client.do_send(OpenSession {
                    line: line(request),
                    user: request
                        .head()
                        .from()
                        .map(|from| from.uri().as_str().into())
                        .unwrap_or_default(),
                    content,
                    reply,
                });
                taken
            }
            Err(answer) => {
                tracing::warn!(client = %self.name, content_type = truncated(request.head().get(HeaderName::ContentType)), "session refused: the INVITE does not carry CSTA");
                answer.into()
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
        .find(|uri| names_someone(uri))
        .map(DeviceId::from)
}

/// Whether a URI has a user part or a number.
fn names_someone(uri: &str) -> bool {
    Uri::parse(uri).is_ok_and(|uri| uri.user().is_some_and(|user| !user.is_empty()) || uri.is_tel())
}

impl Uas for ClientUas {
    fn request(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition {
        match request.method() {
            Method::Register => self.register(request).into(),
            _ => self.invite(request, asked),
        }
    }

    fn opened(&mut self, link: &Arc<Addr<ClientConnection>>) {
        self.link = Some(Addr::clone(link));
    }

    fn ended(&mut self, reason: &str) {
        for (_, client) in self.clients.drain() {
            client.do_send(ClientDisconnected {
                reason: reason.into(),
            });
        }
    }

    fn incident(&self, incident: Incident<'_>) -> Option<u32> {
        self.context
            .incident(self.address, self.is_known(), incident)
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: &self.name,
            device: None,
            authenticated: self.is_known(),
        }
    }
}
