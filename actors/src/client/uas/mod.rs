//! The UAS of client connections: log-on by REGISTER or with the first INVITE, and new sessions.

mod names;
mod register;

use std::{collections::HashMap, net::SocketAddr, rc::Rc, sync::Arc};

use actix::{Actor, Addr};
use names::{line, user_in};
use register::{logs_off, registered};
use uacsta_schema::sip::{HeaderName, Method, Request, Status, header::NameAddr};

use super::{
    Client, ClientDisconnected, ClientName, ClientUser, CrossRefs, LogOn, OpenSession, Rights,
    withdrawal::ChangedRights,
};
use crate::{
    ServerContext,
    auth::{AuthRequest, AuthUser, CredentialFault, DigestAuthenticator, claimed_user},
    counters::Counter,
    ladder::{ConnectionRecorder, Party},
    log_limit::repeat_count,
    reason::ContactFault,
    registrar::{ConnectedClient, Registrar},
    registration::ContactFailed,
    sip::{
        connection::SipConnection,
        incident::Incident,
        refusals::csta_body,
        responder::{Disposition, FinalResponse, PendingRequest},
        uas::{Limits, Peer, Uas},
    },
    supervision::RestartableAddr,
    truncated::{Truncated, truncated},
};

/// The connection of a client, or of a trusted front end.
pub type ClientConnection = SipConnection<ClientUas>;

/// The UAS of a client's connection, or of a trusted front end's, which carries many clients.
pub struct ClientUas {
    context: Arc<ServerContext>,
    registrar: RestartableAddr<Registrar>,
    cross_refs: Arc<CrossRefs>,
    address: SocketAddr,
    connection: Addr<ClientConnection>,
    authenticator: DigestAuthenticator,
    /// Whether the peer is a trusted front end, which is not challenged (`clients.trusted`).
    trusted: bool,
    /// By user. A connection that is not from a trusted front end has at most one client.
    clients: HashMap<Box<str>, Addr<Client>>,
    name: String,
    recorder: Option<Rc<ConnectionRecorder>>,
}

impl ClientUas {
    /// Creates the UAS of `connection`. A trusted front end names each user in the From.
    pub fn new(
        context: Arc<ServerContext>,
        registrar: RestartableAddr<Registrar>,
        cross_refs: Arc<CrossRefs>,
        address: SocketAddr,
        number: u64,
        trusted: bool,
        connection: &Addr<ClientConnection>,
    ) -> Self {
        Self {
            context,
            registrar,
            cross_refs,
            address,
            connection: connection.clone(),
            authenticator: DigestAuthenticator::new(number),
            trusted,
            clients: HashMap::new(),
            name: String::new(),
            recorder: None,
        }
    }

    /// Tells the recorder of the connection who its client is.
    #[must_use]
    pub fn recorded(self, recorder: Rc<ConnectionRecorder>) -> Self {
        if self.trusted {
            recorder.trust();
        }
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    /// The client that a message concerns: the user of the remote end.
    pub fn party_of(remote: &str, _local: &str) -> Option<Party> {
        let user = user_in(&NameAddr::parse(remote).ok()?)?;
        Some(Party::Client(Truncated(&user).to_string().into()))
    }

    /// How many requests may be pending on a client's connection, and how many events may be unanswered.
    pub fn limits(context: &ServerContext) -> Limits {
        let limits = &context.config().settings.limits;
        Limits {
            // Includes the INVITEs that were accepted in the last half minute.
            pending_requests: limits.pending_requests_per_client + limits.sessions_per_connection,
            unanswered_events: limits.client_unanswered,
        }
    }

    fn is_authenticated(&self) -> bool {
        self.trusted || !self.clients.is_empty()
    }

    /// The client of this connection; `None` for a trusted front end, where each request names its user.
    fn current_client(&self) -> Option<&Addr<Client>> {
        let mut clients = self.clients.values().filter(|_| !self.trusted);
        clients.find(|client| client.connected())
    }

    /// The client of the authenticated user of a request.
    fn authenticate(&mut self, request: &Request) -> Result<Addr<Client>, FinalResponse> {
        if self.trusted {
            return self.trusted_client(request);
        }
        let config = self.context.config();
        let settings = &config.settings;
        let accounts = self.context.accounts.load();
        let auth_request = AuthRequest {
            address: self.address.ip(),
            phone: None,
            // Only a trusted front end has several clients.
            logged_on: self.clients.keys().next().map(|user| AuthUser::User(user)),
            only_md5: false,
        };
        let authenticator = &mut self.authenticator;
        let granted = self
            .context
            .check(authenticator, request, auth_request, |user| {
                Rights::password(settings, &accounts, user)
            });
        let granted = granted.map_err(|denial| {
            let user = claimed_user(request, &settings.advanced.realm);
            if denial.fault() == Some(CredentialFault::UnknownUser)
                && let Some(phone) = user.and_then(|user| user.parse().ok())
            {
                self.registrar.do_send(ContactFailed {
                    phone: Some(phone),
                    from: self.address.ip(),
                    fault: ContactFault::ClientsInterface,
                });
            }
            if let Some(reason) = denial.reason()
                && let Some(times) = self.context.may_log(self.address, false, &["client: ", reason].concat())
            {
                tracing::warn!(client = truncated(user), peer = %self.address, reason, times = repeat_count(times), "client log-on refused");
            }
            self.context.denied(&denial)
        })?;
        let user = granted.user;
        if let Some(client) = self.connected_client(user) {
            return Ok(client);
        }
        for (_, former) in self.clients.drain() {
            former.do_send(ClientDisconnected {
                reason: "another user logged on over its connection".into(),
            });
        }
        self.start_client(LogOn::by_password(user))
    }

    /// The client of the user in the From of a trusted front end's request (RFC 3261, section 20.20).
    fn trusted_client(&mut self, request: &Request) -> Result<Addr<Client>, FinalResponse> {
        let from = request.head().from().ok();
        let Some(user) = from.as_ref().and_then(user_in) else {
            let from = truncated(request.head().get(HeaderName::From));
            tracing::warn!(from, peer = %self.address, "front end request refused: the From names no user");
            return Err(FinalResponse::from(Status::FORBIDDEN).because("the From names no user"));
        };
        if let Some(client) = self.connected_client(&user) {
            return Ok(client);
        }
        let limit = self
            .context
            .config()
            .settings
            .limits
            .sessions_per_connection;
        if self.clients.len() >= limit {
            self.context.counters.count(Counter::TooManySessions);
            tracing::warn!(client = %Truncated(&user), peer = %self.address, users = self.clients.len(), "front end request refused: limits.sessions_per_connection users reached");
            return Err(FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                .because("too many users on this connection"));
        }
        self.start_client(LogOn::by_front_end(&user))
    }

    fn connected_client(&self, user: &str) -> Option<Addr<Client>> {
        let client = self.clients.get(user)?;
        client.connected().then(|| client.clone())
    }

    fn start_client(&mut self, log_on: LogOn) -> Result<Addr<Client>, FinalResponse> {
        let rights = log_on.rights(&self.context);
        let rights = rights.ok_or(Status::SERVER_INTERNAL_ERROR)?;
        let user: Box<str> = log_on.user().into();
        let name = Truncated(&user).to_string();
        tracing::info!(client = %name, peer = %self.address, trusted = self.trusted, "client logged on");
        self.name.clone_from(&name);
        if let Some(recorder) = self.recorder.as_ref().filter(|_| !self.trusted) {
            recorder.set_only_party(Party::Client(name.as_str().into()));
        }
        let connected = Arc::new(ConnectedClient {
            user: name.as_str().into(),
            by_front_end: log_on.is_by_front_end(),
            peer: self.address,
            transport: self.recorder.as_ref().map(|it| it.path().transport),
            since: self.context.clock.wall(),
        });
        let client = Client::new(
            Arc::clone(&self.context),
            self.registrar.clone(),
            self.connection.clone(),
            ClientUser {
                name: Arc::new(ClientName {
                    user: name.into(),
                    peer: self.address,
                }),
                connected,
                log_on,
                rights,
                changed_rights: ChangedRights::default(),
            },
            Arc::clone(&self.cross_refs),
        )
        .start();
        self.clients.insert(user, client.clone());
        Ok(client)
    }

    /// Ends a client and its sessions: the connection is a stranger's again.
    fn log_off(&mut self, client: &Addr<Client>) {
        client.do_send(ClientDisconnected {
            reason: "the client logged off".into(),
        });
        self.clients.retain(|_, known| known != client);
    }

    fn invite(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition {
        let client = match self.current_client() {
            Some(client) => client.clone(),
            None => match self.authenticate(request) {
                Ok(client) => client,
                Err(response) => return response.into(),
            },
        };
        let content = match csta_body(request) {
            Ok(content) => content,
            Err(response) => {
                let content_type = truncated(request.head().get(HeaderName::ContentType));
                tracing::warn!(client = %self.name, peer = %self.address, content_type, "session refused: the INVITE body is not CSTA");
                return response.into();
            }
        };
        let (reply, disposition) = pending.later();
        let from = request.head().from();
        client.do_send(OpenSession {
            line: line(request),
            user: from
                .map(|from| from.uri().as_str().into())
                .unwrap_or_default(),
            content,
            reply,
        });
        disposition
    }
}

impl Uas for ClientUas {
    fn request(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition {
        if let Err(refusal) = self.context.check_service() {
            return refusal.into();
        }
        if *request.method() != Method::Register {
            return self.invite(request, pending);
        }
        match self.authenticate(request) {
            Ok(client) => {
                if logs_off(request) {
                    self.log_off(&client);
                }
                registered(request, &self.context.config().settings.advanced).into()
            }
            Err(response) => response.into(),
        }
    }

    fn log_on_hint(&self) -> Option<&'static str> {
        self.authenticator
            .hint(&self.context.config().settings.advanced)
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

#[cfg(test)]
mod fixtures {
    use bytes::BytesMut;
    use uacsta_schema::sip::{Frame, MessageLimits, Request, SipMessage};

    /// A request with this Request-URI, To and further header fields.
    pub(super) fn request(uri: &str, to: &str, more: &str) -> Request {
        let text = format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <{to}>\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\n{more}\r\n"
        );
        match Frame::datagram(BytesMut::from(text.as_str()), &MessageLimits::default()) {
            Ok(Frame::Message(SipMessage::Request(request))) => request,
            other => panic!("{other:?}"),
        }
    }
}
