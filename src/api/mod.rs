//! The HTTP server: the API for the command line and other programs, `/healthz`, `/readyz` and `/metrics`.

mod access;
mod answer;
mod audit;
mod authentication;
mod body;
mod browser;
mod completion;
mod connection;
mod cross_origin;
mod document;
mod forwarded;
mod health;
mod host;
mod idempotency;
mod language;
mod methods;
mod metrics;
mod octets;
mod page;
mod problem;
mod process_figures;
mod rates;
mod reference;
mod reload;
mod resources;
mod routes;
mod streams;
#[cfg(test)]
mod tests;
mod time;
mod visitor;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

pub(crate) use self::{
    browser::file,
    visitor::{LOG_ON, Refusal, Shown, Visitor},
};
use actix_http::{HttpService, KeepAlive, error::DispatchError};
use actix_rt::net::TcpStream;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    App, HttpResponse,
    dev::{AppConfig, Server, ServerHandle},
    middleware::from_fn,
    web,
};
use authentication::Keys;
use connection::{Connection, Peer, Places, SPARE};
use document::Document;
use idempotency::Answers;
use jiff::Timestamp;
use methods::{READ, only};
use problem::{Kind, Problem};
use rates::Rates;
use reference::Reference;
use resources::{events::Feed, logs::LogReaders, phones::PhoneChanges};
use streams::Streams;
use tokio::sync::mpsc::Sender;
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    ServerContext,
    licence::code::Issuer,
    licensing::{CountPermits, GetLicences, ListHolders},
    log_limit::repeat_count,
    registrar::{
        AddPhone, ChangePhone, CountPhones, CountReasons, FindLine, FindPhone, GetLineDetails,
        GetPhone, IsOnDisk, ListClients, ListLineDetails, ListPhones, OnDisk, RemovePhone,
    },
    supervision::RestartableRecipient,
};
use uacsta_config::Secret;
use uacsta_connect::data_dir::{API_ADDRESS, reachable};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    accounts::AccountStore,
    audit::AuditLog,
    data_dir::{Admin, Announcement},
    net::{self, tls::Identity, web::accept_tls},
    operations::Operations,
    operators::Operators,
    reload::{LastSettingsChange, ReloadRequest},
    service::ServiceRequest,
    texts::Text,
};

/// The largest body of a request, in octets.
const BODY: usize = 64 << 10;

/// The actors and values that the API uses.
#[derive(Clone)]
pub struct Api {
    /// Lists phones.
    pub list: RestartableRecipient<ListPhones>,
    /// Finds a phone of the list.
    pub phone: RestartableRecipient<GetPhone>,
    /// Enables, disables and names a phone.
    pub change: RestartableRecipient<ChangePhone>,
    /// Lists lines.
    pub lines: RestartableRecipient<ListLineDetails>,
    /// Lists the lines of a phone.
    pub line: RestartableRecipient<GetLineDetails>,
    /// The registrar, for phones that have not come yet.
    pub add: RestartableRecipient<AddPhone>,
    /// Removes a phone.
    pub remove: RestartableRecipient<RemovePhone>,
    /// Counts the listed phones by status.
    pub phones: RestartableRecipient<CountPhones>,
    /// The registrar, for the counts of phones by reason.
    pub reasons: RestartableRecipient<CountReasons>,
    /// Finds the actor of a phone by its name in the list.
    pub actor: RestartableRecipient<FindPhone>,
    /// Finds the actor of a phone by a line.
    pub find: RestartableRecipient<FindLine>,
    /// Lists the connected clients.
    pub clients: RestartableRecipient<ListClients>,
    /// Tells whether the phone list is on disk.
    pub disk: RestartableRecipient<IsOnDisk>,
    /// Counts connected phones and monitored lines.
    pub count: RestartableRecipient<CountPermits>,
    /// Clock, rate limit of log-ons and counters.
    pub context: Arc<ServerContext>,
    /// Open SIP connections.
    pub open: net::ConnectionCounts,
    /// Lists licences.
    pub licences: RestartableRecipient<GetLicences>,
    /// Lists the phones and lines that hold a licence permit.
    pub holders: RestartableRecipient<ListHolders>,
    /// The issuer of licences; `None` where the program needs no licences.
    pub issuer: Option<Issuer>,
    /// `admin.toml`: settings changed at run time.
    pub admin: Admin,
    /// The data folder.
    pub data: PathBuf,
    /// Requests a reload of the configuration.
    pub reload: Sender<ReloadRequest>,
    /// Requests to stop or start the service.
    pub service: Sender<ServiceRequest>,
    /// Long work that operators begin.
    pub operations: Arc<Operations>,
    /// Named operators and their sessions.
    pub operators: Arc<Operators>,
    /// The accounts of clients and programs.
    pub accounts: Arc<AccountStore>,
    /// Who changed the settings last.
    pub last_change: Arc<LastSettingsChange>,
    /// Who changed what.
    pub audit: Arc<AuditLog>,
    /// The TLS certificate in use.
    pub identity: Arc<Identity>,
    /// When the server was started.
    pub started_at: Timestamp,
}

/// The running HTTP server.
pub struct HttpServer {
    address: SocketAddr,
    announcement: Announcement,
    keys: web::Data<Keys>,
    feed: web::Data<Feed>,
    streams: web::Data<Streams>,
    server: ServerHandle,
}

/// Listens on `address` for at most `connections` at a time. The API accepts `token` for the command line; `pages` adds the
/// pages for browsers.
///
/// # Errors
/// If the address cannot be bound.
pub fn start(
    address: SocketAddr,
    connections: usize,
    data: &Path,
    token: &Secret,
    api: Api,
    pages: fn(&mut web::ServiceConfig),
) -> io::Result<HttpServer> {
    let (operators, context) = (Arc::clone(&api.operators), Arc::clone(&api.context));
    let accounts = Arc::clone(&api.accounts);
    let keys = Keys::new(token, operators, accounts, Arc::clone(&context));
    let keys = web::Data::new(keys);
    let tls = net::tls::web_acceptor(&api.identity);
    let api = web::Data::new(api);
    let known = keys.clone();
    let document = Document::new();
    let reference = web::Data::new(Reference::new(&document));
    let document = web::Data::new(document);
    let log_readers = web::Data::new(LogReaders::default());
    let answers = web::Data::new(Answers::default());
    let rates = web::Data::new(Rates::default());
    let phone_changes = web::Data::new(PhoneChanges::default());
    let feed = web::Data::new(Feed::default());
    let events = feed.clone();
    let streams = web::Data::new(Streams::default());
    let known_streams = streams.clone();
    let app = move || {
        App::new()
            .app_data(api.clone())
            .app_data(known.clone())
            .app_data(document.clone())
            .app_data(log_readers.clone())
            .app_data(events.clone())
            .app_data(known_streams.clone())
            .app_data(answers.clone())
            .app_data(reference.clone())
            .app_data(rates.clone())
            .app_data(phone_changes.clone())
            .app_data(web::PayloadConfig::new(BODY))
            .service(only(READ, web::resource("/healthz").get(health::healthy)))
            .service(only(READ, web::resource("/readyz").get(health::ready)))
            .service(only(READ, web::resource("/metrics").get(metrics::page)))
            .service(web::redirect(routes::BASE, reference::PAGE))
            .service(only(
                READ,
                web::resource(reference::PAGE).get(reference::show),
            ))
            .service(only(
                READ,
                web::resource(reference::STYLES).get(reference::styles),
            ))
            .service(
                web::scope(routes::BASE)
                    .wrap(from_fn(idempotency::replay))
                    .wrap(from_fn(cross_origin::refuse_cross_origin))
                    .configure(|config| routes::routes(&mut ServiceConfig::new(config)))
                    .default_service(web::to(access::no_handler)),
            )
            .configure(pages)
            .default_service(web::to(not_found))
            .wrap(from_fn(methods::head_as_get))
            .wrap(from_fn(host::check))
            .wrap(from_fn(audit::record))
            .wrap(from_fn(completion::carry_out))
            .wrap(from_fn(connection::limit_requests))
            .wrap(from_fn(answer::finish))
    };
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let serve = move || {
        let app = map_config(app(), |_| AppConfig::default());
        let http = HttpService::build()
            // The connection itself ends when it is idle.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::from_secs(10))
            .client_disconnect_timeout(Duration::from_secs(1))
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.peer());
            })
            .h1(app);
        let (tls, context) = (tls.clone(), Arc::clone(&context));
        let places = Rc::new(Places::new(connections));
        fn_service(move |io: TcpStream| {
            connect(io, tls.clone(), Arc::clone(&context), Rc::clone(&places))
        })
        .and_then(http)
    };
    let server = Server::build()
        // Operators send few requests; the processors are for phones and clients.
        .workers(1)
        .disable_signals()
        .shutdown_timeout(2)
        .max_concurrent_connections(connections + SPARE + streams::MOST)
        .listen("web.listen", listener, serve)?
        .run();
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(HttpServer {
        address,
        announcement: Announcement::new(data, API_ADDRESS),
        keys,
        feed,
        streams,
        server: handle,
    })
}

/// Makes a connection ready for requests; with TLS if `web.tls` says so now.
async fn connect(
    io: TcpStream,
    tls: TlsAcceptor,
    context: Arc<ServerContext>,
    places: Rc<Places>,
) -> Result<(Connection, Option<SocketAddr>), DispatchError> {
    let (address, local) = (io.peer_addr()?, io.local_addr().ok());
    let is_secure = context.config().settings.web.tls;
    let peer = Rc::new(Peer::new(&places, local, is_secure));
    let has_place = places.admit(&peer);
    if !has_place || peer.is_spare() {
        warn_of_full_connections(address, &context);
    }
    if !has_place {
        return Err(io::Error::from(io::ErrorKind::QuotaExceeded).into());
    }
    let io = match is_secure {
        true => tokio::select! {
            io = accept_tls(io, address, &tls, &context) => io?,
            () = peer.until_it_gives_way() => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        },
        false => Box::new(io),
    };
    Ok((Connection::new(io, peer), Some(address)))
}

fn warn_of_full_connections(peer: SocketAddr, context: &ServerContext) {
    let what = "all connections of the API are in use; only health checks are answered";
    let unspecified = Ipv4Addr::UNSPECIFIED.into();
    let admitted = context
        .log_limit
        .admit(unspecified, what, context.clock.now());
    if let Some(times) = admitted {
        tracing::warn!(interface = "web.listen", %peer, times = repeat_count(times), "all connections of the API are in use; only health checks are answered");
    }
}

impl HttpServer {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes the address file in the data folder, for the command line.
    pub fn announce(&mut self) {
        let scheme = match self.keys.context().config().settings.web.tls {
            true => "https",
            false => "http",
        };
        let url = format!("{scheme}://{}\n", reachable(self.address));
        self.announcement.write(url);
    }

    /// Replaces the token of the command line.
    pub fn change_token(&self, token: &Secret) {
        self.keys.change_token(token);
    }

    /// Finishes pending requests, then ends, while another server may listen already.
    pub fn retire(self) {
        tracing::debug!(interface = "web.listen", address = %self.address, "no longer listening");
        self.end_streams();
        actix_rt::spawn(async move { self.server.stop(true).await });
    }

    /// Removes the address file, finishes pending requests, then ends.
    pub async fn stop(self) {
        self.announcement.remove();
        self.end_streams();
        self.server.stop(true).await;
    }

    fn end_streams(&self) {
        self.feed.stop();
        self.streams.stop();
    }
}

impl Api {
    /// Whether registrar and licensing answer.
    pub async fn is_alive(&self) -> bool {
        self.count.send(CountPermits).await.is_ok() && self.disk.send(IsOnDisk).await.is_ok()
    }

    /// Whether the phone list is on disk.
    async fn on_disk(&self) -> Result<OnDisk, Problem> {
        let asked = self.disk.send(IsOnDisk).await;
        asked.map_err(|_| Problem::unavailable(Text::new("registrar-ended")))
    }
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Kind::NOT_FOUND, Text::new("no-page")))
}
