//! Monitored lines that move to another phone, lose their phone or change domain.

use std::time::Duration;

use crate::support::{
    csta::{Call, element},
    cti_client::Session,
    phone::{Phone, Reaction},
    server::Server,
};

/// How often a list that a phone sends of its own accord takes effect, and some more.
const LISTED_EVERY: Duration = Duration::from_millis(1_100);
const FIRST: &str = "000413000001";
const SECOND: &str = "000413000002";
const LINE: &str = "sip:0005@pbx.example";

/// A phone that may have more lines than its own, and lists all of them.
async fn started(server: &Server, mac: &str, lines: &[&str]) -> Phone {
    let phone = server.phone_as(mac, |setup| {
        let lines = lines.iter().map(|line| (*line).to_owned());
        setup.identities.extend(lines);
    });
    phone.start().await;
    phone
}

/// The phone says that it has these lines.
async fn list(phone: &Phone, lines: &[&str]) {
    let lines = lines.iter();
    let devices: String = lines
        .map(|line| format!("<device>{}</device>", element("deviceID", line)))
        .collect();
    let part = format!(
        "<serviceCrossRefID>s1</serviceCrossRefID><segmentID>1</segmentID><lastSegment>true</lastSegment><deviceList>{devices}</deviceList>"
    );
    let part = phone.document("SwitchingFunctionDevices", &part);
    phone.info(&part).await.expect(200);
}

/// From now on the phone has these lines.
async fn lists(phone: &Phone, lines: &[&str]) {
    list(phone, lines).await;
    // What a phone lists of its own accord takes effect once a second.
    tokio::time::sleep(LISTED_EVERY).await;
}

async fn hears(session: &mut Session, reference: &str, names: &[&str]) {
    for name in names {
        let event = session.expect(name).await;
        assert_eq!(event.text("monitorCrossRefID"), reference, "{}", event.raw);
    }
}

async fn until_monitors(phone: &Phone, monitors: usize) {
    phone
        .until("as many monitors as are watched", |state| {
            (state.monitors.len() == monitors).then_some(())
        })
        .await;
}

/// A call at the line, told by a phone that watches it.
async fn tells(phone: &Phone, session: &mut Session, reference: &str) {
    let call = Call::seen_by(LINE, "-7", LINE, "sip:102@pbx.example");
    phone.event(&call.originated()).await.expect(200);
    hears(session, reference, &["OriginatedEvent"]).await;
    phone.event(&call.cleared()).await.expect(200);
    hears(session, reference, &["ConnectionClearedEvent"]).await;
}

#[tokio::test]
async fn monitor_follows_a_moved_line_with_the_same_cross_reference() {
    let server = Server::start();
    let first = started(&server, FIRST, &[LINE]).await;
    let mut session = server.client().await.open(LINE).await;
    let reference = session.monitor(LINE).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    let filter = element("monitorCrossRefID", &reference)
        + "<requestedFilterList><callcontrol><delivered>true</delivered></callcontrol></requestedFilterList>";
    session.done("ChangeMonitorFilter", &filter).await;
    // Its user logs off at the one, and on at the other.
    lists(&first, &[first.line()]).await;
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    until_monitors(&first, 0).await;
    let call = element("callingDevice", LINE) + &element("calledDirectoryNumber", "102");
    assert_eq!(
        session.refused("MakeCall", &call).await.1,
        "invalidDeviceID"
    );
    let second = started(&server, SECOND, &[LINE]).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    session.done("MakeCall", &call).await;
    assert_eq!((first.count("MakeCall"), second.count("MakeCall")), (0, 1));
    // Its filter has gone with it.
    let ringing = Call::seen_by(LINE, "-6", "sip:102@pbx.example", LINE);
    second.event(&ringing.delivered()).await.expect(200);
    tells(&second, &mut session, &reference).await;
    // And back, while both have it.
    lists(&first, &[first.line(), LINE]).await;
    lists(&second, &[second.line()]).await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    tells(&first, &mut session, &reference).await;
    session.unwatch(&reference).await;
    until_monitors(&first, 0).await;
    until_monitors(&second, 0).await;
    assert_eq!(server.list().await["monitoredLines"], 0);
}

/// A15: the phone refuses a line that it has just lost, as it said in a list that came too soon to take effect.
#[tokio::test]
async fn line_refused_while_it_moves_keeps_its_monitor() {
    let server = Server::start();
    let first = started(&server, FIRST, &[LINE]).await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(LINE).await;
    lists(&first, &[first.line(), LINE]).await;
    list(&first, &[first.line(), LINE]).await;
    list(&first, &[first.line()]).await;
    let unknown = element("operation", "invalidDeviceID");
    let unknown = first.document("CSTAErrorCode", &unknown);
    first.once("MonitorStart", Reaction::Document(unknown));
    first.stop_monitor().await.expect(200);
    first.until_received("MonitorStart", 2).await;
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    let second = started(&server, SECOND, &[LINE]).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    tells(&second, &mut session, &reference).await;
    assert_eq!(first.count("MonitorStart"), 2);
}

#[tokio::test]
async fn line_without_a_phone_is_out_of_service_until_it_has_one() {
    let server = Server::start();
    let phone = started(&server, FIRST, &[LINE]).await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(LINE).await;
    lists(&phone, &[phone.line()]).await;
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    until_monitors(&phone, 0).await;
    // Who comes now finds no such line, and the phone is not asked for it.
    let object = format!(
        "<monitorObject>{}</monitorObject>",
        element("deviceObject", LINE)
    );
    let refused = session.refused("MonitorStart", &object).await;
    assert_eq!(refused.1, "invalidDeviceID");
    // Nor in a new session, as long as the phone does not list it.
    let promised = element("serviceCrossRefID", "s1");
    let promised = phone.document("GetSwitchingFunctionDevicesResponse", &promised);
    phone.once("GetSwitchingFunctionDevices", Reaction::Document(promised));
    phone.bye().await.expect(200);
    phone.until_received("GetSwitchingFunctionDevices", 2).await;
    lists(&phone, &[phone.line()]).await;
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    assert_eq!(phone.count("MonitorStart"), 1);
    lists(&phone, &[phone.line(), LINE]).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (2, 1)
    );
    tells(&phone, &mut session, &reference).await;
}

#[tokio::test]
async fn monitor_follows_a_line_whose_domain_is_renamed() {
    let server = Server::start();
    let renamed = "sip:0005@new.example";
    let phone = started(&server, FIRST, &[LINE, renamed]).await;
    let mut session = server.client().await.open_server().await;
    lists(&phone, &[phone.line(), LINE]).await;
    let reference = session.watch("0005").await;
    lists(&phone, &[phone.line(), renamed]).await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    let left = phone.until("monitors", |state| Some(state.monitors.clone()));
    let left: Vec<String> = left.await.into_iter().map(|(_, device)| device).collect();
    assert_eq!(left, [renamed]);
}

#[tokio::test]
async fn monitor_with_an_explicit_phone_stays_with_it() {
    let server = Server::start();
    let first = started(&server, FIRST, &[LINE]).await;
    let second = started(&server, SECOND, &[LINE]).await;
    let mut session = server.client().await.open_server().await;
    let named = format!("{LINE};mac={FIRST}");
    let reference = session.watch(&named).await;
    lists(&first, &[first.line()]).await;
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    // Another watches it at the other phone, which then loses it too.
    let mut other = server.client().await.open_server().await;
    let others = other.watch(LINE).await;
    lists(&second, &[second.line()]).await;
    hears(&mut other, &others, &["OutOfServiceEvent"]).await;
    lists(&first, &[first.line(), LINE]).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    hears(&mut other, &others, &["BackInServiceEvent"]).await;
    assert_eq!(
        (second.count("MonitorStart"), second.count("MonitorStop")),
        (1, 1)
    );
    assert_eq!(first.count("MonitorStart"), 2);
}

#[tokio::test]
async fn monitors_of_a_disabled_phone_move_to_the_phone_with_its_line() {
    let server = Server::start();
    let first = started(&server, FIRST, &[LINE]).await;
    let mut session = server.client().await.open(LINE).await;
    let reference = session.watch(LINE).await;
    let second = started(&server, SECOND, &[LINE]).await;
    server.switch(FIRST, false).await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    until_monitors(&second, 1).await;
    tells(&second, &mut session, &reference).await;
    assert_eq!(first.count("MonitorStart"), 1);
}

/// A phone's own name means its first line: whoever watches by it watches what comes first, and no longer what did.
#[tokio::test]
async fn monitor_on_the_phone_itself_uses_its_first_line() {
    let server = Server::start();
    let phone = started(&server, FIRST, &[LINE]).await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(FIRST).await;
    lists(&phone, &[LINE, phone.line()]).await;
    phone.until_received("MonitorStop", 1).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    phone
        .until("a monitor of the first line alone", |state| {
            let lines: Vec<&str> = state.monitors.iter().map(|(_, line)| &**line).collect();
            (lines == [LINE]).then_some(())
        })
        .await;
    tells(&phone, &mut session, &reference).await;
}

/// In the server's session a line is watched where its requests go: a phone that died keeps nobody from the one in its place.
#[tokio::test]
async fn monitors_of_a_dead_phone_move_to_its_replacement() {
    let server = Server::start();
    let first = started(&server, FIRST, &[LINE]).await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(LINE).await;
    first.disconnect();
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    let second = started(&server, SECOND, &[LINE]).await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    tells(&second, &mut session, &reference).await;
    // The former one comes back, and it stays.
    first.start().await;
    tells(&second, &mut session, &reference).await;
    assert_eq!(first.count("MonitorStart"), 1);
    second.disconnect();
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    tells(&first, &mut session, &reference).await;
}

#[tokio::test]
async fn monitor_in_a_session_opened_by_mac_follows_the_name_that_it_gave() {
    let server = Server::start();
    let first = started(&server, FIRST, &[LINE]).await;
    let named = first.line().to_owned();
    let client = server.client().await;
    let mut session = client.open(&format!("sip:{FIRST}@uacsta")).await;
    let by_name = session.watch(&named).await;
    let by_mac = session.watch(FIRST).await;
    let start = "<monitorObject/>";
    let started_without = session.done("MonitorStart", start).await;
    let by_session = started_without.text("monitorCrossRefID").to_owned();
    hears(&mut session, &by_session, &["BackInServiceEvent"]).await;
    // The name goes to another phone, and another line comes first at the one with that MAC address.
    lists(&first, &[LINE]).await;
    let mut heard = Vec::new();
    for _ in 0..5 {
        let event = session.event().await;
        heard.push((
            event.text("monitorCrossRefID").to_owned(),
            event.name().to_owned(),
        ));
    }
    let second = started(&server, SECOND, &[&named]).await;
    hears(&mut session, &by_name, &["BackInServiceEvent"]).await;
    for (reference, events) in [(&by_name, 1), (&by_mac, 2), (&by_session, 2)] {
        let of = heard.iter().filter(|(of, _)| of == reference);
        assert_eq!(of.count(), events, "{heard:?}");
    }
    session.unwatch(&by_mac).await;
    session.unwatch(&by_session).await;
    until_monitors(&first, 0).await;
    until_monitors(&second, 1).await;
}
