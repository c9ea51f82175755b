//! The real server within the test process, on free loopback ports and a temporary folder.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
};
use uacsta_actors::{ServerContext, clock::Clock, licence::code::Issuer};
use uacsta_config::Settings;

use super::{
    PATIENCE,
    cti_client::{self, CtiClient},
    documents::Documents,
    maker::Maker,
    phone::{self, Phone},
};

/// The password of every phone.
pub const PHONES_PASSWORD: &str = "let me ring";
/// The password of the client `ecsta`.
pub const CLIENTS_PASSWORD: &str = "let me dial";

/// A running server; it stops when dropped, and then all that it wrote is validated.
pub struct Server {
    /// Where it listens.
    pub addresses: uacsta::Addresses,
    /// What it runs with.
    pub settings: Settings,
    /// What it wrote to the two ends.
    pub documents: Arc<Documents>,
    /// What its actors share.
    pub context: Arc<ServerContext>,
    data: Arc<TempDir>,
    program: Option<uacsta::Server>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts with the built-in settings, on free loopback ports.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same with settings changed.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = loopback();
        change(&mut settings);
        let folder = tempfile::tempdir().unwrap();
        Self::run(settings, Arc::new(folder), Arc::default(), None).unwrap()
    }

    /// Starts with the built-in settings, and a clock of the test.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self::of(
            uacsta::Server::default().by(clock),
            tempfile::tempdir().unwrap(),
        )
    }

    /// Starts on a data folder, as a program that asks for licences of that issuer.
    pub fn licensed_by(issuer: Issuer, data: TempDir) -> Self {
        Self::of(uacsta::Server::default().licensed_by(issuer), data)
    }

    /// Starts a program with the built-in settings, and the licences that the data folder holds, on that folder.
    pub fn of(program: uacsta::Server, data: TempDir) -> Self {
        let mut settings = loopback();
        settings.licenses = uacsta_config::load(None, Some(data.path()))
            .unwrap()
            .licenses;
        Self::run(settings, Arc::new(data), Arc::default(), Some(program)).unwrap()
    }

    /// Stops, and starts again with the same data and other settings.
    pub fn restart(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        self.end();
        change(&mut self.settings);
        let (settings, data, documents) = (
            self.settings.clone(),
            Arc::clone(&self.data),
            Arc::clone(&self.documents),
        );
        let program = self.program.clone();
        Self::run(settings, data, documents, program).unwrap()
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// A snom phone with one identity, `sip:<last four digits of the MAC>@pbx.example`; not connected yet.
    pub fn phone(&self, mac: &str) -> Phone {
        self.phone_as(mac, |_| {})
    }

    /// The same, made otherwise.
    pub fn phone_as(&self, mac: &str, change: impl FnOnce(&mut phone::Setup)) -> Phone {
        let identity = format!(
            "sip:{}@pbx.example",
            mac.get(mac.len().saturating_sub(4)..).unwrap_or(mac)
        );
        let address = self.addresses.phones_tcp.unwrap();
        let mut setup = phone::Setup::new(address, mac, PHONES_PASSWORD, &identity);
        change(&mut setup);
        Phone::new(setup, Arc::clone(&self.documents))
    }

    /// A maker's phone as its table has it, with one identity whose number is 1000 and `serial`; not connected yet.
    pub fn phone_of(&self, maker: &Maker, serial: u32) -> Phone {
        self.phone_as(&maker.mac(serial), |setup| {
            setup.made_by(maker, 1000 + serial);
        })
    }

    /// A client that is connected.
    pub async fn client(&self) -> CtiClient {
        self.client_as(|_| {}).await
    }

    /// The same, made otherwise.
    pub async fn client_as(&self, change: impl FnOnce(&mut cti_client::Setup)) -> CtiClient {
        let address = self.addresses.clients_tcp.unwrap();
        let mut setup = cti_client::Setup::new(address, "ecsta", CLIENTS_PASSWORD);
        change(&mut setup);
        CtiClient::connect(setup, Arc::clone(&self.documents)).await
    }

    /// The certificate that the first start made.
    pub fn certificate(&self) -> std::path::PathBuf {
        self.data().join("certificate.pem")
    }

    /// The whole phone list of `GET /api/v1/phones`, and the counts of `GET /api/v1/status`.
    pub async fn list(&self) -> Value {
        let mut list = self.get("/api/v1/phones?limit=1000").await;
        assert_eq!(list["next"], Value::Null, "more than a page");
        let mut status = self.get("/api/v1/status").await;
        for count in ["connectedPhones", "monitoredLines"] {
            list[count] = status[count].take();
        }
        list
    }

    /// The JSON answer to a GET.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.http("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// One phone of the list; null when it is not there.
    pub async fn listed(&self, id: &str) -> Value {
        let mut list = self.list().await;
        let phones = list["items"].as_array_mut().unwrap();
        let phone = phones.iter_mut().find(|phone| phone["id"] == id);
        phone.map_or(Value::Null, Value::take)
    }

    /// Puts a phone into operation or out of it.
    pub async fn switch(&self, id: &str, on: bool) {
        let (status, body) = self
            .http(
                "PATCH",
                &format!("/api/v1/phones/{id}"),
                &format!("{{\"inOperation\": {on}}}"),
            )
            .await;
        assert_eq!(status, 200, "{body}");
    }

    /// Waits until so many of its parts have failed, and the last of them has been replaced.
    pub async fn until_failed(&self, parts: u64) {
        let line = format!("\nuacsta_panics_total {parts}\n");
        let wait = async { while !self.http("GET", "/metrics", "").await.1.contains(&line) {} };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("not {parts} parts failed"));
    }

    /// One request to the API with the token of the data folder; status and body.
    pub async fn http(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let token = std::fs::read_to_string(self.data().join("cli.token")).unwrap();
        self.http_as(token.trim(), method, path, body).await
    }

    /// The same with another token.
    pub async fn http_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, String) {
        http(self.addresses.web.unwrap(), token, method, path, body).await
    }

    fn run(
        settings: Settings,
        data: Arc<TempDir>,
        documents: Arc<Documents>,
        program: Option<uacsta::Server>,
    ) -> Result<Self, String> {
        let (told, hear) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (given, folder) = (settings.clone(), Arc::clone(&data));
        let starting = program.clone().unwrap_or_default();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                match starting.run(given.clone(), folder.path()) {
                    Ok(mut running) => {
                        let context = running.api().context;
                        let _ = told.send(Ok((running.addresses.clone(), context)));
                        tokio::select! {
                            _ = stopped => {}
                            () = carry_out_requests(&mut running, &given, folder.path()) => {}
                        }
                        running.stop().await;
                    }
                    Err(error) => drop(told.send(Err(error.to_string()))),
                }
            });
        });
        let (addresses, context) = hear
            .recv()
            .map_err(|_| "the server's thread ended".to_owned())??;
        Ok(Self {
            addresses,
            settings,
            documents,
            context,
            data,
            program,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the server's thread panicked"
            );
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.thread.is_none() {
            return;
        }
        self.end();
        if !std::thread::panicking()
            && let Err(fault) = self.documents.check()
        {
            panic!("{fault}");
        }
    }
}

/// Applies the licences of `admin.toml` at each reload request of the API, and stops and starts the service.
async fn carry_out_requests(running: &mut uacsta::Running, given: &Settings, data: &Path) {
    loop {
        let request = tokio::select! {
            Some(request) = running.reload_requests.recv() => request,
            Some(request) = running.service_requests.recv() => {
                running.change_service(request).await;
                continue;
            }
            else => return,
        };
        let mut settings = given.clone();
        settings.licenses = uacsta_config::load(None, Some(data)).unwrap().licenses;
        let outcome = match running.reload_context().validate(settings) {
            Ok(validated) => running.apply(validated, request.reload.by()).await,
            Err(wrong) => Err(wrong),
        };
        request.answer(outcome);
    }
}

/// One HTTP request with a bearer token; status and body.
pub async fn http(
    address: std::net::SocketAddr,
    token: &str,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap();
    (status, body.to_owned())
}

/// One number of `GET /metrics`, which asks for no log-on; `name` has its label.
pub async fn counted(address: std::net::SocketAddr, name: &str) -> u64 {
    let (status, page) = http(address, "", "GET", "/metrics", "").await;
    assert_eq!(status, 200, "{page}");
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not counted:\n{page}"))
        .parse()
        .unwrap()
}

fn loopback() -> Settings {
    let mut settings = Settings::builtin();
    let free = || uacsta_config::Listen::from(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.phones.lan = uacsta_config::Lan {
        tcp: free(),
        tls: free(),
    };
    settings.clients.lan = uacsta_config::Lan {
        tcp: free(),
        tls: free(),
    };
    settings.web.listen = free();
    // Tests ask again and again until something has happened.
    settings.limits.api_requests = 100_000;
    settings.phones.password = PHONES_PASSWORD.into();
    settings.clients.password = CLIENTS_PASSWORD.into();
    settings
}
