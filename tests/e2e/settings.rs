//! Settings that operators read, change, reset and undo while the server runs.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    phone::Phone,
    process::{PASSWORDS, Serving, run},
};

/// The API of a server, used with the token of its data folder.
struct Api<'s> {
    server: &'s Serving,
    token: String,
}

impl<'s> Api<'s> {
    fn of(server: &'s Serving) -> Self {
        let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
        let token = token.trim().to_owned();
        Self { server, token }
    }

    /// One request; status, ETag and body.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<Value>,
    ) -> (u16, String, Value) {
        let url = format!("http://{}/api/v1/settings{path}", self.server.web);
        let mut request = Client::new().request(method, url).bearer_auth(&self.token);
        if let Some(tag) = if_match {
            request = request.header("If-Match", tag);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let tag = response.headers().get("ETag");
        let tag = tag.map_or("", |tag| tag.to_str().unwrap()).to_owned();
        (status, tag, response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, _, body) = self.ask(Method::GET, path, None, None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Value and source of a setting.
    async fn setting(&self, key: &str) -> (Value, Value) {
        let one = self.get(&format!("/{key}")).await;
        (one["value"].clone(), one["source"].clone())
    }

    /// A change whatever the state; status and answer.
    async fn change(&self, values: Value) -> (u16, Value) {
        let (status, _, body) = self.ask(Method::PATCH, "", Some("*"), Some(values)).await;
        (status, body)
    }

    async fn undo(&self, change: &Value) -> (u16, Value) {
        let id = json!({ "id": change["undo"]["id"] });
        let (status, _, body) = self.ask(Method::POST, "/undo", None, Some(id)).await;
        (status, body)
    }
}

fn serving(settings: &str) -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), settings)
}

#[tokio::test]
async fn change_applies_at_once_and_survives_a_restart() {
    let settings = format!("{PASSWORDS}[advanced]\nauto_activate = true\nrequest_timeout = 7\n");
    let server = serving(&settings);
    let key = "advanced.request_timeout";
    assert_eq!(
        Api::of(&server).setting(key).await,
        (json!(7), json!("file"))
    );
    let change = json!({ key: 5, "advanced.auto_activate": false });
    let (status, answer) = Api::of(&server).change(change).await;
    assert_eq!(status, 200, "{answer}");
    let phone = server.phone("000413000001", "sip:101@pbx.example");
    phone.register().await.expect(200);
    server.until_listed("00:04:13:00:00:01").await;
    assert!(server.list().await.contains("\"inOperation\":false"));

    let server = server.restart(&settings);
    let api = Api::of(&server);
    assert_eq!(api.setting(key).await, (json!(5), json!("operator")));
    assert_eq!(api.change(json!({ key: null })).await.0, 200);
    assert_eq!(api.setting(key).await, (json!(7), json!("file")));
    let activate = api.setting("advanced.auto_activate").await;
    assert_eq!(activate, (json!(false), json!("operator")));
}

#[tokio::test]
async fn change_with_mistakes_is_rejected_whole_with_all_of_them() {
    let server = serving(PASSWORDS);
    let api = Api::of(&server);
    let change = json!({
        "logs.keep": 5, "advanced.keep_alive": 1, "advanced.keep_alives": 60,
        "logs.level": "loud", "web.names": "cti.example.com", "web.listen": "127.0.0.1:0",
    });
    // Unknown settings and those of the environment are found before values are read.
    let (status, answer) = api.change(change).await;
    assert_eq!(status, 422, "{answer}");
    let wrong = |answer: &Value| -> Vec<String> {
        let violations = answer["violations"].as_array().unwrap().iter();
        violations
            .map(|one| {
                format!(
                    "{} {}",
                    one["pointer"].as_str().unwrap(),
                    one["detail"].as_str().unwrap()
                )
            })
            .collect()
    };
    let listen = "is set by environment variable UACSTA__WEB__LISTEN, which overrides it: remove it there first";
    let near = "is not a setting; did you mean advanced.keep_alive?";
    assert_eq!(
        wrong(&answer),
        [
            format!("/advanced.keep_alives {near}"),
            format!("/web.listen {listen}")
        ]
    );
    let change = json!({
        "logs.keep": 5, "advanced.keep_alive": 1, "logs.level": "loud", "web.names": "cti.example.com",
    });
    let (status, answer) = api.change(change).await;
    assert_eq!(status, 422, "{answer}");
    let mut told = wrong(&answer);
    told.sort();
    assert_eq!(
        told,
        [
            "/advanced.keep_alive is 1, but must be a number of seconds from 5 to 3600",
            "/logs.level is \"loud\", but must be one of error, warn, info, debug, trace",
            "/web.names is a string, but must be a list",
        ]
    );
    assert_eq!(
        api.setting("logs.keep").await,
        (json!(20), json!("default"))
    );
    assert!(!server.data().join("settings.toml").exists());
    assert_eq!(api.get("/history").await["total"], 0);
}

#[tokio::test]
async fn change_that_cannot_be_applied_names_its_setting() {
    let server = serving(PASSWORDS);
    let api = Api::of(&server);
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let change = json!({ "logs.keep": 5, "phones.udp": address });
    let (status, answer) = api.change(change).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(answer["violations"][0]["pointer"], "/phones.udp");
    assert_eq!(api.setting("logs.keep").await.0, 20);
    assert!(!server.data().join("settings.toml").exists());
    let change = json!({ "logs.directory": "/proc/none" });
    let (status, answer) = api.change(change).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(answer["violations"][0]["pointer"], "/logs.directory");
}

#[tokio::test]
async fn change_is_undone_once() {
    let server = serving(&format!("{PASSWORDS}[advanced]\nkeep_alive = 40\n"));
    let api = Api::of(&server);
    let (status, first) = api
        .change(json!({ "advanced.keep_alive": 50, "logs.keep": 5 }))
        .await;
    assert_eq!(status, 200, "{first}");
    let (_, second) = api.change(json!({ "limits.xml_depth": 70 })).await;
    let (status, undone) = api.undo(&first).await;
    assert_eq!(status, 200, "{undone}");
    assert_eq!(
        (undone["items"].as_array().map(Vec::len), &undone["undo"]),
        (Some(2), &json!(null))
    );
    let keep_alive = api.setting("advanced.keep_alive").await;
    assert_eq!(keep_alive, (json!(40), json!("file")));
    assert_eq!(api.setting("limits.xml_depth").await.0, 70);
    assert_eq!(api.undo(&first).await.0, 409);
    // A setting that has changed again keeps its last value.
    let (_, third) = api.change(json!({ "limits.xml_depth": 80 })).await;
    assert_eq!(api.undo(&second).await.0, 409);
    assert_eq!(api.undo(&third).await.0, 200);
    assert_eq!(api.setting("limits.xml_depth").await.0, 70);
}

#[tokio::test]
async fn change_names_the_state_that_it_is_for() {
    let server = serving(PASSWORDS);
    let api = Api::of(&server);
    let (_, tag, _) = api.ask(Method::GET, "", None, None).await;
    let change = |if_match, value: u32| {
        api.ask(
            Method::PATCH,
            "",
            if_match,
            Some(json!({ "logs.keep": value })),
        )
    };
    assert_eq!(change(None, 5).await.0, 428);
    assert_eq!(change(Some(&tag), 5).await.0, 200);
    assert_eq!(change(Some(&tag), 6).await.0, 412);
    // A secret changes the state as well, though it is not shown.
    let (_, tag, _) = api.ask(Method::GET, "", None, None).await;
    let secret = json!({ "web.password": "another twelve letters" });
    assert_eq!(api.change(secret).await.0, 200);
    assert_eq!(change(Some(&tag), 7).await.0, 412);
    assert_eq!(api.setting("logs.keep").await.0, 5);
}

#[tokio::test]
async fn secrets_are_set_and_never_shown() {
    let server = serving(PASSWORDS);
    let api = Api::of(&server);
    let accounts = json!([{ "user": "wall", "password": "geheim of wall", "control": false }]);
    let change = json!({ "phones.password": "geheim of phones", "clients.accounts": accounts });
    let (status, answer) = api.change(change).await;
    assert_eq!(status, 200, "{answer}");
    let line = "sip:101@pbx.example";
    let phone = Phone::at(server.phones, "000413000001", "geheim of phones", line);
    phone.register().await.expect(200);
    // An account without password keeps the one it has.
    let accounts = json!([{ "user": "wall", "password": null, "lines": ["101"] }]);
    let (status, changed) = api.change(json!({ "clients.accounts": accounts })).await;
    assert_eq!(status, 200, "{changed}");
    let wall = crate::support::cti_client::CtiClient::at(server.clients, "wall", "geheim of wall");
    wall.await.register().await.expect(200);
    let new = json!([{ "user": "hall" }]);
    let (status, refused) = api.change(json!({ "clients.accounts": new })).await;
    assert_eq!(status, 422, "{refused}");
    let (list, history) = (api.get("").await, api.get("/history").await);
    let one = api.get("/phones.password").await;
    assert_eq!((&one["value"], &one["isSet"]), (&json!(null), &json!(true)));
    assert_eq!(history["total"], 3);
    for text in [answer, changed, refused, list, history].map(|json| json.to_string()) {
        assert!(!text.contains("geheim"), "{text}");
    }
    assert!(!server.log().contains("geheim"));
    let history = std::fs::read_to_string(server.data().join("settings-history.jsonl")).unwrap();
    assert!(!history.contains("geheim"));
}

#[tokio::test]
async fn weak_password_and_line_without_a_name_are_refused() {
    let settings = "[phones]\npassword = \"ring\"\n[clients]\npassword = \"dial\"\n";
    let server = serving(settings);
    // A file may have them: phones and clients may know no others.
    assert!(server.log().contains("password is not secure"));
    let api = Api::of(&server);
    let of = |member: &str, value: Value| {
        let mut account = json!({ "user": "wall", "password": "let the wall dial" });
        account[member] = value;
        json!({ "clients.accounts": [account] })
    };
    for (change, words) in [
        (
            json!({ "clients.password": "abc" }),
            "fewer than 10 characters",
        ),
        (json!({ "phones.password": "1234567890" }), "easily guessed"),
        (json!({ "web.password": "administrator" }), "easily guessed"),
        (of("password", json!("wallwallwall")), "easily guessed"),
        (of("lines", json!(["215", ""])), "no line can be called"),
    ] {
        let (status, answer) = api.change(change.clone()).await;
        assert_eq!(status, 422, "{change}: {answer}");
        let wrong = &answer["violations"][0];
        let pointer = wrong["pointer"].as_str().unwrap();
        assert!(
            change.get(pointer.trim_start_matches('/')).is_some(),
            "{answer}"
        );
        assert!(
            wrong["detail"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    let (status, answer) = api.change(of("lines", json!(["215"]))).await;
    assert_eq!(status, 200, "{answer}");
    let password = json!({ "clients.password": "let the board dial" });
    assert_eq!(api.change(password).await.0, 200);
}

#[tokio::test]
async fn full_disk_rejects_a_change_and_applies_nothing() {
    let server = serving(PASSWORDS);
    let api = Api::of(&server);
    // A limit on the length of files is a full disk that needs no rights.
    let limit = |size: &str| {
        let process = server.id().to_string();
        let mut command = std::process::Command::new("prlimit");
        command.args(["--pid", &process, &format!("--fsize={size}")]);
        assert!(command.status().unwrap().success());
    };
    assert_eq!(api.change(json!({ "logs.keep": 5 })).await.0, 200);
    limit("10:unlimited");
    let (status, answer) = api.change(json!({ "logs.keep": 6 })).await;
    assert_eq!(status, 503, "{answer}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(
        detail.contains("settings.toml cannot be written: "),
        "{detail}"
    );
    assert_eq!(api.setting("logs.keep").await.0, 5);
    limit("unlimited:unlimited");
    assert_eq!(api.change(json!({ "logs.keep": 6 })).await.0, 200);
    let kept = std::fs::read_to_string(server.data().join("settings.toml")).unwrap();
    assert!(kept.contains("keep = 6"), "{kept}");
}

#[tokio::test]
async fn commands_show_and_change_settings() {
    let server = serving(PASSWORDS);
    let folder = server.data().to_str().unwrap().to_owned();
    let settings = |arguments: &[&str]| {
        let done = run(&[&["settings"], arguments, &["--data", &folder]].concat());
        let text = if done.status.success() {
            done.stdout
        } else {
            done.stderr
        };
        (done.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, said) = settings(&["set", "logs.level", "debug"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("logs.level is debug (operator)\nto undo it "),
        "{said}"
    );
    let has_row = |table: &str, row: &[&str]| {
        let mut rows = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.any(|words| words.windows(row.len()).any(|words| words == row))
    };
    let (_, list) = settings(&["list", "logs."]);
    assert!(
        has_row(&list, &["logs.level", "debug", "operator"]),
        "{list}"
    );
    let (_, said) = settings(&["get", "logs.level"]);
    assert!(
        said.contains("choices  error, warn, info, debug, trace\n"),
        "{said}"
    );
    assert_eq!(settings(&["undo"]).1, "logs.level is info (default)\n");
    assert_eq!(settings(&["undo"]).0, Some(1));
    let (_, history) = settings(&["history"]);
    assert_eq!(history.lines().count(), 3, "{history}");
    for row in [
        ["logs.level", "info", "debug", "operator"],
        ["logs.level", "debug", "info", "default"],
    ] {
        assert!(has_row(&history, &row), "{history}");
    }
    settings(&["set", "logs.keep", "7"]);
    assert_eq!(settings(&["reset", "logs.keep", "logs.level"]).0, Some(0));
    let (code, said) = settings(&["set", "logs.keep", "many"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("logs.keep: is a string, but must be an integer"),
        "{said}"
    );
    assert_eq!(settings(&["get", "logs.kep"]).0, Some(2));
}

#[tokio::test]
async fn log_settings_apply_to_the_next_line() {
    let server = serving(PASSWORDS);
    let api = Api::of(&server);
    let elsewhere = tempfile::tempdir().unwrap();
    let change = json!({
        "logs.levels": ["uacsta::sip=trace"], "logs.format": "json",
        "logs.directory": elsewhere.path(), "logs.phones": ["00:04:13:00:00:02"],
    });
    let (status, answer) = api.change(change).await;
    assert_eq!(status, 200, "{answer}");
    for mac in ["000413000001", "000413000002"] {
        let phone = server.phone(mac, "sip:101@pbx.example");
        phone.register().await.expect(200);
    }
    let file = elsewhere.path().join("uacsta.log");
    let logged = async {
        loop {
            let log = std::fs::read_to_string(&file).unwrap_or_default();
            if log.contains("phone registered") {
                return log;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let log = tokio::time::timeout(PATIENCE, logged).await.unwrap();
    let is = |line: &Value, member: &str, value: &str| line[member] == value;
    // Lines that were queued before are written into the new folder as they are.
    let lines = log.lines().skip_while(|line| !line.starts_with('{'));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().any(|line| is(line, "level", "TRACE")), "{log}");
    for line in &lines {
        let is_fine = is(line, "level", "TRACE") || is(line, "level", "DEBUG");
        let is_sip = line["target"].as_str().unwrap().starts_with("uacsta::sip");
        assert!(!is_fine || is_sip, "{line}");
        assert!(!is(line, "phone", "00:04:13:00:00:01"), "{line}");
    }
}
