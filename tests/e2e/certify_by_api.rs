//! The certification of a phone by the server, as an operation of the API.

use std::time::Duration;

use serde_json::Value;
use uacsta_simulator::Maker;

use crate::{
    certify::{RINGS, fleet, hears_ringing},
    support::{PATIENCE, phone::Reaction, server::Server},
};

const PHONE: &str = "/api/v1/phones/0004130000d7/certify";

async fn post(server: &Server, body: &str) -> (u16, Value) {
    let (status, body) = server.http("POST", PHONE, body).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// Begins a certification; the path of its operation.
async fn begun(server: &Server, body: &str) -> String {
    let (status, operation) = post(server, body).await;
    assert_eq!(status, 202, "{operation}");
    assert_eq!(operation["kind"], "certification");
    assert_eq!(
        (&operation["state"], &operation["certification"]),
        (&"running".into(), &Value::Null)
    );
    format!("/api/v1/operations/{}", operation["id"].as_str().unwrap())
}

async fn ended(server: &Server, operation: &str) -> Value {
    let wait = async {
        loop {
            let shown = server.get(operation).await;
            if shown["state"] != "running" {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}

/// The outcome of a service.
fn outcome<'a>(operation: &'a Value, service: &str) -> &'a Value {
    let services = operation["certification"]["services"].as_array().unwrap();
    let row = services.iter().find(|row| row["service"] == service);
    &row.unwrap_or_else(|| panic!("{service} is not in {operation:#}"))["outcome"]
}

#[test]
fn certification_tells_what_the_phone_did_and_disturbs_nobody() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &[Maker::snom()]).await;
        let operation = ended(&server, &begun(&server, "{}").await).await;
        assert_eq!(operation["state"], "done", "{operation:#}");
        let certification = &operation["certification"];
        assert_eq!(certification["phone"], "00:04:13:00:00:d7");
        assert_eq!(certification["line"], "sip:215@pbx.example");
        assert_eq!(certification["contradictions"], 0, "{operation:#}");
        for (service, expected) in [
            ("RequestSystemStatus", "done"),
            ("GetDoNotDisturb", "done"),
            ("SetForwarding", "done"),
            ("MonitorStop", "done"),
            ("HoldCall", "refused"),
            ("SnapshotCall", "lacking"),
            ("MakeCall", "notTried"),
        ] {
            assert_eq!(outcome(&operation, service), expected, "{service}");
        }
        assert_eq!(
            (&operation["results"], &operation["problem"]),
            (&Value::Null, &Value::Null)
        );
        assert!(operation["done"].as_u64() > Some(30), "{operation:#}");
        assert_eq!(operation["done"], operation["total"]);
        assert!(fleet.phone(0).calls().await.is_empty());
        let audit = server.get("/api/v1/audit?operation=certifyPhone").await;
        assert_eq!(audit["items"][0]["status"], 202, "{audit}");
    });
}

#[test]
fn certification_with_calls_makes_and_takes_them() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &[Maker::snom()]).await;
        let body = r#"{"line": "215", "call": "0401234567", "caller": "216"}"#;
        let operation = ended(&server, &begun(&server, body).await).await;
        assert_eq!(
            operation["certification"]["contradictions"], 0,
            "{operation:#}"
        );
        for service in [
            "MakeCall",
            "AnswerCall",
            "HoldCall",
            "TransferCall",
            "DeflectCall",
        ] {
            assert_eq!(outcome(&operation, service), "done", "{service}");
        }
        assert!(fleet.phone(0).calls().await.is_empty());
    });
}

#[test]
fn cancelled_certification_clears_its_calls() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let fleet = fleet(&server, &[Maker::snom()]).await;
        let operation = begun(&server, &format!("{{\"call\": \"{RINGS}\"}}")).await;
        hears_ringing(&fleet.phone(0)).await;
        let (status, body) = server.http("DELETE", &operation, "").await;
        assert_eq!(status, 204, "{body}");
        assert_eq!(ended(&server, &operation).await["state"], "cancelled");
        let cleared = async { while !fleet.phone(0).calls().await.is_empty() {} };
        tokio::time::timeout(PATIENCE, cleared).await.unwrap();
    });
}

#[tokio::test]
async fn cancelled_certification_stops_its_monitor() {
    let server = Server::start();
    let phone = server.phone("0004130000d7");
    phone.start().await;
    let controlled =
        async { while server.listed("00:04:13:00:00:d7").await["state"] != "controlled" {} };
    tokio::time::timeout(PATIENCE, controlled).await.unwrap();
    phone.once(
        "ChangeMonitorFilter",
        Reaction::Late(Duration::from_secs(1)),
    );
    let operation = begun(&server, "{}").await;
    phone.until_received("ChangeMonitorFilter", 1).await;
    server.http("DELETE", &operation, "").await;
    phone.until_received("MonitorStop", 1).await;
    // The operation is over; removed, it is gone.
    server.http("DELETE", &operation, "").await;
    assert_eq!(server.http("GET", &operation, "").await.0, 404);
    let asked = phone.count("INFO");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(phone.count("INFO"), asked, "nothing more is tried");
}

#[test]
fn phone_that_cannot_be_certified_is_left_alone() {
    actix_rt::System::new().block_on(async {
        let server = Server::start();
        let (status, unknown) = post(&server, "{}").await;
        assert_eq!(status, 404, "{unknown}");
        let fleet = fleet(&server, &[Maker::snom()]).await;
        for (body, says) in [
            (r#"{"line": "999"}"#, "its lines are: 215"),
            (r#"{"call": "1", "caller": "999"}"#, "has the line 999"),
            (
                r#"{"call": "1", "caller": "215"}"#,
                "a line of the phone itself",
            ),
            (r#"{"caller": "216"}"#, "give call, too"),
            (r#"{"calls": true}"#, "unknown member"),
        ] {
            let (status, refused) = post(&server, body).await;
            assert_eq!(status, 422, "{body}: {refused}");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains(says), "{body}: {detail}");
        }
        fleet.phone(0).dial("216").await.unwrap();
        let operation = ended(&server, &begun(&server, "{}").await).await;
        assert_eq!(operation["state"], "failed");
        let detail = operation["problem"]["detail"].as_str().unwrap();
        assert!(
            detail.contains("is in a call; certify it when it is idle"),
            "{detail}"
        );
        fleet.phone(0).hang_up().await.unwrap();
        server.switch("0004130000d7", false).await;
        let (status, off) = post(&server, "{}").await;
        assert_eq!(
            (status, &off["type"]),
            (409, &"/api/v1/problems/line-out-of-service".into())
        );
    });
}
