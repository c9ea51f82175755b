//! Phones that fail before they say who they are: told at the phone whose last address it is.

use std::{net::SocketAddr, path::Path, process::Stdio};

use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{until_says, until_well};
use crate::support::{PATIENCE, fixture::MAC, phone::Phone, process, programs, server::Server};

/// A phone that is known, and away.
async fn left(server: &Server) -> Phone {
    let phone = server.phone(MAC);
    phone.start().await;
    phone.disconnect();
    until_says(server, "connectionLost", &[]).await;
    phone
}

/// Sends octets and waits for the end of the connection.
async fn send(address: SocketAddr, octets: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(octets).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // An RST, since our octets were not all read, is an end as well.
    let _ = ended.expect("the server ends the connection");
}

/// openssl tries a handshake with these arguments.
fn openssl(program: &Path, address: SocketAddr, arguments: &[&str]) {
    let mut command = std::process::Command::new(program);
    command.args(["s_client", "-connect", &address.to_string()]);
    process::finish(command.args(arguments).stdin(Stdio::null()));
}

#[tokio::test]
async fn phone_with_an_old_tls_is_told() {
    let Some(program) = programs::find("openssl", "openssl") else {
        return;
    };
    let server = Server::start();
    let phone = left(&server).await;
    let tls = server.addresses.phones_tls.unwrap();
    openssl(
        &program,
        tls,
        &["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"],
    );
    let words = ["127.0.0.1", "once", "TLS 1.1 or older"];
    until_says(&server, "tlsTooOld", &words).await;
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_that_does_not_trust_the_certificate_is_told() {
    let Some(program) = programs::find("openssl", "openssl") else {
        return;
    };
    let server = Server::start();
    let phone = left(&server).await;
    let tls = server.addresses.phones_tls.unwrap();
    for times in ["once", "2 times"] {
        openssl(&program, tls, &["-verify_return_error"]);
        let words = [times, "unknown CA"];
        until_says(&server, "certificateNotTrusted", &words).await;
    }
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_whose_certificate_is_refused_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let [authority, own] = ["authority.pem", "own.pem"].map(|name| folder.path().join(name));
    for file in [&authority, &own] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["phone".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let text = certificate.pem() + &key.serialize_pem();
        std::fs::write(file, text).unwrap();
    }
    let server = Server::with(|settings| {
        settings.phones.trusted_authority = Some(authority);
        settings.phones.require_certificate = true;
    });
    let phone = left(&server).await;
    let tls = server.addresses.phones_tls.unwrap();
    for (own, words) in [(None, "sent no certificate"), (Some(own), "is invalid")] {
        let stranger = server.phone_as(MAC, |setup| {
            setup.server = tls;
            setup.certificate = Some(server.certificate());
            setup.own = own;
        });
        // With TLS 1.3 the client has connected before its certificate is checked.
        let _ = stranger.try_register().await;
        until_says(&server, "phoneCertificateRefused", &[words]).await;
    }
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_on_the_port_of_another_transport_is_told() {
    let server = Server::start();
    let phone = left(&server).await;
    let (tcp, tls) = (
        server.addresses.phones_tcp.unwrap(),
        server.addresses.phones_tls.unwrap(),
    );
    send(tls, b"REGISTER sip:127.0.0.1 SIP/2.0\r\n\r\n").await;
    until_says(&server, "wrongTransport", &["plain SIP on a TLS port"]).await;
    send(tcp, b"\x16\x03\x01\x01\x00").await;
    until_says(&server, "wrongTransport", &["2 times", "TLS on a TCP port"]).await;
    send(tls, b"\x80\x2e\x01\x00\x02 SSL of 1995").await;
    until_says(&server, "tlsFailed", &["does not speak TLS"]).await;
    phone.start().await;
    until_well(&server).await;
    // A phone that is here is well, whatever else fails at its address.
    send(tls, b"REGISTER sip:127.0.0.1 SIP/2.0\r\n\r\n").await;
    until_well(&server).await;
}
