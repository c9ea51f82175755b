//! The built program as a child process, with its exit code and its output.

use std::{
    fs,
    io::Read as _,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    PATIENCE,
    cti_client::CtiClient,
    phone::Phone,
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD, counted, http},
};

/// Settings with the passwords that the tests' phones and clients have.
pub const PASSWORDS: &str =
    "[phones]\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n";

/// The built program, ready for arguments; nothing of the caller's environment sets it.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uacsta"));
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("UACSTA__"))
    {
        command.env_remove(name);
    }
    command.env_remove("STATE_DIRECTORY").stdin(Stdio::null());
    command
}

/// A command as the arguments of another program.
pub fn within(wrapper: &[&str], inner: &Command) -> Command {
    let (outer, arguments) = wrapper.split_first().expect("a program");
    let mut command = Command::new(outer);
    command
        .args(arguments)
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command
}

/// Lets it listen on free loopback ports alone.
pub fn on_free_ports(command: &mut Command) {
    for interface in [
        "PHONES__LAN__TCP",
        "PHONES__LAN__TLS",
        "CLIENTS__LAN__TCP",
        "CLIENTS__LAN__TLS",
        "WEB__LISTEN",
    ] {
        command.env(format!("UACSTA__{interface}"), "127.0.0.1:0");
    }
}

/// Runs the program to its end with these arguments.
pub fn run(arguments: &[&str]) -> Output {
    finish(program().args(arguments))
}

/// Runs a command to its end; one that goes on, as a server does, is killed and fails the test.
pub fn finish(command: &mut Command) -> Output {
    finish_within(PATIENCE, command)
}

/// The same for one that takes long.
pub fn finish_within(time: Duration, command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A pipe that nobody empties would stop who writes to it.
    let heard = [
        read_all(child.stdout.take().unwrap()),
        read_all(child.stderr.take().unwrap()),
    ];
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if begun.elapsed() > time {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let [stdout, stderr] = heard.map(|reading| reading.join().unwrap());
    let Some(status) = status else {
        let words = [stdout, stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
        panic!("{command:?} goes on: {words:?}");
    };
    Output {
        status,
        stdout,
        stderr,
    }
}

fn read_all(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        pipe.read_to_end(&mut all).unwrap();
        all
    })
}

/// `uacsta serve` on free loopback ports as a child; it is killed when dropped.
pub struct Serving {
    /// Where phones reach it.
    pub phones: SocketAddr,
    /// Where phones reach it over TLS.
    pub phones_tls: SocketAddr,
    /// Where phones reach it by UDP, if its settings say so.
    pub phones_udp: Option<SocketAddr>,
    /// Where clients reach it.
    pub clients: SocketAddr,
    /// Where clients reach it over TLS.
    pub clients_tls: SocketAddr,
    /// Where its API listens.
    pub web: SocketAddr,
    child: Child,
    data: TempDir,
}

impl Serving {
    /// Starts it on that data folder, with `settings` beside the interfaces, and waits until its log names every port.
    pub fn start(data: TempDir, settings: &str) -> Self {
        Self::start_as(data, settings, |_| {})
    }

    /// The same as the argument of another program, such as `nice -n 19`, which must become it (`exec`).
    pub fn under(wrapper: &[&str], data: TempDir, settings: &str) -> Self {
        Self::start_as(data, settings, |command| {
            *command = within(wrapper, command);
        })
    }

    /// The same, with a command line or an environment that the test changes.
    pub fn start_as(data: TempDir, settings: &str, change: impl FnOnce(&mut Command)) -> Self {
        let file = data.path().join("uacsta.toml");
        write_private(&file, settings);
        let old = log(data.path()).len();
        let mut command = program();
        on_free_ports(&mut command);
        command
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .arg("--data")
            .arg(data.path())
            // Tests ask again and again until something is so.
            .env("UACSTA__LIMITS__API_REQUESTS", "100000");
        change(&mut command);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        loop {
            let said = log(data.path());
            let said = said.get(old..).unwrap_or_default();
            let at = |interface| address(said, interface);
            if let (Some(phones), Some(phones_tls), Some(clients), Some(clients_tls), Some(web)) = (
                at("phones.lan.tcp"),
                at("phones.lan.tls"),
                at("clients.lan.tcp"),
                at("clients.lan.tls"),
                at("web.listen"),
            ) {
                return Self {
                    phones,
                    phones_tls,
                    // The log names it before those of the clients.
                    phones_udp: at("phones.udp"),
                    clients,
                    clients_tls,
                    web,
                    child,
                    data,
                };
            }
            let ended = child.try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let _ = child.kill();
                let mut words = String::new();
                let _ = child
                    .stderr
                    .take()
                    .map(|mut stderr| stderr.read_to_string(&mut words));
                panic!("the server does not serve ({ended:?}):\n{words}\n{said}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes other settings into its configuration file. It reads them when it is told to.
    pub fn write_settings(&self, settings: &str) {
        write_private(&self.data().join("uacsta.toml"), settings);
    }

    /// Has it read other settings, which must hold.
    #[cfg(unix)]
    pub async fn reload(&self, settings: &str) {
        self.write_settings(settings);
        let from = self.log().len();
        self.send_signal("HUP");
        let holds = "configuration reloaded";
        self.until_logged(from, holds).await;
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        log(self.data())
    }

    /// Waits until its log says something after the first `from` octets; the rest of the log.
    pub async fn until_logged(&self, from: usize, text: &str) -> String {
        let said = async {
            loop {
                let log = self.log();
                if let Some(new) = log.get(from..).filter(|new| new.contains(text)) {
                    return new.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, said)
            .await
            .unwrap_or_else(|_| panic!("the log does not say {text:?}:\n{}", self.log()))
    }

    /// Where an interface listens, by the last line of the log that says so.
    pub fn listens(&self, interface: &str) -> Option<SocketAddr> {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().rev().find_map(|line| address(line, interface))
    }

    /// A snom with one identity, which knows the phones' password; not connected yet.
    pub fn phone(&self, mac: &str, identity: &str) -> Phone {
        Phone::at(self.phones, mac, PHONES_PASSWORD, identity)
    }

    /// The client `ecsta`, connected.
    pub async fn client(&self) -> CtiClient {
        CtiClient::at(self.clients, "ecsta", CLIENTS_PASSWORD).await
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says beside its log, from now on.
    pub fn take_stderr(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().expect("it is taken once")
    }

    /// Sends a signal by its name; it goes on.
    #[cfg(unix)]
    pub fn send_signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The phone list of `GET /api/v1/phones`, as it came; several pages follow each other.
    pub async fn list(&self) -> String {
        let token = fs::read_to_string(self.data().join("cli.token")).unwrap();
        let mut list = String::new();
        let mut path = "/api/v1/phones?limit=1000".to_owned();
        loop {
            let (status, body) = http(self.web, token.trim(), "GET", &path, "").await;
            assert_eq!(status, 200, "{body}");
            list.push_str(&body);
            let page: serde_json::Value = serde_json::from_str(&body).unwrap();
            let Some(next) = page["next"].as_str() else {
                return list;
            };
            path = format!("/api/v1/phones?limit=1000&after={next}");
        }
    }

    /// One number of `GET /metrics`; `name` has its label.
    pub async fn metric(&self, name: &str) -> u64 {
        counted(self.web, name).await
    }

    /// Waits until the list holds that text.
    pub async fn until_listed(&self, text: &str) {
        let wait = async { while !self.list().await.contains(text) {} };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("{text} is not listed in time"));
    }

    /// Ends it in good order, so that all is written; its log.
    #[cfg(unix)]
    pub fn end(mut self) -> String {
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().unwrap());
        assert_eq!(self.signal("TERM"), Some(0));
        log(data.path())
    }

    /// `kill -9`; the data folder stays.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.data, tempfile::tempdir().unwrap())
    }

    /// Stops it in good order and starts it again on the same ports and data folder.
    #[cfg(unix)]
    pub fn restart(self, settings: &str) -> Self {
        let ports = [
            ("PHONES__LAN__TCP", Some(self.phones)),
            ("PHONES__LAN__TLS", Some(self.phones_tls)),
            ("PHONES__UDP", self.phones_udp),
            ("CLIENTS__LAN__TCP", Some(self.clients)),
            ("CLIENTS__LAN__TLS", Some(self.clients_tls)),
            ("WEB__LISTEN", Some(self.web)),
        ];
        let (code, data) = self.stop();
        assert_eq!(code, Some(0));
        Self::start_as(data, settings, |command| {
            for (interface, address) in ports {
                if let Some(address) = address {
                    command.env(format!("UACSTA__{interface}"), address.to_string());
                }
            }
        })
    }

    /// SIGTERM; the exit code, and the data folder, which stays.
    #[cfg(unix)]
    pub fn stop(mut self) -> (Option<i32>, TempDir) {
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().unwrap());
        (self.signal("TERM"), data)
    }

    /// Sends a signal by its name; the exit code.
    #[cfg(unix)]
    pub fn signal(mut self, name: &str) -> Option<i32> {
        self.send_signal(name);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file that contains passwords.
fn write_private(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    }
}

fn log(data: &Path) -> String {
    fs::read_to_string(data.join("logs/uacsta.log")).unwrap_or_default()
}

/// The address of an interface in the field `listening` of a log line, or in the line of one that was awaited.
fn address(log: &str, interface: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| {
        line.contains(" listening") && line.contains(interface) && !line.contains("no longer")
    })?;
    let (_, rest) = line.split_once(interface)?;
    rest.split(|c: char| c.is_whitespace() || "=\"".contains(c))
        .find_map(|part| part.parse().ok())
}
