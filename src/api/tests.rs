//! Requests to the API and their answers, over a socket.
#![allow(clippy::unwrap_used)]

use actix::{Actor, Context, Handler, MessageResult};
use arc_swap::ArcSwap;
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uacsta_actors::{
    RuntimeConfig,
    auth::LogOnLimiter,
    directory::NoLine,
    licence::Allowance,
    licensing::{Licences, PermitCounts},
    registrar::{ChangeError, Line, PhoneDetails},
    supervision::RestartableAddr,
};
use uacsta_connect::SystemClock;
use uacsta_schema::sip::nonce::NonceKey;

use super::*;
use crate::data_dir;

/// Stands in for registrar and licensing; knows the phone 00:04:13:00:00:01.
struct Registrar;

impl Actor for Registrar {
    type Context = Context<Self>;
}

impl Handler<ListPhones> for Registrar {
    type Result = MessageResult<ListPhones>;

    fn handle(&mut self, _: ListPhones, _: &mut Self::Context) -> MessageResult<ListPhones> {
        MessageResult(Vec::<PhoneDetails>::new())
    }
}

impl Handler<GetLicences> for Registrar {
    type Result = MessageResult<GetLicences>;

    fn handle(&mut self, _: GetLicences, _: &mut Self::Context) -> MessageResult<GetLicences> {
        MessageResult(Licences {
            counts: PermitCounts {
                phones: 3,
                lines: 4,
            },
            phones: None,
            lines: Some(5),
            issued: None,
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

impl Handler<CountPermits> for Registrar {
    type Result = MessageResult<CountPermits>;

    fn handle(&mut self, _: CountPermits, _: &mut Self::Context) -> MessageResult<CountPermits> {
        MessageResult(PermitCounts {
            phones: 3,
            lines: 4,
        })
    }
}

impl Handler<CountReasons> for Registrar {
    type Result = MessageResult<CountReasons>;

    fn handle(&mut self, _: CountReasons, _: &mut Self::Context) -> MessageResult<CountReasons> {
        MessageResult(Default::default())
    }
}

impl Handler<CountPhones> for Registrar {
    type Result = MessageResult<CountPhones>;

    fn handle(&mut self, _: CountPhones, _: &mut Self::Context) -> MessageResult<CountPhones> {
        MessageResult([2, 1, 3])
    }
}

impl Handler<FindLine> for Registrar {
    type Result = Result<Line, NoLine>;

    fn handle(&mut self, _: FindLine, _: &mut Self::Context) -> Self::Result {
        Err(NoLine::Unknown)
    }
}

impl Handler<SetEnabled> for Registrar {
    type Result = Result<(), ChangeError>;

    fn handle(&mut self, switch: SetEnabled, _: &mut Self::Context) -> Self::Result {
        match switch.phone.bare().ends_with("01") {
            true => Ok(()),
            false => Err(ChangeError::Unknown(switch.phone)),
        }
    }
}

impl Handler<RemovePhone> for Registrar {
    type Result = Result<(), ChangeError>;

    fn handle(&mut self, RemovePhone(phone): RemovePhone, _: &mut Self::Context) -> Self::Result {
        match phone.bare().ends_with("01") {
            true => Ok(()),
            false => Err(ChangeError::Registered(phone)),
        }
    }
}

/// A context without registrar and licensing.
fn context() -> Arc<ServerContext> {
    Arc::new(ServerContext {
        config: ArcSwap::from_pointee(RuntimeConfig {
            settings: uacsta_config::Settings::builtin(),
            profiles: uacsta_config::Profiles::shipped(),
            allowance: Allowance::default(),
        }),
        clock: Arc::new(SystemClock::start()),
        nonces: NonceKey::new([0; 32]),
        log_on_limiter: LogOnLimiter::default(),
        log_limit: uacsta_actors::log_limit::LogLimit::default(),
        ladder: uacsta_actors::ladder::Ladder::default(),
        counters: Arc::default(),
        agent: "uacsta".into(),
    })
}

fn identity(folder: &Path) -> Arc<Identity> {
    let made = data_dir::prepare(folder, &mut uacsta_config::Settings::builtin()).unwrap();
    Arc::new(Identity::read(&made.certificate, &made.key).unwrap())
}

/// The API with its files in `folder`, its address file among them.
fn served(folder: &Path) -> HttpServer {
    let registrar = RestartableAddr::new(Registrar.start());
    let (reload, mut reload_requests) = tokio::sync::mpsc::channel(1);
    // Each reload fails.
    actix_rt::spawn(async move {
        while let Some::<ReloadRequest>(request) = reload_requests.recv().await {
            request.answer(Err("uacsta.toml line 2: nonsense".to_owned()));
        }
    });
    let api = Api {
        list: registrar.recipient(),
        switch: registrar.recipient(),
        remove: registrar.recipient(),
        find: registrar.recipient(),
        phones: registrar.recipient(),
        reasons: registrar.recipient(),
        disk: registrar.recipient(),
        count: registrar.recipient(),
        context: context(),
        open: net::ConnectionCounts::default(),
        licences: registrar.recipient(),
        issuer: None,
        admin: Admin::of(folder),
        reload,
        identity: identity(folder),
    };
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let (token, password) = ("token".into(), "password".into());
    let mut web = start(loopback, 16, folder, &token, &password, api).unwrap();
    web.announce();
    web
}

#[actix_web::test]
async fn cross_origin_request_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let own = format!("http://{}", web.address());
    for (origin, status) in [(&*own, 400), ("http://evil.example", 403)] {
        let asked = Client::new()
            .post(format!("{own}/api/reload"))
            .basic_auth("admin", Some("password"))
            .header("Origin", origin)
            .send();
        assert_eq!(asked.await.unwrap().status(), status, "{origin}");
    }
}

#[actix_web::test]
async fn each_request_gets_its_status_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let url = std::fs::read_to_string(folder.path().join(API_ADDRESS)).unwrap();
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
            "method DELETE not allowed (allowed: ",
        ),
        (list.clone(), "", "", 401, "log on with "),
        (list, "wrong", "", 401, "log on with "),
        ((Method::GET, "/api/nothing"), "", "", 401, "log on with "),
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
            "method DELETE not allowed (allowed: ",
        ),
        (
            (Method::PUT, phone),
            "token",
            on,
            200,
            r#"{"in_operation":true,"mac":"00:04:13:00:00:01"}"#,
        ),
        (
            (Method::DELETE, phone),
            "token",
            "",
            200,
            r#"{"forgotten":true,"mac":"00:04:13:00:00:01"}"#,
        ),
        (
            (Method::DELETE, "/api/phones/000413000002"),
            "token",
            "",
            409,
            "00:04:13:00:00:02 is registered, and would be listed again at once: ",
        ),
        (
            (Method::PUT, "/api/phones/00:04:13:00:00:02"),
            "token",
            on,
            404,
            "no phone 00:04:13:00:00:02 in the phone list; name it by its MAC address, such as 00:04:13:aa:bb:cc, or by the extension it is listed under; uacsta phones prints the list",
        ),
        (
            (Method::PUT, "/api/phones/0;4"),
            "token",
            on,
            400,
            "\"0;4\" is not the name of a phone: ",
        ),
        ((Method::PUT, phone), "token", "{}", 400, "invalid body: "),
        (
            (Method::POST, "/api/phones/000413000001/csta"),
            "token",
            r#"{"request":"<HoldCall/>"}"#,
            404,
            "phone 00:04:13:00:00:01 has not listed its lines yet",
        ),
        (
            (Method::POST, "/api/phones/000413000001/csta"),
            "token",
            r#"{"request":"<Hold"}"#,
            400,
            "invalid CSTA request: ",
        ),
        (
            (Method::POST, "/api/reload"),
            "token",
            "",
            400,
            "the configuration is unchanged: uacsta.toml line 2: nonsense",
        ),
        ((Method::POST, "/api/reload"), "", "", 401, "log on with "),
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
            "invalid body: ",
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

/// Sends one request; returns status, header fields and body as received.
async fn ask(web: &HttpServer, method: &str, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(web.address()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer token\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (status, fields) = head.split_once("\r\n").unwrap();
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    (status, fields.to_ascii_lowercase(), body.to_owned())
}

#[actix_web::test]
async fn wrong_method_gets_405_with_allow() {
    const METHODS: [&str; 8] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW",
    ];
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for (path, allow) in [
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/api/phones", "GET, HEAD"),
        ("/api/certificate", "GET, HEAD"),
        ("/api/licenses", "GET, HEAD, POST"),
        ("/api/phones/000413000001", "PUT, DELETE"),
        ("/api/phones/000413000001/csta", "POST"),
        ("/api/reload", "POST"),
    ] {
        let methods: Vec<&str> = allow.split(", ").collect();
        for method in METHODS {
            let (status, fields, body) = ask(&web, method, path).await;
            let told = fields.lines().find_map(|line| line.strip_prefix("allow: "));
            // RFC 9110, section 15.5.6.
            let refused = !methods.contains(&method);
            assert_eq!(status == 405, refused, "{method} {path}: {status}");
            let expected = refused.then(|| allow.to_ascii_lowercase());
            assert_eq!(told, expected.as_deref(), "{method} {path}");
            assert_eq!(body.is_empty(), method == "HEAD", "{method} {path}: {body}");
        }
    }
    // RFC 9110, section 9.3.2: "the server SHOULD send the same header fields in response to a HEAD request as ... GET".
    for path in ["/healthz", "/readyz", "/metrics", "/api/phones", "/nothing"] {
        let fields = |fields: String| -> Vec<String> {
            // The processor time in the metrics grows by a digit now and then.
            let varies = |line: &str| path == "/metrics" && line.starts_with("content-length:");
            let same = |line: &&str| !line.starts_with("date:") && !varies(line);
            fields.lines().filter(same).map(str::to_owned).collect()
        };
        let (status, head, _) = ask(&web, "HEAD", path).await;
        let (expected, get, body) = ask(&web, "GET", path).await;
        assert_eq!(
            (status, fields(head)),
            (expected, fields(get.clone())),
            "{path}"
        );
        assert!(
            get.contains(&format!("content-length: {}", body.len())),
            "{path}: {get}"
        );
    }
    web.stop().await;
}
