//! Attacks with links that log a browser on: used twice, ended, wrong, from another site, and looked for where secrets leak.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, Response};
use serde_json::{Value, json};
use uacsta_actors::clock::Clock;

use crate::support::{
    process::{Serving, run},
    server::Server,
};

fn serving() -> Serving {
    let settings = "[logs]\nlevel = \"trace\"\n[limits]\nfailed_log_ons = 5\nlog_on_tries = 1\n";
    Serving::start(tempfile::tempdir().unwrap(), settings)
}

/// The secret of the link that `uacsta web` prints.
fn link(server: &Serving) -> String {
    let output = run(&["web", "--data", server.data().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("uacsta: good once, until "), "{said}");
    let url = String::from_utf8(output.stdout).unwrap();
    let page = format!("http://{}/log-on#", server.web);
    let secret = url.trim_end().strip_prefix(&page).expect(&url);
    assert_eq!(secret.len(), 43);
    secret.to_owned()
}

/// What the page's script sends, with these fields.
async fn open(server: &Serving, link: &str, fields: &[(&str, &str)]) -> Response {
    let url = format!("http://{}/api/v1/session", server.web);
    let mut request = Client::new().post(url).json(&json!({ "link": link }));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn get(server: &Serving, path: &str, cookie: &str) -> (u16, String) {
    let request = Client::new().get(format!("http://{}{path}", server.web));
    let answer = request.header("Cookie", cookie).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn link_logs_on_once_and_leaks_nowhere() {
    let server = serving();
    let link = link(&server);
    let answer = open(&server, &link, &[("Sec-Fetch-Site", "same-origin")]).await;
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    let (cookie, attributes) = cookie.split_once(';').unwrap();
    assert!(cookie.starts_with("__Host-uacsta="), "{cookie}");
    assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax");
    let (status, who) = get(&server, "/api/v1/session", cookie).await;
    assert_eq!(
        (status, &*who),
        (200, r#"{"name":"admin","rights":"admin"}"#)
    );
    for again in [&*link, "", "A", &link[1..], &"A".repeat(43)] {
        let answer = open(&server, again, &[]).await;
        assert!([401, 429].contains(&answer.status().as_u16()), "{again}");
        assert!(!answer.headers().contains_key("set-cookie"));
    }
    // Nor does it stand in the audit log, the log, or another file.
    for entry in fs::read_dir(server.data()).unwrap() {
        let file = entry.unwrap().path();
        let text = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains(&link), "{}", file.display());
    }
    let audit = fs::read_to_string(server.data().join("audit.jsonl")).unwrap();
    assert!(
        audit.contains(r#""who":"admin","from":"127.0.0.1","operation":"logOn""#),
        "{audit}"
    );
    assert!(audit.contains(r#""operation":"addLink""#), "{audit}");
    let log = server.end();
    assert!(log.contains("link to log on made") && !log.contains(&link));
}

#[tokio::test]
async fn page_of_another_site_cannot_use_a_link() {
    let server = serving();
    let link = link(&server);
    let own = format!("http://{}", server.web);
    for fields in [
        [("Origin", "http://evil.example")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
    ] {
        let answer = open(&server, &link, &fields).await;
        assert_eq!(answer.status(), 403, "{fields:?}");
    }
    let foreign = open(&server, &link, &[("Host", "evil.example")]).await;
    assert_eq!(foreign.status(), 421);
    // A form of another site needs no consent of the server, but it is no JSON.
    let url = format!("{own}/api/v1/session");
    let form = Client::new().post(&url).body(format!("link={link}"));
    let form = form.header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(form.send().await.unwrap().status(), 415);
    // Nothing of it is spent.
    let answer = open(&server, &link, &[("Origin", &own)]).await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn guessed_links_are_held_back_and_the_true_one_is_not() {
    let server = serving();
    let link = link(&server);
    let mut held_back = 0;
    for number in 0..30 {
        let answer = open(&server, &format!("{number:043}"), &[]).await;
        match answer.status().as_u16() {
            401 => {}
            429 => {
                assert_eq!(answer.headers()["retry-after"], "5");
                held_back += 1;
            }
            status => panic!("{status}"),
        }
    }
    assert!(held_back > 15, "{held_back}");
    assert_eq!(open(&server, &link, &[]).await.status(), 201);
}

#[tokio::test]
async fn link_ends_with_the_server_and_no_program_or_reader_makes_one() {
    let server = serving();
    let link = link(&server);
    let server = server.restart("");
    assert_eq!(open(&server, &link, &[]).await.status(), 401);
    // Which has no rights here, but to read its lines.
    let data = server.data().to_str().unwrap().to_owned();
    let made = run(&["accounts", "tokens", "ecsta", "add", "x", "--data", &data]);
    let token = String::from_utf8(made.stdout).unwrap();
    let url = format!("http://{}/api/v1/links", server.web);
    let asked = Client::new()
        .post(url)
        .bearer_auth(token.trim())
        .send()
        .await;
    assert_eq!(asked.unwrap().status(), 403);
}

#[tokio::test]
async fn page_has_no_secret_and_loads_only_from_this_server() {
    let server = serving();
    let link = link(&server);
    for (path, kind) in [
        ("/log-on", "text/html; charset=utf-8"),
        ("/pages/log-on.js", "text/javascript"),
    ] {
        let url = format!("http://{}{path}#{link}", server.web);
        let answer = Client::new().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let head = answer.headers();
        assert_eq!(head["content-type"], kind);
        assert!(!head.contains_key("set-cookie"));
        let policy = head["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert_eq!(head["referrer-policy"], "no-referrer");
        let text = answer.text().await.unwrap();
        assert!(
            !text.contains("<script>") && !text.contains("style="),
            "{text}"
        );
    }
    // It was opened twice, and the link is good.
    assert_eq!(open(&server, &link, &[]).await.status(), 201);
}

/// A clock that is set forward by hand.
#[derive(Debug)]
struct Forward {
    begun: Instant,
    seconds: AtomicU64,
}

impl Clock for Forward {
    fn now(&self) -> Duration {
        self.begun.elapsed() + Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }

    fn wall(&self) -> u64 {
        1_800_000_000 + self.seconds.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn link_is_good_for_ten_minutes() {
    let clock = Arc::new(Forward {
        begun: Instant::now(),
        seconds: AtomicU64::new(0),
    });
    let server = Server::by(clock.clone());
    let make = async || {
        let (status, made) = server.http("POST", "/api/v1/links", "").await;
        assert_eq!(status, 201, "{made}");
        serde_json::from_str::<Value>(&made).unwrap()
    };
    let (early, late) = (make().await, make().await);
    assert_eq!(early["endsAt"], "2027-01-15T08:10:00.000Z");
    for (seconds, made, expected) in [(540, early, 201), (600, late, 401)] {
        clock.seconds.store(seconds, Ordering::SeqCst);
        let body = json!({ "link": made["link"] }).to_string();
        let (status, told) = server.http_as("", "POST", "/api/v1/session", &body).await;
        assert_eq!(status, expected, "{told}");
    }
}

#[tokio::test]
async fn link_of_an_operator_logs_on_that_operator_and_ends_with_it() {
    let server = serving();
    let api = format!("http://{}/api/v1", server.web);
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let administer = |method, path: &str| {
        let request = Client::new().request(method, format!("{api}{path}"));
        request.bearer_auth(token.trim())
    };
    let anna = json!({ "name": "Anna", "rights": "admin", "password": "seven quiet lamps" });
    let added = administer(reqwest::Method::POST, "/operators").json(&anna);
    assert_eq!(added.send().await.unwrap().status(), 201);
    let session = json!({ "name": "Anna", "password": "seven quiet lamps" });
    let begun = Client::new().post(format!("{api}/session")).json(&session);
    let begun = begun.send().await.unwrap();
    let cookie = begun.headers()["set-cookie"].to_str().unwrap().to_owned();
    let make = async || {
        let request = Client::new()
            .post(format!("{api}/links"))
            .header("Cookie", &cookie);
        let made = request.header("Sec-Fetch-Site", "same-origin").send().await;
        let made: Value = made.unwrap().json().await.unwrap();
        made["link"].as_str().unwrap().to_owned()
    };
    let (first, second) = (make().await, make().await);
    let begun = open(&server, &first, &[]).await;
    assert_eq!(
        begun.text().await.unwrap(),
        r#"{"name":"Anna","rights":"admin"}"#
    );
    let removed = administer(reqwest::Method::DELETE, "/operators/Anna")
        .send()
        .await;
    assert_eq!(removed.unwrap().status(), 204);
    assert_eq!(open(&server, &second, &[]).await.status(), 401);
}
