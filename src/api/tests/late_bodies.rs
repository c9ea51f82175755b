//! Requests whose body comes late, and repeated ones: the right counts that the asker has then.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{HttpServer, served};

const PASSWORD: &str = "seven quiet lamps";
const BERT: &str = r#"{"name":"Bert","rights":"read","password":"seven quiet lamps"}"#;

/// A request with the token, or with a cookie from a page of the server; status, `Set-Cookie` and `ETag`, body.
async fn ask(
    web: &HttpServer,
    (method, path): (Method, &str),
    fields: &[(&str, &str)],
    body: &Value,
) -> (u16, [String; 2], Value) {
    let url = format!("http://{}/api/v1{path}", web.address());
    let mut request = Client::new().request(method, url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    if !fields.iter().any(|(name, _)| *name == "Cookie") {
        request = request.bearer_auth("token");
    }
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let head = ["set-cookie", "etag"].map(|name| {
        let value = answer.headers().get(name);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    });
    let text = answer.text().await.unwrap();
    (
        status,
        head,
        serde_json::from_str(&text).unwrap_or_default(),
    )
}

/// Adds the administrator Anna; the cookie of a session of hers.
async fn anna(web: &HttpServer) -> String {
    let anna = json!({ "name": "Anna", "rights": "admin", "password": PASSWORD });
    ask(web, (Method::POST, "/operators"), &[], &anna).await;
    let names = json!({ "name": "Anna", "password": PASSWORD });
    let (status, [cookie, _], told) = ask(web, (Method::POST, "/session"), &[], &names).await;
    assert_eq!(status, 201, "{told}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn demote(web: &HttpServer) {
    let (_, [_, tag], _) = ask(web, (Method::GET, "/operators/Anna"), &[], &Value::Null).await;
    let (change, right) = (
        (Method::PATCH, "/operators/Anna"),
        json!({ "rights": "read" }),
    );
    let (status, _, told) = ask(web, change, &[("If-Match", &tag)], &right).await;
    assert_eq!(status, 200, "{told}");
}

#[actix_web::test]
async fn right_that_ends_before_the_body_comes_is_of_no_use() {
    const SITE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
    for (lost, status) in [
        ("right", 403),
        ("operator", 401),
        ("session", 401),
        ("", 201),
    ] {
        for key in ["", "Idempotency-Key: one\r\n"] {
            let folder = tempfile::tempdir().unwrap();
            let web = served(folder.path());
            let cookie = anna(&web).await;
            let head = format!(
                "POST /api/v1/operators HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n{key}Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
                web.address(),
                BERT.len()
            );
            let mut late = TcpStream::connect(web.address()).await.unwrap();
            late.write_all(head.as_bytes()).await.unwrap();
            let mut go_on = [0; 25];
            late.read_exact(&mut go_on).await.unwrap();
            assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
            match lost {
                "right" => demote(&web).await,
                "operator" => {
                    let remove = (Method::DELETE, "/operators/Anna");
                    assert_eq!(ask(&web, remove, &[], &Value::Null).await.0, 204);
                }
                "session" => {
                    let (off, cookie) = ((Method::DELETE, "/session"), ("Cookie", &*cookie));
                    assert_eq!(ask(&web, off, &[SITE, cookie], &Value::Null).await.0, 204);
                }
                _ => {}
            }
            late.write_all(BERT.as_bytes()).await.unwrap();
            let mut answer = String::new();
            late.read_to_string(&mut answer).await.unwrap();
            let expected = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&expected), "{lost} {key}: {answer}");
            let bert = (Method::GET, "/operators/Bert");
            let added = ask(&web, bert, &[], &Value::Null).await.0 == 200;
            assert_eq!(added, status == 201, "{lost} {key}");
            web.stop().await;
        }
    }
}

#[actix_web::test]
async fn repeated_request_is_answered_as_before_while_the_right_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let web = served(folder.path());
    let cookie = anna(&web).await;
    let bert: Value = serde_json::from_str(BERT).unwrap();
    let fields = [
        ("Cookie", &*cookie),
        ("Sec-Fetch-Site", "same-origin"),
        ("Idempotency-Key", "one"),
    ];
    for status in [201, 201, 403] {
        if status == 403 {
            demote(&web).await;
        }
        let add = (Method::POST, "/operators");
        let (told, _, answer) = ask(&web, add, &fields, &bert).await;
        assert_eq!(told, status, "{answer}");
    }
    web.stop().await;
}
