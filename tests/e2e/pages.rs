//! The administrator's pages over HTTP: who sees what, in which language, and that nothing is shown unescaped.

use reqwest::{Client, Response, redirect::Policy};
use serde_json::json;

use crate::support::process::{PASSWORDS, Serving};

/// A browser without scripts.
struct Browser {
    client: Client,
    base: String,
    cookie: String,
}

impl Browser {
    async fn new(base: String, name: &str, password: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let credentials = json!({ "name": name, "password": password });
        let url = format!("{base}/api/v1/session");
        let answer = client.post(url).json(&credentials).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self {
            client,
            base,
            cookie,
        }
    }

    async fn open(&self, path: &str, language: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request.header("Cookie", &self.cookie);
        request
            .header("Accept-Language", language)
            .send()
            .await
            .unwrap()
    }

    async fn read(&self, path: &str) -> String {
        let answer = self.open(path, "en").await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }
}

const PAGES: [&str; 9] = [
    "/overview",
    "/telephones",
    "/clients",
    "/settings/phones",
    "/settings/clients",
    "/settings/advanced",
    "/licences",
    "/log",
    "/server",
];

fn serving() -> Serving {
    let settings = format!("{PASSWORDS}[web]\npassword = \"let me look around\"\n");
    Serving::start(tempfile::tempdir().unwrap(), &settings)
}

async fn administrator(server: &Serving) -> Browser {
    let base = format!("http://{}", server.web);
    Browser::new(base, "admin", "let me look around").await
}

#[tokio::test]
async fn pages_want_a_log_on() {
    let server = serving();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let base = format!("http://{}", server.web);
    for path in PAGES
        .iter()
        .chain(&["/operators", "/telephones/000413000001"])
    {
        let answer = client.get(format!("{base}{path}")).send().await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap();
        assert_eq!((answer.status().as_u16(), to), (303, "/log-on"), "{path}");
    }
    let answer = client.get(format!("{base}/")).send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/overview");
}

#[tokio::test]
async fn pages_are_in_the_language_of_the_browser() {
    let server = serving();
    let browser = administrator(&server).await;
    for path in PAGES.iter().chain(&["/operators"]) {
        for language in ["en", "de"] {
            let answer = browser.open(path, language).await;
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(answer.headers()["content-language"], language);
            let policy = answer.headers()["content-security-policy"]
                .to_str()
                .unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
            let html = answer.text().await.unwrap();
            assert!(html.contains(&format!("<html lang=\"{language}\">")));
            let log_off = if language == "en" {
                "Log off"
            } else {
                "Abmelden"
            };
            assert!(html.contains(log_off), "{path}: {html}");
        }
    }
}

#[tokio::test]
async fn unused_server_says_how_to_connect_a_telephone() {
    let server = serving();
    let html = administrator(&server).await.read("/telephones").await;
    assert!(html.contains("Connect the first telephone"), "{html}");
    assert!(
        html.contains("127.0.0.1:0"),
        "where phones register: {html}"
    );
}

#[tokio::test]
async fn telephones_are_found_by_text_and_filter() {
    let server = serving();
    server
        .phone("000413000001", "sip:21@pbx.example")
        .start()
        .await;
    let away = server.phone("000413000002", "sip:22@pbx.example");
    away.start().await;
    away.unregister().await;
    server.until_listed("loggedOff").await;
    let browser = administrator(&server).await;
    for (query, one, other) in [
        ("", true, true),
        ("?q=sip:21", true, false),
        ("?show=away", false, true),
        ("?show=off", false, false),
        ("?reason=loggedOff", false, true),
        ("?sort=-state&q=snom", true, true),
    ] {
        let html = browser.read(&format!("/telephones{query}")).await;
        let has = |id: &str| html.contains(&format!("id=\"phone-{id}\""));
        let found = (has("00:04:13:00:00:01"), has("00:04:13:00:00:02"));
        assert_eq!(found, (one, other), "{query}: {html}");
    }
    let html = browser.read("/overview").await;
    assert!(
        html.contains("group-loggedOff") && html.contains("The phone logged off"),
        "{html}"
    );
}

#[tokio::test]
async fn names_of_telephones_are_escaped() {
    let server = serving();
    server
        .phone("000413000001", "sip:21@pbx.example")
        .start()
        .await;
    let browser = administrator(&server).await;
    let url = format!("{}/api/v1/phones/000413000001", browser.base);
    let name = json!({ "displayName": "<script>alert(1)</script>\"'" });
    let request = browser.client.patch(url).header("Cookie", &browser.cookie);
    let request = request.header("Origin", &browser.base).json(&name);
    assert_eq!(request.send().await.unwrap().status(), 200);
    for path in ["/telephones", "/telephones/000413000001", "/operators"] {
        let html = browser.read(path).await;
        assert!(!html.contains("<script>alert"), "{path}: {html}");
        assert!(html.contains("alert(1)"), "{path}: {html}");
    }
    let answer = browser.open("/telephones/<script>alert(1)", "en").await;
    assert_eq!(answer.status(), 404);
    assert!(!answer.text().await.unwrap().contains("<script>alert"));
}

#[tokio::test]
async fn reader_sees_all_but_changes_nothing() {
    let server = serving();
    server
        .phone("000413000001", "sip:21@pbx.example")
        .start()
        .await;
    let admin = administrator(&server).await;
    let reader = json!({ "name": "night", "rights": "read", "password": "a-long-night-shift" });
    let url = format!("{}/api/v1/operators", admin.base);
    let request = admin.client.post(url).header("Cookie", &admin.cookie);
    let request = request.header("Origin", &admin.base).json(&reader);
    assert_eq!(request.send().await.unwrap().status(), 201);
    let night = Browser::new(admin.base.clone(), "night", "a-long-night-shift").await;
    for path in PAGES.iter().chain(&["/telephones/000413000001"]) {
        let html = night.read(path).await;
        let acts = html.matches("data-act=").count();
        assert_eq!(acts, 1, "log-off alone, {path}: {html}");
        assert!(!html.contains("/operators"), "{path}");
    }
    assert!(
        !night
            .read("/telephones/000413000001")
            .await
            .contains("id=\"ladder\"")
    );
    assert_eq!(night.open("/operators", "en").await.status(), 403);
}
