//! The HTTP server: API for the command line and other programs, `/healthz`, `/readyz` and `/metrics`.

mod access;
mod certificate;
mod connection;
mod licenses;
mod metrics;
mod phones;
mod reload;
mod trial;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_rt::net::TcpStream;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, ResponseError, web};
use serde_json::json;
use settings::Secret;
use tokio::sync::mpsc::Sender;
use uacsta_actors::House;
use uacsta_actors::access::RETRY_AFTER;
use uacsta_actors::licensing::{Count, Overview, code::Issuer};
use uacsta_actors::post::Holder;
use uacsta_actors::registrar::{Find, IsOnDisk, List, OnDisk, Switch};

use crate::admin::Admin;
use crate::net::{self, tls::Identity};
use access::Keys;
use connection::Connection;

/// The file in the data folder that says where the API of the running server is.
pub const ADDRESS_FILE: &str = "api.url";

pub use reload::ReloadWish;
pub use trial::{Outcome, Trial};

/// Whom the API asks.
#[derive(Clone)]
pub struct Api {
    /// For the telephone list.
    pub list: Holder<List>,
    /// To put a telephone into or out of operation.
    pub switch: Holder<Switch>,
    /// For a phone itself.
    pub find: Holder<Find>,
    /// For whether the telephone list is on disk.
    pub disk: Holder<IsOnDisk>,
    /// For the phones and lines that are counted.
    pub count: Holder<Count>,
    /// For the brake on guessed passwords, and what is counted.
    pub house: Arc<House>,
    /// How many connections are open.
    pub open: net::Counts,
    /// For what is licensed.
    pub licences: Holder<Overview>,
    /// Whose licences are asked for.
    pub issuer: Option<Issuer>,
    /// For what operators set at run time.
    pub admin: Admin,
    /// To have the settings read again.
    pub reload: Sender<ReloadWish>,
    /// For the certificate in use.
    pub identity: Arc<Identity>,
}

/// The running HTTP server.
pub struct Web {
    address: SocketAddr,
    address_file: PathBuf,
    keys: web::Data<Keys>,
    server: ServerHandle,
}

/// Listens on `address`, for at most `connections` at a time; [`Web::announce`] writes where that is into `data`. The API is open to
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
) -> io::Result<Web> {
    let keys = web::Data::new(Keys::new(token, password, Arc::clone(&api.house)));
    let api = web::Data::new(api);
    let known = keys.clone();
    let app = move || {
        App::new()
            .app_data(api.clone())
            .app_data(known.clone())
            .app_data(
                web::JsonConfig::default()
                    .limit(64 << 10)
                    .error_handler(|error, _| {
                        Refusal::Wrong(format!("the request's body cannot be used: {error}")).into()
                    }),
            )
            .route("/healthz", web::get().to(healthy))
            .route("/readyz", web::get().to(ready))
            .route("/metrics", web::get().to(metrics::page))
            .service(
                web::scope("/api")
                    .wrap(from_fn(access::check))
                    .configure(certificate::routes)
                    .configure(phones::routes)
                    .configure(licenses::routes)
                    .configure(reload::routes)
                    .configure(trial::routes)
                    .default_service(web::to(nothing)),
            )
            .default_service(web::to(nothing))
    };
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let serve = move || {
        let app = map_config(app(), |_| AppConfig::default());
        let http = HttpService::build()
            .keep_alive(KeepAlive::Disabled)
            .client_request_timeout(Duration::from_secs(10))
            .client_disconnect_timeout(Duration::from_secs(1))
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
    let address_file = data.join(ADDRESS_FILE);
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(Web {
        address,
        address_file,
        keys,
        server: handle,
    })
}

impl Web {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes where it listens into the data folder, for the command line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self) -> io::Result<()> {
        let url = format!("http://{}\n", reachable(self.address));
        std::fs::write(&self.address_file, url)
    }

    /// The API opens to others from now on.
    pub fn change_keys(&self, token: &Secret, password: &Secret) {
        self.keys.change(token, password);
    }

    /// Answers what was asked, then ends: another is there in its place, or none any more.
    pub fn retire(self) {
        tracing::info!(interface = "web.listen", address = %self.address, "no longer listening");
        actix_rt::spawn(async move { self.server.stop(true).await });
    }

    /// Answers what was asked, then ends.
    pub async fn stop(self) {
        if let Err(error) = std::fs::remove_file(&self.address_file) {
            tracing::warn!(file = %self.address_file.display(), "cannot be removed: {error}");
        }
        self.server.stop(true).await;
    }
}

/// Why a request is refused; its display is the sentence in `{"error": ...}`.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("log on: show the token of cli.token, or the administrator's password")]
    Stranger,
    #[error("too many log-ons failed: try again in {RETRY_AFTER} seconds")]
    HeldBack,
    #[error("there is no such page")]
    Nothing,
    #[error("this page is not for {0}")]
    Method(actix_web::http::Method),
    #[error("no telephone that is listed as {0} has told its lines")]
    Lineless(uacsta_schema::phone_id::PhoneId),
    #[error("no telephone is listed as {0}")]
    Unknown(uacsta_schema::phone_id::PhoneId),
    #[error("{0}")]
    Wrong(String),
    #[error("{0}")]
    Unable(String),
}

impl ResponseError for Refusal {
    fn status_code(&self) -> actix_web::http::StatusCode {
        use actix_web::http::StatusCode;
        match self {
            Self::Stranger => StatusCode::UNAUTHORIZED,
            Self::HeldBack => StatusCode::TOO_MANY_REQUESTS,
            Self::Nothing | Self::Lineless(_) | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Unable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Stranger) {
            // RFC 9110 11.6.1 and RFC 6750 3.
            response.append_header(("WWW-Authenticate", "Bearer realm=\"uacsta\""));
            response.append_header(("WWW-Authenticate", "Basic realm=\"uacsta\""));
        }
        if matches!(self, Self::HeldBack) {
            // RFC 6585 4.
            response.append_header(("Retry-After", RETRY_AFTER.to_string()));
        }
        response.json(json!({ "error": self.to_string() }))
    }
}

async fn healthy() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

impl Api {
    /// Whether those who do the work are there and answer.
    pub async fn is_alive(&self) -> bool {
        self.count.send(Count).await.is_ok() && self.disk.send(IsOnDisk).await.is_ok()
    }

    /// How far the telephone list is on disk.
    async fn on_disk(&self) -> Result<OnDisk, Refusal> {
        let asked = self.disk.send(IsOnDisk).await;
        asked.map_err(|_| Refusal::Unable("the registrar is not running".to_owned()))
    }
}

/// A server that cannot write its list still serves every phone that is listed: it is ready, and says what is amiss.
async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    if api.count.send(Count).await.is_err() {
        return Err(Refusal::Unable("licensing is not running".to_owned()));
    }
    let OnDisk { writable, unsaved } = api.on_disk().await?;
    let answer = match writable {
        true => json!({ "status": "ready" }),
        false => json!({
            "status": "ready",
            "unsaved_telephones": unsaved,
            "warning": "the telephone list cannot be written; new telephones are refused",
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
    use arc_swap::ArcSwap;
    use reqwest::{Client, Method};
    use serde_json::Value;
    use uacsta_actors::Rules;
    use uacsta_actors::access::Throttle;
    use uacsta_actors::directory::NoLine;
    use uacsta_actors::licensing::{Allowance, Counts, Licences};
    use uacsta_actors::post::Post;
    use uacsta_actors::registrar::{Line, Listing, Unswitched};
    use uacsta_schema::sip::nonce::NonceKey;

    use super::*;
    use crate::clock::SystemClock;
    use crate::first_start;

    /// Stands in for the registrar: one telephone, 00:04:13:00:00:01, can be switched.
    struct Registrar;

    impl Actor for Registrar {
        type Context = Context<Self>;
    }

    impl Handler<List> for Registrar {
        type Result = MessageResult<List>;

        fn handle(&mut self, _: List, _: &mut Self::Context) -> MessageResult<List> {
            MessageResult(Vec::<Listing>::new())
        }
    }

    impl Handler<Overview> for Registrar {
        type Result = MessageResult<Overview>;

        fn handle(&mut self, _: Overview, _: &mut Self::Context) -> MessageResult<Overview> {
            MessageResult(Licences {
                counts: Counts {
                    phones: 3,
                    lines: 4,
                },
                phones: None,
                lines: Some(5),
                issued: None,
                codes: Vec::new(),
                trial_left: Duration::from_secs(6),
            })
        }
    }

    impl Handler<IsOnDisk> for Registrar {
        type Result = MessageResult<IsOnDisk>;

        fn handle(&mut self, _: IsOnDisk, _: &mut Self::Context) -> MessageResult<IsOnDisk> {
            MessageResult(OnDisk {
                writable: true,
                unsaved: 0,
            })
        }
    }

    impl Handler<Count> for Registrar {
        type Result = MessageResult<Count>;

        fn handle(&mut self, _: Count, _: &mut Self::Context) -> MessageResult<Count> {
            MessageResult(Counts {
                phones: 3,
                lines: 4,
            })
        }
    }

    impl Handler<Find> for Registrar {
        type Result = Result<Line, NoLine>;

        fn handle(&mut self, _: Find, _: &mut Self::Context) -> Self::Result {
            Err(NoLine::Unknown)
        }
    }

    impl Handler<Switch> for Registrar {
        type Result = Result<(), Unswitched>;

        fn handle(&mut self, switch: Switch, _: &mut Self::Context) -> Self::Result {
            match switch.mac.bare().ends_with("01") {
                true => Ok(()),
                false => Err(Unswitched::Unknown(switch.mac)),
            }
        }
    }

    /// What the API needs of it: there is neither registrar nor licensing.
    fn house() -> Arc<House> {
        Arc::new(House {
            rules: ArcSwap::from_pointee(Rules {
                settings: settings::Settings::builtin(),
                profiles: settings::Profiles::shipped(),
                allowance: Allowance::default(),
            }),
            clock: Arc::new(SystemClock::start()),
            nonces: NonceKey::new([0; 32]),
            throttle: Throttle::default(),
            repeats: uacsta_actors::repeats::Repeats::default(),
            counters: Arc::default(),
            agent: "uacsta".into(),
            registrar: Post::new(Context::new().address()),
            licensing: Post::new(Context::new().address()),
        })
    }

    fn identity(folder: &Path) -> Arc<Identity> {
        let made = first_start::prepare(folder, &mut settings::Settings::builtin()).unwrap();
        Arc::new(Identity::read(&made.certificate, &made.key).unwrap())
    }

    #[actix_web::test]
    async fn requests_and_answers() {
        let folder = tempfile::tempdir().unwrap();
        let registrar = Post::new(Registrar.start());
        let (reload, mut wishes) = tokio::sync::mpsc::channel(1);
        // Whoever asks finds the configuration wrong.
        actix_rt::spawn(async move {
            while let Some::<ReloadWish>(wish) = wishes.recv().await {
                wish.answer(Err("uacsta.toml line 2: nonsense".to_owned()));
            }
        });
        let api = Api {
            list: registrar.holder(),
            switch: registrar.holder(),
            find: registrar.holder(),
            disk: registrar.holder(),
            count: registrar.holder(),
            house: house(),
            open: net::Counts::default(),
            licences: registrar.holder(),
            issuer: None,
            admin: Admin::of(folder.path()),
            reload,
            identity: identity(folder.path()),
        };
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (token, password) = ("token".into(), "password".into());
        let web = start(loopback, 16, folder.path(), &token, &password, api).unwrap();
        web.announce().unwrap();
        let url = std::fs::read_to_string(folder.path().join(ADDRESS_FILE)).unwrap();
        assert_eq!(url.trim(), format!("http://{}", web.address()));

        let phone = "/api/phones/000413000001";
        let (on, list) = (r#"{"in_operation":true}"#, (Method::GET, "/api/phones"));
        for ((method, path), token, body, status, answer) in [
            (
                (Method::GET, "/healthz"),
                "",
                "",
                200,
                r#"{"status":"alive"}"#,
            ),
            (
                (Method::GET, "/readyz"),
                "",
                "",
                200,
                r#"{"status":"ready"}"#,
            ),
            (
                list.clone(),
                "token",
                "",
                200,
                r#"{"connected_phones":3,"monitored_lines":4,"phones":[]}"#,
            ),
            (
                (Method::DELETE, "/api/certificate"),
                "token",
                "",
                405,
                "this page is not for DELETE",
            ),
            (list.clone(), "", "", 401, "log on: "),
            (list, "wrong", "", 401, "log on: "),
            ((Method::GET, "/api/nothing"), "", "", 401, "log on: "),
            (
                (Method::GET, "/api/nothing"),
                "token",
                "",
                404,
                "there is no such page",
            ),
            (
                (Method::GET, "/nothing"),
                "",
                "",
                404,
                "there is no such page",
            ),
            (
                (Method::DELETE, "/api/phones"),
                "token",
                "",
                405,
                "this page is not for DELETE",
            ),
            (
                (Method::PUT, phone),
                "token",
                on,
                200,
                r#"{"in_operation":true,"mac":"00:04:13:00:00:01"}"#,
            ),
            (
                (Method::PUT, "/api/phones/00:04:13:00:00:02"),
                "token",
                on,
                404,
                "no telephone is listed as 00:04:13:00:00:02",
            ),
            (
                (Method::PUT, "/api/phones/0;4"),
                "token",
                on,
                400,
                "\"0;4\" names no telephone: ",
            ),
            (
                (Method::PUT, phone),
                "token",
                "{}",
                400,
                "the request's body cannot be used: ",
            ),
            (
                (Method::POST, "/api/phones/000413000001/csta"),
                "token",
                r#"{"request":"<HoldCall/>"}"#,
                404,
                "no telephone that is listed as 00:04:13:00:00:01 has told its lines",
            ),
            (
                (Method::POST, "/api/phones/000413000001/csta"),
                "token",
                r#"{"request":"<Hold"}"#,
                400,
                "the request cannot be sent: ",
            ),
            (
                (Method::POST, "/api/reload"),
                "token",
                "",
                400,
                "the configuration stays as it was: uacsta.toml line 2: nonsense",
            ),
            ((Method::POST, "/api/reload"), "", "", 401, "log on: "),
            (
                (Method::GET, "/api/licenses"),
                "token",
                "",
                200,
                r#"{"licences":null,"lines":{"in_use":4,"seats":5},"phones":{"in_use":3,"seats":null},"trial_seconds_left":6}"#,
            ),
            (
                (Method::POST, "/api/licenses"),
                "token",
                r#"{"code":"AAAA"}"#,
                400,
                "this program was built without an issuer",
            ),
            (
                (Method::PUT, phone),
                "token",
                r#"{"in_operation":1}"#,
                400,
                "the request's body cannot be used: ",
            ),
        ] {
            let request = Client::new().request(method, format!("{}{path}", url.trim()));
            let request = request
                .header("Content-Type", "application/json")
                .body(body);
            let request = if token.is_empty() {
                request
            } else {
                request.bearer_auth(token)
            };
            let response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{path} {body}");
            let text = response.text().await.unwrap();
            let told: Value = serde_json::from_str(&text).unwrap();
            match told.get("error").and_then(Value::as_str) {
                Some(error) => assert!(error.starts_with(answer), "{path}: {error}"),
                None => assert_eq!(text, answer, "{path}"),
            }
        }
        web.stop().await;
    }
}
