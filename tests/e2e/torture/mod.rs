//! RFC 4475 and RFC 5118, message by message: the server's answer, and that it keeps serving.

mod invalid;
mod ipv6;
mod layers;
mod letter;
mod valid;

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use bytes::BytesMut;
use tokio::{net::UdpSocket, time::timeout};
use uacsta_config::{Listen, Trusted};

use crate::support::{
    PATIENCE,
    cti_client::Session,
    line::Line,
    server::Server,
    sip::{self, Frame, Message},
};

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
enum Door {
    /// The phones' interface, as a stranger.
    Phones,
    /// The same, as the phone that the message names: once its challenge is answered.
    Phone(&'static str),
    /// The clients' interface, as a trusted front end: past the challenge, where more of a message counts.
    Front,
    /// The phones' interface on UDP, for what is peculiar of a datagram.
    Datagram,
}

/// What must happen. After all but the last the connection serves on.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// This answer, which the RFC names; 200 where it says that the request is right and can be granted.
    Names(u16),
    /// This answer, because we are liberal where the RFC names 400 and lets a receiver be.
    Spares(u16, &'static str),
    /// This answer, for a reason of ours: the RFC names none, or none for a server such as this.
    Chooses(u16, &'static str),
    /// Nothing.
    Ignored(&'static str),
    /// This answer, if any, then the end of the connection.
    Ends(Option<u16>, &'static str),
}

/// One message.
struct Torment {
    /// RFC and section.
    section: &'static str,
    /// What is peculiar of it.
    peculiar: &'static str,
    door: Door,
    then: Then,
    octets: Vec<u8>,
    /// Header fields of the answer that must hold a text.
    tells: Vec<(&'static str, &'static str)>,
}

fn torment(
    section: &'static str,
    peculiar: &'static str,
    door: Door,
    then: Then,
    text: &str,
    body: &[u8],
) -> Torment {
    Torment {
        section,
        peculiar,
        door,
        then,
        octets: letter::octets(text, body),
        tells: Vec::new(),
    }
}

impl Then {
    fn status(self) -> Option<u16> {
        match self {
            Self::Names(status) | Self::Spares(status, _) | Self::Chooses(status, _) => {
                Some(status)
            }
            Self::Ends(status, _) => status,
            Self::Ignored(_) => None,
        }
    }

    const fn ends(self) -> bool {
        matches!(self, Self::Ends(..))
    }

    /// The verdict in words.
    fn verdict(self) -> String {
        match self {
            Self::Names(status) => status.to_string(),
            Self::Spares(status, why) => format!("{status} instead of 400: {why}"),
            Self::Chooses(status, why) => format!("{status}: {why}"),
            Self::Ignored(why) => format!("no answer: {why}"),
            Self::Ends(Some(status), why) => format!("{status} and the end: {why}"),
            Self::Ends(None, why) => format!("the end: {why}"),
        }
    }
}

impl Torment {
    fn telling(mut self, header: &'static str, text: &'static str) -> Self {
        self.tells.push((header, text));
        self
    }

    /// What is wrong with what came of it, if anything.
    fn judge(&self, came: &[Message], ended: bool) -> Result<(), String> {
        let statuses: Vec<u16> = came.iter().map(Message::status).collect();
        let wanted: Vec<u16> = self.then.status().into_iter().collect();
        if statuses != wanted || ended != self.then.ends() {
            let came: String = came.iter().map(Message::text).collect();
            return Err(format!("ended: {ended}; came:\n{came}"));
        }
        let Some(answer) = came.first() else {
            return Ok(());
        };
        // What cannot be read cannot be tagged.
        if ![400, 505].contains(&answer.status())
            && let Some(fault) = answer.fault()
        {
            return Err(fault);
        }
        let sent = letter::call_id(&self.octets);
        if answer.header("Call-ID").map(str::to_owned) != sent {
            return Err(format!("another Call-ID than {sent:?}:\n{}", answer.text()));
        }
        for (header, text) in &self.tells {
            if !answer.all(header).any(|value| value.contains(text)) {
                return Err(format!("{header} lacks {text}:\n{}", answer.text()));
            }
        }
        Ok(())
    }
}

/// A body of SDP, which this server takes from nobody.
const SDP: &[u8] =
    b"v=0\r\no=caller 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\n\
                     m=audio 49217 RTP/AVP 0 12\r\na=rtpmap:0 PCMU/8000\r\n";

fn serving() -> Server {
    Server::with(|settings| {
        settings.phones.udp = Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
        settings
            .clients
            .trusted
            .push(Trusted::try_from("127.0.0.1".to_owned()).unwrap());
        settings.limits.message_time = Duration::from_millis(300);
    })
}

/// The answers to a message and whether the connection ended after them, or else served on: an OPTIONS is sent behind the
/// message. Both may be answered in any order, so as many answers are waited for as there must be.
async fn by_stream(
    address: SocketAddr,
    octets: &[u8],
    phone: Option<&str>,
    then: Then,
) -> (Vec<Message>, bool) {
    let mut line = Line::to(address).await;
    let mut seen = Seen::new(then);
    line.write(octets).await;
    if let Some(mac) = phone {
        let challenged = line.answer().await.expect(401);
        line.write(letter::authorized(octets, &challenged, mac))
            .await;
    }
    if !then.ends() {
        line.write(&seen.after).await;
    }
    while !seen.all() {
        match line.frame().await {
            Some(Frame::Message(answer)) => seen.note(answer),
            Some(Frame::KeepAlive) => panic!("nobody asked for a keep-alive"),
            None => return (seen.came, true),
        }
    }
    (seen.came, false)
}

/// The same by datagrams, where nothing ends.
async fn by_datagram(address: SocketAddr, octets: &[u8], then: Then) -> (Vec<Message>, bool) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(address).await.unwrap();
    let mut seen = Seen::new(then);
    socket.send(octets).await.unwrap();
    socket.send(&seen.after).await.unwrap();
    while !seen.all() {
        let mut datagram = BytesMut::with_capacity(65_536);
        timeout(PATIENCE, socket.recv_buf(&mut datagram))
            .await
            .expect("a datagram within the patience of a test")
            .unwrap();
        match sip::frame(&mut datagram).unwrap() {
            Some(Frame::Message(answer)) => seen.note(answer),
            other => panic!("a datagram that is no answer: {other:?}"),
        }
    }
    (seen.came, false)
}

/// What came so far.
struct Seen {
    then: Then,
    /// The OPTIONS that is sent behind the message.
    after: Vec<u8>,
    answered: bool,
    came: Vec<Message>,
}

impl Seen {
    fn new(then: Then) -> Self {
        let after = letter::octets(
            "OPTIONS sip:127.0.0.1 SIP/2.0\nVia: SIP/2.0/TCP 127.0.0.1:9;rport;branch=z9hG4bKafter",
            b"",
        );
        Self {
            then,
            after,
            answered: false,
            came: Vec::new(),
        }
    }

    fn note(&mut self, answer: Message) {
        // A phone that has logged on is asked for a session.
        if answer.status() == 0 {
            return;
        }
        if answer.header("Call-ID") == letter::call_id(&self.after).as_deref() {
            self.answered = true;
        } else {
            self.came.push(answer);
        }
    }

    fn all(&self) -> bool {
        self.answered && self.came.len() >= usize::from(self.then.status().is_some())
    }
}

async fn suffer(server: &Server, bystander: &mut Session, torment: &Torment) -> Result<(), String> {
    let (octets, then) = (&torment.octets, torment.then);
    let phones = server.addresses.phones_tcp.unwrap();
    let clients = server.addresses.clients_tcp.unwrap();
    let (came, ended) = match torment.door {
        Door::Phones => by_stream(phones, octets, None, then).await,
        Door::Phone(mac) => by_stream(phones, octets, Some(mac), then).await,
        Door::Front => by_stream(clients, octets, None, then).await,
        Door::Datagram => by_datagram(server.addresses.phones_udp.unwrap(), octets, then).await,
    };
    // The phone and its client go on as if nothing had been.
    bystander.done("GetDoNotDisturb", "").await;
    torment.judge(&came, ended)
}

#[tokio::test]
async fn rfc_4475_and_rfc_5118_messages_get_the_expected_answers() {
    let table: Vec<Torment> = [
        valid::table(),
        invalid::table(),
        layers::table(),
        ipv6::table(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sections = |rfc: &str| -> BTreeSet<&str> {
        let all = table.iter().map(|torment| torment.section);
        all.filter(|section| section.starts_with(rfc)).collect()
    };
    assert_eq!((sections("4475").len(), sections("5118").len()), (49, 12));

    let server = serving();
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut bystander = server.client().await.open(phone.line()).await;
    let mut wrong = Vec::new();
    let (mut named, mut exact) = (BTreeSet::new(), BTreeSet::new());
    for torment in &table {
        let (section, peculiar) = (torment.section, torment.peculiar);
        let line = format!("RFC {section}, {peculiar}: {}", torment.then.verdict());
        println!("{line}");
        let judged = suffer(&server, &mut bystander, torment).await;
        match torment.then {
            Then::Names(_) | Then::Ends(Some(_), _) if judged.is_ok() => {
                named.insert(section);
                exact.insert(section);
            }
            Then::Names(_) | Then::Ends(Some(_), _) | Then::Spares(..) => {
                named.insert(section);
            }
            Then::Chooses(..) | Then::Ignored(_) | Then::Ends(None, _) => {}
        }
        if let Err(why) = judged {
            wrong.push(format!("{line}\nbut {why}"));
        }
    }
    println!(
        "{} messages for the {} sections of RFC 4475 and RFC 5118, {} right; the RFCs name a status in {}, given exactly in {}",
        table.len(),
        49 + 12,
        table.len() - wrong.len(),
        named.len(),
        exact.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!((named.len(), exact.len()), (44, 40));
}

/// RFC 4475, section 3.2.1; RFC 3261, section 17.2.3: a branch that says nothing makes no two requests one.
#[tokio::test]
async fn requests_with_a_bare_magic_cookie_branch_are_distinguished() {
    let server = serving();
    let mut line = Line::to(server.addresses.clients_tcp.unwrap()).await;
    for via in [
        "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK",
        "SIP/2.0/TCP 192.0.2.1",
    ] {
        for _ in 0..3 {
            let invite = letter::octets(
                &format!(
                    "INVITE sip:a@example.com SIP/2.0\nVia: {via}\nContent-Type: application/sdp"
                ),
                SDP,
            );
            line.write(&invite).await;
            let refused = line.answer().await.expect(415);
            assert_eq!(
                refused.header("Call-ID").map(str::to_owned),
                letter::call_id(&invite)
            );
        }
    }
}

/// RFC 4475, section 3.3.14; RFC 3261, section 19.1.5: whoever registers a Route does not choose where the server sends.
#[tokio::test]
async fn header_in_a_contact_uri_is_omitted_from_requests() {
    let server = serving();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    let register = letter::octets(
        "REGISTER sip:example.com SIP/2.0\nTo: <sip:000413000049@example.com>\n\
         Contact: <sip:user@host.example.com;line=1?Route=%3Csip:sip.example.com%3E>",
        b"",
    );
    line.write(&register).await;
    let challenged = line.answer().await.expect(401);
    line.write(letter::authorized(&register, &challenged, "000413000049"))
        .await;
    line.answer().await.expect(200);
    let invite = line.answer().await;
    assert_eq!(
        invite.start,
        "INVITE sip:user@host.example.com;line=1 SIP/2.0"
    );
    assert_eq!(invite.header("Route"), None);
}
