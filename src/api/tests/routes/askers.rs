//! Every kind of log-on, and its requests.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{super::HttpServer, table::Needs};
use crate::operators::Right;

/// Who asks, and by which fields of the head.
pub(in crate::api::tests) struct Asker {
    pub(in crate::api::tests) who: &'static str,
    pub(super) fields: Vec<(&'static str, String)>,
    /// Whether a page of another site asks.
    pub(super) is_foreign: bool,
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

    pub(super) fn expected(&self, method: &Method, (needs, status): (Needs, u16)) -> u16 {
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

pub(super) const PASSWORD: &str = "correct horse";

/// Adds an operator for each right, and logs them on.
pub(in crate::api::tests) async fn askers(web: &HttpServer) -> Vec<Asker> {
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

pub(in crate::api::tests) async fn ask(
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
