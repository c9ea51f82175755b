//! Replaced, expired and invalid certificates, and failed handshakes.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uacsta_config::Settings;

use crate::support::{
    PATIENCE,
    csta::Call,
    fixture::LINE,
    phone::{Phone, Setup},
    process::{self, Serving},
    programs,
    server::{PHONES_PASSWORD, Server},
    sip::Message,
    wire::Wire,
};

/// How soon a changed certificate must be in use.
const EXCHANGE: Duration = Duration::from_secs(5);

/// Where a certificate and its key are kept, and replaced.
pub struct Files(TempDir);

impl Files {
    /// With a certificate that holds from yesterday for a year.
    pub fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.replace(params(-1, 365));
        files
    }

    pub fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    /// Another certificate, which signs itself.
    pub fn replace(&self, params: CertificateParams) {
        let key = KeyPair::generate().unwrap();
        self.write(&params.self_signed(&key).unwrap().pem(), &key);
    }

    fn write(&self, certificate: &str, key: &KeyPair) {
        fs::write(self.certificate(), certificate).unwrap();
        fs::write(self.key(), key.serialize_pem()).unwrap();
    }

    /// The certificate as it is now, under another name.
    fn keep(&self, name: &str) -> PathBuf {
        let copy = self.0.path().join(name);
        fs::copy(self.certificate(), &copy).unwrap();
        copy
    }

    fn set(&self, settings: &mut Settings) {
        settings.tls.certificate = Some(self.certificate());
        settings.tls.key = Some(self.key());
    }

    pub fn settings(&self) -> String {
        let (certificate, key) = (self.certificate(), self.key());
        format!(
            "[phones]\npassword = \"{PHONES_PASSWORD}\"\n[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n"
        )
    }
}

/// What makes a certificate that holds from and until so many days from today.
pub fn params(from: i64, until: i64) -> CertificateParams {
    let date = |days: i64| {
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
        let day = today.date() + jiff::SignedDuration::from_hours(24 * days);
        let unsigned = |number: i8| number.unsigned_abs();
        rcgen::date_time_ymd(
            day.year().into(),
            unsigned(day.month()),
            unsigned(day.day()),
        )
    };
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "pbx");
    params.not_before = date(from);
    params.not_after = date(until);
    params
}

/// Whether a handshake shows the certificate in this file.
async fn shows(address: SocketAddr, certificate: &Path) -> bool {
    Wire::connect(address, Some(certificate), None, std::sync::Arc::default())
        .await
        .is_ok()
}

/// A phone that logs on to the server, by TLS where a certificate is given.
async fn log_on(address: SocketAddr, certificate: Option<PathBuf>, mac: &str) {
    let mut setup = Setup::new(address, mac, PHONES_PASSWORD, LINE);
    setup.certificate = certificate;
    let phone = Phone::new(setup, std::sync::Arc::default());
    phone.register().await.expect(200);
}

/// Waits until the server's log holds this; the line.
async fn logged(server: &Serving, part: &str) -> String {
    let begun = Instant::now();
    loop {
        let log = log(server);
        if let Some(line) = log.lines().find(|line| line.contains(part)) {
            return line.to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "no {part:?} in\n{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn log(server: &Serving) -> String {
    fs::read_to_string(server.data().join("logs/uacsta.log")).unwrap()
}

#[tokio::test]
async fn replaced_certificate_is_served_within_5_s_without_disconnects() {
    let files = Files::new();
    let first = files.keep("first.pem");
    let server = Server::with(|settings| files.set(settings));
    let phones = server.addresses.phones_tls.unwrap();
    let phone = server.phone_as("000413000001", |setup| {
        setup.server = phones;
        setup.certificate = Some(first.clone());
    });
    phone.start().await;
    let client = server
        .client_as(|setup| {
            setup.server = server.addresses.clients_tls.unwrap();
            setup.certificate = Some(first.clone());
        })
        .await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;

    files.replace(params(-1, 365));
    let second = files.keep("second.pem");
    let exchanged = Instant::now();
    let mut shown = None;
    let mut after = 0;
    for number in 0.. {
        let call = Call::seen_by(LINE, &number.to_string(), LINE, "sip:102@pbx.example");
        phone.event(&call.originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
        if shown.is_none() && shows(phones, &second).await {
            shown = Some(exchanged.elapsed());
        }
        after += usize::from(shown.is_some());
        if after > 50 || exchanged.elapsed() > PATIENCE {
            break;
        }
    }
    let shown = shown.expect("the new certificate shows");
    assert!(shown < EXCHANGE, "after {shown:?}");
    assert!(!shows(phones, &first).await, "the first is shown no more");
    let clients = server.addresses.clients_tls.unwrap();
    assert!(shows(clients, &second).await, "clients see it too");
    session.make_call(LINE, "102").await;
    assert_eq!(phone.count("INVITE"), 1, "no connection was lost");
    let (status, told) = server.http("GET", "/api/v1/certificate", "").await;
    assert_eq!(status, 200, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let shown = CertificateDer::from_pem_file(&second).unwrap();
    let fingerprint: Vec<String> = Sha256::digest(&shown)
        .iter()
        .map(|octet| format!("{octet:02X}"))
        .collect();
    assert_eq!(told["fingerprint"], fingerprint.join(":"), "{told}");
    assert_eq!(told["names"][0], "localhost", "{told}");
}

#[tokio::test]
async fn invalid_certificate_is_reported_and_tcp_still_works() {
    let files = Files::new();
    files.replace(params(-30, -1));
    let server = Serving::start(tempfile::tempdir().unwrap(), &files.settings());
    assert!(logged(&server, "has expired").await.contains("ERROR"));
    log_on(server.phones, None, "000413000001").await;
    log_on(server.phones_tls, Some(files.certificate()), "000413000002").await;

    // Another one's key: the certificate in use stays.
    let over = files.keep("over.pem");
    let (one, another) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    files.write(&params(-1, 365).self_signed(&one).unwrap().pem(), &another);
    let line = logged(&server, "key.pem is not the private key of").await;
    assert!(line.contains("the previous one stays in use"), "{line}");
    assert!(shows(server.phones_tls, &over).await);

    // It ends tonight.
    files.replace(params(-30, 1));
    let line = logged(&server, "days=1 ").await;
    assert!(line.contains("WARN"), "{line}");
    assert!(shows(server.phones_tls, &files.certificate()).await);

    // Its time is to come, and its chain ends before any authority.
    let mut authority = params(-30, 365);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "our authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let own = KeyPair::generate().unwrap();
    files.write(
        &params(2, 365).signed_by(&own, &authority).unwrap().pem(),
        &own,
    );
    assert!(logged(&server, "is not valid yet").await.contains("ERROR"));
    let line = logged(&server, "certificate chain is incomplete").await;
    assert!(line.contains("do not trust CN=our authority"), "{line}");
    log_on(server.phones, None, "000413000003").await;
    log_on(server.phones_tls, Some(files.certificate()), "000413000004").await;
}

/// openssl tries a handshake with these arguments.
fn openssl(program: &Path, address: SocketAddr, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.args(["s_client", "-connect", &address.to_string()]);
    process::finish(command.args(arguments).stdin(Stdio::null()));
}

/// Sends octets and waits for the end of the connection.
async fn send(address: SocketAddr, octets: &[u8]) -> SocketAddr {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let local = stream.local_addr().unwrap();
    stream.write_all(octets).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // An RST, since our octets were not all read, is an end as well.
    let _ = ended.expect("the server ends the connection");
    local
}

#[tokio::test]
async fn failed_handshake_is_logged_with_the_peer_address() {
    let Some(program) = programs::find("openssl", "openssl") else {
        return;
    };
    let files = Files::new();
    let settings = files.settings() + "[limits]\ntls_handshake = 3\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let tls = server.phones_tls;
    let explained = async |what: &str, part: &str| {
        let line = logged(&server, part).await;
        assert!(line.contains(what) && line.contains("127.0.0.1:"), "{line}");
    };
    const FAILED: &str = "TLS handshake failed";

    openssl(
        &program,
        tls,
        &["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"],
    );
    explained(FAILED, "offers TLS 1.1 or older only").await;
    openssl(
        &program,
        tls,
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
    );
    explained(FAILED, "NoCipherSuitesInCommon").await;
    for version in ["-tls1_2", "-tls1_3"] {
        openssl(&program, tls, &[version, "-verify_return_error"]);
    }
    explained(FAILED, "unknown CA").await;
    let sip = b"OPTIONS sip:127.0.0.1 SIP/2.0\r\n\r\n";
    let peer = send(tls, sip).await;
    explained(&peer.to_string(), "plain SIP on a TLS port").await;
    // A header field of a ClientHello, and no more.
    let peer = send(tls, b"\x16\x03\x01\x01").await;
    explained(&peer.to_string(), "limits.tls_handshake").await;
    cut_handshake(TcpStream::connect(tls).await.unwrap()).await;
    explained(FAILED, "closed the connection during the handshake").await;
    send(tls, b"\x80\x2e\x01\x00\x02 SSL of 1995").await;
    explained(FAILED, "does not speak TLS").await;
    send(tls, b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 5061\r\n").await;
    explained(FAILED, "sends a PROXY header").await;

    // The same on the other side: TLS on a TCP port.
    for address in [server.phones, server.clients] {
        openssl(&program, address, &[]);
    }
    explained("connection refused", "TLS on a TCP port").await;

    // Repeated attempts are logged once.
    for _ in 0..50 {
        send(tls, sip).await;
    }
    log_on(tls, Some(files.certificate()), "000413000001").await;
    let log = server.end();
    for part in ["plain SIP on a TLS port", "TLS on a TCP port", "unknown CA"] {
        let lines = log.lines().filter(|line| line.contains(part)).count();
        assert_eq!(lines, 1, "{part}:\n{log}");
    }
}

/// Closes the connection once the server has answered, as a phone does that rejects its certificate.
async fn cut_handshake(mut stream: TcpStream) {
    let name = "localhost".try_into().unwrap();
    let mut session = rustls::ClientConnection::new(trusting_nobody(), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    stream.write_all(&hello).await.unwrap();
    assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
}

fn trusting_nobody() -> std::sync::Arc<rustls::ClientConfig> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let none = rustls::RootCertStore::empty();
    config
        .with_root_certificates(none)
        .with_no_client_auth()
        .into()
}

/// Shakes hands and resets the connection at once.
async fn reset_after_handshake(address: SocketAddr, data: &Path) {
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(data.join("ca.pem")).unwrap();
    roots.add(authority).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    reset(stream.into_inner().0);
}

/// Closes the connection by RST.
fn reset(stream: TcpStream) {
    let socket = socket2::SockRef::from(&stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// Connects as the front end that `advanced.proxy_protocol_from` names.
async fn from_front(address: SocketAddr) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

#[tokio::test]
async fn health_checks_are_no_failed_handshakes() {
    let settings = format!(
        "[phones]\npassword = {PHONES_PASSWORD:?}\n[advanced]\nproxy_protocol_from = [\"127.0.0.2\"]\n"
    );
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let tls = server.phones_tls;
    for _ in 0..20 {
        drop(TcpStream::connect(tls).await.unwrap());
        reset(TcpStream::connect(tls).await.unwrap());
        reset_after_handshake(tls, server.data()).await;
        drop(from_front(tls).await);
        reset(from_front(tls).await);
        let mut local = from_front(tls).await;
        local
            .write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")
            .await
            .unwrap();
        cut_handshake(local).await;
    }
    // A failed one, after which the others are known to have ended.
    cut_handshake(TcpStream::connect(tls).await.unwrap()).await;
    logged(&server, "closed the connection during the handshake").await;
    assert_eq!(server.metric("uacsta_tls_handshakes_failed_total").await, 1);
    assert_eq!(server.metric("uacsta_proxy_headers_refused_total").await, 0);
    let log = server.log();
    let is_warning = |line: &&str| line.contains("WARN uacsta::net");
    let faults = log.lines().filter(is_warning).count();
    assert_eq!(faults, 1, "{log}");
}

#[tokio::test]
async fn sips_requires_tls_and_is_answered_with_sips() {
    let server = Server::start();
    let plain = server.phone("000413000001");
    let wire = plain.wire().await;
    let request = Message::request("OPTIONS", "sips:127.0.0.1")
        .with("Via", wire.via())
        .with("Max-Forwards", 70)
        .with("From", "<sip:000413000001@127.0.0.1>;tag=a")
        .with("To", "<sip:000413000001@127.0.0.1>")
        .with("Call-ID", "sips")
        .with("CSeq", "1 OPTIONS");
    // RFC 3261, sections 8.2.2.1 and 26.2.2.
    let refused = plain.transact(&request).await.expect(416);
    assert!(
        refused.must("Warning").contains("needs TLS"),
        "{}",
        refused.text()
    );
    let contact = |register: Message| register.set("Contact", "<sips:000413000001@127.0.0.1:9>");
    plain.register_as(contact).await.expect(400);
    plain.start().await;

    let secure = |address: Option<SocketAddr>| (address.unwrap(), Some(server.certificate()));
    let phone = server.phone_as("000413000002", |setup| {
        (setup.server, setup.certificate) = secure(server.addresses.phones_tls);
    });
    let contact = |register: Message| register.set("Contact", "<sips:000413000002@127.0.0.1:9>");
    phone.register_as(contact).await.expect(200);
    let invite = phone.until_received("INVITE", 1).await.message;
    assert_eq!(invite.uri(), "sips:000413000002@127.0.0.1:9");
    assert!(
        invite.must("Contact").starts_with("<sips:"),
        "{}",
        invite.text()
    );
    phone.in_session().await;

    let client = server
        .client_as(|setup| (setup.server, setup.certificate) = secure(server.addresses.clients_tls))
        .await;
    let session = client.open("sips:0002@pbx.example").await;
    let answer = &session.answer;
    assert!(
        answer.must("Contact").starts_with("<sips:"),
        "{}",
        answer.text()
    );
}
