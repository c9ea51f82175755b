//! The UAS of client connections: log-on by REGISTER or with the first INVITE, and new sessions.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use actix::{Actor, Addr};
use uacsta_schema::{
    csta::{self, DeviceId},
    sip::{HeaderName, Method, Request, Status, header::Contacts, uri::Uri},
};

use super::{Client, ClientDisconnected, ClientUser, CrossRefs, LogOn, OpenSession, Rights};
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

/// The UAS of a client's connection, or of a trusted front end's, which carries many clients.
pub struct ClientUas {
    context: Arc<ServerContext>,
    cross_refs: Arc<CrossRefs>,
    address: SocketAddr,
    connection: Addr<ClientConnection>,
    authenticator: DigestAuthenticator,
    /// Whether the peer is a trusted front end, which is not challenged (`clients.trusted`).
    trusted: bool,
    /// By user: at most one, but for a trusted front end.
    clients: HashMap<Box<str>, Addr<Client>>,
    name: String,
}

impl ClientUas {
    /// The UAS of `connection`, which has this number. On a trusted one the From names the user.
    pub fn new(
        context: Arc<ServerContext>,
        cross_refs: Arc<CrossRefs>,
        address: SocketAddr,
        number: u64,
        trusted: bool,
        connection: &Addr<ClientConnection>,
    ) -> Self {
        Self {
            context,
            cross_refs,
            address,
            connection: connection.clone(),
            authenticator: DigestAuthenticator::new(number),
            trusted,
            clients: HashMap::new(),
            name: String::new(),
        }
    }

    /// How many requests may wait on a client's connection, and how many events may be unanswered.
    pub fn limits(context: &ServerContext) -> Limits {
        let limits = &context.config().settings.limits;
        Limits {
            // The INVITEs that were accepted in the last half minute are among them.
            pending_requests: limits.pending_requests_per_client + limits.sessions_per_connection,
            unanswered_events: limits.client_unanswered,
        }
    }

    fn is_authenticated(&self) -> bool {
        self.trusted || !self.clients.is_empty()
    }

    /// The client that a request comes from: the one that logged on over this connection, else one that logs on by this request.
    /// `always` checks the credentials in any case.
    fn log_on(&mut self, request: &Request, always: bool) -> Result<Addr<Client>, FinalResponse> {
        if self.trusted {
            return self.trusted_client(request);
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
        let auth_request = AuthRequest {
            address: self.address.ip(),
            phone: None,
            // Without trust there is one at most.
            here: self.clients.keys().next().map(|user| AuthUser::User(user)),
            only_md5: false,
        };
        let granted = self
            .authenticator
            .check(&self.context, request, auth_request, |user| {
                Rights::of(settings, user).map(|(password, _)| password)
            });
        let user = granted.map_err(|denial| {
            if let Some(reason) = denial.reason()
                && let Some(times) = self.context.may_log(self.address, false, reason)
            {
                tracing::warn!(address = %self.address, reason, times = repeat_count(times), "client log-on refused");
            }
            self.context.denied(&denial)
        })?;
        if let Some(client) = self.connected_client(user) {
            return Ok(client);
        }
        for (_, former) in self.clients.drain() {
            former.do_send(ClientDisconnected {
                reason: "another user logged on over its connection".into(),
            });
        }
        self.start_client(LogOn::proven(user))
    }

    /// The client of the user that a trusted front end names in the From (RFC 3261, section 20.20).
    fn trusted_client(&mut self, request: &Request) -> Result<Addr<Client>, FinalResponse> {
        let from = request.head().from().ok();
        let user = from
            .as_ref()
            .map(|from| from.uri().as_str())
            .filter(|uri| has_user(uri))
            .map(|uri| csta::Name::of(uri).to_string());
        let Some(user) = user else {
            tracing::warn!(address = %self.address, "front end request refused: the From names no user");
            return Err(FinalResponse::from(Status::FORBIDDEN).because("the From names no user"));
        };
        if let Some(client) = self.connected_client(&user) {
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
            tracing::warn!(address = %self.address, users = self.clients.len(), "front end request refused: limits.sessions_per_connection users reached");
            return Err(FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                .because("too many users on this connection"));
        }
        self.start_client(LogOn::vouched(&user))
    }

    fn connected_client(&self, user: &str) -> Option<Addr<Client>> {
        let client = self.clients.get(user)?;
        client.connected().then(|| client.clone())
    }

    fn start_client(&mut self, log_on: LogOn) -> Result<Addr<Client>, FinalResponse> {
        let rights = log_on.rights(&self.context.config().settings);
        let rights = rights.ok_or(Status::SERVER_INTERNAL_ERROR)?;
        let user: Box<str> = log_on.user().into();
        let name = format!("{}@{}", Truncated(&user), self.address);
        tracing::info!(client = %name, trusted = self.trusted, "client logged on");
        self.name.clone_from(&name);
        let client = Client::new(
            Arc::clone(&self.context),
            self.connection.clone(),
            ClientUser {
                name: name.into(),
                address: self.address.ip(),
                log_on,
                rights,
            },
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
        // A client is reached by its connection alone: the registration authenticates it and is not stored.
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
                tracing::warn!(client = %self.name, content_type = truncated(request.head().get(HeaderName::ContentType)), "session refused: the INVITE body is not CSTA");
                answer.into()
            }
        }
    }
}

/// The line in the To of an INVITE, else in the Request-URI; `None` where neither has a user part.
fn line(request: &Request) -> Option<DeviceId> {
    let to = request
        .head()
        .to()
        .ok()
        .map(|to| to.uri().as_str().to_owned());
    [to, Some(request.uri().to_owned())]
        .into_iter()
        .flatten()
        .find(|uri| has_user(uri))
        .map(DeviceId::from)
}

/// Whether a URI has a user part or a number.
fn has_user(uri: &str) -> bool {
    Uri::parse(uri).is_ok_and(|uri| uri.user().is_some_and(|user| !user.is_empty()) || uri.is_tel())
}

impl Uas for ClientUas {
    fn request(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition {
        match request.method() {
            Method::Register => self.register(request).into(),
            _ => self.invite(request, asked),
        }
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
            .incident(self.address, self.is_authenticated(), incident)
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: &self.name,
            device: None,
            authenticated: self.is_authenticated(),
        }
    }
}
