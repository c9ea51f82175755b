//! `kill -9` after and amid acknowledged changes: each one is there after the next start.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    process::{PASSWORDS, Serving},
    server::http,
};

/// The API of a server that may be killed.
#[derive(Clone)]
struct Api {
    url: String,
    token: String,
}

impl Api {
    fn of(server: &Serving) -> Self {
        let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
        Self {
            url: format!("http://{}/api/v1", server.web),
            token: token.trim().to_owned(),
        }
    }

    /// One request; `None` once the server is killed.
    async fn ask(&self, method: Method, path: &str, body: Value) -> Option<()> {
        let url = format!("{}{path}", self.url);
        let request = Client::new().request(method, url).bearer_auth(&self.token);
        let request = request.header("If-Match", "*").json(&body);
        let answer = request.send().await.ok()?;
        let status = answer.status();
        assert!(
            status.is_success(),
            "{path}: {status} {:?}",
            answer.text().await
        );
        Some(())
    }

    async fn add(&self, path: &str, body: Value) -> Option<()> {
        self.ask(Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.url);
        let request = Client::new().get(url).bearer_auth(&self.token);
        request.send().await.unwrap().text().await.unwrap()
    }
}

/// What the server acknowledged.
#[derive(Default)]
struct Acknowledged {
    accounts: BTreeSet<String>,
    operators: BTreeSet<String>,
    phones: BTreeSet<String>,
    removed_phones: BTreeSet<String>,
    /// The last value of a setting that was acknowledged, and the last that was sent.
    timeout: [u64; 2],
}

type Ledger = Arc<Mutex<Acknowledged>>;

async fn add_accounts(api: Api, ledger: Ledger, round: u64) -> Option<()> {
    for number in 0.. {
        let user = format!("crm-{round}-{number}");
        let body = json!({ "user": user, "password": "let the crm dial", "rights": [] });
        api.add("/accounts", body).await?;
        ledger.lock().unwrap().accounts.insert(user);
    }
    None
}

async fn add_operators(api: Api, ledger: Ledger, round: u64) -> Option<()> {
    for number in 0.. {
        let name = format!("anna-{round}-{number}");
        let body = json!({ "name": name, "rights": "read", "password": "correct horse" });
        api.add("/operators", body).await?;
        ledger.lock().unwrap().operators.insert(name);
    }
    None
}

async fn change_setting(api: Api, ledger: Ledger) -> Option<()> {
    loop {
        let next = {
            let mut ledger = ledger.lock().unwrap();
            ledger.timeout[1] = ledger.timeout[0] % 30 + 1;
            ledger.timeout[1]
        };
        let body = json!({ "advanced.request_timeout": next });
        api.ask(Method::PATCH, "/settings", body).await?;
        ledger.lock().unwrap().timeout[0] = next;
    }
}

/// Adds and names phones, and removes every other one.
async fn add_and_remove_phones(api: Api, ledger: Ledger, round: u64) -> Option<()> {
    for number in 0.. {
        let id = format!(
            "00:04:13:{round:02x}:{:02x}:{:02x}",
            number >> 8,
            number & 0xff
        );
        api.add("/phones", json!({ "id": id })).await?;
        let path = format!("/phones/{id}");
        if number % 2 == 0 {
            let name = json!({ "displayName": format!("Desk {id}") });
            api.ask(Method::PATCH, &path, name).await?;
            ledger.lock().unwrap().phones.insert(id);
            continue;
        }
        api.ask(Method::DELETE, &path, Value::Null).await?;
        ledger.lock().unwrap().removed_phones.insert(id);
    }
    None
}

impl Acknowledged {
    /// How many changes of each kind were acknowledged.
    fn counts(&self) -> [usize; 4] {
        [
            &self.accounts,
            &self.operators,
            &self.phones,
            &self.removed_phones,
        ]
        .map(BTreeSet::len)
    }

    /// Fails unless the server has all of it.
    async fn is_kept(&self, server: &Serving) {
        let api = Api::of(server);
        let phones = server.list().await;
        for (kind, list, expected) in [
            (
                "user",
                api.get("/accounts?limit=1000").await,
                &self.accounts,
            ),
            (
                "name",
                api.get("/operators?limit=1000").await,
                &self.operators,
            ),
            ("id", phones.clone(), &self.phones),
        ] {
            for one in expected {
                assert!(
                    list.contains(&format!("\"{kind}\":\"{one}\"")),
                    "{one}: {list}"
                );
            }
        }
        for one in &self.phones {
            assert!(
                phones.contains(&format!("\"displayName\":\"Desk {one}\"")),
                "{one} lost its name: {phones}"
            );
        }
        for one in &self.removed_phones {
            assert!(!phones.contains(one.as_str()), "{one} is listed: {phones}");
        }
        if self.timeout[0] > 0 {
            let setting = api.get("/settings/advanced.request_timeout").await;
            let setting: Value = serde_json::from_str(&setting).unwrap();
            let value = setting["value"].as_u64().unwrap();
            assert!(self.timeout.contains(&value), "{value}: {:?}", self.timeout);
        }
    }
}

#[tokio::test]
async fn acknowledged_changes_of_every_kind_survive_a_kill() {
    const ROUNDS: u64 = 10;
    let ledger = Ledger::default();
    let mut data = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let server = Serving::start(data, PASSWORDS);
        let (api, before) = (Api::of(&server), ledger.lock().unwrap().counts());
        let more = || {
            let counts = ledger.lock().unwrap().counts();
            counts.iter().zip(before).all(|(now, before)| *now > before)
        };
        let at = || (api.clone(), Arc::clone(&ledger));
        let changes = async {
            let ((a, b), (c, d), (e, f), (g, h)) = (at(), at(), at(), at());
            tokio::join!(
                add_accounts(a, b, round),
                add_operators(c, d, round),
                change_setting(e, f),
                add_and_remove_phones(g, h, round),
            );
        };
        let kill = async {
            while !more() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(round * 3)).await;
            server.kill()
        };
        let both = async { tokio::join!(kill, changes) };
        (data, ()) = tokio::time::timeout(4 * PATIENCE, both).await.unwrap();
        let server = Serving::start(data, PASSWORDS);
        let acknowledged = std::mem::take(&mut *ledger.lock().unwrap());
        acknowledged.is_kept(&server).await;
        *ledger.lock().unwrap() = acknowledged;
        data = server.kill();
    }
}

/// The lines of a phone, or that it is away, may be on their way to the disk when it is removed.
#[tokio::test]
async fn acknowledged_removal_of_a_phone_survives_a_kill() {
    const ROUNDS: u64 = 30;
    let mut data = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let server = Serving::start(data, PASSWORDS);
        let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
        let mac = format!("000413ca{round:04x}");
        let phone = server.phone(&mac, "sip:1@pbx.example");
        phone.register().await.expect(200);
        phone.until_received("GetSwitchingFunctionDevices", 1).await;
        tokio::time::sleep(Duration::from_micros(round * 200)).await;
        phone.disconnect();
        let path = format!("/api/v1/phones/{mac}");
        let removed = async {
            // 409 until the server sees that the phone is away.
            while http(server.web, token.trim(), "DELETE", &path, "").await.0 != 204 {}
        };
        tokio::time::timeout(PATIENCE, removed).await.unwrap();
        tokio::time::sleep(Duration::from_micros(round % 5 * 500)).await;
        data = server.kill();
    }
    let server = Serving::start(data, PASSWORDS);
    let list = server.list().await;
    assert!(list.contains("\"total\":0"), "{list}");
}
