//! Rights of accounts: which lines they see and which services they may use.

use crate::support::{
    csta::{Call, connection, document, element, failure},
    cti_client::{CtiClient, Session},
    phone::{Phone, Reaction},
    server::Server,
};

const PASSWORD: &str = "a password of its own";

/// A server whose account `board` has the lines named, and may control them or not.
fn server(lines: &[&str], control: bool) -> Server {
    Server::with(|settings| {
        settings.clients.accounts.push(uacsta_config::Account {
            user: "board".to_owned(),
            password: PASSWORD.into(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            control,
            numbers: Vec::new(),
        });
    })
}

async fn board(server: &Server) -> CtiClient {
    server
        .client_as(|setup| {
            setup.account.user = "board".to_owned();
            setup.account.password = PASSWORD.to_owned();
        })
        .await
}

async fn started(server: &Server, mac: &str) -> Phone {
    let phone = server.phone(mac);
    phone.start().await;
    phone
}

fn denied() -> (String, String) {
    (
        "operation".to_owned(),
        "privilegeViolationSpecifiedDevice".to_owned(),
    )
}

/// Every service that does something at the phone of a line.
fn doing(line: &str) -> Vec<(&'static str, String)> {
    let call = |member: &str| connection(member, "-12", line);
    let on = |member: &str, value: &str| element("device", line) + &element(member, value);
    vec![
        (
            "MakeCall",
            element("callingDevice", line) + &element("calledDirectoryNumber", "102"),
        ),
        ("AnswerCall", call("callToBeAnswered")),
        ("ClearConnection", call("connectionToBeCleared")),
        ("HoldCall", call("callToBeHeld")),
        ("RetrieveCall", call("callToBeRetrieved")),
        ("AlternateCall", call("heldCall") + &call("activeCall")),
        ("ReconnectCall", call("activeCall") + &call("heldCall")),
        (
            "ConsultationCall",
            call("existingCall") + &element("consultedDevice", "102"),
        ),
        ("TransferCall", call("heldCall") + &call("activeCall")),
        ("ConferenceCall", call("heldCall") + &call("activeCall")),
        (
            "SingleStepTransferCall",
            call("activeCall") + &element("transferredTo", "102"),
        ),
        (
            "SingleStepConferenceCall",
            call("activeCall")
                + &element("deviceToJoin", "102")
                + &element("participationType", "active"),
        ),
        (
            "DeflectCall",
            call("callToBeDiverted") + &element("newDestination", "102"),
        ),
        (
            "DirectedPickupCall",
            connection("callToBePickedUp", "-9", "102") + &element("requestingDevice", line),
        ),
        (
            "DialDigits",
            call("diallingConnection") + &element("diallingSequence", "1"),
        ),
        (
            "GenerateDigits",
            call("connectionToSendDigits") + &element("charactersToSend", "1"),
        ),
        ("SetDoNotDisturb", on("doNotDisturbOn", "true")),
        ("SetForwarding", on("activateForward", "true")),
        ("SetMessageWaitingIndicator", on("messageWaitingOn", "true")),
        ("SetMicrophoneMute", on("microphoneMuteOn", "true")),
        ("SetSpeakerMute", on("speakerMuteOn", "true")),
        ("SetSpeakerVolume", on("speakerVolume", "50")),
        ("ClearCall", call("callToBeCleared")),
        ("ButtonPress", on("button", "1")),
    ]
}

/// Every service that only looks.
fn looking(line: &str) -> Vec<(&'static str, String)> {
    vec![
        ("GetDoNotDisturb", element("device", line)),
        ("GetForwarding", element("device", line)),
        ("GetMessageWaitingIndicator", element("device", line)),
        ("GetMicrophoneMute", element("device", line)),
        ("GetSpeakerMute", element("device", line)),
        ("GetSpeakerVolume", element("device", line)),
        ("GetLogicalDeviceInformation", element("device", line)),
        ("GetPhysicalDeviceInformation", element("device", line)),
        ("SnapshotDevice", element("snapshotObject", line)),
        ("SnapshotCall", connection("snapshotObject", "-12", line)),
        (
            "MonitorStart",
            format!(
                "<monitorObject>{}</monitorObject>",
                element("deviceObject", line)
            ),
        ),
    ]
}

/// The phone has the call -12, and leaves to the server what many phones do not have.
fn prepare(phone: &Phone) {
    let listed = format!(
        "<crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo>{}</snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData>",
        connection("connectionIdentifier", "-12", phone.line())
    );
    let snapshot = document("ed3", "SnapshotDeviceResponse", &listed);
    phone.always("SnapshotDevice", Reaction::Document(snapshot));
    for service in [
        "GetMessageWaitingIndicator",
        "GetLogicalDeviceInformation",
        "GetPhysicalDeviceInformation",
    ] {
        let lacking = failure("ed3", "operation", "serviceNotSupported");
        phone.always(service, Reaction::Document(lacking));
    }
}

#[tokio::test]
async fn monitor_only_account_cannot_change_anything() {
    let server = server(&[], false);
    let phone = started(&server, "000413000001").await;
    let client = board(&server).await;
    for session in [client.open_server().await, client.open(phone.line()).await] {
        for (service, inner) in doing(phone.line()) {
            assert_eq!(
                session.refused(service, &inner).await,
                denied(),
                "{service}"
            );
            assert_eq!(phone.count(service), 0, "{service}");
        }
        prepare(&phone);
        for (service, inner) in looking(phone.line()) {
            let answer = session.done(service, &inner).await;
            if service == "MonitorStart" {
                let watched = element("monitorCrossRefID", answer.text("monitorCrossRefID"));
                let filter = watched.clone() + "<requestedFilterList/>";
                session.done("ChangeMonitorFilter", &filter).await;
                session.done("MonitorStop", &watched).await;
            }
        }
    }
}

#[tokio::test]
async fn services_on_hidden_lines_are_refused() {
    let server = server(&["0001"], true);
    let mine = started(&server, "000413000001").await;
    let other = started(&server, "000413000002").await;
    let client = board(&server).await;
    let session = client.open_server().await;
    let everything = doing(other.line()).into_iter().chain(looking(other.line()));
    for (service, inner) in everything {
        assert_eq!(
            session.refused(service, &inner).await,
            denied(),
            "{service}"
        );
        assert_eq!(other.count(service), 0, "{service}");
    }
    let refusal = client
        .invite(other.line(), |invite| invite)
        .await
        .expect_err("no session on a line that is not the account's");
    assert_eq!(refusal.status(), 403);
    prepare(&mine);
    for (service, inner) in looking(mine.line()) {
        session.done(service, &inner).await;
    }
}

/// Two lines of a phone, each with a call that waits for its digits: neither's watchers touch the other's.
#[tokio::test]
async fn call_collecting_digits_belongs_to_its_line() {
    let [ours, theirs] = ["sip:0001@pbx.example", "sip:0005@pbx.example"];
    let server = server(&["0001"], true);
    let phone = server.phone_as("000413000001", |setup| {
        setup.identities = vec![ours.to_owned(), theirs.to_owned()];
    });
    phone.start().await;
    let board = board(&server).await.open_server().await;
    let mut other = server.client().await.open_server().await;
    other.watch(theirs).await;
    let begin =
        |line, number| element("callingDevice", line) + &element("calledDirectoryNumber", number);
    let dial = |id: &str, line, digits| {
        connection("diallingConnection", id, line) + &element("diallingSequence", digits)
    };
    let begun = other.done("MakeCall", &begin(theirs, "0;")).await;
    let waiting = begun.text("callingDevice/callID");
    other.expect("ServiceInitiatedEvent").await;
    other.expect("DigitsDialedEvent").await;
    // The other's call, called one's own line's.
    let digits = dial(waiting, ours, "0190555");
    let refused = board.refused("DialDigits", &digits).await;
    assert_eq!(refused.1, "serviceNotSupported");
    let clear = connection("connectionToBeCleared", waiting, ours);
    board.done("ClearConnection", &clear).await;
    // A call of one's own.
    let begun = board.done("MakeCall", &begin(ours, "5;")).await;
    let own = begun.text("callingDevice/callID");
    other.done("DialDigits", &dial(waiting, theirs, "12")).await;
    let dialled = other.expect("DigitsDialedEvent").await;
    assert_eq!(dialled.text("dialingSequence"), "012");
    other.expect("ConnectionClearedEvent").await;
    board.done("DialDigits", &dial(own, ours, "1")).await;
    for (nth, line, number) in [(1, theirs, "012"), (2, ours, "51")] {
        let called = phone.until_received("MakeCall", nth).await.document();
        assert_eq!(
            (
                called.text("callingDevice"),
                called.text("calledDirectoryNumber")
            ),
            (line, number)
        );
    }
}

/// A call's other party is named as the phone named it; a second line of the phone is not passed off as one.
/// A phone with the lines 0001 and 0005, and a session of the account that sees the first alone.
async fn two_lines(server: &Server) -> (Phone, Session) {
    let phone = server.phone_as("000413000001", |setup| {
        setup.identities = ["sip:0001@pbx.example", "sip:0005@pbx.example"]
            .map(str::to_owned)
            .to_vec();
    });
    phone.start().await;
    let session = board(server).await.open("sip:0001@pbx.example").await;
    (phone, session)
}

#[tokio::test]
async fn second_line_is_not_reachable_through_the_first() {
    let server = server(&["0001"], true);
    let (phone, session) = two_lines(&server).await;
    // Nor is it in a call that the line is brought into.
    let join = element("joiningDevice", "0001")
        + &element("autoOriginate", "doNotPrompt")
        + &element("participationType", "active");
    let pick_up = element("requestingDevice", "0001");
    for (service, member, own) in [
        ("JoinCall", "activeCall", join),
        ("DirectedPickupCall", "callToBePickedUp", pick_up),
    ] {
        let into = |party| connection(member, "-12", party) + &own;
        for name in ["sip:0005@pbx.example", "0005"] {
            let refusal = session.refused(service, &into(name)).await;
            assert_eq!(refusal, denied(), "{service}");
            assert_eq!(phone.count(service), 0);
        }
        session.done(service, &into("sip:102@pbx.example")).await;
    }
    let clear = |device| connection("connectionToBeCleared", "-12", device);
    let second = clear("sip:0005@pbx.example");
    assert_eq!(session.refused("ClearConnection", &second).await, denied());
    assert_eq!(phone.count("ClearConnection"), 0);
    session
        .done("ClearConnection", &clear("sip:102@pbx.example"))
        .await;
    session
        .done("ClearConnection", &clear("sip:0001@pbx.example"))
        .await;
}

#[tokio::test]
async fn call_of_a_hidden_second_line_is_not_combined_with_another() {
    let server = server(&["0001"], true);
    let (phone, session) = two_lines(&server).await;
    let foreign = |member| connection(member, "-12", "sip:102@pbx.example");
    for name in [
        "sip:0005@pbx.example",
        "0005",
        "tel:000-5",
        "sip:%30005@host:5060;mac=000413000009",
        "sip:0005:secret@pbx.example",
        "\"Anna\" <sip:0005@pbx.example>",
        "sip: 0005@pbx.example",
    ] {
        for (service, first, second) in [
            ("AlternateCall", "heldCall", "activeCall"),
            ("ConferenceCall", "heldCall", "activeCall"),
            ("TransferCall", "heldCall", "activeCall"),
            ("ReconnectCall", "activeCall", "heldCall"),
        ] {
            let hidden = |member| connection(member, "-13", name);
            for inner in [
                foreign(first) + &hidden(second),
                hidden(first) + &foreign(second),
            ] {
                assert_eq!(session.refused(service, &inner).await, denied(), "{inner}");
            }
            assert_eq!(phone.count(service), 0);
        }
    }
    assert_eq!(
        (phone.count("HoldCall"), phone.count("ClearConnection")),
        (0, 0)
    );
    let parties = foreign("heldCall") + &connection("activeCall", "-13", "sip:103@pbx.example");
    session.done("TransferCall", &parties).await;
}

/// Extension 0001 of another customer's telephone system is another line, as it is for who looks a name up.
#[tokio::test]
async fn right_to_a_line_excludes_its_namesake_at_another_host() {
    let server = server(&["sip:0001@a.example"], true);
    let at = |mac, host| {
        server.phone_as(mac, |setup| {
            setup.identities = vec![format!("sip:0001@{host}.example")];
        })
    };
    let (mine, other) = (at("000413000001", "a"), at("000413000002", "b"));
    for phone in [&mine, &other] {
        phone.start().await;
    }
    let client = board(&server).await;
    let mut session = client.open_server().await;
    for name in [other.line(), "0001;mac=000413000002", "000413000002"] {
        for (service, inner) in doing(name).into_iter().chain(looking(name)) {
            let refusal = session.refused(service, &inner).await;
            assert_eq!(refusal, denied(), "{service} {name}");
            assert_eq!(other.count(service), 0, "{service} {name}");
        }
    }
    session.done("GetSwitchingFunctionDevices", "").await;
    let list = session.expect("SwitchingFunctionDevices").await;
    assert_eq!(list.text("lastSegment"), "true");
    assert!(list.raw.contains(mine.line()) && !list.raw.contains("b.example"));
    let refusal = client
        .invite(other.line(), |invite| invite)
        .await
        .expect_err("no session on a line that is not the account's");
    assert_eq!(refusal.status(), 403);
    for name in [mine.line(), "000413000001"] {
        let device = element("device", name);
        session.done("GetDoNotDisturb", &device).await;
    }
}

const OWN: &str = "sip:0001@pbx.example";
const SECOND: &str = "sip:0005@pbx.example";

/// A phone with a second line, which has a call, and a session that sees both lines.
async fn with_second_line(server: &Server) -> (Phone, Session) {
    let phone = server.phone_as("000413000001", |setup| {
        setup.identities = [OWN, SECOND].map(str::to_owned).to_vec();
    });
    phone.start().await;
    let mut everybody = server.client().await.open_server().await;
    everybody.monitor(SECOND).await;
    everybody.expect("BackInServiceEvent").await;
    let call = Call::seen_by(SECOND, "-77", "sip:9@pbx.example", SECOND);
    phone.event(&call.established()).await.expect(200);
    everybody.expect("EstablishedEvent").await;
    (phone, everybody)
}

/// A call of the second line is not reached by the number of the first; the second line is not named to clients without the right.
#[tokio::test]
async fn calls_and_name_of_a_hidden_second_line_are_not_disclosed() {
    let server = server(&["0001"], true);
    let (phone, everybody) = with_second_line(&server).await;
    let client = board(&server).await;
    let sessions = [client.open_server().await, client.open(OWN).await];
    for session in &sessions {
        for device in [OWN, "0001"] {
            for (service, inner) in [
                (
                    "ClearConnection",
                    connection("connectionToBeCleared", "-77", device),
                ),
                ("HoldCall", connection("callToBeHeld", "-77", device)),
                (
                    "TransferCall",
                    connection("heldCall", "-12", device)
                        + &connection("activeCall", "-77", device),
                ),
                (
                    "JoinCall",
                    connection("activeCall", "-77", device) + &element("joiningDevice", device),
                ),
            ] {
                let refusal = session.refused(service, &inner).await;
                assert_eq!(refusal, denied(), "{service} {device}");
                assert_eq!(phone.count(service), 0, "{service} {device}");
            }
        }
        let own_call = connection("callToBeHeld", "-12", OWN);
        session
            .done("RetrieveCall", &own_call.replace("Held", "Retrieved"))
            .await;
        let about = session
            .done("GetPhysicalDeviceInformation", &element("device", OWN))
            .await;
        assert!(!about.raw.contains("0005"), "{}", about.raw);
        for service in ["GetMonitors", "GetRegistrations"] {
            let (_, error) = session.refused(service, "").await;
            assert_eq!(error, "serviceNotSupported", "{service}");
        }
    }
    for service in [
        "GetPhysicalDeviceInformation",
        "GetMonitors",
        "GetRegistrations",
    ] {
        assert_eq!(phone.count(service), 0, "{service}");
    }
    let clear = connection("connectionToBeCleared", "-77", SECOND);
    everybody.done("ClearConnection", &clear).await;
}

/// Services that have no member for a line could reach any line.
#[tokio::test]
async fn services_without_a_line_are_refused_when_a_line_is_hidden() {
    let server = server(&["0001"], true);
    let (phone, _everybody) = with_second_line(&server).await;
    let client = board(&server).await;
    let session = client.open(OWN).await;
    let everywhere = [
        (
            "StartDataPath",
            format!("<object>{}</object>", connection("call", "-77", SECOND)),
        ),
        (
            "StartDataCollection",
            format!("<object>{}</object>", element("device", SECOND)),
        ),
        ("Escape", String::new()),
    ];
    for (service, inner) in &everywhere {
        assert_eq!(session.refused(service, inner).await, denied());
        assert_eq!(phone.count(service), 0, "{service}");
    }
}

/// A host that no line has is passed over, so a right may reach a namesake; it does not once the line itself is there.
#[tokio::test]
async fn right_passes_from_a_namesake_to_the_line_when_it_appears() {
    let server = server(&["sip:0001@a.example"], true);
    let at = |mac, host| {
        server.phone_as(mac, |setup| {
            setup.identities = vec![format!("sip:0001@{host}.example")];
        })
    };
    let (meant, namesake) = (at("000413000001", "a"), at("000413000002", "b"));
    namesake.start().await;
    let client = board(&server).await;
    let mut session = client.open_server().await;
    session.monitor("0001").await;
    session.expect("BackInServiceEvent").await;
    let opened = client.open("tel:0001").await;
    opened.done("GetDoNotDisturb", "").await;
    meant.start().await;
    session.expect("MonitorStop").await;
    assert_eq!(opened.refused("GetDoNotDisturb", "").await, denied());
    assert_eq!(namesake.count("GetDoNotDisturb"), 1);
}

/// RFC 3966, section 4: numbers with another `ext` are other numbers.
#[tokio::test]
async fn rfc_3966_4_right_to_a_number_excludes_its_other_extensions() {
    let lines = [
        "tel:+4930555;ext=201",
        "tel:+4930555;ext=202",
        "sip:+4930555@pbx.example",
    ];
    let server = server(&lines[..1], true);
    let mut phones = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let phone = server.phone_as(&format!("00041300000{at}"), |setup| {
            setup.identities = vec![(*line).to_owned()];
        });
        phone.start().await;
        phones.push(phone);
    }
    let board = board(&server).await;
    let all = server.client().await;
    let context = ";phone-context=dialstring";
    let own = board.open(&format!("{}{context}", lines[0])).await;
    let session = board.open_server().await;
    for other in &lines[1..] {
        for name in [(*other).to_owned(), format!("{other}{context}")] {
            let refusal = board.invite(&name, |invite| invite).await;
            assert_eq!(refusal.expect_err("no right").status(), 403, "{name}");
            let call = element("callingDevice", &name) + &element("calledDirectoryNumber", "1");
            assert_eq!(session.refused("MakeCall", &call).await, denied(), "{name}");
            let refused = own.refused("MakeCall", &call).await;
            assert_eq!(refused.1, "invalidDeviceID", "{name}");
            all.open(&name).await.done("MakeCall", &call).await;
        }
    }
    own.make_call(lines[0], "1").await;
    let unknown = all.invite("tel:+4930555;ext=203", |invite| invite).await;
    assert_eq!(unknown.expect_err("no such line").status(), 404);
    let calls: Vec<_> = phones.iter().map(|phone| phone.count("MakeCall")).collect();
    assert_eq!(calls, [1, 2, 2]);
}
