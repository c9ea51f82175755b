//! The generated certificate: what it names, when it is generated anew, and that phones which trust its authority go on.

use std::{fs, net::SocketAddr, path::Path, process::Stdio};

use crate::{
    interfaces::{in_own_network, ip},
    phones::phone_of,
    support::{
        fixture::MAC,
        phone::Phone,
        process::{self, PASSWORDS, Serving},
        programs,
    },
};

/// Serves phones over TLS at 127.0.0.5.
fn at_127_0_0_5() -> Serving {
    let data = tempfile::tempdir().unwrap();
    Serving::start_as(data, PASSWORDS, |command| {
        command.env("UACSTA__PHONES__LAN__TLS", "127.0.0.5:0");
    })
}

/// Whether openssl accepts the server's certificate with these arguments.
fn accepted(program: &Path, server: &Serving, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    let address = server.phones_tls.to_string();
    let always = [
        "s_client",
        "-verify_return_error",
        "-x509_strict",
        "-connect",
        &address,
    ];
    command
        .args(always)
        .arg("-CAfile")
        .arg(server.data().join("ca.pem"));
    let ran = process::finish(command.args(arguments).stdin(Stdio::null()));
    String::from_utf8_lossy(&ran.stdout).contains("Verify return code: 0 (ok)")
}

/// A phone that trusts the authority of the data folder.
fn trusting(server: &Serving, at: SocketAddr) -> Phone {
    phone_of(server, MAC, |setup| {
        setup.server = at;
        setup.certificate = Some(server.data().join("ca.pem"));
    })
}

#[test]
fn certificate_names_the_addresses_of_the_interfaces() {
    let Some(program) = programs::find("openssl", "openssl") else {
        return;
    };
    let server = at_127_0_0_5();
    for (arguments, expected) in [
        (["-verify_ip", "127.0.0.5"], true),
        (["-verify_ip", "::1"], true),
        (["-verify_hostname", "localhost"], true),
        (["-verify_ip", "192.0.2.1"], false),
        (["-verify_hostname", "pbx.example"], false),
    ] {
        assert_eq!(
            accepted(&program, &server, &arguments),
            expected,
            "{arguments:?}"
        );
    }
    let mut command = std::process::Command::new(&program);
    command.args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"]);
    command
        .arg(server.data().join("ca.pem"))
        .arg(server.data().join("certificate.pem"));
    let ran = process::finish(&mut command);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let log = server.log();
    assert!(
        log.contains("ca.pem") && log.contains("load this file into phones"),
        "{log}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn phone_that_trusts_the_authority_accepts_the_certificate_of_changed_names() {
    let Some(program) = programs::find("openssl", "openssl") else {
        return;
    };
    let server = at_127_0_0_5();
    trusting(&server, server.phones_tls).start().await;
    let authority = fs::read(server.data().join("ca.pem")).unwrap();
    let named = ["-verify_hostname", "cti.example"];
    assert!(!accepted(&program, &server, &named));

    let wan = "[phones]\nwan.public_host = \"cti.example\"\n";
    server.reload(&PASSWORDS.replace("[phones]\n", wan)).await;
    assert!(accepted(&program, &server, &named));
    let log = server.log();
    assert!(
        log.contains("have changed; generated a new certificate"),
        "{log}"
    );
    assert_eq!(fs::read(server.data().join("ca.pem")).unwrap(), authority);
    trusting(&server, server.phones_tls)
        .register()
        .await
        .expect(200);
    // Nothing has changed.
    let certificate = fs::read(server.data().join("certificate.pem")).unwrap();
    server.reload(&PASSWORDS.replace("[phones]\n", wan)).await;
    assert!(fs::read(server.data().join("certificate.pem")).unwrap() == certificate);
}

#[tokio::test]
async fn address_that_the_machine_gets_is_in_the_certificate_soon() {
    if !in_own_network("authority::address_that_the_machine_gets_is_in_the_certificate_soon") {
        return;
    }
    ip(&["link", "set", "lo", "up"]);
    let data = tempfile::tempdir().unwrap();
    let server = Serving::start_as(data, PASSWORDS, |command| {
        command.env("UACSTA__PHONES__LAN__TLS", "0.0.0.0:0");
    });
    ip(&["address", "add", "192.0.2.1/32", "dev", "lo"]);
    server.until_logged(0, "generated a new certificate").await;
    let at = SocketAddr::new("192.0.2.1".parse().unwrap(), server.phones_tls.port());
    trusting(&server, at).register().await.expect(200);
}

#[tokio::test]
async fn certificate_of_an_earlier_build_is_kept_and_what_it_lacks_is_logged() {
    let first = at_127_0_0_5();
    let data = first.kill();
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let earlier = params.self_signed(&key).unwrap().pem();
    fs::write(data.path().join("certificate.pem"), &earlier).unwrap();
    fs::write(data.path().join("key.pem"), key.serialize_pem()).unwrap();
    let server = Serving::start(data, PASSWORDS);
    let kept = fs::read_to_string(server.data().join("certificate.pem")).unwrap();
    assert_eq!(kept, earlier);
    let log = server.until_logged(0, "lacks names of this server").await;
    assert!(
        log.contains("127.0.0.1") && log.contains("remove certificate.pem"),
        "{log}"
    );
}
