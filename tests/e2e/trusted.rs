//! Trusted front ends (`clients.trusted`), authenticated by address or certificate, whose From names the user.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use uacsta_config::{Account, Settings, Trusted};

use crate::support::{csta::element, cti_client::CtiClient, fixture::LINE, server::Server};

fn trust(settings: &mut Settings, whom: &str) {
    let trusted = Trusted::try_from(whom.to_owned()).unwrap();
    settings.clients.trusted.push(trusted);
}

/// Opens a session as that user, without credentials; the final status.
async fn opened_as(client: &CtiClient, from: &str) -> u16 {
    let tagged = format!("<{from}>;tag=front");
    let opened = client
        .invite(LINE, |invite| invite.set("From", &tagged))
        .await;
    match opened {
        Ok(session) => session.answer.status(),
        Err(refusal) => refusal.status(),
    }
}

#[tokio::test]
async fn trusted_address_is_not_challenged() {
    let server = Server::with(|settings| trust(settings, "127.0.0.0/8"));
    server.phone("000413000001").start().await;
    let client = server
        .client_as(|setup| setup.account.password = "no password at all".to_owned())
        .await;
    client.register().await.expect(200);
    assert_eq!(opened_as(&client, "sip:alice@example.com").await, 200);
    assert_eq!(opened_as(&client, "sip:127.0.0.1").await, 403);
}

#[tokio::test]
async fn from_selects_the_user_and_its_rights() {
    let server = Server::with(|settings| {
        trust(settings, "127.0.0.1");
        for (user, lines) in [("alice@example.com", "0001"), ("bob", "0002")] {
            settings.clients.accounts.push(Account {
                user: user.to_owned(),
                password: "of no use here".into(),
                lines: vec![lines.to_owned()],
                control: true,
                numbers: Vec::new(),
            });
        }
    });
    server.phone("000413000001").start().await;
    let other = server.phone("000413000002");
    other.start().await;
    // One connection speaks for many.
    let client = server.client().await;
    for (from, status) in [
        ("sip:alice@example.com", 200),
        ("sip:bob@example.com", 403),
        ("sip:Alice@EXAMPLE.com;user=ip", 200),
        ("sip:alice@elsewhere.example", 200),
        ("sip:carol@example.com", 200),
    ] {
        assert_eq!(opened_as(&client, from).await, status, "{from}");
    }
    let alice = client
        .invite(&format!("sip:{}", client.wire.peer), |invite| {
            invite.set("From", "<sip:alice@example.com>;tag=a")
        })
        .await
        .unwrap_or_else(|refusal| panic!("{}", refusal.text()));
    let denied = (
        "operation".to_owned(),
        "privilegeViolationSpecifiedDevice".to_owned(),
    );
    let unseen = element("device", "sip:0002@pbx.example");
    assert_eq!(alice.refused("GetDoNotDisturb", &unseen).await, denied);
    assert_eq!(other.count("GetDoNotDisturb"), 0);
}

#[tokio::test]
async fn untrusted_address_is_challenged() {
    let server = Server::with(|settings| trust(settings, "192.0.2.0/24"));
    server.phone("000413000001").start().await;
    let client = server
        .client_as(|setup| setup.account.password = "no password at all".to_owned())
        .await;
    assert_eq!(opened_as(&client, "sip:alice@example.com").await, 401);
}

#[tokio::test]
async fn certificate_with_a_trusted_name_replaces_log_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(path("authority.pem"), authority.pem()).unwrap();
    for name in ["ocs.example.com", "guest.example.com"] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        std::fs::write(path(name), certificate.pem() + &key.serialize_pem()).unwrap();
    }
    let server = Server::with(|settings| {
        trust(settings, "ocs.example.com");
        settings.clients.trusted_authority = Some(path("authority.pem"));
    });
    server.phone("000413000001").start().await;
    for (own, status) in [
        (Some("ocs.example.com"), 200),
        (Some("guest.example.com"), 401),
        (None, 401),
    ] {
        let client = server
            .client_as(|setup| {
                setup.server = server.addresses.clients_tls.unwrap();
                setup.certificate = Some(server.certificate());
                setup.own = own.map(path);
                setup.account.password = "no password at all".to_owned();
            })
            .await;
        assert_eq!(
            opened_as(&client, "sip:alice@example.com").await,
            status,
            "{own:?}"
        );
    }
    // A phone shows no certificate, and needs none.
    let phone = server.phone_as("000413000002", |setup| {
        setup.server = server.addresses.phones_tls.unwrap();
        setup.certificate = Some(server.certificate());
    });
    phone.start().await;
}

#[tokio::test]
async fn stopping_server_ends_sessions_of_all_users_of_a_connection() {
    let server = Server::with(|settings| trust(settings, "127.0.0.1"));
    server.phone("000413000001").start().await;
    let client = server.client().await;
    let mut sessions = Vec::new();
    for user in ["alice", "bob", "carol"] {
        let from = format!("<sip:{user}@example.com>;tag={user}");
        let opened = client
            .invite(LINE, |invite| invite.set("From", &from))
            .await;
        sessions.push(opened.unwrap_or_else(|refusal| panic!("{}", refusal.text())));
    }
    drop(server);
    for mut session in sessions {
        assert_eq!(session.incoming().await.unwrap().method(), "BYE");
    }
}
