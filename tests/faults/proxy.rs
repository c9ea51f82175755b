//! TLS front ends that pass on the peer's address by the PROXY protocol.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
};
use uacsta_config::{Network, Settings, Trusted};

use crate::support::{
    PATIENCE,
    fixture::LINE,
    process::Serving,
    programs,
    server::{PHONES_PASSWORD, Server, http},
};

/// Where front ends connect from; what comes from 127.0.0.1 comes straight.
const FRONT: &str = "127.0.0.2";

fn trust_front(settings: &mut Settings) {
    let network = Network::try_from(FRONT.to_owned()).unwrap();
    settings.advanced.proxy_protocol_from = vec![network];
}

/// A front end of a server, which begins each connection with these octets.
async fn front(server: SocketAddr, header: impl Into<Vec<u8>>) -> SocketAddr {
    let header = header.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut ours = connect(server).await;
            let header = header.clone();
            drop(tokio::spawn(async move {
                ours.write_all(&header).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut peer, &mut ours).await;
            }));
        }
    }));
    address
}

/// A connection from where front ends are.
async fn connect(server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{FRONT}:0").parse().unwrap()).unwrap();
    socket.connect(server).await.unwrap()
}

/// Version 1 for a peer that connected to 198.51.100.1:5061.
fn line(peer: &str) -> String {
    format!("PROXY TCP4 {peer} 198.51.100.1 40000 5061\r\n")
}

/// Version 2 for 203.0.113.7:40000, which connected to 198.51.100.1:5061, by TLS or not.
fn binary(secure: bool) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
    header.extend([203, 0, 113, 7, 198, 51, 100, 1, 0x9c, 0x40, 0x13, 0xc5]);
    header.extend([0x20, 0, 5, u8::from(secure), 0, 0, 0, 0]);
    header
}

#[tokio::test]
async fn proxied_phone_is_known_by_its_own_address() {
    let server = Server::with(trust_front);
    let tcp = server.addresses.phones_tcp.unwrap();
    for (mac, header, transport) in [
        ("000413000001", line("203.0.113.7").into_bytes(), "TLS"),
        ("000413000002", binary(true), "TLS"),
        ("000413000003", binary(false), "TCP"),
    ] {
        let front = front(tcp, header).await;
        let phone = server.phone_as(mac, |setup| setup.server = front);
        phone.start().await;
        let invite = phone.until_received("INVITE", 1).await.message;
        let via = format!("SIP/2.0/{transport} 198.51.100.1:5061;");
        assert!(invite.must("Via").starts_with(&via), "{}", invite.text());
        let contact = format!("@198.51.100.1:5061;transport={}", transport.to_lowercase());
        assert!(
            invite.must("Contact").contains(&contact),
            "{}",
            invite.text()
        );
    }
    let list = server.list().await.to_string();
    assert!(
        list.contains("203.0.113.7") && !list.contains(FRONT),
        "{list}"
    );
    // Who comes straight needs no header.
    server.phone("000413000004").start().await;
}

#[tokio::test]
async fn proxied_wan_phone_sees_the_public_address() {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::with(|settings| {
        trust_front(settings);
        settings.phones.wan.tcp = local.into();
        settings.phones.wan.public_host = "csta.example.org".to_owned();
        settings.phones.wan.public_tcp_port = 15060;
        settings.phones.wan.public_tls_port = 15061;
    });
    let wan = server.addresses.phones_wan_tcp.unwrap();
    for (mac, secure, told) in [
        (
            "000413000001",
            true,
            "@csta.example.org:15061;transport=tls",
        ),
        (
            "000413000002",
            false,
            "@csta.example.org:15060;transport=tcp",
        ),
    ] {
        let front = front(wan, binary(secure)).await;
        let phone = server.phone_as(mac, |setup| setup.server = front);
        phone.start().await;
        let invite = phone.until_received("INVITE", 1).await.message;
        assert!(invite.must("Contact").contains(told), "{}", invite.text());
    }
}

#[tokio::test]
async fn tls_follows_the_proxy_header_when_passed_through() {
    let server = Server::with(trust_front);
    let front = front(server.addresses.phones_tls.unwrap(), line("203.0.113.7")).await;
    let phone = server.phone_as("000413000001", |setup| {
        setup.server = front;
        setup.certificate = Some(server.certificate());
    });
    phone.start().await;
    let list = server.list().await.to_string();
    assert!(list.contains("203.0.113.7"), "{list}");
}

#[tokio::test]
async fn limits_apply_to_the_proxied_address() {
    let server = Server::with(|settings| {
        trust_front(settings);
        settings.limits.connections_per_address = 2;
    });
    let tcp = server.addresses.phones_tcp.unwrap();
    // Each has its own two, although all come from one front end.
    let mut open = Vec::new();
    for peer in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        for _ in 0..2 {
            let mut stream = connect(tcp).await;
            stream.write_all(line(peer).as_bytes()).await.unwrap();
            assert!(is_served(&mut stream).await, "{peer}");
            open.push(stream);
        }
    }
    let mut third = connect(tcp).await;
    third
        .write_all(line("203.0.113.2").as_bytes())
        .await
        .unwrap();
    assert!(!is_served(&mut third).await, "one too many");
}

/// Whether a double CRLF is answered (RFC 5626, section 4.4.1), or the connection ends.
async fn is_served(stream: &mut TcpStream) -> bool {
    let _ = stream.write_all(b"\r\n\r\n").await;
    let mut answer = [0; 2];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .expect("an answer or an end")
        .is_ok()
}

#[tokio::test]
async fn trust_applies_to_the_proxied_address() {
    let server = Server::with(|settings| {
        trust_front(settings);
        let trusted = |address: &str| Trusted::try_from(address.to_owned()).unwrap();
        settings.clients.trusted = vec![trusted("203.0.113.7"), trusted(FRONT)];
    });
    server.phone("000413000001").start().await;
    // A front end that names nobody (2.1 UNKNOWN, 2.2 LOCAL) lends its own address to nobody either.
    for (header, status) in [
        (line("203.0.113.7"), 200),
        (line("203.0.113.8"), 401),
        ("PROXY UNKNOWN\r\n".to_owned(), 401),
        ("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_owned(), 401),
    ] {
        let front = front(server.addresses.clients_tcp.unwrap(), header.clone()).await;
        let client = server
            .client_as(|setup| {
                setup.server = front;
                setup.account.password = "no password at all".to_owned();
            })
            .await;
        let opened = client
            .invite(LINE, |invite| {
                invite.set("From", "<sip:alice@example.com>;tag=front")
            })
            .await;
        let answer = match opened {
            Ok(session) => session.answer.status(),
            Err(refusal) => refusal.status(),
        };
        assert_eq!(answer, status, "{header:?}");
    }
}

#[tokio::test]
async fn proxy_header_is_refused_from_strangers_and_required_from_front_ends() {
    let settings = format!(
        "[advanced]\nproxy_protocol_from = [\"{FRONT}/32\"]\n[limits]\ntls_handshake = 3\n"
    );
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let of = async |mut stream: TcpStream, octets: &[u8]| {
        stream.write_all(octets).await.unwrap();
        assert!(!is_served(&mut stream).await);
        stream.local_addr().unwrap().to_string()
    };
    let stranger = TcpStream::connect(server.phones).await.unwrap();
    let stranger = of(stranger, line("203.0.113.7").as_bytes()).await;
    let second = TcpStream::connect(server.clients).await.unwrap();
    of(second, &binary(true)).await;
    let bare = of(
        connect(server.phones).await,
        b"OPTIONS sip:a SIP/2.0\r\n\r\n",
    )
    .await;
    let broken = of(connect(server.phones).await, b"PROXY TCP5 1 2 3 4\r\n").await;
    let mut silent = connect(server.phones).await;
    let mut rest = Vec::new();
    assert_eq!(silent.read_to_end(&mut rest).await.unwrap(), 0);
    // It looks whether the server is there.
    drop(connect(server.phones).await);
    let mut itself = connect(server.phones).await;
    itself.write_all(b"PROXY UNKNOWN\r\n").await.unwrap();
    assert!(is_served(&mut itself).await);

    let (_, page) = http(server.web, "", "GET", "/metrics", "").await;
    for counted in [
        "uacsta_proxy_headers_refused_total 2\n",
        "uacsta_connections_ended_total{limit=\"limits.tls_handshake\"} 1\n",
    ] {
        assert!(page.contains(counted), "{counted}{page}");
    }
    let log = server.end();
    for (peer, reason) in [
        (
            stranger,
            "advanced.proxy_protocol_from does not name its address",
        ),
        (bare, "the PROXY header is missing: configure the front end"),
        (broken, "has an invalid family"),
        (
            silent.local_addr().unwrap().to_string(),
            "no PROXY header came within",
        ),
    ] {
        let line = log.lines().find(|line| line.contains(reason));
        assert!(
            line.is_some_and(|line| line.contains(&peer)),
            "{reason} {peer}:\n{log}"
        );
    }
}

/// A program that is killed when the test leaves it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example of `docs/tls-front.md` in this language, with files and addresses of the test in place of its own.
fn example(language: &str, server: &Serving, address: SocketAddr) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tls-front.md");
    let text = fs::read_to_string(document).unwrap();
    let (_, example) = text.split_once(&format!("```{language}\n")).unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let data = server.data();
    let read = |name: &str| fs::read_to_string(data.join(name)).unwrap();
    fs::write(
        data.join("both.pem"),
        read("certificate.pem") + &read("key.pem"),
    )
    .unwrap();
    let mut example = example
        .replace("0.0.0.0:5063", &address.to_string())
        .replace(":5063", &address.to_string())
        .replace("127.0.0.1:5060", &server.phones.to_string());
    for (named, name) in [
        ("/var/lib/uacsta/certificate.pem", "certificate.pem"),
        ("/var/lib/uacsta/key.pem", "key.pem"),
        ("/etc/haproxy/uacsta.pem", "both.pem"),
    ] {
        example = example.replace(named, &data.join(name).display().to_string());
    }
    example
}

/// A port that is free, for a program that must be told one.
async fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

fn server() -> Serving {
    let settings = format!(
        "[phones]\npassword = \"{PHONES_PASSWORD}\"\n[advanced]\nproxy_protocol_from = [\"{FRONT}\"]\n"
    );
    Serving::start(tempfile::tempdir().unwrap(), &settings)
}

/// Runs a front end, and has a phone that knows TLS 1.1 at best ask the server through it.
async fn asks_through(mut front: Command, address: SocketAddr, openssl: &Path) {
    front.stdin(Stdio::null());
    front.stdout(Stdio::null()).stderr(Stdio::null());
    let _front = Running(front.spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "{front:?} does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut phone = Command::new(openssl);
    phone.args(["s_client", "-quiet", "-tls1_1"]);
    phone.args(["-cipher", "DEFAULT:@SECLEVEL=0"]);
    phone.args(["-connect", &address.to_string()]);
    phone.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut phone = Running(phone.stderr(Stdio::null()).spawn().unwrap());
    let request = "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKold\r\n\
                   Max-Forwards: 70\r\nFrom: <sip:000413000001@127.0.0.1>;tag=a\r\nTo: <sip:000413000001@127.0.0.1>\r\n\
                   Call-ID: old\r\nCSeq: 1 REGISTER\r\nContact: <sips:000413000001@127.0.0.1:9>\r\n\r\n";
    let mut stdin = phone.0.stdin.take().unwrap();
    stdin.write_all(request.as_bytes()).unwrap();
    let mut stdout = phone.0.stdout.take().unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = [0; 12];
        stdout.read_exact(&mut answer).map(|()| answer)
    });
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    let answer = answer.expect("an answer in time").unwrap().unwrap();
    // sips is taken, since the front end says that the phone came by TLS.
    assert_eq!(String::from_utf8_lossy(&answer), "SIP/2.0 401 ");
}

#[tokio::test]
async fn phone_without_tls_1_2_registers_through_stunnel() {
    let (Some(program), Some(openssl)) = (
        programs::find("stunnel4", "stunnel4"),
        programs::find("openssl", "openssl"),
    ) else {
        return;
    };
    let (server, address) = (server(), free().await);
    let file = server.data().join("stunnel.conf");
    let example = example("ini", &server, address);
    fs::write(&file, format!("foreground = yes\npid =\n{example}")).unwrap();
    let mut front = Command::new(program);
    front.arg(&file);
    asks_through(front, address, &openssl).await;
}

#[tokio::test]
async fn phone_without_tls_1_2_registers_through_haproxy() {
    let (Some(program), Some(openssl)) = (
        programs::find("haproxy", "haproxy"),
        programs::find("openssl", "openssl"),
    ) else {
        return;
    };
    let (server, address) = (server(), free().await);
    let file = server.data().join("haproxy.cfg");
    fs::write(&file, example("haproxy", &server, address)).unwrap();
    let mut front = Command::new(program);
    front.args(["-db", "-f"]).arg(&file);
    asks_through(front, address, &openssl).await;
}
