//! SIPp as an independent phone and client against the built server, over TCP, UDP and TLS.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{
    process::Serving,
    programs,
    server::{CLIENTS_PASSWORD, Server},
};

const MAC: &str = "001565000001";
const LINE: &str = "101@pbx.example";
// SIPp knows MD5 alone.
const SETTINGS: &str = "[phones]\npassword = \"letmering\"\n[clients]\npassword = \"letmedial\"\n[advanced]\ndigest = [\"MD5\"]\n";

/// A program that is killed when the test leaves it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn sipp_phone_and_client_are_served_over_tcp() {
    let Some(sipp) = programs::find("sipp", "sip-tester") else {
        return;
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    play(&sipp, &server, ("t1", server.phones), server.clients).await;
}

#[tokio::test]
async fn sipp_phone_is_served_over_udp() {
    let Some(sipp) = programs::find("sipp", "sip-tester") else {
        return;
    };
    let settings = SETTINGS.replace("[phones]\n", "[phones]\nudp = \"127.0.0.1:0\"\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let phones = server.phones_udp.expect("the setting is on");
    play(&sipp, &server, ("u1", phones), server.clients).await;
}

#[tokio::test]
async fn sipp_phone_and_client_are_served_over_tls() {
    let Some(sipp) = programs::find("sipp", "sip-tester") else {
        return;
    };
    let Some(socat) = programs::find("socat", "socat") else {
        return;
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), SETTINGS);
    let (_phones, phones) = secured(&socat, server.phones_tls, server.data());
    let (_clients, clients) = secured(&socat, server.clients_tls, server.data());
    play(&sipp, &server, ("t1", phones), clients).await;
}

/// A session that is not refreshed ends 60 of its 90 seconds after the last refresh, and its lines are closed with it.
#[tokio::test]
async fn sipp_tr87_client_is_served_until_its_session_expires() {
    let Some(sipp) = programs::find("sipp", "sip-tester") else {
        return;
    };
    let server =
        Server::with(|settings| settings.advanced.digest = vec![uacsta_config::Digest::Md5]);
    let phone = server.phone_as("000413000001", |setup| {
        setup.identities = vec!["sip:+4930123@pbx.example".to_owned()];
    });
    phone.start().await;
    let folder = tempfile::tempdir().unwrap();
    let clients = server.addresses.clients_tcp.unwrap();
    let mut client = scenario(&sipp, "tr87.xml", clients, folder.path(), 100);
    client.args(["-t", "t1"]);
    client.args(["-au", "ecsta", "-ap", CLIENTS_PASSWORD]);
    client.args(["-key", "line", "+4930123"]);
    let mut client = Running(client.spawn().unwrap());
    let status = ended(&mut client.0, Duration::from_secs(110)).await;
    assert!(
        status == Some(0),
        "SIPp ended with {status:?}:\n{}",
        errors(folder.path())
    );
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MakeCall")),
        (1, 1)
    );
    phone.until_received("MonitorStop", 1).await;
}

/// One phone registers and serves, one client watches it and has it call; both scenarios must end well.
async fn play(
    sipp: &Path,
    server: &Serving,
    (transport, phones): (&str, SocketAddr),
    clients: SocketAddr,
) {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("sip:{LINE}");
    let mut phone = scenario(sipp, "phone.xml", phones, folder.path(), 30);
    phone.args(["-t", transport]);
    phone.args([
        "-au",
        MAC,
        "-ap",
        "letmering",
        "-key",
        "mac",
        MAC,
        "-key",
        "line",
        &line,
    ]);
    phone
        .arg("-oocsf")
        .arg(scenarios().join("phone-session.xml"));
    let mut phone = Running(phone.spawn().unwrap());
    server.until_listed(&line).await;
    let mut client = scenario(sipp, "client.xml", clients, folder.path(), 30);
    client.args(["-t", "t1"]);
    client.args(["-au", "ecsta", "-ap", "letmedial", "-key", "line", LINE]);
    let mut client = Running(client.spawn().unwrap());
    for (name, peer) in [("client", &mut client), ("phone", &mut phone)] {
        let status = ended(&mut peer.0, Duration::from_secs(40)).await;
        assert!(
            status == Some(0),
            "SIPp's {name} ended with {status:?}:\n{}",
            errors(folder.path())
        );
    }
}

fn scenario(sipp: &Path, file: &str, server: SocketAddr, folder: &Path, seconds: u32) -> Command {
    let mut command = Command::new(sipp);
    command
        .arg(server.to_string())
        .arg("-sf")
        .arg(scenarios().join(file))
        .current_dir(folder);
    command.args([
        "-m",
        "1",
        "-i",
        "127.0.0.1",
        "-nostdin",
        "-trace_err",
        "-trace_msg",
    ]);
    command.args(["-timeout_error", "-recv_timeout", "15000"]);
    command.args(["-timeout", &seconds.to_string()]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp")
}

/// Waits for the end of a program, bounded by SIPp's own time-out; its exit code.
async fn ended(child: &mut Child, patience: Duration) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(begun.elapsed() < patience, "SIPp does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What SIPp wrote about errors and messages.
fn errors(folder: &Path) -> String {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let texts = files.map(|file| {
        format!(
            "== {}\n{}\n",
            file.display(),
            String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default())
        )
    });
    texts.collect()
}

/// A plain TCP port in front of a TLS one, which accepts the server's own certificate and no other.
fn secured(socat: &Path, server: SocketAddr, data: &Path) -> (Running, SocketAddr) {
    let target = format!(
        "OPENSSL:{server},verify=1,cafile={},commonname=localhost",
        data.join("certificate.pem").display()
    );
    let mut command = Command::new(socat);
    command
        .args(["-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork", &target])
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening on") {
        line.clear();
        assert!(
            said.read_line(&mut line).unwrap() > 0,
            "socat does not listen"
        );
    }
    drop(std::thread::spawn(move || {
        std::io::copy(&mut said, &mut std::io::sink())
    }));
    let address = line
        .trim()
        .rsplit(' ')
        .next()
        .and_then(|address| address.parse().ok());
    (
        Running(child),
        address.unwrap_or_else(|| panic!("no address in {line:?}")),
    )
}
