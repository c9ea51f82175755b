//! Faults of the host: clock jumps, exhausted descriptors, little memory, a busy processor, unresolvable names.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Instant,
};

use tokio::net::TcpStream;

use super::interfaces::{in_own_network, ip};
use crate::support::{
    PATIENCE,
    csta::{Call, element},
    phone::Phone,
    process::Serving,
    server::Server,
    wall_clock::WallClock,
};

const SETTINGS: &str =
    "[phones]\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n";
const DAY: u64 = 86_400;

#[tokio::test]
async fn wall_clock_jump_keeps_registrations_sessions_and_nonces() {
    let noon = 1_800_000_000;
    let wall = WallClock::at(noon);
    let server = Server::by(wall.clone());
    let phone = server.phone("000413c11001");
    phone.start().await;
    let mut session = server.client().await.open_server().await;
    session.watch(phone.line()).await;
    for date in [noon + DAY, noon - DAY, noon + 46 * DAY, noon - 1, noon] {
        wall.set(date);
        // The nonce that it has still holds: it is not challenged again.
        let sent = std::cell::Cell::new(0);
        let counted = phone.register_as(|request| {
            sent.set(sent.get() + 1);
            request
        });
        counted.await.expect(200);
        assert_eq!(sent.get(), 1);
        let call = Call::seen_by(phone.line(), &date.to_string(), phone.line(), "102");
        phone.event(&call.originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
        session
            .done("GetDoNotDisturb", &element("device", phone.line()))
            .await;
    }
    assert_eq!((phone.count("INVITE"), phone.count("MonitorStart")), (1, 1));
}

pub(super) fn phone(server: &Serving, number: usize) -> Phone {
    let mac = format!("000413c1{number:04x}");
    let line = format!("sip:{}@pbx.example", 10_000 + number);
    server.phone(&mac, &line)
}

pub(super) fn start(wrapper: &[&str]) -> Serving {
    // The ladder grows to its bound, which is no leak.
    let settings = format!("{SETTINGS}[limits]\nladder = 0\n");
    Serving::under(wrapper, tempfile::tempdir().unwrap(), &settings)
}

#[tokio::test]
async fn exhausted_descriptors_do_not_affect_connected_peers() {
    let server = start(&["prlimit", "--nofile=256", "--"]);
    let first = phone(&server, 1);
    first.start().await;
    let session = server.client().await.open_server().await;
    let device = element("device", first.line());
    let mut strangers = Vec::new();
    for _ in 0..300 {
        strangers.push(TcpStream::connect(server.phones).await.unwrap());
    }
    for _ in 0..20 {
        session.done("GetDoNotDisturb", &device).await;
        first.register().await.expect(200);
    }
    drop(strangers);
    phone(&server, 2).start().await;
    session.done("GetDoNotDisturb", &device).await;
}

/// What the system lets it have it takes, and it says if that is too little for its settings.
#[tokio::test]
async fn descriptor_limit_is_raised_and_a_low_one_is_logged() {
    for (connections, warnings) in [(300, 0), (512, 1)] {
        let settings = format!(
            "{SETTINGS}[limits]\nconnections = {connections}\nconnections_per_address = {connections}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let server = Serving::under(&["prlimit", "--nofile=256:512", "--"], folder, &settings);
        let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
        let files = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let soft = files.unwrap().split_whitespace().nth(3);
        assert_eq!(soft, Some("512"));
        let told = server.log().matches("too few file descriptors").count();
        assert_eq!(told, warnings, "{connections}");
    }
}

/// A number of `/proc/<id>/status`, in kB where it is memory.
pub(super) fn status(server: &Serving, name: &str) -> usize {
    let text = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

pub(super) fn descriptors(server: &Serving) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.id()))
        .unwrap()
        .count()
}

#[tokio::test]
async fn a_thousand_phones_and_a_flood_stay_below_128_mb() {
    let server = start(&["prlimit", "--nofile=20000", "--"]);
    let phones: Vec<Phone> = (0..1_000).map(|number| phone(&server, number)).collect();
    for some in phones.chunks(50) {
        let starting: Vec<_> = some
            .iter()
            .cloned()
            .map(|phone| tokio::spawn(async move { phone.start().await }))
            .collect();
        for started in starting {
            started.await.unwrap();
        }
    }
    // Requests of strangers, as fast as they are refused.
    let flood: String = (0..20_000)
        .map(|number| {
            format!(
                "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{number}\r\nFrom: <sip:00041399{number:04x}@x>;tag=1\r\n\
                 To: <sip:00041399{number:04x}@x>\r\nCall-ID: f{number}\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
            )
        })
        .collect();
    let mut stream = TcpStream::connect(server.phones).await.unwrap();
    let (mut answers, mut requests) = stream.split();
    let writing = tokio::io::AsyncWriteExt::write_all(&mut requests, flood.as_bytes());
    let reading = async {
        let (mut seen, mut buffer) = (0, vec![0; 1 << 16]);
        while seen < 20_000 {
            let length = tokio::io::AsyncReadExt::read(&mut answers, &mut buffer)
                .await
                .unwrap_or(0);
            // The server may end a connection that only fails.
            if length == 0 {
                return;
            }
            seen += buffer[..length]
                .windows(8)
                .filter(|octets| octets == b"SIP/2.0 ")
                .count();
        }
    };
    let both = async { tokio::join!(writing, reading) };
    let _ = tokio::time::timeout(4 * PATIENCE, both)
        .await
        .expect("an end of the flood");
    let peak = status(&server, "VmHWM");
    println!("{peak} kB with 1 000 phones and 20 000 refused requests");
    assert!(peak < 128 << 10, "{peak} kB");
    phones[0].register().await.expect(200);
}

/// Whether a line of the log warns of more than the limits of this machine.
fn is_warning(line: &str) -> bool {
    line.contains("WARN") && !line.contains("uacsta::process::limits")
}

/// A busy loop, ended with its owner.
struct Busy(Child);

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn busy_processor_causes_no_early_timeouts() {
    // One processor for all of them, however many the machine has.
    let pinned = ["taskset", "-c", "0"];
    let server = start(&[&pinned[..], &["nice", "-n", "19"]].concat());
    let loops: Vec<Busy> = (0..2)
        .map(|_| {
            let mut command = Command::new(pinned[0]);
            command
                .args(&pinned[1..])
                .args(["sh", "-c", "while :; do :; done"])
                .stdout(Stdio::null());
            Busy(command.spawn().unwrap())
        })
        .collect();
    let phones: Vec<Phone> = (0..6).map(|number| phone(&server, number)).collect();
    let mut session = server.client().await.open_server().await;
    for phone in &phones {
        phone.start().await;
        session.watch(phone.line()).await;
    }
    for phone in &phones {
        session
            .done("GetDoNotDisturb", &element("device", phone.line()))
            .await;
        let call = Call::seen_by(phone.line(), "1", phone.line(), "102");
        phone.event(&call.originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
        assert_eq!(phone.count("INVITE"), 1);
    }
    drop(loops);
    let log = server.log();
    assert!(
        !log.contains("did not answer") && !log.lines().any(is_warning),
        "{log}"
    );
}

/// A resolver that hangs, and counts: nobody so much as asks it.
const RESOLVER: &str = "127.17.0.53";

#[tokio::test]
async fn unresolvable_name_delays_nothing() {
    // There it may bind port 53, and mount another resolv.conf.
    if !in_own_network("host::unresolvable_name_delays_nothing") {
        return;
    }
    ip(&["link", "set", "lo", "up"]);
    let resolver = std::net::UdpSocket::bind((RESOLVER, 53)).unwrap();
    resolver.set_nonblocking(true).unwrap();
    let settings = tempfile::NamedTempFile::new().unwrap();
    fs::write(settings.path(), format!("nameserver {RESOLVER}\n")).unwrap();
    let settings = settings.path().to_str().unwrap();
    let own = "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
    let wrapper = ["unshare", "-m", "sh", "-c", own, "sh", settings];
    let tried = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .args(["getent", "hosts", "phone.invalid"])
        .env("RES_OPTIONS", "timeout:1 attempts:1")
        .status();
    let mut datagram = [0; 512];
    assert_eq!(tried.unwrap().code(), Some(2), "getent finds no such host");
    resolver.recv(&mut datagram).expect("a question of getent");
    while resolver.recv(&mut datagram).is_ok() {}
    let server = start(&wrapper);
    let phone = phone(&server, 1);
    let begun = Instant::now();
    let named = phone
        .register_as(|request| {
            let via = request.must("Via").replace("127.0.0.1", "phone.invalid");
            request.set("Via", via).set(
                "Contact",
                "<sip:000413c10001@phone.invalid:5060;transport=tcp>",
            )
        })
        .await;
    named.expect(200);
    phone.in_session().await;
    let client = server.client().await;
    let mut session = client
        .invite(phone.line(), |invite| {
            invite.set("Contact", "<sip:ecsta@client.invalid;transport=tcp>")
        })
        .await
        .unwrap();
    session.watch(phone.line()).await;
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(
        resolver.recv(&mut datagram).is_err(),
        "a name was looked up"
    );
}

/// How often it is stopped and started; `UACSTA_RESTARTS=100` does it so often.
const RESTARTS: usize = 12;

#[tokio::test]
async fn restart_under_load_reuses_its_ports() {
    let rounds =
        std::env::var("UACSTA_RESTARTS").map_or(RESTARTS, |number| number.parse().unwrap());
    let mut server = start(&["env"]);
    let ports = (server.phones, server.clients, server.web);
    let phones: Vec<Phone> = (0..10).map(|number| phone(&server, number)).collect();
    for round in 0..rounds {
        for phone in &phones {
            phone.start().await;
        }
        let session = server.client().await.open_server().await;
        session
            .done("GetDoNotDisturb", &element("device", phones[0].line()))
            .await;
        server = tokio::task::spawn_blocking(move || server.restart(SETTINGS))
            .await
            .unwrap();
        for phone in &phones {
            phone.reboot();
        }
        assert_eq!(
            (server.phones, server.clients, server.web),
            ports,
            "round {round}"
        );
    }
}
