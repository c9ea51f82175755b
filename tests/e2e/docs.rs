//! Plays the dialogues of docs/clients.md against the server, word by word.

use std::{collections::HashMap, net::SocketAddr};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{
    PATIENCE,
    csta::Call,
    cti_client::Session,
    digest::{Account, Challenge},
    phone::Phone,
    server::{CLIENTS_PASSWORD, Server},
    sip::{Frame, Message, frame},
};

const PAGE: &str = include_str!("../../docs/clients.md");
/// The server and the client as the page calls them.
const ADDRESSES: [&str; 2] = ["192.0.2.1:5070", "192.0.2.10:49152"];
/// What comes before a value that no page can foretell, and what ends it.
const VALUES: [(&str, &str); 7] = [
    ("<callID>dialling-", "<"),
    ("tag=", ";>\r\n"),
    ("branch=", ";\r\n"),
    ("nonce=\"", "\""),
    ("<monitorCrossRefID>", "<"),
    ("<serviceCrossRefID>", "<"),
    ("<sysStatRegisterID>", "<"),
];

/// One turn of a dialogue: who, and the text or the stage direction.
struct Turn {
    who: String,
    text: String,
}

/// What the page's values are in this run.
#[derive(Default)]
struct Known(HashMap<String, String>);

impl Known {
    /// The text as this run has it.
    fn here(&self, text: &str) -> String {
        let text = ADDRESSES.iter().fold(text.to_owned(), |text, address| {
            match self.0.get(*address) {
                Some(here) => text.replace(address, here),
                None => text,
            }
        });
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((start, end)) = next_value(rest) {
            let value = &rest[start..end];
            out.push_str(&rest[..start]);
            out.push_str(self.0.get(value).map_or(value, String::as_str));
            rest = &rest[end..];
        }
        out + rest
    }

    /// What the server sent must be what the page says, but for the values, which are learnt from it.
    #[track_caller]
    fn check(&mut self, page: &str, sent: &str) {
        let told = self.here(page);
        let (mut page, mut here) = (told.as_str(), sent);
        let differ = |page: &str, here: &str| {
            panic!(
                "the page says:\n{told}\n\nthe server sent:\n{sent}\n\nthey part at:\n{page}\n\n{here}"
            )
        };
        loop {
            let values = (next_value(page), next_value(here));
            let (Some((from, to)), Some((start, end))) = values else {
                if page != here {
                    differ(page, here);
                }
                return;
            };
            if page[..from] != here[..start] {
                differ(page, here);
            }
            let (value, found) = (&page[from..to], &here[start..end]);
            // What the page calls one way is the same thing each time, and what is known by now has its own value already.
            let first = !self.0.contains_key(value) && !self.0.values().any(|known| known == value);
            if first {
                self.0.insert(value.to_owned(), found.to_owned());
            } else if value != found && self.0.get(value).is_none_or(|known| known != found) {
                differ(page, here);
            }
            (page, here) = (&page[to..], &here[end..]);
        }
    }
}

fn next_value(text: &str) -> Option<(usize, usize)> {
    let places = VALUES.iter().filter_map(|(before, after)| {
        let start = text.find(before)? + before.len();
        let length = text[start..].find(|c| after.contains(c));
        Some((start, start + length.unwrap_or(text.len() - start)))
    });
    places.min()
}

/// The turns of the dialogues in fences of that kind, by the headings above them.
fn dialogues(kind: &str) -> Vec<(&'static str, Vec<Turn>)> {
    let (mut found, mut title, mut within) = (Vec::new(), "", false);
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            title = heading;
        }
        if line == format!("```{kind}") {
            within = true;
            found.push((title, Vec::<Turn>::new()));
            continue;
        }
        within &= line != "```";
        let Some((_, turns)) = found.last_mut().filter(|_| within) else {
            continue;
        };
        if let Some(who) = line.strip_prefix("--- ") {
            turns.push(Turn {
                who: who.to_owned(),
                text: String::new(),
            });
        } else {
            let turn = turns.last_mut().expect("a turn begins with its speaker");
            turn.text.push_str(line);
            turn.text.push('\n');
        }
    }
    for (title, turns) in &mut found {
        assert!(turns.len() > 4, "{title} is no dialogue");
        for turn in turns {
            turn.text.truncate(turn.text.trim_end().len());
        }
    }
    found
}

/// Head and body of a message on the page, its lines as they go over the wire.
fn wired(text: &str) -> (String, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    (head.replace('\n', "\r\n"), body.to_owned())
}

/// A message of the server without its Content-Length, which depends on the values in it; the lines of its head sorted.
fn comparable(head: &str, body: &str) -> String {
    let (start, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut headers: Vec<&str> = headers
        .split("\r\n")
        .filter(|line| !line.starts_with("Content-Length:"))
        .collect();
    headers.sort_unstable();
    format!("{start}\r\n{}\r\n\r\n{body}", headers.join("\r\n"))
}

async fn stage() -> (Server, Phone) {
    let server = Server::with(|settings| {
        settings.phones.pickup = "*8{number}".to_owned();
        settings.clients.accounts.push(uacsta_config::Account {
            user: "mobile".to_owned(),
            password: CLIENTS_PASSWORD.into(),
            lines: vec!["215".to_owned()],
            control: true,
            numbers: vec!["+49170123456".to_owned()],
        });
        settings.clients.accounts.push(uacsta_config::Account {
            user: "board".to_owned(),
            password: CLIENTS_PASSWORD.into(),
            lines: vec!["215".to_owned()],
            control: false,
            numbers: Vec::new(),
        });
    });
    let phone = phone(&server, "215");
    phone.start().await;
    (server, phone)
}

fn phone(server: &Server, extension: &str) -> Phone {
    server.phone_as(&format!("000413000{extension}"), |setup| {
        setup.identities = vec![format!("sip:{extension}@pbx.example")];
    })
}

/// `the phone of 215 reports EstablishedEvent of call -12 to 216`, `a phone with line 300 registers`.
async fn directed(server: &Server, phone: &Phone, direction: &str) {
    let words: Vec<&str> = direction.split_whitespace().collect();
    match words[..] {
        [
            "the",
            "phone",
            "of",
            "215",
            "reports",
            event,
            "of",
            "call",
            id,
            "to",
            called,
        ] => {
            let called = format!("sip:{called}@pbx.example");
            let call = Call::seen_by(phone.line(), id, phone.line(), &called);
            let document = match event {
                "OriginatedEvent" => call.originated(),
                "DeliveredEvent" => call.delivered(),
                "EstablishedEvent" => call.established(),
                "ConnectionClearedEvent" => call.cleared(),
                _ => panic!("no phone reports {event}"),
            };
            phone.event(&document).await.expect(200);
        }
        ["the", "phone", "of", "215", "hears", service] => {
            phone.until_received(service, 1).await;
        }
        ["a", "phone", "with", "line", line, "registers"] => {
            self::phone(server, line).start().await;
        }
        _ => panic!("nobody knows how to play: {direction}"),
    }
}

#[tokio::test]
async fn documented_dialogues_match_the_server() {
    for (title, turns) in dialogues("sip") {
        println!("playing: {title}");
        let (server, phone) = stage().await;
        let address = server.addresses.clients_tcp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut known = Known::default();
        let ours = stream.local_addr().unwrap();
        for (page, here) in ADDRESSES.iter().zip([address, ours]) {
            known.0.insert((*page).to_owned(), here.to_string());
        }
        let (mut buffer, mut challenges) = (BytesMut::new(), Vec::new());
        for turn in &turns {
            match turn.who.as_str() {
                "client" => {
                    let text = speak(&turn.text, &known, &challenges, address);
                    stream.write_all(text.as_bytes()).await.unwrap();
                }
                "server" => {
                    let (head, body) = wired(&turn.text);
                    let sent = next_message(&mut stream, &mut buffer).await;
                    let (sent_head, sent_body) = sent.split_once("\r\n\r\n").unwrap();
                    challenges.extend(challenge(&head).zip(challenge(sent_head)));
                    known.check(&comparable(&head, &body), &comparable(sent_head, sent_body));
                }
                direction => directed(&server, &phone, direction).await,
            }
        }
    }
}

/// The first challenge of a 401.
fn challenge(head: &str) -> Option<Challenge> {
    let mut lines = head.split("\r\n");
    Challenge::read(lines.find_map(|line| line.strip_prefix("WWW-Authenticate: "))?)
}

/// What the client sends in this run: with this run's values, its credentials and its length.
fn speak(
    text: &str,
    known: &Known,
    challenges: &[(Challenge, Challenge)],
    server: SocketAddr,
) -> String {
    let (page, body) = wired(text);
    let (mut head, body) = (known.here(&page), known.here(&body));
    let lines: Vec<&str> = page.split("\r\n").collect();
    let written = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
    if let Some(length) = written("Content-Length: ") {
        let (_, body) = wired(text);
        assert_eq!(length, body.len().to_string(), "the length of:\n{text}");
        head = head.replace(
            &format!("Content-Length: {length}"),
            &format!("Content-Length: {}", known.here(&body).len()),
        );
    }
    if let Some(credentials) = written("Authorization: ") {
        let (on_page, here) = challenges.last().expect("a 401 comes before credentials");
        let mut words = lines[0].split(' ');
        let (method, uri) = (words.next().unwrap(), words.next().unwrap());
        let user = credentials.split("username=\"").nth(1);
        let user = user.and_then(|rest| rest.split('"').next());
        let account = Account::new(user.expect("credentials name a user"), CLIENTS_PASSWORD);
        on_page
            .verify(credentials, method, &account)
            .unwrap_or_else(|fault| {
                let right = on_page.answer(method, uri, &account, 1);
                panic!("{fault}; this would be right:\nAuthorization: {right}")
            });
        let uri = uri.replace(ADDRESSES[0], &server.to_string());
        let own = here.answer(method, &uri, &account, 1);
        let line = format!("Authorization: {}", known.here(credentials));
        head = head.replace(&line, &format!("Authorization: {own}"));
    }
    format!("{head}\r\n\r\n{body}")
}

async fn next_message(stream: &mut TcpStream, buffer: &mut BytesMut) -> String {
    loop {
        if let Some(Frame::Message(message)) = frame(buffer).unwrap() {
            return Message::text(&message);
        }
        let read = timeout(PATIENCE, stream.read_buf(buffer)).await;
        assert!(
            read.expect("a message in time").unwrap() > 0,
            "the server closed the connection"
        );
    }
}

#[tokio::test]
async fn documented_csta_documents_match_the_server() {
    for (title, turns) in dialogues("csta") {
        println!("playing: {title}");
        let (server, phone) = stage().await;
        let mut known = Known::default();
        let mut session: Option<Session> = None;
        let mut answers = None;
        for turn in &turns {
            let words: Vec<&str> = turn.who.split_whitespace().collect();
            match words[..] {
                ["client"] => {
                    let session = session.as_ref().expect("a session comes first");
                    let document = known.here(&turn.text);
                    answers = Some(session.info(document).await.expect(200).body);
                }
                ["server"] => {
                    let session = session.as_mut().expect("a session comes first");
                    let sent = match answers.take() {
                        Some(answer) => answer,
                        None => session.event().await.raw,
                    };
                    known.check(&turn.text, &sent);
                }
                [user, "opens", what, ..] => {
                    let client = server
                        .client_as(|setup| setup.account = Account::new(user, CLIENTS_PASSWORD))
                        .await;
                    session = Some(match what {
                        "the" => client.open_server().await,
                        line => client.open(line).await,
                    });
                }
                _ => directed(&server, &phone, &turn.who).await,
            }
        }
    }
}
