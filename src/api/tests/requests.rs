//! What holds for every request: statuses, methods, origins, ETags.

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{API_ADDRESS, HttpServer, served};

const PHONES: &str = "/api/v1/phones";
const PHONE: &str = "/api/v1/phones/000413000001";
const LICENSES: &str = "/api/v1/licenses";
const RELOAD: &str = "/api/v1/settings/reload";

#[actix_web::test]
async fn cross_origin_request_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let own = format!("http://{}", web.address());
    for (origin, status) in [(&*own, 422), ("http://evil.example", 403)] {
        let asked = Client::new()
            .post(format!("{own}{RELOAD}"))
            .bearer_auth("token")
            .header("Origin", origin)
            .send();
        assert_eq!(asked.await.unwrap().status(), status, "{origin}");
    }
}

#[actix_web::test]
async fn address_file_tells_the_command_line_where_the_api_is() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let url = std::fs::read_to_string(folder.path().join(API_ADDRESS)).unwrap();
    assert_eq!(url.trim(), format!("http://{}", web.address()));
    web.stop().await;
}

/// Requests with the token: method, path, body; status, start of the problem's detail or the whole answer.
const ANSWERS: &[(&str, &str, &str, u16, &str)] = &[
    ("GET", "/healthz", "", 200, r#"{"status":"alive"}"#),
    ("GET", "/readyz", "", 200, r#"{"status":"ready"}"#),
    ("GET", "/nothing", "", 404, "there is no such page"),
    ("GET", "/api/v1/nothing", "", 404, "there is no such page"),
    ("GET", "/api/phones", "", 404, "there is no such page"),
    (
        "DELETE",
        PHONES,
        "",
        405,
        "method DELETE not allowed (allowed: GET, HEAD, POST)",
    ),
    ("GET", "/api/v1/phones?page=1", "", 422, "page: unknown"),
    (
        "GET",
        "/api/v1/status?x",
        "",
        422,
        "x: this operation has no",
    ),
    (
        "GET",
        "/api/v1/phones?state=lost",
        "",
        422,
        "state: unknown variant",
    ),
    (
        "GET",
        "/api/v1/phones?reason=tired",
        "",
        422,
        "reason: no reason has this code",
    ),
    (
        "POST",
        PHONES,
        r#"{"id":"00:04:13:00:00:02"}"#,
        409,
        "00:04:13:00:00:02 is listed already",
    ),
    (
        "POST",
        PHONES,
        r#"{"id":"two words"}"#,
        422,
        "id: a phone is named by its MAC address",
    ),
    (
        "DELETE",
        "/api/v1/phones/000413000002",
        "",
        409,
        "00:04:13:00:00:02 is registered, and would be listed again at once: ",
    ),
    (
        "PATCH",
        "/api/v1/phones/00:04:13:00:00:03",
        r#"{"inOperation":true}"#,
        404,
        "no phone 00:04:13:00:00:03 in the phone list; name it by its MAC address",
    ),
    (
        "DELETE",
        "/api/v1/licenses/holders?limit=1",
        "",
        405,
        "method DELETE not allowed (allowed: GET, HEAD)",
    ),
    ("GET", "/api/v1/phones/0;4", "", 404, "no phone 0;4 in"),
    ("PATCH", PHONE, "", 400, "the body is not JSON"),
    (
        "PATCH",
        PHONE,
        r#"{"inOperation":1}"#,
        422,
        "inOperation: invalid type",
    ),
    (
        "PATCH",
        PHONE,
        r#"{"in_operation":true}"#,
        422,
        "in_operation: unknown member",
    ),
    (
        "POST",
        "/api/v1/phones/000413000001/csta",
        r#"{"request":"<HoldCall/>"}"#,
        409,
        "phone 00:04:13:00:00:01 has not listed its lines yet",
    ),
    (
        "POST",
        "/api/v1/phones/000413000001/csta",
        r#"{"request":"<Hold"}"#,
        422,
        "request: invalid CSTA request: ",
    ),
    (
        "POST",
        RELOAD,
        "",
        422,
        "the configuration is unchanged: uacsta.toml line 2: nonsense",
    ),
    (
        "GET",
        LICENSES,
        "",
        200,
        r#"{"phones":{"used":3,"licensed":null,"free":null},"lines":{"used":4,"licensed":5,"free":1},"licenses":null,"evaluationSecondsLeft":6,"warnings":[]}"#,
    ),
    (
        "POST",
        "/api/v1/operators",
        r#"{"name":"x","rights":"read","password":"password12"}"#,
        422,
        "password: it is easily guessed",
    ),
    (
        "POST",
        "/api/v1/accounts",
        r#"{"user":"board","rights":[],"password":"boardboard"}"#,
        422,
        "password: it is easily guessed",
    ),
    (
        "POST",
        "/api/v1/accounts",
        r#"{"user":"board","rights":[{"level":"watch","lines":[""]}],"password":"let it ring"}"#,
        422,
        "rights/0/lines: a name of a line has 1 to 512 octets",
    ),
    (
        "POST",
        LICENSES,
        r#"{"code":"AAAA"}"#,
        409,
        "this program was built without an issuer",
    ),
];

#[actix_web::test]
async fn each_request_gets_its_status_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for (method, path, body, status, answer) in ANSWERS {
        let response = with_token(&web, method, path, "application/json", body).await;
        assert_eq!(response.status().as_u16(), *status, "{path} {body}");
        let text = response.text().await.unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        match told["detail"].as_str() {
            Some(detail) => assert!(detail.starts_with(answer), "{path}: {detail}"),
            None => assert_eq!(text, *answer, "{path}"),
        }
    }
    web.stop().await;
}

async fn with_token(
    web: &HttpServer,
    method: &str,
    path: &str,
    content_type: &str,
    body: &'static str,
) -> Response {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = Client::new().request(method, format!("http://{}{path}", web.address()));
    let request = request.header("Content-Type", content_type).body(body);
    request.bearer_auth("token").send().await.unwrap()
}

#[actix_web::test]
async fn problem_names_its_type_and_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let response = with_token(&web, "GET", "/api/v1/phones?limit=0", "", "").await;
    let head = |name| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(head("content-type"), "application/problem+json");
    let id = head("request-id");
    let told: Value = response.json().await.unwrap();
    assert_eq!(told["requestId"], id, "{told}");
    assert_eq!(told["violations"][0]["pointer"], "?limit", "{told}");
    let kind = told["type"].as_str().unwrap();
    assert_eq!(kind, "/api/v1/problems/invalid");
    let described = Client::new().get(format!("http://{}{kind}", web.address()));
    let described: Value = described.send().await.unwrap().json().await.unwrap();
    assert_eq!(described["title"], told["title"], "{described}");
}

#[actix_web::test]
async fn body_of_another_type_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let body = r#"{"inOperation":true}"#;
    for (method, path, content_type, status) in [
        ("PATCH", PHONE, "application/json", 200),
        ("PATCH", PHONE, "application/json; charset=utf-8", 200),
        ("PATCH", PHONE, "application/merge-patch+json", 200),
        ("PATCH", PHONE, "text/plain", 415),
        ("PATCH", PHONE, "application/x-www-form-urlencoded", 415),
        ("POST", LICENSES, "application/merge-patch+json", 415),
    ] {
        let response = with_token(&web, method, path, content_type, body).await;
        assert_eq!(response.status(), status, "{method} {path} {content_type}");
    }
}

#[actix_web::test]
async fn unchanged_resource_is_answered_with_304_and_a_changed_one_with_412() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let url = format!("http://{}{PHONE}", web.address());
    let asked = async |field: &str, tag: &str| {
        let (client, changes) = (Client::new(), field == "If-Match");
        let request = match changes {
            true => client
                .patch(&url)
                .header("Content-Type", "application/json")
                .body("{}"),
            false => client.get(&url),
        };
        let request = request.header(field, tag).bearer_auth("token");
        request.send().await.unwrap()
    };
    let first = asked("Accept", "*/*").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    for (field, given, status) in [
        ("If-None-Match", &*tag, StatusCode::NOT_MODIFIED),
        ("If-None-Match", "\"x\", W/\"y\"", StatusCode::OK),
        (
            "If-None-Match",
            &format!("\"x\", W/{tag}"),
            StatusCode::NOT_MODIFIED,
        ),
        ("If-Match", &*tag, StatusCode::OK),
        ("If-Match", "\"x\"", StatusCode::PRECONDITION_FAILED),
    ] {
        let response = asked(field, given).await;
        assert_eq!(response.status(), status, "{field}: {given}");
        assert_eq!(response.headers()["etag"].to_str().unwrap(), tag, "{field}");
    }
}

/// Sends one request; returns status, header fields and body as received.
async fn ask(web: &HttpServer, method: &str, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(web.address()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer token\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (status, fields) = head.split_once("\r\n").unwrap();
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    (status, fields.to_ascii_lowercase(), body.to_owned())
}

#[actix_web::test]
async fn wrong_method_gets_405_with_allow() {
    const METHODS: [&str; 8] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW",
    ];
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for (path, allow) in [
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        (PHONES, "GET, HEAD, POST"),
        ("/api/v1/certificate", "GET, HEAD"),
        (LICENSES, "GET, HEAD, POST"),
        (PHONE, "GET, HEAD, PATCH, DELETE"),
        ("/api/v1/phones/000413000001/csta", "POST"),
        (RELOAD, "POST"),
    ] {
        let methods: Vec<&str> = allow.split(", ").collect();
        for method in METHODS {
            let (status, fields, body) = ask(&web, method, path).await;
            let told = fields.lines().find_map(|line| line.strip_prefix("allow: "));
            // RFC 9110, section 15.5.6.
            let refused = !methods.contains(&method);
            assert_eq!(status == 405, refused, "{method} {path}: {status}");
            let expected = refused.then(|| allow.to_ascii_lowercase());
            assert_eq!(told, expected.as_deref(), "{method} {path}");
            let is_empty = method == "HEAD" || status == 204;
            assert_eq!(body.is_empty(), is_empty, "{method} {path}: {body}");
        }
    }
    web.stop().await;
}

/// RFC 9110, section 9.3.2: "the server SHOULD send the same header fields in response to a HEAD request as ... GET".
#[actix_web::test]
async fn head_is_get_without_body() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    for path in ["/healthz", "/readyz", "/metrics", PHONES, PHONE, "/nothing"] {
        let fields = |fields: String| -> Vec<String> {
            // The processor time in the metrics grows by a digit now and then.
            let varies = |line: &str| path == "/metrics" && line.starts_with("content-length:");
            let own = |line: &str| line.starts_with("date:") || line.starts_with("request-id:");
            let same = |line: &&str| !own(line) && !varies(line);
            fields.lines().filter(same).map(str::to_owned).collect()
        };
        let (status, head, _) = ask(&web, "HEAD", path).await;
        let (expected, get, body) = ask(&web, "GET", path).await;
        assert_eq!(
            (status, fields(head)),
            (expected, fields(get.clone())),
            "{path}"
        );
        assert!(
            get.contains(&format!("content-length: {}", body.len())),
            "{path}: {get}"
        );
    }
    web.stop().await;
}
