//! Phones behind Kamailio as outbound proxy: all of them on one connection.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use tokio::{net::TcpStream, time::sleep};

use crate::{
    programs::Program,
    support::{
        csta::element,
        phone::Phone,
        process::{PASSWORDS, Serving},
        programs::find,
        server::PHONES_PASSWORD,
    },
};

/// Seconds.
const KEEP_ALIVE: u64 = 5;

/// A server, and Kamailio in front of its phones.
struct Site {
    server: Serving,
    proxy: SocketAddr,
    kamailio: Program,
}

impl Site {
    /// Starts both; `mode` is a definition of Kamailio's configuration, in which `{proxy}` is its address.
    async fn start(kamailio: &Path, mode: Option<&str>, keep_alive: u64) -> Self {
        let settings = format!("{PASSWORDS}[advanced]\nkeep_alive = {keep_alive}\n");
        let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(kamailio);
        command
            .args(["-DD", "-n", "1", "-m", "64", "-M", "8", "-f"])
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/peers/kamailio.cfg"
            ))
            .arg("-A")
            .arg(format!("PORT={}", proxy.port()))
            .arg("-A")
            .arg(format!("SERVER=\"sip:{};transport=tcp\"", server.phones));
        if let Some(mode) = mode {
            command
                .arg("-A")
                .arg(mode.replace("{proxy}", &proxy.to_string()));
        }
        let kamailio = Program::start(command, tempfile::tempdir().unwrap(), None);
        while TcpStream::connect(proxy).await.is_err() {
            assert!(kamailio.runs(), "{}", kamailio.trace());
            sleep(Duration::from_millis(20)).await;
        }
        Self {
            server,
            proxy,
            kamailio,
        }
    }

    fn phone(&self, number: u32) -> Phone {
        let mac = format!("000413d0{number:04}");
        let identity = format!("sip:{number}@pbx.example");
        Phone::at(self.proxy, &mac, PHONES_PASSWORD, &identity)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kamailio.stop();
    }
}

/// The proxy answers for a phone that is gone, with 477 or 408; the next keep-alive finds that no session is there.
#[tokio::test]
async fn phone_that_dies_behind_a_proxy_is_lost_and_the_other_one_lives() {
    let Some(kamailio) = find("kamailio", "kamailio") else {
        return;
    };
    let site = Site::start(&kamailio, None, KEEP_ALIVE).await;
    let (dying, living) = (site.phone(201), site.phone(202));
    let mut session = site.server.client().await.open_server().await;
    dying.start().await;
    living.start().await;
    let watched = session.watch(dying.line()).await;
    session.watch(living.line()).await;
    dying.reboot();
    let lost = session.expect("OutOfServiceEvent").await;
    assert_eq!(lost.text("monitorCrossRefID"), watched);
    let idle = Duration::from_secs(KEEP_ALIVE + 1);
    living.until_received("RequestSystemStatus", 2).await;
    sleep(idle).await;
    session
        .done("GetDoNotDisturb", &element("device", living.line()))
        .await;
    assert_eq!(living.count("INVITE"), 1);
    // It comes back.
    dying.start().await;
    session.expect("BackInServiceEvent").await;
}

/// The proxy's connection stays when a phone reboots; its REGISTER has a new Call-ID.
#[tokio::test]
async fn phone_that_rebooted_behind_a_proxy_gets_a_new_session_at_once() {
    let Some(kamailio) = find("kamailio", "kamailio") else {
        return;
    };
    let site = Site::start(&kamailio, None, 3600).await;
    let (rebooting, other) = (site.phone(201), site.phone(202));
    rebooting.start().await;
    other.start().await;
    rebooting.reboot();
    rebooting.start().await;
    let session = site.server.client().await.open_server().await;
    for phone in [&rebooting, &other] {
        session
            .done("GetDoNotDisturb", &element("device", phone.line()))
            .await;
    }
    assert_eq!(other.count("INVITE"), 1);
}

/// RFC 3327, sections 5.3 and 5.4.
#[tokio::test]
async fn path_of_a_proxy_is_answered_and_becomes_the_route_to_the_phone() {
    let Some(kamailio) = find("kamailio", "kamailio") else {
        return;
    };
    let site = Site::start(&kamailio, Some("PATH"), 3600).await;
    let phone = site.phone(201);
    let registered = phone
        .register_as(|register| register.with("Supported", "path"))
        .await
        .expect(200);
    let path = registered.must("Path");
    assert!(path.contains(&site.proxy.to_string()), "{path}");
    phone.in_session().await;
    let session = site.server.client().await.open_server().await;
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
}

/// RFC 3261, section 12.2.1.1: the Request-URI is the proxy's, and the phone's Contact is the last Route.
#[tokio::test]
async fn phone_behind_a_strict_router_is_served() {
    let Some(kamailio) = find("kamailio", "kamailio") else {
        return;
    };
    let mode = "STRICT=\"Record-Route: <sip:{proxy};transport=tcp>\\r\\n\"";
    let site = Site::start(&kamailio, Some(mode), 3600).await;
    let phone = site.phone(201);
    phone.start().await;
    let mut session = site.server.client().await.open_server().await;
    session.watch(phone.line()).await;
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    let call = crate::support::csta::Call::seen_by(phone.line(), "1", phone.line(), "102");
    phone.event(&call.originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
}
