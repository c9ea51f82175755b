//! Changes that operators make to a server's files and settings while it starts or runs.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair};
use uacsta::store::Lock;

use crate::support::{
    PATIENCE,
    cti_client::CtiClient,
    datagrams::Weather,
    documents::Documents,
    phone::{self, Phone},
    process::{PASSWORDS, Serving, finish, on_free_ports, program, run},
    server::http,
};

const HOLDS: &str = "configuration reloaded";
const STAYS: &str = "the configuration is unchanged";
const OWN: [&str; 4] = ["secrets.toml", "cli.token", "certificate.pem", "key.pem"];
/// An address that no machine has (RFC 5737): all of it but the last can be served.
const MISTAKE: &str = "[phones]\nwan = { public_host = \"a.example\", tcp = \"192.0.2.1:1\" }\n";

/// The files of a folder, each with what it holds, but for those that change by themselves.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let own = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        OWN.iter().any(|own| name.starts_with(own))
    });
    own.map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).unwrap())
    })
    .collect()
}

async fn reload(server: &Serving, settings: &str, outcome: &str) -> String {
    server.write_settings(settings);
    let from = server.log().len();
    server.send_signal("HUP");
    server.until_logged(from, outcome).await
}

#[tokio::test]
async fn reload_restores_missing_files_with_current_values() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let folder = server.data().to_owned();
    let made = files(&folder);
    assert_eq!(made.len(), OWN.len());
    for name in OWN.into_iter().chain(["api.url"]) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    reload(&server, MISTAKE, STAYS).await;
    let left = files(&folder);
    assert!(left.is_empty(), "a refused reload has left {left:?}");
    let said = reload(&server, "", HOLDS).await;
    assert_eq!(
        said.matches("file was removed").count(),
        OWN.len(),
        "{said}"
    );
    assert!(files(&folder) == made, "something was made anew");
    let data = folder.to_str().unwrap();
    assert!(run(&["phones", "--data", data]).status.success());
    let secrets: toml::Table = fs::read_to_string(folder.join("secrets.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let password = secrets["phones"]["password"].as_str().unwrap();
    let phone = Phone::at(
        server.phones,
        "000413000001",
        password,
        "sip:101@pbx.example",
    );
    phone.register().await.expect(200);
}

#[tokio::test]
async fn rejected_reload_keeps_an_expiring_certificate() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let folder = server.data().to_owned();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let pair = KeyPair::generate().unwrap();
    let over = params.self_signed(&pair).unwrap();
    fs::write(folder.join("key.pem"), pair.serialize_pem()).unwrap();
    fs::write(folder.join("certificate.pem"), over.pem()).unwrap();
    server.until_logged(0, "certificate reloaded").await;
    let before = files(&folder);
    reload(&server, &format!("{MISTAKE}{}", &PASSWORDS[9..]), STAYS).await;
    assert!(files(&folder) == before, "a refused reload made another");
    let said = reload(&server, PASSWORDS, HOLDS).await;
    assert!(said.contains("expires soon; generated a new one"), "{said}");
    assert!(files(&folder)["certificate.pem"] != before["certificate.pem"]);
}

#[test]
fn server_without_the_folder_lock_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Lock::take(folder.path()).unwrap();
    let mut second = program();
    on_free_ports(&mut second);
    let ended = finish(second.arg("serve").arg("--data").arg(folder.path()));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    let made = files(folder.path());
    assert!(made.is_empty(), "it made {:?}", made.keys());
}

/// A service manager, which hears that the program lives.
struct Manager {
    beats: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let beats = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&beats);
        // It goes on with the process of the test: a program waits for a manager that does not listen.
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(length) = socket.recv(&mut buffer) {
                let beat = buffer[..length].starts_with(b"WATCHDOG=1");
                counted.fetch_add(beat.into(), Ordering::Relaxed);
            }
        });
        Self { beats, folder }
    }

    fn listens_to(&self, command: &mut Command) {
        command
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .env("WATCHDOG_USEC", "400000");
    }

    /// Waits until it has been told so many times more that the program lives.
    async fn hears(&self, times: usize) {
        let enough = self.beats.load(Ordering::Relaxed) + times;
        let told = async {
            while self.beats.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.expect("the watchdog is not fed");
    }
}

#[tokio::test]
async fn endless_configuration_file_delays_only_its_reload() {
    let manager = Manager::new();
    let server = Serving::start_as(tempfile::tempdir().unwrap(), PASSWORDS, |command| {
        manager.listens_to(command);
    });
    let pipe = server.data().join("authority.pem");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let hanging = format!(
        "{PASSWORDS}trusted_authority = \"{}\"\n",
        pipe.to_str().unwrap()
    );
    server.write_settings(&hanging);
    let from = server.log().len();
    let begun = Instant::now();
    server.send_signal("HUP");
    manager.hears(5).await;
    let phone = server.phone("000413000001", "sip:101@pbx.example");
    phone.start().await;
    assert!(!server.log()[from..].contains(STAYS), "it was not read yet");
    let said = server.until_logged(from, STAYS).await;
    assert!(said.contains("cannot be read within 10 seconds"), "{said}");
    assert!(begun.elapsed() > Duration::from_secs(9));
    // Who has mended it need not wait for what hangs still, nor has who ends the server.
    reload(&server, PASSWORDS, HOLDS).await;
    server.write_settings(&hanging);
    server.send_signal("HUP");
    manager.hears(5).await;
    assert_eq!(server.signal("TERM"), Some(0));
}

#[tokio::test]
async fn frequent_reloads_do_not_starve_the_watchdog() {
    let manager = Manager::new();
    let server = Serving::start_as(tempfile::tempdir().unwrap(), PASSWORDS, |command| {
        manager.listens_to(command);
    });
    let script = "while kill -HUP $0; do :; done";
    let mut storm = Command::new("sh")
        .args(["-c", script, &server.id().to_string()])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Half of the watchdog's time each; a server that misses two beats is started again.
    let begun = Instant::now();
    manager.hears(10).await;
    let took = begun.elapsed();
    storm.kill().unwrap();
    storm.wait().unwrap();
    assert!(took < Duration::from_secs(4), "ten beats took {took:?}");
}

#[tokio::test]
async fn moved_udp_interface_can_be_restored_while_in_use() {
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let (former, next) = (free(), free());
    let on = |address: &str| {
        format!(
            "[phones]\nudp = \"{address}\"\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n"
        )
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), &on(&former));
    let by_datagrams = |at: &str, mac, line| {
        let mut setup = phone::Setup::new(at.parse().unwrap(), mac, "let me ring", line);
        setup.udp = Some(Weather::Fair);
        Phone::new(setup, Arc::<Documents>::default())
    };
    let first = by_datagrams(&former, "000413000001", "sip:101@pbx.example");
    first.start().await;
    reload(&server, &on(""), HOLDS).await;
    reload(&server, &on(&former), HOLDS).await;
    let second = by_datagrams(&former, "000413000002", "sip:102@pbx.example");
    second.start().await;
    reload(&server, &on(&next), HOLDS).await;
    by_datagrams(&next, "000413000003", "sip:103@pbx.example")
        .start()
        .await;
    reload(&server, &on(&former), HOLDS).await;
    for known in [&first, &second] {
        known.register().await.expect(200);
    }
    by_datagrams(&former, "000413000004", "sip:104@pbx.example")
        .start()
        .await;
}

#[tokio::test]
async fn invalid_setting_is_reported_with_its_place() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let data = server.data().display().to_string();
    fs::write(server.data().join("text.pem"), "no certificate").unwrap();
    let taken = server.phones;
    for (mistake, line, what) in [
        (
            format!("[tls]\ncertificate = \"{data}/text.pem\"\nkey = \"{data}/key.pem\"\n"),
            6,
            "text.pem contains no certificate",
        ),
        (
            format!("[tls]\ncertificate = \"{data}/certificate.pem\"\nkey = \"{data}/none.pem\"\n"),
            7,
            "none.pem cannot be read",
        ),
        (
            format!("trusted_authority = \"{data}/text.pem\"\n"),
            5,
            "text.pem contains no certificate",
        ),
        (
            format!("wan = {{ public_host = \"a.example\", tcp = \"{taken}\" }}\n"),
            5,
            "clients.wan.tcp: cannot listen on",
        ),
    ] {
        let said = reload(&server, &format!("{PASSWORDS}{mistake}"), STAYS).await;
        let place = format!("uacsta.toml, line {line}: ");
        assert!(said.contains(&place) && said.contains(what), "{said}");
    }
}

#[tokio::test]
async fn world_readable_secrets_are_reported() {
    use std::os::unix::fs::PermissionsExt;

    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let token = server.data().join("cli.token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let said = reload(&server, PASSWORDS, HOLDS).await;
    assert!(
        said.contains("every user of this machine may read"),
        "{said}"
    );
    let done = run(&["check-config", "--data", server.data().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("cli.token, which contains secrets"), "{said}");
}

#[tokio::test]
async fn api_and_interface_swap_addresses_in_one_reload() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    // What an operator sets at run time goes before the environment, which names the ports of this test.
    let wish = |interface: SocketAddr, wan: &str, api: SocketAddr| {
        let text = format!(
            "[phones]\nlan.tcp = \"{interface}\"\nwan = {{ public_host = \"a\", tcp = \"{wan}\" }}\n[web]\nlisten = \"{api}\"\n"
        );
        fs::write(server.data().join("admin.toml"), text).unwrap();
    };
    let (phones, api) = (server.phones, server.web);
    let first = server.phone("000413000001", "sip:101@pbx.example");
    first.start().await;
    // Another program has the address of the WAN: all is open again as it was.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    wish(api, &other.local_addr().unwrap().to_string(), phones);
    let said = reload(&server, PASSWORDS, STAYS).await;
    assert!(said.contains("phones.wan.tcp: cannot listen on"), "{said}");
    let (status, _) = http(api, "", "GET", "/healthz", "").await;
    assert_eq!(status, 200);
    drop(other);
    for (phones, api) in [(api, phones), (phones, api)] {
        wish(phones, "", api);
        reload(&server, PASSWORDS, HOLDS).await;
        let (status, _) = http(api, "", "GET", "/healthz", "").await;
        assert_eq!(status, 200);
        Phone::at(phones, "000413000002", "let me ring", "sip:102@pbx.example")
            .register()
            .await
            .expect(200);
    }
    first.register().await.expect(200);
}

/// Listeners on all addresses and on one give way to each other, and an address keeps its socket whatever it serves.
#[tokio::test]
async fn interfaces_swap_addresses_in_one_reload() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let any = |address: SocketAddr| SocketAddr::from(([0, 0, 0, 0], address.port()));
    let (phones, clients) = (server.phones, server.clients);
    for (lan, cti) in [
        (clients, phones),
        (any(phones), any(clients)),
        (any(clients), phones),
        (phones, clients),
    ] {
        let text = format!("[phones]\nlan.tcp = \"{lan}\"\n[clients]\nlan.tcp = \"{cti}\"\n");
        fs::write(server.data().join("admin.toml"), text).unwrap();
        reload(&server, PASSWORDS, HOLDS).await;
        let at = |address: SocketAddr| SocketAddr::from(([127, 0, 0, 1], address.port()));
        Phone::at(
            at(lan),
            "000413000001",
            "let me ring",
            "sip:101@pbx.example",
        )
        .register()
        .await
        .expect(200);
        let client = CtiClient::at(at(cti), "ecsta", "let me dial").await;
        client.register().await.expect(200);
    }
}
