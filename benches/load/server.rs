//! The servers under test, on free loopback ports with a folder of their own.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    measure::Process,
    pipe,
    site::{CLIENTS, PHONES_PASSWORD, Site},
    tls,
};

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// This project's.
    Uacsta,
    /// Debian's, with the configuration in `benches/kamailio/`.
    Kamailio,
    /// Octets from one socket to others, and nothing else.
    Pipe,
}

/// How servers are started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The program uacsta.
    pub(crate) uacsta: PathBuf,
    /// Further settings of uacsta: `UACSTA__SECTION__KEY=VALUE`.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether peers connect over TLS.
    pub(crate) tls: bool,
    /// How many clients a phone has: what a pipe must know.
    pub(crate) clients: usize,
}

/// A server that runs; it ends when dropped.
pub(crate) struct Server {
    /// As its peers see it.
    pub(crate) site: Rc<Site>,
    child: Child,
    folder: Option<TempDir>,
}

/// Where Debian has it.
const KAMAILIO: &str = "/usr/sbin/kamailio";
/// One for each of two cores.
const WORKERS: usize = 2;
/// Over TLS, one of 200 phones could not register when two workers of Kamailio 5.6 shared the connections.
const TLS_WORKERS: usize = 1;
/// How long a server may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether Kamailio and its TLS module are installed.
pub(crate) fn has_kamailio() -> bool {
    let library = Path::new("/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so");
    Path::new(KAMAILIO).exists() && library.exists()
}

impl Server {
    /// Starts a server in a new folder, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start; its last words are in the error.
    pub(crate) async fn start(kind: Kind, setup: &Setup) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("uacsta-load-")?;
        let mut server = Self::start_in(kind, setup, folder.path())?;
        server.folder = Some(folder);
        server.listening().await?;
        Ok(server)
    }

    /// Starts a server with its data in `folder`, and does not wait.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub(crate) fn start_in(kind: Kind, setup: &Setup, folder: &Path) -> anyhow::Result<Self> {
        let (mut command, phones, clients) = match kind {
            Kind::Uacsta => uacsta(setup, folder)?,
            Kind::Kamailio => kamailio(setup, folder)?,
            Kind::Pipe => pipe(setup)?,
        };
        let words = File::create(folder.join("output"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(words.try_clone()?)
            .stderr(words)
            .spawn()
            .with_context(|| format!("{} cannot be run", command.get_program().display()))?;
        let address = |socket| tls::address(socket, setup.tls);
        Ok(Self {
            site: Site::new(
                address(phones),
                address(clients),
                Process { id: child.id() },
            ),
            child,
            folder: None,
        })
    }

    /// Where its data is.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(TempDir::path)
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        ensure!(
            self.child.try_wait()?.is_none(),
            "the server ended by itself"
        );
        let told = Command::new("kill")
            .arg(self.site.process.id.to_string())
            .status()?;
        ensure!(told.success(), "the server cannot be ended");
        let began = std::time::Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(began.elapsed() < PATIENCE, "the server does not end");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn listening(&mut self) -> anyhow::Result<()> {
        let began = std::time::Instant::now();
        for address in [self.site.phones.socket, self.site.clients.socket] {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                if let Some(status) = self.child.try_wait()? {
                    let folder = self.folder.as_ref().map(TempDir::path);
                    let words =
                        folder.and_then(|folder| fs::read_to_string(folder.join("output")).ok());
                    bail!(
                        "the server ended at once, {status}: {}",
                        words.unwrap_or_default()
                    );
                }
                ensure!(began.elapsed() < PATIENCE, "the server does not listen");
                sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Asked first: Kamailio's processes would outlive a main process that is killed.
            let _ = Command::new("kill")
                .arg(self.site.process.id.to_string())
                .status();
            std::thread::sleep(Duration::from_millis(500));
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The program, where phones connect, where clients connect.
type Start = (Command, SocketAddr, SocketAddr);

fn uacsta(setup: &Setup, folder: &Path) -> anyhow::Result<Start> {
    let [phones, phones_tls, clients, clients_tls] = free_ports()?;
    let mut command = Command::new(&setup.uacsta);
    command
        .arg("serve")
        .arg("--data")
        .arg(folder)
        .env("UACSTA__PHONES__LAN__TCP", phones.to_string())
        .env("UACSTA__PHONES__LAN__TLS", phones_tls.to_string())
        .env("UACSTA__CLIENTS__LAN__TCP", clients.to_string())
        .env("UACSTA__CLIENTS__LAN__TLS", clients_tls.to_string())
        .env("UACSTA__PHONES__PASSWORD", PHONES_PASSWORD)
        .env("UACSTA__CLIENTS__USER", CLIENTS.0)
        .env("UACSTA__CLIENTS__PASSWORD", CLIENTS.1)
        .env("UACSTA__WEB__LISTEN", "")
        .env("UACSTA__ADVANCED__DIGEST", "MD5")
        .envs(setup.settings.iter().map(|(key, value)| (key, value)));
    Ok(if setup.tls {
        (command, phones_tls, clients_tls)
    } else {
        (command, phones, clients)
    })
}

fn kamailio(setup: &Setup, folder: &Path) -> anyhow::Result<Start> {
    let [tcp, tls, ..] = free_ports()?;
    let (certificate, key) = tls::make_certificate(folder)?;
    let workers = if setup.tls { TLS_WORKERS } else { WORKERS };
    let quoted = |text: &str| format!("\"{text}\"");
    let mut command = Command::new(KAMAILIO);
    command.args(["-DD", "-n", "1", "-m", "2048", "-M", "64", "-f"]);
    command.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/benches/kamailio/kamailio.cfg"
    ));
    for (name, value) in [
        ("PORT", tcp.port().to_string()),
        ("TLS_PORT", tls.port().to_string()),
        ("WORKERS", workers.to_string()),
        ("PASSWORD", quoted(PHONES_PASSWORD)),
        ("CERTIFICATE", quoted(&certificate.to_string_lossy())),
        ("KEY", quoted(&key.to_string_lossy())),
    ] {
        command.arg("-A").arg(format!("{name}={value}"));
    }
    let port = if setup.tls { tls } else { tcp };
    Ok((command, port, port))
}

fn pipe(setup: &Setup) -> anyhow::Result<Start> {
    let [phones, clients, ..] = free_ports()?;
    let command = pipe::command(phones, clients, setup.clients)?;
    Ok((command, phones, clients))
}

/// Four loopback addresses with ports that are free at this moment.
fn free_ports() -> anyhow::Result<[SocketAddr; 4]> {
    let listeners: Vec<TcpListener> = (0..4)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let mut ports = [SocketAddr::from(([127, 0, 0, 1], 0)); 4];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?;
    }
    Ok(ports)
}
