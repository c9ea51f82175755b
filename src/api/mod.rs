//! The HTTP server: API for the command line and other programs, `/healthz`, `/readyz` and `/metrics`.

mod authentication;
mod certificate;
mod connection;
mod licenses;
mod methods;
mod metrics;
mod phones;
mod probe;
mod refusal;
mod reload;
#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    fs::File,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, KeepAlive};
use actix_rt::{net::TcpStream, task::JoinHandle};
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    App, HttpResponse,
    dev::{AppConfig, Server, ServerHandle},
    middleware::from_fn,
    web,
};
use authentication::Keys;
use connection::{Asked, Connection};
use methods::{READ, only};
use refusal::Refusal;
use serde_json::json;
use tokio::sync::mpsc::Sender;
use uacsta_actors::{
    ServerContext,
    licensing::{CountPermits, GetLicences, code::Issuer},
    post::Holder,
    registrar::{FindLine, IsOnDisk, ListPhones, OnDisk, RemovePhone, SetEnabled},
};
use uacsta_config::Secret;
use uacsta_connect::data_dir::API_ADDRESS;

use crate::{
    data_dir::{Admin, write_private},
    net::{self, tls::Identity},
};

/// How large a request's body may be, in octets.
const BODY: usize = 64 << 10;

pub use reload::ReloadRequest;

/// Whom the API asks.
#[derive(Clone)]
pub struct Api {
    /// For the phone list.
    pub list: Holder<ListPhones>,
    /// To put a phone into or out of operation.
    pub switch: Holder<SetEnabled>,
    /// To take a phone off the list.
    pub remove: Holder<RemovePhone>,
    /// For a phone itself.
    pub find: Holder<FindLine>,
    /// For whether the phone list is on disk.
    pub disk: Holder<IsOnDisk>,
    /// For the phones and lines that are counted.
    pub count: Holder<CountPermits>,
    /// For the brake on guessed passwords, and what is counted.
    pub context: Arc<ServerContext>,
    /// How many connections are open.
    pub open: net::ConnectionCounts,
    /// For what is licensed.
    pub licences: Holder<GetLicences>,
    /// Whose licences are asked for.
    pub issuer: Option<Issuer>,
    /// For what operators set at run time.
    pub admin: Admin,
    /// To have the settings read again.
    pub reload: Sender<ReloadRequest>,
    /// For the certificate in use.
    pub identity: Arc<Identity>,
}

/// The running HTTP server.
pub struct HttpServer {
    address: SocketAddr,
    address_file: PathBuf,
    keys: web::Data<Keys>,
    server: ServerHandle,
    /// Tries again to write the address file.
    announcing: Option<JoinHandle<()>>,
    /// The address file, locked.
    announced: Rc<RefCell<Option<File>>>,
}

/// Listens on `address`, for at most `connections` at a time; [`HttpServer::announce`] writes where that is into `data`. The API is open to
/// those who show `token`, or log on as `admin` with `password`.
///
/// # Errors
/// When the address cannot be listened on.
pub fn start(
    address: SocketAddr,
    connections: usize,
    data: &Path,
    token: &Secret,
    password: &Secret,
    api: Api,
) -> io::Result<HttpServer> {
    let keys = web::Data::new(Keys::new(token, password, Arc::clone(&api.context)));
    let api = web::Data::new(api);
    let known = keys.clone();
    let app = move || {
        App::new()
            .app_data(api.clone())
            .app_data(known.clone())
            .app_data(
                web::JsonConfig::default()
                    .limit(BODY)
                    .error_handler(|error, _| {
                        Refusal::Wrong(format!("the request's body cannot be used: {error}")).into()
                    }),
            )
            .service(only(READ, web::resource("/healthz").get(healthy)))
            .service(only(READ, web::resource("/readyz").get(ready)))
            .service(only(READ, web::resource("/metrics").get(metrics::page)))
            .service(
                web::scope("/api")
                    .wrap(from_fn(authentication::check))
                    .configure(certificate::routes)
                    .configure(phones::routes)
                    .configure(licenses::routes)
                    .configure(reload::routes)
                    .configure(probe::routes)
                    .default_service(web::to(nothing)),
            )
            .default_service(web::to(nothing))
            .wrap(from_fn(methods::head_as_get))
            .wrap(from_fn(connection::one_request))
    };
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let serve = move || {
        let app = map_config(app(), |_| AppConfig::default());
        let http = HttpService::build()
            .keep_alive(KeepAlive::Disabled)
            .client_request_timeout(Duration::from_secs(10))
            .client_disconnect_timeout(Duration::from_secs(1))
            .on_connect_ext(|_, of_connection| {
                of_connection.insert(Asked::default());
            })
            .h1(app);
        fn_service(async |io: TcpStream| {
            let peer = io.peer_addr().ok();
            Ok((Connection::new(io), peer))
        })
        .and_then(http)
    };
    let server = Server::build()
        // Operators ask now and then; phones and clients need the processors.
        .workers(1)
        .disable_signals()
        .shutdown_timeout(2)
        .max_concurrent_connections(connections)
        .listen("web.listen", listener, serve)?
        .run();
    let address_file = data.join(API_ADDRESS);
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(HttpServer {
        address,
        address_file,
        keys,
        server: handle,
        announcing: None,
        announced: Rc::default(),
    })
}

/// Writes the file that says where the API is, and returns it locked: whoever reads it can tell whether the server that
/// wrote it lives, since its locks end with it.
fn write_locked(path: &Path, url: &str) -> Result<File, String> {
    write_private(path, url.as_bytes()).map_err(|error| error.to_string())?;
    let file = File::open(path).map_err(|error| error.to_string())?;
    // Elsewhere a lock would keep others from reading it.
    #[cfg(unix)]
    file.lock().map_err(|error| error.to_string())?;
    Ok(file)
}

/// Takes back what [`HttpServer::announce`] wrote, if anything.
///
/// # Errors
/// When the file cannot be removed.
pub fn forget(data: &Path) -> io::Result<()> {
    removed(&data.join(API_ADDRESS))
}

fn removed(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl HttpServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes where it listens into the data folder, for the command line. A disk that is full is said, and tried again until
    /// it has room.
    pub fn announce(&mut self) {
        const AGAIN: Duration = Duration::from_secs(5);
        let url = format!("http://{}\n", reachable(self.address));
        let file = self.address_file.clone();
        if let Some(before) = self.announcing.take() {
            before.abort();
        }
        let held = Rc::clone(&self.announced);
        let tell = move || write_locked(&file, &url).map(|file| held.replace(Some(file)));
        if let Err(error) = tell() {
            tracing::error!(%error, "the command line cannot be told where the API is, before the disk takes it");
            self.announcing = Some(actix_rt::spawn(async move {
                loop {
                    actix_rt::time::sleep(AGAIN).await;
                    if tell().is_ok() {
                        break;
                    }
                }
            }));
        }
    }

    /// The API opens to others from now on.
    pub fn change_keys(&self, token: &Secret, password: &Secret) {
        self.keys.change(token, password);
    }

    /// Answers what was asked, then ends: another is there in its place, or none any more.
    pub fn retire(self) {
        tracing::info!(interface = "web.listen", address = %self.address, "no longer listening");
        let server = self.server.clone();
        actix_rt::spawn(async move { server.stop(true).await });
    }

    /// Answers what was asked, then ends.
    pub async fn stop(self) {
        if let Err(error) = removed(&self.address_file) {
            tracing::warn!(file = %self.address_file.display(), "cannot be removed: {error}");
        }
        self.server.stop(true).await;
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(announcing) = self.announcing.take() {
            announcing.abort();
        }
    }
}

async fn healthy() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

impl Api {
    /// Whether those who do the work are there and answer.
    pub async fn is_alive(&self) -> bool {
        self.count.send(CountPermits).await.is_ok() && self.disk.send(IsOnDisk).await.is_ok()
    }

    /// How far the phone list is on disk.
    async fn on_disk(&self) -> Result<OnDisk, Refusal> {
        let asked = self.disk.send(IsOnDisk).await;
        asked.map_err(|_| Refusal::Unable("the registrar is not running".to_owned()))
    }
}

/// A server that cannot write its list still serves every phone that is listed: it is ready, and says what is amiss.
async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    if api.count.send(CountPermits).await.is_err() {
        return Err(Refusal::Unable("licensing is not running".to_owned()));
    }
    let OnDisk { writable, unsaved } = api.on_disk().await?;
    let answer = match writable {
        true => json!({ "status": "ready" }),
        false => json!({
            "status": "ready",
            "unsaved_telephones": unsaved,
            "warning": "the phone list cannot be written; new phones are refused",
        }),
    };
    Ok(HttpResponse::Ok().json(answer))
}

async fn nothing() -> Result<HttpResponse, Refusal> {
    Err(Refusal::Nothing)
}

/// An address that a program on this machine can connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}
