//! Names that operators give to phones: set, shown, searched, sorted, stored and removed.

use serde_json::{Value, json};

use crate::support::{
    process::{finish, program},
    server::Server,
};

const FIRST: &str = "/api/v1/phones/000413000001";

/// Two listed phones, of which none has come.
async fn two_phones() -> Server {
    let server = Server::start();
    for (id, name) in [
        ("000413000001", json!("Workshop")),
        ("000413000002", Value::Null),
    ] {
        let new = json!({ "id": id, "displayName": name }).to_string();
        let (status, added) = server.http("POST", "/api/v1/phones", &new).await;
        let added: Value = serde_json::from_str(&added).unwrap();
        assert_eq!((status, &added["displayName"]), (201, &name), "{added}");
    }
    server
}

/// The names in the list that the query asks for.
async fn names(server: &Server, query: &str) -> Vec<Value> {
    let mut list = server.get(&format!("/api/v1/phones?{query}")).await;
    let phones = list["items"].as_array_mut().unwrap().iter_mut();
    phones.map(|phone| phone["displayName"].take()).collect()
}

/// What `uacsta phones` prints with these arguments.
fn phones(server: &Server, arguments: &[&str]) -> String {
    let mut command = program();
    command.arg("phones").args(arguments).arg("--data");
    let output = finish(command.arg(server.data()));
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {wrong}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn name_and_switch_change_together_and_survive_a_restart() {
    let server = two_phones().await;
    let change = r#"{"displayName": "Reception", "inOperation": false}"#;
    let (status, changed) = server.http("PATCH", FIRST, change).await;
    assert_eq!(status, 200, "{changed}");
    let server = server.restart(|_| {});
    let phone = server.get(FIRST).await;
    assert_eq!(
        (&phone["displayName"], &phone["inOperation"]),
        (&json!("Reception"), &json!(false))
    );
    // What a change does not name stays.
    server.switch("000413000001", true).await;
    assert_eq!(server.get(FIRST).await["displayName"], "Reception");
    let (status, _) = server
        .http("PATCH", FIRST, r#"{"displayName": null}"#)
        .await;
    assert_eq!(status, 200);
    let server = server.restart(|_| {});
    assert_eq!(server.get(FIRST).await["displayName"], Value::Null);
}

#[tokio::test]
async fn named_phone_that_registers_keeps_its_name() {
    let server = two_phones().await;
    let phone = server.phone("000413000001");
    phone.start().await;
    phone.in_session().await;
    let shown = server.get(FIRST).await;
    assert_eq!(shown["displayName"], "Workshop", "{shown}");
    assert!(shown["since"].is_string(), "{shown}");
    let server = server.restart(|_| {});
    let shown = server.get(FIRST).await;
    assert_eq!(shown["displayName"], "Workshop", "{shown}");
    assert_eq!(shown["since"], Value::Null, "{shown}");
}

#[tokio::test]
async fn phones_are_found_and_sorted_by_their_names() {
    let server = two_phones().await;
    // The remedy of both names the network.
    assert_eq!(names(&server, "q=WORK").await, ["Workshop"]);
    assert_eq!(
        phones(&server, &["name", "000413000002", "Empfang, Jörg"]),
        "00:04:13:00:00:02 is named Empfang, Jörg\n"
    );
    for (sort, expected) in [
        ("displayName", ["Empfang, Jörg", "Workshop"]),
        ("-displayName", ["Workshop", "Empfang, Jörg"]),
    ] {
        assert_eq!(names(&server, &format!("sort={sort}")).await, expected);
    }
    let table = phones(&server, &[]);
    assert!(
        table.contains("00:04:13:00:00:02  Empfang, Jörg"),
        "{table}"
    );
    phones(&server, &["name", "000413000002", "--none"]);
    assert_eq!(
        names(&server, "").await,
        [json!("Workshop"), Value::Null],
        "{table}"
    );
}

#[tokio::test]
async fn names_that_cannot_be_shown_are_refused_and_nothing_changes() {
    let server = two_phones().await;
    for name in ["", "a\u{1b}[2J", &"a".repeat(65)] {
        let change = json!({ "displayName": name, "inOperation": false }).to_string();
        let (status, told) = server.http("PATCH", FIRST, &change).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(status, 422, "{told}");
        assert_eq!(told["violations"][0]["pointer"], "/displayName", "{told}");
    }
    let phone = server.get(FIRST).await;
    assert_eq!(
        (&phone["displayName"], &phone["inOperation"]),
        (&json!("Workshop"), &json!(true))
    );
}
