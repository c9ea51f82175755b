//! Services that the server answers itself, for clients of each edition and prefix with each maker's phone (ECMA-269, clauses 13 to 15).

use crate::support::{
    csta::{Call, Document, element},
    cti_client::Session,
    maker::Maker,
    phone::{Phone, Reaction},
    server::Server,
};

const SPEECHES: [(&str, &str); 5] = [
    ("ed2", ""),
    ("ed3", "csta"),
    ("ed4", "c"),
    ("ed5", ""),
    ("ed6", "x"),
];

/// A client, and how it speaks and wants to be spoken to.
struct Dialogue {
    session: Session,
    dialect: (&'static str, &'static str),
}

impl Dialogue {
    async fn done(&self, service: &str, inner: &str) -> Document {
        self.spoken(self.session.done(service, inner).await)
    }

    async fn expect(&mut self, name: &str) -> Document {
        let told = self.session.expect(name).await;
        self.spoken(told)
    }

    /// The server speaks as the client does.
    fn spoken(&self, document: Document) -> Document {
        let root = &document.root;
        assert_eq!(
            (root.edition(), root.prefix()),
            self.dialect,
            "{}",
            document.raw
        );
        document
    }
}

#[tokio::test]
async fn server_services_use_the_clients_edition_for_every_maker() {
    let server = Server::start();
    let mut serial = 0;
    for maker in Maker::all() {
        for dialect in SPEECHES {
            serial += 1;
            let client = server.client_as(|setup| (setup.edition, setup.prefix) = dialect);
            let session = client.await.open_server().await;
            let mut dialogue = Dialogue { session, dialect };
            dialogue.spoken(Document::read(&dialogue.session.answer.body));
            let phone = server.phone_of(&maker, serial);
            comes(&mut dialogue, &maker, &phone).await;
            is_watched(&mut dialogue, &maker, &phone).await;
            dialogue.session.bye().await;
            phone.disconnect();
        }
    }
}

/// The phone registers: the client hears of its line, and finds it in the list.
async fn comes(dialogue: &mut Dialogue, maker: &Maker, phone: &Phone) {
    let changes = "<requestTypes><switchingFunctionDevicesChanged>true</switchingFunctionDevicesChanged></requestTypes>";
    let registered = dialogue.done("SystemRegister", changes).await;
    let registration = registered.text("sysStatRegisterID").to_owned();
    phone.start().await;
    let changed = dialogue.expect("SwFunctionDevicesChanged").await;
    assert_eq!(changed.text("sysStatRegisterID"), registration);
    phone_aborts(maker, phone).await;
    let only = element("requestedDeviceID", phone.number());
    let promised = dialogue.done("GetSwitchingFunctionDevices", &only).await;
    let list = dialogue.expect("SwitchingFunctionDevices").await;
    let reference = "serviceCrossRefID";
    assert_eq!(list.text(reference), promised.text(reference));
    assert_eq!(list.text("lastSegment"), "true");
    assert_eq!(list.text("deviceList/device/deviceID"), phone.line());
    let model = format!("{} {}", maker.name, maker.model);
    assert_eq!(list.text("deviceList/device/deviceModelName"), model);
    dialogue
        .done("SystemStatus", "<systemStatus>normal</systemStatus>")
        .await;
    let status = dialogue.done("RequestSystemStatus", "").await;
    assert_eq!(status.text("systemStatus"), "normal");
    let cancel = element("sysStatRegisterID", &registration);
    dialogue.done("SystemRegisterCancel", &cancel).await;
}

/// The phone ends the server's registration with it: the server registers again, where the phone can do that at all.
async fn phone_aborts(maker: &Maker, phone: &Phone) {
    let lacks = maker
        .lacks
        .iter()
        .any(|lacking| lacking == "SystemRegister");
    if !lacks {
        phone.until_received("SystemRegister", 1).await;
    }
    let abort = phone.document(
        "SystemRegisterAbort",
        "<sysStatRegisterID>r1</sysStatRegisterID>",
    );
    phone.info(&abort).await.expect(200);
    if lacks {
        assert_eq!(phone.count("SystemRegister"), 0, "{}", maker.name);
    } else {
        phone.until_received("SystemRegister", 2).await;
    }
}

/// The line is watched, by a filter too, while the phone goes and comes back, until it is watched no more.
async fn is_watched(dialogue: &mut Dialogue, maker: &Maker, phone: &Phone) {
    let object = element("deviceObject", phone.number());
    let object = format!("<monitorObject>{object}</monitorObject>");
    let started = dialogue.done("MonitorStart", &object).await;
    let reference = started.text("monitorCrossRefID").to_owned();
    let back = dialogue.expect("BackInServiceEvent").await;
    assert_eq!(back.text("device/deviceIdentifier"), phone.line());
    let asked = phone.until_received("MonitorStart", 1).await.document();
    assert_eq!(asked.text("monitorObject/deviceObject"), phone.line());
    assert_eq!(asked.root.edition(), format!("ed{}", maker.edition));

    let call = Call::seen_by(phone.line(), "1", phone.line(), "102");
    phone.event(&call.held()).await.expect(200);
    let held = dialogue.session.expect("HeldEvent").await;
    assert_eq!(held.text("monitorCrossRefID"), reference);
    let monitor = element("monitorCrossRefID", &reference);
    let filter =
        "<requestedFilterList><callcontrol><held>true</held></callcontrol></requestedFilterList>";
    dialogue
        .done("ChangeMonitorFilter", &format!("{monitor}{filter}"))
        .await;
    phone.event(&call.held()).await.expect(200);
    phone.event(&call.retrieved()).await.expect(200);
    dialogue.session.expect("RetrievedEvent").await;
    phone.event(&call.cleared()).await.expect(200);
    dialogue.session.expect("ConnectionClearedEvent").await;

    let watched = phone.count("MonitorStart");
    let stopped = phone.stop_monitor().await.expect(200);
    assert_eq!(Document::read(&stopped.body).name(), "MonitorStopResponse");
    dialogue.expect("OutOfServiceEvent").await;
    dialogue.expect("BackInServiceEvent").await;
    assert_eq!(phone.count("MonitorStart"), watched + 1, "{}", maker.name);

    phone.reboot();
    let out = dialogue.expect("OutOfServiceEvent").await;
    assert_eq!(out.text("device/deviceIdentifier"), phone.line());
    phone.start().await;
    dialogue.expect("BackInServiceEvent").await;
    let stopped = phone.count("MonitorStop");
    dialogue.done("MonitorStop", &monitor).await;
    phone.until_received("MonitorStop", stopped + 1).await;

    // A phone that will never have the monitor: the client is told that it ended (ECMA-269, MonitorStop as an event).
    let never = maker
        .style()
        .document("CSTAErrorCode", "<operation>invalidDeviceID</operation>");
    phone.once("MonitorStart", Reaction::Document(never));
    let started = dialogue.done("MonitorStart", &object).await;
    let told = dialogue.expect("MonitorStop").await;
    let reference = started.text("monitorCrossRefID");
    assert_eq!(told.text("monitorCrossRefID"), reference);
    let monitor = element("monitorCrossRefID", reference);
    let (_, value) = dialogue.session.refused("MonitorStop", &monitor).await;
    assert_eq!(value, "invalidMonitorCrossRefID");
}
