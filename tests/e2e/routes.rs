//! How messages find their way: Via of responses, strict routers, and the endpoint of Office Communicator.

use std::{sync::Arc, time::Duration};

use crate::support::{
    fixture::MAC,
    phone::Phone,
    server::Server,
    sip::{Message, parameter, unique},
    wire::Wire,
};

const STRICT: &str = "<sip:192.0.2.30:5060;transport=tcp>";
const EPID: &str = "0a1b2c3d4e";

/// A request of a stranger whose Via names another host; its final response.
async fn answered(wire: &Wire, method: &str, more: &str, cseq: &str) -> Message {
    let uri = format!("sip:{}", wire.peer);
    let transport = wire.transport;
    let branch = unique("z9hG4bK");
    let request = Message::request(method, &uri)
        .with(
            "Via",
            format!("SIP/2.0/{transport} host.invalid:7;branch={branch}{more}"),
        )
        .with("Via", "SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK7")
        .with("Max-Forwards", 70)
        .with("From", format!("<sip:{MAC}@host.invalid>;tag=t1"))
        .with("To", format!("<sip:{MAC}@host.invalid>"))
        .with("Call-ID", unique("call"))
        .with("CSeq", cseq)
        .with("Contact", format!("<sip:{MAC}@{}>", wire.local));
    wire.transact(&request).await.unwrap()
}

#[tokio::test]
async fn response_names_the_source_of_its_request_on_tcp_and_tls() {
    let server = Server::start();
    let certificate = server.certificate();
    let at = &server.addresses;
    for (address, certificate) in [
        (at.clients_tcp, None),
        (at.clients_tls, Some(&*certificate)),
        (at.phones_tcp, None),
        (at.phones_tls, Some(&*certificate)),
    ] {
        let documents = Arc::clone(&server.documents);
        let connected = Wire::connect(address.unwrap(), certificate, None, documents).await;
        let (wire, _requests) = connected.unwrap();
        let port = wire.local.port().to_string();
        for (method, cseq, status) in [
            ("OPTIONS", "1 OPTIONS", 200),
            ("REGISTER", "1 REGISTER", 401),
            // Its CSeq cannot be read.
            ("OPTIONS", "x OPTIONS", 400),
        ] {
            let plain = answered(&wire, method, "", cseq).await.expect(status);
            let mut vias = plain.all("Via");
            let (top, below) = (vias.next().unwrap(), vias.next().unwrap());
            assert_eq!(parameter(top, "received"), Some("127.0.0.1"), "{top}");
            assert_eq!(parameter(top, "rport"), None, "{top}");
            assert!(!below.contains("received"), "{below}");
            let asking = answered(&wire, method, ";rport", cseq).await;
            let asking = asking.expect(status);
            let top = asking.must("Via");
            assert_eq!(parameter(top, "received"), Some("127.0.0.1"), "{top}");
            assert_eq!(parameter(top, "rport"), Some(&*port), "{top}");
        }
    }
}

#[tokio::test]
async fn client_behind_a_strict_router_is_reached_through_it() {
    let server = Server::start();
    let phone: Phone = server.phone(MAC);
    phone.start().await;
    let client = server.client().await;
    let through = |invite: Message| invite.with("Record-Route", STRICT);
    let mut session = client.invite(phone.line(), through).await.unwrap();
    assert_eq!(session.answer.must("Record-Route"), STRICT);
    session.monitor(phone.line()).await;
    let event = session.incoming().await.unwrap();
    // RFC 3261, section 12.2.1.1.
    assert_eq!(event.uri(), "sip:192.0.2.30:5060;transport=tcp");
    let contact = format!("<sip:{}@{};transport=tcp>", "ecsta", client.wire.local);
    assert_eq!(event.all("Route").collect::<Vec<_>>(), [contact]);
}

#[tokio::test]
async fn epid_of_a_client_stays_in_the_to_of_requests() {
    let server = Server::start();
    let phone: Phone = server.phone(MAC);
    phone.start().await;
    let client = server.client().await;
    let communicator = |invite: Message| {
        let from = format!("{};epid={EPID}", invite.must("From"));
        invite.set("From", from)
    };
    let mut session = client.invite(phone.line(), communicator).await.unwrap();
    session.monitor(phone.line()).await;
    let event = session.incoming().await.unwrap();
    assert_eq!(parameter(event.must("To"), "epid"), Some(EPID));
    let tag = parameter(event.must("To"), "tag").map(str::to_owned);
    let ours = session.next("INFO");
    assert_eq!(parameter(ours.must("From"), "tag").map(str::to_owned), tag);
}

/// RFC 3261, section 12.2.1.1, for every request of a session; of the least interval, 90 s, half passes before its refresh.
#[tokio::test]
async fn event_refresh_and_bye_go_through_a_strict_router_with_the_epid() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    let client = server.client().await;
    let opened = async |refresh: &str| {
        let communicator = |invite: Message| {
            let from = format!("{};epid={EPID}", invite.must("From"));
            let invite = invite.set("From", from).with("Record-Route", STRICT);
            let invite = invite.with("Session-Expires", "90;refresher=uas");
            invite.with("Allow", format!("INVITE, ACK, BYE, INFO, {refresh}"))
        };
        client.invite(phone.line(), communicator).await.unwrap()
    };
    let [mut first, mut second] = [opened("UPDATE").await, opened("OPTIONS").await];
    for session in [&first, &second] {
        session.monitor(phone.line()).await;
    }
    let contact = format!("<sip:ecsta@{};transport=tcp>", client.wire.local);
    // The Contact of the 200 to a refresh.
    let refreshed = format!("<sip:client@{}>", client.wire.local);
    let check = |request: &Message, method: &str, contact: &str| {
        assert_eq!(request.method(), method);
        assert_eq!(request.uri(), "sip:192.0.2.30:5060;transport=tcp");
        let routes: Vec<&str> = request.all("Route").collect();
        assert_eq!(routes, [contact], "{method}");
        assert_eq!(parameter(request.must("To"), "epid"), Some(EPID));
    };
    for (session, refresh) in [(&mut first, "UPDATE"), (&mut second, "INVITE")] {
        check(&session.incoming().await.unwrap(), "INFO", &contact);
        let within = Duration::from_secs(60);
        let request = session.incoming_within(within).await.unwrap();
        check(&request, refresh, &contact);
    }
    let (status, body) = server.http("DELETE", "/api/v1/clients/ecsta", "").await;
    assert_eq!(status, 204, "{body}");
    for session in [&mut first, &mut second] {
        check(&session.incoming().await.unwrap(), "BYE", &refreshed);
    }
}
