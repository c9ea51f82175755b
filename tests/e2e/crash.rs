//! `kill -9` while phones are added: acknowledged phones stay in the list.

use std::time::Duration;

use crate::support::{
    credentials::{Credentials, log_on},
    digest::Account,
    phone::{Phone, Setup},
    process::Serving,
};

/// How often the server is killed; `UACSTA_KILLS=200` kills it so often.
const ROUNDS: u64 = 20;
const SETTINGS: &str = "[phones]\npassword = \"let me ring\"\n";

#[tokio::test]
async fn killed_server_keeps_every_acknowledged_phone() {
    let mut data = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    // A linear congruential generator: moments that nobody chose, and that a failure repeats.
    let mut dice: u64 = 2026;
    let rounds = std::env::var("UACSTA_KILLS").map_or(ROUNDS, |kills| kills.parse().unwrap());
    for round in 0..rounds {
        let server = Serving::start(data, SETTINGS);
        let listed = server.list().await;
        for mac in &acknowledged {
            assert!(
                listed.contains(mac),
                "round {round}: {mac} was acknowledged and is not in the list of {}",
                listed.len()
            );
        }
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moment = Duration::from_micros(5_000 + (dice >> 33) % 120_000);
        let adding = async {
            for number in 0.. {
                let bare = format!("000413{:02x}{number:04x}", round);
                if !add(&server, &bare).await {
                    return;
                }
                acknowledged.push(
                    bare.as_bytes()
                        .chunks(2)
                        .map(|two| std::str::from_utf8(two).unwrap())
                        .collect::<Vec<_>>()
                        .join(":"),
                );
            }
        };
        // The end of this time is the fault itself, not a wait for something.
        let _ = tokio::time::timeout(moment, adding).await;
        data = server.kill();
    }
    let server = Serving::start(data, SETTINGS);
    let listed = server.list().await;
    assert!(
        acknowledged.len() > 20,
        "only {} phones were acknowledged in {rounds} rounds",
        acknowledged.len()
    );
    assert!(acknowledged.iter().all(|mac| listed.contains(mac)));
    println!(
        "{} phones acknowledged in {rounds} rounds",
        acknowledged.len()
    );
}

/// Whether the server acknowledged a new phone.
async fn add(server: &Serving, mac: &str) -> bool {
    let setup = Setup::new(server.phones, mac, "let me ring", "sip:1@pbx.example");
    let phone = Phone::new(setup, std::sync::Arc::default());
    let wire = phone.wire().await;
    let credentials =
        std::sync::Mutex::new(Credentials::new(Account::new(mac, "let me ring"), None));
    let answer = log_on(&wire, &credentials, || phone.registration(&wire)).await;
    wire.close();
    answer.is_ok_and(|(_, answer)| answer.status() == 200)
}
