//! After `Expires: 0` a connection is a stranger's again (RFC 3261, section 10.2.2).

use tempfile::tempdir;

use crate::support::{
    PATIENCE,
    digest::Account,
    line::{Line, register, request},
    process::Serving,
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD},
    sip::Message,
};

const SETTINGS: &str = "[phones]\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n[limits]\nunauthenticated_time = 2\n";

/// Removes the registration of a user whose REGISTERs are challenged anew.
async fn log_off(line: &mut Line, account: &Account, call_id: &str) -> Message {
    let removal = |cseq: u32| {
        register(&account.user)
            .set("Call-ID", call_id)
            .set("CSeq", format!("{cseq} REGISTER"))
            .set("Contact", "*")
            .set("Expires", 0)
    };
    let refusal = line.ask(&removal(8)).await;
    let challenge = crate::support::line::challenge(&refusal);
    let proof = challenge.answer("REGISTER", "sip:127.0.0.1", account, 1);
    line.ask(&removal(9).with("Authorization", proof)).await
}

/// Waits until so many open connections are without log-on.
async fn until_strangers(server: &Serving, number: u64) {
    let reached =
        async { while server.metric("uacsta_connections_unauthenticated").await != number {} };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("never {number} connections without log-on"));
}

#[tokio::test]
async fn connection_is_a_strangers_again_after_log_off() {
    let server = Serving::start(tempdir().unwrap(), SETTINGS);
    for (address, user, password) in [
        (server.phones, "000413000001", PHONES_PASSWORD),
        (server.clients, "ecsta", CLIENTS_PASSWORD),
    ] {
        let account = Account::new(user, password);
        let mut line = Line::to(address).await;
        line.log_on(&account).await.expect(200);
        until_strangers(&server, 0).await;
        log_off(&mut line, &account, "another").await.expect(200);
        until_strangers(&server, 1).await;
        // It is challenged, as at first.
        let invite = request("INVITE", user).with("Contact", "<sip:a@127.0.0.1>");
        let expected = if user == "ecsta" { 401 } else { 403 };
        assert_eq!(line.ask(&invite).await.status(), expected, "{user}");
        // It may log on again, and is then known.
        line.log_on(&account).await.expect(200);
        until_strangers(&server, 0).await;
        log_off(&mut line, &account, "third").await.expect(200);
        // It has limits.unauthenticated_time for it.
        while line.frame().await.is_some() {}
        until_strangers(&server, 0).await;
    }
    let log = server.end();
    assert!(log.contains("no log-on within"), "{log}");
}
