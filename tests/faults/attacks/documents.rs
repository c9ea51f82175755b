//! CSTA documents that exhaust time or memory, or refer to external entities (XML bombs, XXE).

use std::time::{Duration, Instant};

use super::{bystander, is_served, metric};
use crate::support::server::Server;

/// What must be refused, and why it is one of the bad ones. `{}` of an edition's namespace is not filled in: none is read.
fn bad() -> Vec<(&'static str, String)> {
    let entities: String = (0..10)
        .map(|level| {
            format!(
                "<!ENTITY e{} \"{}\">",
                level + 1,
                format!("&e{level};").repeat(10)
            )
        })
        .collect();
    let open: String = (0..65).map(|level| format!("<a{level}>")).collect();
    let close: String = (0..65).rev().map(|level| format!("</a{level}>")).collect();
    let attributes = |number: usize| -> String {
        (0..number)
            .map(|number| format!(" a{number}=\"\""))
            .collect()
    };
    let namespaces: String = (0..5000)
        .map(|number| format!(" xmlns:n{number}=\"u\""))
        .collect();
    vec![
        ("a billion laughs", format!("<!DOCTYPE x [<!ENTITY e0 \"ha\">{entities}]><MonitorStop>&e10;</MonitorStop>")),
        ("a quadratic blow-up", format!("<!DOCTYPE x [<!ENTITY e \"{}\">]><MonitorStop>{}</MonitorStop>", "a".repeat(50_000), "&e;".repeat(5_000))),
        ("an external entity", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><MonitorStop>&e;</MonitorStop>".to_owned()),
        ("an external DTD", "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\"><MonitorStop/>".to_owned()),
        ("a parameter entity", "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/\">%p;]><MonitorStop/>".to_owned()),
        ("an entity that was not declared", "<MonitorStop><monitorCrossRefID>&lol;</monitorCrossRefID></MonitorStop>".to_owned()),
        ("65 elements in one another", format!("<MonitorStop>{open}{close}</MonitorStop>")),
        ("100 000 elements that are not closed", "<a>".repeat(80_000)),
        ("33 attributes", format!("<MonitorStop{}/>", attributes(33))),
        ("10 000 attributes", format!("<MonitorStop{}/>", attributes(10_000))),
        ("5 000 namespaces", format!("<MonitorStop{namespaces}/>")),
        ("a comment without end", format!("<MonitorStop><!--{}", "-".repeat(200_000))),
        ("a CDATA section without end", format!("<MonitorStop><![CDATA[{}", "]".repeat(200_000))),
        ("an instruction without end", format!("<?xml {}", "?".repeat(200_000))),
        ("a name without end", format!("<{}", "M".repeat(200_000))),
        ("a value without end", format!("<MonitorStop a=\"{}", "<".repeat(200_000))),
        ("a character that is none", "<MonitorStop>&#0;&#x110000;&#99999999999999999999;</MonitorStop>".to_owned()),
        ("a nul", "<MonitorStop>\0</MonitorStop>".to_owned()),
    ]
}

#[tokio::test]
async fn hostile_documents_are_refused_from_phones_and_clients() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let session = server.client().await.open(phone.line()).await;
    for (what, document) in bad() {
        let begun = Instant::now();
        let answer = session.info(document.as_str()).await;
        assert_eq!(
            answer.status(),
            400,
            "{what} of a client: {}",
            answer.text()
        );
        let answer = phone.info(&document).await;
        assert_eq!(answer.status(), 400, "{what} of a phone: {}", answer.text());
        // The bound is for a busy machine; a benchmark shows the time of the processor.
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{what}: {:?}",
            begun.elapsed()
        );
    }
    // What is within the bounds is read.
    let device = format!("<device>{}</device>", phone.line());
    let comments = format!("{device}{}", "<!---->".repeat(1000));
    session.done("GetDoNotDisturb", &comments).await;
    is_served(&server, &phone).await;
    // Two were too deep and three had too many attributes, from both sides.
    let refused = async |limit: &str| {
        let name = format!("uacsta_documents_refused_total{{limit=\"limits.{limit}\"}}");
        metric(&server, &name).await
    };
    assert_eq!(refused("xml_depth").await, 4);
    assert_eq!(refused("xml_attributes").await, 6);
}

#[tokio::test]
async fn document_depth_and_attribute_limits_are_configurable() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let attributes = |number: usize| {
        let all: String = (0..number).map(|each| format!(" a{each}=\"\"")).collect();
        format!("<a{all}/>")
    };
    let server = Server::with(|settings| {
        settings.limits.xml_depth = 100;
        settings.limits.xml_attributes = 40;
    });
    let phone = bystander(&server).await;
    let session = server.client().await.open(phone.line()).await;
    for (members, status) in [
        (nested(99), 200),
        (nested(100), 400),
        (attributes(40), 200),
        (attributes(41), 400),
    ] {
        let document = format!(
            "<GetDoNotDisturb><!--deviation--><device>{}</device>{members}</GetDoNotDisturb>",
            phone.line()
        );
        let answer = session.info(document.as_str()).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
    }
}
