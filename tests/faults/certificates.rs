//! Client certificates of phones (RFC 8446, section 4.4.2), requested or required beside the password.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::{
    phones::{logged, phone_of},
    support::{
        fixture::MAC,
        phone::Phone,
        process::{Serving, run},
        server::PHONES_PASSWORD,
    },
};

/// Writes the certificate of an authority, and that of a phone which it signs with its key; both files.
fn signed(folder: &Path, by: &str) -> (PathBuf, PathBuf) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, by);
    let key = KeyPair::generate().unwrap();
    let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
    let mut phone = CertificateParams::new(Vec::new()).unwrap();
    phone.distinguished_name.push(DnType::CommonName, MAC);
    let key = KeyPair::generate().unwrap();
    let phone = phone.signed_by(&key, &authority).unwrap();
    let files = ["authority", "phone"].map(|what| folder.join(format!("{what}-{by}.pem")));
    fs::write(&files[0], authority.pem()).unwrap();
    fs::write(&files[1], phone.pem() + &key.serialize_pem()).unwrap();
    let [authority, phone] = files;
    (authority, phone)
}

/// A phone on TLS that shows a certificate, or none.
fn phone(server: &Serving, own: Option<&Path>, password: &str) -> Phone {
    phone_of(server, MAC, |setup| {
        setup.server = server.phones_tls;
        setup.certificate = Some(server.data().join("certificate.pem"));
        setup.own = own.map(Path::to_owned);
        setup.password = password.to_owned();
    })
}

#[cfg(unix)]
#[tokio::test]
async fn required_phone_certificate_does_not_replace_log_on() {
    const DEMANDED: &str = "the peer sent no certificate, and phones.require_certificate";
    let folder = tempfile::tempdir().unwrap();
    let (authority, own) = signed(folder.path(), "maker");
    let (_, foreign) = signed(folder.path(), "stranger");
    let settings = |demanded: bool| {
        format!(
            "[phones]\npassword = {PHONES_PASSWORD:?}\ntrusted_authority = {authority:?}\nrequire_certificate = {demanded}\n"
        )
    };
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings(true));
    // Who comes without TLS needs none, which the operator has to know.
    const OPEN: &str =
        "phones.require_certificate applies to TLS only: phones.lan.tcp accept phones";
    logged(&server, &["WARN", OPEN]).await;
    let plain = phone_of(&server, "000413000009", |setup| {
        setup.server = server.phones;
    });
    plain.register().await.expect(200);
    let known = phone(&server, Some(&own), PHONES_PASSWORD);
    known.start().await;
    let guesses = phone(&server, Some(&own), "let me guess");
    guesses.register().await.expect(401);

    let refused = async |shown| {
        let stranger = phone(&server, shown, PHONES_PASSWORD);
        assert!(stranger.try_register().await.is_err(), "{shown:?}");
    };
    refused(None).await;
    let explained = async |why| {
        let failed = "TLS handshake failed";
        logged(&server, &[failed, "phones.lan.tls", "127.0.0.1:", why]).await;
    };
    explained(DEMANDED).await;
    refused(Some(&*foreign)).await;
    explained("phones.trusted_authority must contain the authority").await;

    // Optional: a phone sends no certificate or a valid one.
    let before = server.log().len();
    server.reload(&settings(false)).await;
    let log = server.log();
    assert!(!log.get(before..).unwrap().contains(OPEN), "{log}");
    let bare = phone(&server, None, PHONES_PASSWORD);
    bare.register().await.expect(200);
    let (_, another) = signed(folder.path(), "somebody");
    refused(Some(&*another)).await;
    // Required again; connected phones stay.
    let stays = phone(&server, None, PHONES_PASSWORD);
    stays.start().await;
    let before = server.log().len();
    server.reload(&settings(true)).await;
    server.until_logged(before, OPEN).await;
    stays.register().await.expect(200);
    refused(None).await;
    let file = server.data().join("uacsta.toml");
    let checked = run(&["check-config", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.contains(OPEN), "{said}");
}
