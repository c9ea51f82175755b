//! Lines that cannot be controlled: each has the reason of its phone, or its own where two phones have it.

use serde_json::Value;

use super::{LISTED, until_reason, until_well};
use crate::support::{fixture::MAC, server::Server};

/// `GET /lines`: device ID, state and code of the reason of each line.
async fn lines(server: &Server, query: &str) -> Vec<(String, String, Option<String>)> {
    let list = server.get(&format!("/api/v1/lines?{query}")).await;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let lines = list["items"].as_array().unwrap().iter();
    let lines = lines.map(|line| {
        let state = text(&line["state"]).unwrap();
        (
            text(&line["id"]).unwrap(),
            state,
            text(&line["reason"]["code"]),
        )
    });
    lines.collect()
}

fn line(id: &str, reason: Option<&str>) -> (String, String, Option<String>) {
    let state = match reason {
        None => "inService",
        Some(_) => "outOfService",
    };
    (id.to_owned(), state.to_owned(), reason.map(str::to_owned))
}

#[tokio::test]
async fn line_that_two_phones_have_says_so_and_their_other_lines_do_not() {
    let server = Server::start();
    let identities = |names: &[&str]| {
        let names = names.iter().map(|name| format!("sip:{name}@pbx.example"));
        names.collect::<Vec<_>>()
    };
    let first = server.phone_as(MAC, |setup| setup.identities = identities(&["215", "216"]));
    let second = server.phone_as("000413000002", |setup| {
        setup.identities = identities(&["215"]);
    });
    first.start().await;
    second.start().await;
    until_reason(&server, LISTED, Some("sameNumber")).await;
    let shared = |mac| {
        line(
            &format!("sip:215@pbx.example;mac={mac}"),
            Some("sameNumber"),
        )
    };
    let other = line("sip:216@pbx.example", None);
    let all = [
        shared("000413000001"),
        shared("000413000002"),
        other.clone(),
    ];
    assert_eq!(lines(&server, "").await, all);
    assert_eq!(lines(&server, "state=inService").await, [other]);
    assert_eq!(
        lines(&server, "reason=sameNumber&phone=000413000002").await,
        all[1..2]
    );
    for (name, status, part) in [
        ("215", 409, "ambiguous-line"),
        ("999", 404, "no-such-line"),
        (
            "sip%3A215%40pbx.example%3Bmac%3D000413000002",
            200,
            "is also a line of 00:04:13:00:00:01",
        ),
        ("216", 200, "\"state\":\"inService\",\"reason\":null"),
    ] {
        let (given, body) = server
            .http("GET", &format!("/api/v1/lines/{name}"), "")
            .await;
        assert_eq!(given, status, "{name}: {body}");
        assert!(body.contains(part), "{name}: {body}");
    }

    server.switch("00:04:13:00:00:02", false).await;
    until_well(&server).await;
    let off = line(
        "sip:215@pbx.example;mac=000413000002",
        Some("notInOperation"),
    );
    let [one, two] = ["215", "216"].map(|number| line(&format!("sip:{number}@pbx.example"), None));
    assert_eq!(lines(&server, "").await, [one, off, two]);
}
