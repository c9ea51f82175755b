//! A new password of the administrator ends the sessions that began with the former one, also while the API is off.

use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::support::process::{PASSWORDS, Serving};

/// Settings with this address of the API and password of the administrator.
fn settings(listen: &str, password: &str) -> String {
    format!("{PASSWORDS}[web]\nlisten = \"{listen}\"\npassword = \"{password}\"\n")
}

/// The cookie of a session that the password began.
async fn cookie(server: &Serving, password: &str) -> String {
    let url = format!("http://{}/api/v1/session", server.web);
    let log_on = json!({ "name": "admin", "password": password });
    let answer = Client::new().post(url).json(&log_on).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// The status for who asks with this cookie, at the present address of the API.
async fn asked(server: &Serving, cookie: &str) -> StatusCode {
    let web = server.listens("web.listen").unwrap();
    let asked = Client::new().get(format!("http://{web}/api/v1/session"));
    asked
        .header("Cookie", cookie)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn password_that_changes_while_the_api_is_off_ends_sessions() {
    let (free, first, second) = ("127.0.0.1:0", "seven quiet lamps", "eight quiet lamps");
    let data = tempfile::tempdir().unwrap();
    let server = Serving::start_as(data, &settings(free, first), |command| {
        command.env_remove("UACSTA__WEB__LISTEN");
    });
    let session = cookie(&server, first).await;
    assert_eq!(asked(&server, &session).await, 200);
    // The API alone goes and comes: the session stays.
    server.reload(&settings("", first)).await;
    server.reload(&settings(free, first)).await;
    assert_eq!(asked(&server, &session).await, 200);
    server.reload(&settings("", first)).await;
    server.reload(&settings("", second)).await;
    server.reload(&settings(free, second)).await;
    assert_eq!(asked(&server, &session).await, 401);
    // Nor does it live again with the former password.
    server.reload(&settings(free, first)).await;
    assert_eq!(asked(&server, &session).await, 401);
}
