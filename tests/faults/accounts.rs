//! Attacks with tokens of programs, and accounts and tokens on a full disk, after a kill and beyond their limits.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::storage::{SMALL_DISK, fill, may_mount, mounted_by};
use crate::support::{
    line::Line,
    process::Serving,
    server::{Server, http},
    wall_clock::WallClock,
};

const ACCOUNTS: &str = "/api/v1/accounts";

fn account(user: &str) -> String {
    let rights = json!([{ "level": "control", "lines": ["*"] }]);
    json!({ "user": user, "password": "let it dial", "rights": rights }).to_string()
}

/// One request as administrator.
async fn ask(server: &Serving, method: &str, path: &str, body: &str) -> (u16, String) {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    http(server.web, token.trim(), method, path, body).await
}

/// Makes a token of an account; its answer.
async fn token(server: &Serving, account: &str) -> Value {
    let path = format!("{ACCOUNTS}/{account}/tokens");
    let (status, body) = ask(server, "POST", &path, r#"{"name":"crm"}"#).await;
    assert_eq!(status, 201, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The answer to a request for lines from that address.
async fn lines(server: &Serving, source: [u8; 4], query: &str, authorization: &str) -> String {
    let mut line = Line::from(source, server.web).await;
    let request = format!(
        "GET /api/v1/lines{query} HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\n\r\n"
    );
    line.write(request).await;
    let mut answer = String::new();
    line.stream().read_to_string(&mut answer).await.unwrap();
    answer
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn guessing_tokens_is_rate_limited_and_the_program_is_not() {
    let settings = "[limits]\nfailed_log_ons = 5\nlog_on_tries = 1\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let made = token(&server, "ecsta").await;
    let right = made["token"].as_str().unwrap();
    let guess = format!("{}{}", &right[..right.len() - 43], "A".repeat(43));
    let guesser = [127, 0, 0, 2];
    let mut held_back = 0;
    for number in 0..40 {
        // Of a token that exists, and of one that does not.
        let guess = match number % 2 {
            0 => guess.clone(),
            _ => format!("uac_{number:012}_{}", "A".repeat(43)),
        };
        let answer = lines(&server, guesser, "", &bearer(&guess)).await;
        match status(&answer) {
            "401" => {}
            "429" => {
                assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
                held_back += 1;
            }
            _ => panic!("{answer}"),
        }
        // Also from there.
        let answer = lines(&server, guesser, "", &bearer(right)).await;
        assert_eq!(status(&answer), "200", "{answer}");
    }
    assert!(held_back > 20, "{held_back}");
    let log = server.end();
    assert!(!log.contains(right) && !log.contains(&guess), "{log}");
}

#[tokio::test]
async fn token_in_the_url_is_refused_and_not_logged() {
    let settings = "[logs]\nlevel = \"trace\"\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let made = token(&server, "ecsta").await;
    let right = made["token"].as_str().unwrap();
    for name in ["access_token", "token", "authorization", "ticket"] {
        let query = format!("?{name}={right}");
        let answer = lines(&server, [127, 0, 0, 1], &query, "").await;
        assert_eq!(status(&answer), "401", "{name}: {answer}");
        let answer = lines(&server, [127, 0, 0, 1], &query, &bearer(right)).await;
        assert_eq!(status(&answer), "422", "{name}: {answer}");
        assert!(!answer.contains(right), "{answer}");
    }
    let log = server.end();
    assert!(!log.contains(right), "{log}");
}

#[tokio::test]
async fn revoked_token_is_refused_at_once_and_after_a_restart() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let (revoked, kept) = (token(&server, "ecsta").await, token(&server, "ecsta").await);
    let path = format!(
        "{ACCOUNTS}/ecsta/tokens/{}",
        revoked["id"].as_str().unwrap()
    );
    // That of another account is not revoked by this path.
    ask(&server, "POST", ACCOUNTS, &account("crm")).await;
    let other = path.replace("ecsta", "crm");
    assert_eq!(ask(&server, "DELETE", &other, "").await.0, 404);
    assert_eq!(ask(&server, "DELETE", &path, "").await.0, 204);
    assert_eq!(ask(&server, "DELETE", &path, "").await.0, 404);
    let check = async |server: &Serving| {
        for (made, expected) in [(&revoked, "401"), (&kept, "200")] {
            let text = made["token"].as_str().unwrap();
            let answer = lines(server, [127, 0, 0, 1], "", &bearer(text)).await;
            assert_eq!(status(&answer), expected, "{answer}");
        }
    };
    check(&server).await;
    check(&Serving::start(server.kill(), "")).await;
}

#[tokio::test]
async fn token_is_refused_from_its_end_on() {
    let wall = WallClock::at(1_800_000_000);
    let server = Server::by(wall.clone());
    let new = r#"{"name":"crm","endsAt":"2027-01-15T08:00:01Z"}"#;
    let path = format!("{ACCOUNTS}/ecsta/tokens");
    let (status, body) = server.http("POST", &path, new).await;
    assert_eq!(status, 201, "{body}");
    let made: Value = serde_json::from_str(&body).unwrap();
    let token = made["token"].as_str().unwrap();
    for (date, expected) in [(1_800_000_000, 200), (1_800_000_001, 401)] {
        wall.set(date);
        let (status, told) = server.http_as(token, "GET", "/api/v1/lines", "").await;
        assert_eq!(status, expected, "{told}");
        assert_eq!(told.contains("the token has ended"), expected == 401);
    }
}

#[tokio::test]
async fn account_or_token_that_cannot_be_written_does_not_exist() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", &folder];
    let server = Serving::under(&wrapper, data, "");
    let disk = mounted_by(&server, &folder);
    let cli = fs::read_to_string(disk.join("cli.token")).unwrap();
    let ask = async |method, path: &str, body: &str| {
        http(server.web, cli.trim(), method, path, body).await
    };
    let (status, body) = ask("POST", ACCOUNTS, &account("kept")).await;
    assert_eq!(status, 201, "{body}");
    let tokens = format!("{ACCOUNTS}/kept/tokens");
    let filler = fill(&disk);
    for (path, body) in [
        (ACCOUNTS, account("crm")),
        (&*tokens, r#"{"name":"crm"}"#.to_owned()),
    ] {
        let (status, told) = ask("POST", path, &body).await;
        assert!(status == 503 && told.contains("No space left"), "{told}");
    }
    // What cannot be removed stays.
    let kept = format!("{ACCOUNTS}/kept");
    assert_eq!(ask("DELETE", &kept, "").await.0, 503);
    assert_eq!(ask("GET", &kept, "").await.0, 200);
    assert_eq!(ask("GET", &format!("{ACCOUNTS}/crm"), "").await.0, 404);
    let (_, list) = ask("GET", &tokens, "").await;
    assert!(list.contains(r#""items":[]"#), "{list}");
    fs::remove_file(filler).unwrap();
    assert_eq!(ask("POST", ACCOUNTS, &account("crm")).await.0, 201);
    assert_eq!(ask("DELETE", &kept, "").await.0, 204);
}

#[tokio::test]
async fn acknowledged_accounts_and_tokens_survive_a_kill() {
    let mut data = tempfile::tempdir().unwrap();
    let mut known = Vec::new();
    for round in 0..8 {
        let server = Serving::start(data, "");
        let user = format!("crm{round}");
        assert_eq!(ask(&server, "POST", ACCOUNTS, &account(&user)).await.0, 201);
        known.push(token(&server, &user).await);
        data = server.kill();
        let left = fs::read_dir(data.path()).unwrap();
        let left = left.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains("accounts.json.")
        });
        assert_eq!(left.count(), 0, "temporary files");
    }
    let server = Serving::start(data, "");
    for made in &known {
        let text = made["token"].as_str().unwrap();
        let answer = lines(&server, [127, 0, 0, 1], "", &bearer(text)).await;
        assert_eq!(status(&answer), "200", "{answer}");
    }
}

#[tokio::test]
async fn accounts_and_tokens_beyond_their_limits_are_refused() {
    let settings = "[limits]\naccounts = 2\ntokens = 3\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    for (user, expected) in [("a", 201), ("b", 201), ("c", 409)] {
        let (status, told) = ask(&server, "POST", ACCOUNTS, &account(user)).await;
        assert_eq!(status, expected, "{told}");
        assert_eq!(told.contains("limits.accounts"), expected == 409, "{told}");
    }
    for user in ["a", "a", "ecsta"] {
        token(&server, user).await;
    }
    let path = format!("{ACCOUNTS}/b/tokens");
    let (status, told) = ask(&server, "POST", &path, r#"{"name":"crm"}"#).await;
    assert!(status == 409 && told.contains("limits.tokens"), "{told}");
    // The tokens of a removed account make room.
    assert_eq!(
        ask(&server, "DELETE", &format!("{ACCOUNTS}/a"), "").await.0,
        204
    );
    token(&server, "b").await;
}

#[tokio::test]
async fn ten_thousand_accounts_are_served_and_one_more_is_refused() {
    const MOST: usize = 10_000;
    let data = tempfile::tempdir().unwrap();
    let one = |number: usize| {
        json!({
            "id": format!("{number:012}"), "user": format!("user{number}"), "createdAt": 1, "realm": "uacsta",
            "rights": [{ "level": "watch", "lines": [number.to_string()] }],
            "password": format!("{{HA1}}MD5={:032}", 0),
        })
    };
    let all: Vec<Value> = (0..MOST).map(one).collect();
    let text = json!({ "accounts": all }).to_string();
    fs::write(data.path().join("accounts.json"), text).unwrap();
    let server = Serving::start(data, "");
    let (status, told) = ask(&server, "POST", ACCOUNTS, &account("crm")).await;
    assert_eq!(status, 409, "{told}");
    let begun = Instant::now();
    let path = format!("{ACCOUNTS}/user7/tokens");
    let (status, told) = ask(&server, "POST", &path, r#"{"name":"crm"}"#).await;
    assert_eq!(status, 201, "{told}");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let (_, list) = ask(&server, "GET", &format!("{ACCOUNTS}?limit=1"), "").await;
    // Those, and that of the settings.
    assert!(list.contains(r#""total":10001"#), "{list}");
}
