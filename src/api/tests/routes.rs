//! Every operation of the OpenAPI document, asked for by every kind of log-on; each answer is validated by its schema.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{HttpServer, served};
use crate::{api::document::Document, operators::Right};

/// Operation, path, body, who may ask, and the status for them.
type Route = (&'static str, &'static str, &'static str, (Needs, u16));

/// What an operation needs.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    Nothing,
    /// A log-on of an operator or a program.
    LogOn,
    Right(Right),
}

const fn anybody(status: u16) -> (Needs, u16) {
    (Needs::Nothing, status)
}

const fn logged_on(status: u16) -> (Needs, u16) {
    (Needs::LogOn, status)
}

const fn reader(status: u16) -> (Needs, u16) {
    (Needs::Right(Right::Read), status)
}

const fn operator(status: u16) -> (Needs, u16) {
    (Needs::Right(Right::Operate), status)
}

const fn administrator(status: u16) -> (Needs, u16) {
    (Needs::Right(Right::Admin), status)
}

const ROUTES: &[Route] = &[
    ("listPhones", "/api/v1/phones?limit=1", "", reader(200)),
    (
        "addPhone",
        "/api/v1/phones",
        r#"{"id":"00:04:13:00:00:01"}"#,
        operator(201),
    ),
    ("getPhone", "/api/v1/phones/000413000001", "", reader(200)),
    (
        "changePhone",
        "/api/v1/phones/000413000001",
        r#"{"inOperation":false,"displayName":null}"#,
        operator(200),
    ),
    (
        "removePhone",
        "/api/v1/phones/000413000001",
        "",
        operator(204),
    ),
    (
        "restartSession",
        "/api/v1/phones/000413000001/restartSession",
        "",
        operator(409),
    ),
    (
        "certifyPhone",
        "/api/v1/phones/000413000001/certify",
        "{}",
        operator(409),
    ),
    (
        "sendCsta",
        "/api/v1/phones/000413000001/csta",
        r#"{"request":"<HoldCall/>"}"#,
        operator(409),
    ),
    (
        "getPhoneTrace",
        "/api/v1/phones/000413000001/trace",
        "",
        administrator(200),
    ),
    (
        "getClientTrace",
        "/api/v1/clients/ecsta/trace",
        "",
        administrator(404),
    ),
    ("listClients", "/api/v1/clients", "", reader(200)),
    ("getClient", "/api/v1/clients/ecsta", "", reader(404)),
    ("endClient", "/api/v1/clients/ecsta", "", operator(404)),
    ("listLines", "/api/v1/lines", "", logged_on(200)),
    ("getLine", "/api/v1/lines/215", "", logged_on(404)),
    ("getStatus", "/api/v1/status", "", reader(200)),
    (
        "changeService",
        "/api/v1/status/service",
        r#"{"state":"stopped"}"#,
        operator(503),
    ),
    ("getLicenses", "/api/v1/licenses", "", reader(200)),
    (
        "listLicenseHolders",
        "/api/v1/licenses/holders",
        "",
        reader(200),
    ),
    (
        "addLicense",
        "/api/v1/licenses",
        r#"{"code":"A"}"#,
        administrator(409),
    ),
    (
        "removeLicense",
        "/api/v1/licenses/7",
        "",
        administrator(409),
    ),
    ("getCertificate", "/api/v1/certificate", "", reader(200)),
    ("listSettings", "/api/v1/settings", "", reader(200)),
    (
        "getSetting",
        "/api/v1/settings/advanced.keep_alive",
        "",
        reader(200),
    ),
    (
        "changeSettings",
        "/api/v1/settings",
        r#"{"logs.level":"debug"}"#,
        administrator(428),
    ),
    (
        "listSettingChanges",
        "/api/v1/settings/history",
        "",
        reader(200),
    ),
    (
        "undoSettings",
        "/api/v1/settings/undo",
        r#"{"id":"1a"}"#,
        administrator(422),
    ),
    (
        "reloadSettings",
        "/api/v1/settings/reload",
        "",
        administrator(422),
    ),
    ("listOperations", "/api/v1/operations", "", reader(200)),
    ("getOperation", "/api/v1/operations/1", "", reader(404)),
    ("cancelOperation", "/api/v1/operations/1", "", reader(404)),
    (
        "addBundle",
        "/api/v1/bundles",
        r#"{"phones":["?"]}"#,
        administrator(422),
    ),
    ("getBundle", "/api/v1/bundles/1", "", reader(404)),
    ("listLogFiles", "/api/v1/logs", "", reader(200)),
    (
        "listLogLines",
        "/api/v1/logs/lines?level=warn",
        "",
        reader(200),
    ),
    ("getLogFile", "/api/v1/logs/uacsta.log", "", reader(404)),
    ("getDocument", "/api/v1/openapi.json", "", logged_on(200)),
    (
        "getProblemType",
        "/api/v1/problems/invalid",
        "",
        anybody(200),
    ),
    (
        "followEvents",
        "/api/v1/events?topics=phones,settings",
        "",
        reader(200),
    ),
    ("listAudit", "/api/v1/audit?limit=1", "", administrator(200)),
    ("listOperators", "/api/v1/operators", "", administrator(200)),
    (
        "addOperator",
        "/api/v1/operators",
        r#"{"name":"x","rights":"read","password":"short"}"#,
        administrator(422),
    ),
    (
        "getOperator",
        "/api/v1/operators/Read",
        "",
        administrator(200),
    ),
    (
        "changeOperator",
        "/api/v1/operators/read",
        r#"{"rights":"admin"}"#,
        administrator(428),
    ),
    (
        "removeOperator",
        "/api/v1/operators/x",
        "",
        administrator(404),
    ),
    ("listAccounts", "/api/v1/accounts", "", administrator(200)),
    (
        "addAccount",
        "/api/v1/accounts",
        r#"{"user":"crm","password":"short","rights":[]}"#,
        administrator(422),
    ),
    (
        "getAccount",
        "/api/v1/accounts/ecsta",
        "",
        administrator(200),
    ),
    (
        "changeAccount",
        "/api/v1/accounts/ecsta",
        r#"{"numbers":[]}"#,
        administrator(428),
    ),
    (
        "removeAccount",
        "/api/v1/accounts/ecsta",
        "",
        administrator(409),
    ),
    ("listSessions", "/api/v1/sessions", "", administrator(200)),
    ("endSession", "/api/v1/sessions/x", "", administrator(404)),
    (
        "listTokens",
        "/api/v1/accounts/ecsta/tokens",
        "",
        administrator(200),
    ),
    (
        "addToken",
        "/api/v1/accounts/ecsta/tokens",
        r#"{"name":"crm","endsAt":null}"#,
        administrator(201),
    ),
    (
        "revokeToken",
        "/api/v1/accounts/ecsta/tokens/0",
        "",
        administrator(404),
    ),
    (
        "logOn",
        "/api/v1/session",
        r#"{"name":"admin","password":"password"}"#,
        anybody(201),
    ),
    ("addLink", "/api/v1/links", "", administrator(201)),
    ("getSession", "/api/v1/session", "", reader(200)),
    // The last, since it ends the sessions.
    ("logOff", "/api/v1/session", "", reader(204)),
];

/// Method and responses of an operation.
fn operation<'d>(document: &'d Value, name: &str) -> (Method, &'d Value) {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut all = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let (method, operation) = all
        .find(|(_, operation)| operation["operationId"] == name)
        .unwrap_or_else(|| panic!("the document has no {name}"));
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    (method, &operation["responses"])
}

/// Validates the answer by the schema that the document has for its status.
fn validate(document: &Value, responses: &Value, status: u16, text: &str) -> Result<(), String> {
    let own = &responses[status.to_string()];
    let response = if own.is_null() {
        &responses["default"]
    } else {
        own
    };
    let Some((_, content)) = response["content"]
        .as_object()
        .and_then(|all| all.iter().next())
    else {
        return match text {
            "" => Ok(()),
            text => Err(format!(
                "no content is documented, but this was sent: {text}"
            )),
        };
    };
    let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
    let answer: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
    validator
        .validate(&answer)
        .map_err(|error| error.to_string())
}

/// Who asks, and by which fields of the head.
pub(super) struct Asker {
    pub(super) who: &'static str,
    fields: Vec<(&'static str, String)>,
    /// Whether a page of another site asks.
    is_foreign: bool,
    role: Role,
}

/// What an asker is to the server.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Nobody,
    Program,
    Operator(Right),
}

impl Asker {
    fn with(who: &'static str, authorization: &str, role: Role) -> Self {
        Self {
            who,
            fields: vec![("Authorization", authorization.to_owned())],
            is_foreign: false,
            role,
        }
    }

    /// An operator with a session of its own.
    async fn by_cookie(web: &HttpServer, who: &'static str, right: Right, origin: &str) -> Self {
        let password = if who == "admin" { "password" } else { PASSWORD };
        let body = json!({ "name": who, "password": password });
        let url = format!("http://{}/api/v1/session", web.address());
        let response = Client::new().post(url).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 201, "{who}");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self {
            who,
            fields: vec![("Cookie", cookie), ("Origin", origin.to_owned())],
            is_foreign: false,
            role: Role::Operator(right),
        }
    }

    fn expected(&self, method: &Method, (needs, status): (Needs, u16)) -> u16 {
        match (needs, self.role) {
            _ if self.is_foreign && !method.is_safe() => 403,
            (Needs::Nothing, _) => status,
            (_, Role::Nobody) => 401,
            (Needs::Right(_), Role::Program) => 403,
            (Needs::Right(needed), Role::Operator(right)) if right < needed => 403,
            _ => status,
        }
    }
}

const PASSWORD: &str = "correct horse";

/// Adds an operator for each right, and logs them on.
pub(super) async fn askers(web: &HttpServer) -> Vec<Asker> {
    let origin = format!("http://{}", web.address());
    let admin = Role::Operator(Right::Admin);
    let mut all = vec![
        Asker {
            fields: Vec::new(),
            ..Asker::with("nobody", "", Role::Nobody)
        },
        Asker::with("a wrong token", "Bearer wrong", Role::Nobody),
        Asker::with(
            "a wrong program",
            &format!("Bearer uac_0_{:043}", 0),
            Role::Nobody,
        ),
        Asker::with("a program", &program(web).await, Role::Program),
        Asker::with("the command line", "Bearer token", admin),
        // A browser would keep the password and send it for other sites.
        Asker::with("admin by Basic", "Basic YWRtaW46cGFzc3dvcmQ=", Role::Nobody),
        Asker::by_cookie(web, "admin", Right::Admin, &origin).await,
    ];
    for (who, right) in [
        ("read", Right::Read),
        ("operate", Right::Operate),
        ("boss", Right::Admin),
    ] {
        let new = json!({ "name": who, "rights": right, "password": PASSWORD });
        let added = Client::new().post(format!("{origin}/api/v1/operators"));
        let added = added.bearer_auth("token").json(&new).send().await.unwrap();
        assert_eq!(added.status(), 201, "{who}");
        all.push(Asker::by_cookie(web, who, right, &origin).await);
    }
    all.push(Asker {
        is_foreign: true,
        ..Asker::by_cookie(web, "boss", Right::Admin, "http://evil.example").await
    });
    all
}

/// Adds an account that may control all lines, and a token; the `Authorization` of a program that has it.
async fn program(web: &HttpServer) -> String {
    let rights = json!([{ "level": "control", "lines": ["*"] }]);
    let account = json!({ "user": "program", "password": PASSWORD, "rights": rights });
    let mut made = Value::Null;
    for (path, new) in [
        ("accounts", account),
        ("accounts/program/tokens", json!({ "name": "test" })),
    ] {
        let url = format!("http://{}/api/v1/{path}", web.address());
        let added = Client::new().post(url).bearer_auth("token").json(&new);
        let added = added.send().await.unwrap();
        assert_eq!(added.status(), 201, "{path}");
        made = added.json().await.unwrap();
    }
    format!("Bearer {}", made["token"].as_str().unwrap())
}

#[actix_web::test]
async fn every_route_has_its_status_for_every_log_on_and_a_valid_answer() {
    let document: Value = serde_json::from_str(Document::new().text()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let askers = askers(&web).await;
    // The operators and the account were added.
    let added = ["addOperator", "addAccount"].map(|name| (name.to_owned(), 201));
    let mut answered = BTreeSet::from(added);
    for (name, path, body, expected) in ROUTES {
        let (method, responses) = operation(&document, name);
        for asker in &askers {
            let (status, text) = ask(&web, &method, path, body, asker).await;
            let expected = asker.expected(&method, *expected);
            assert_eq!(status, expected, "{name} by {}: {text}", asker.who);
            let valid = validate(&document, responses, status, &text);
            assert_eq!(valid, Ok(()), "{name} by {}: {text}", asker.who);
            answered.insert(((*name).to_owned(), u64::from(status)));
        }
    }
    check_audit(&document, &answered, folder.path());
    for asker in askers.iter().filter(|asker| asker.fields.len() == 2) {
        let (status, _) = ask(&web, &Method::GET, "/api/v1/session", "", asker).await;
        let expected = if asker.is_foreign { 200 } else { 401 };
        assert_eq!(status, expected, "{} has logged off", asker.who);
    }
}

/// Whether the audit log has each operation that may have changed something, and each refused one, by its status.
fn check_audit(document: &Value, answered: &BTreeSet<(String, u64)>, folder: &Path) {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let changing: BTreeSet<&str> = operations
        .filter(|(_, operation)| operation["x-effect"] != "read")
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    let is_refused = |status: u64| [401, 403].contains(&status);
    let expected: BTreeSet<_> = answered
        .iter()
        .filter(|(name, status)| changing.contains(&**name) || is_refused(*status))
        .cloned()
        .collect();
    let files = ["audit.jsonl", "audit.refused.jsonl"];
    let text: String = files
        .map(|name| fs::read_to_string(folder.join(name)).unwrap())
        .concat();
    assert!(
        !text.contains(PASSWORD) && !text.contains("short"),
        "{text}"
    );
    let entries = text.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let name = entry["operation"].as_str().unwrap().to_owned();
        (name, entry["status"].as_u64().unwrap())
    });
    assert_eq!(entries.collect::<BTreeSet<_>>(), expected);
}

pub(super) async fn ask(
    web: &HttpServer,
    method: &Method,
    path: &str,
    body: &'static str,
    asker: &Asker,
) -> (u16, String) {
    let request = Client::new().request(method.clone(), format!("http://{}{path}", web.address()));
    let mut request = request
        .header("Content-Type", "application/json")
        .body(body);
    for (name, value) in &asker.fields {
        request = request.header(*name, value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[test]
fn every_operation_has_a_row() {
    let document: Value = serde_json::from_str(Document::new().text()).unwrap();
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let documented: BTreeSet<&str> = operations
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    let tested: BTreeSet<&str> = ROUTES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        documented, tested,
        "operations of the document and rows of ROUTES"
    );
}
