//! Tests that written typed messages round-trip and are valid against the schemas of ECMA-323.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

mod devices;
mod messages;
mod properties;
mod validity;

use uacsta_schema::csta::*;

pub(crate) fn speeches() -> Vec<Dialect> {
    let with = |prefix: Option<&str>| {
        Edition::ALL.map(|edition| Dialect {
            edition,
            prefix: prefix.map(Box::from),
            ..Dialect::default()
        })
    };
    [with(None), with(Some("csta"))].concat()
}

/// Each typed message with every member, and with mandatory members only.
pub(crate) fn all() -> impl Iterator<Item = Message> {
    let full = messages::full().into_iter().chain(devices::full());
    full.chain(messages::bare())
}

/// The message without members and values that only the sixth edition has.
fn without_newer(message: Message) -> Message {
    match message {
        Message::Request(Request::MakeCall(request)) => MakeCall {
            reason: None,
            ..request
        }
        .into(),
        Message::Request(Request::ClearCall(request)) => ClearCall {
            reason: None,
            ..request
        }
        .into(),
        Message::Request(Request::SetForwarding(request)) => SetForwarding {
            ring_duration: None,
            ..request
        }
        .into(),
        Message::Response(Response::GetForwardingResponse(mut response)) => {
            for item in response.forwarding_list.iter_mut().flatten() {
                item.ring_duration = None;
            }
            response.into()
        }
        Message::Event(mut reported) => {
            match &mut reported.event {
                Event::ForwardingEvent(event) => event.ring_duration = None,
                Event::ServiceInitiatedEvent(event) => event.called_device = None,
                _ => {}
            }
            reported.into()
        }
        other => other,
    }
}

#[test]
fn written_messages_round_trip() {
    for dialect in speeches() {
        for message in all() {
            let bytes = write(&message, &dialect);
            let document = Document::read(bytes.clone()).unwrap();
            let message = if dialect.edition < Edition::Ed6 {
                without_newer(message)
            } else {
                message
            };
            assert_eq!(
                document.message().unwrap(),
                message,
                "{}",
                String::from_utf8_lossy(&bytes)
            );
            assert_eq!(document.dialect(), dialect);
            assert_ne!(document.kind(), Kind::Unknown, "{}", document.name());
        }
    }
}

/// Every typed message is a seed for fuzzing; `UACSTA_SEEDS=1 cargo test -p uacsta-schema --test csta seed` rewrites them.
#[test]
#[allow(clippy::disallowed_methods, reason = "seeds are files")]
fn each_typed_message_is_a_seed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/csta_read");
    let mut seen = std::collections::HashMap::new();
    for message in messages::full().into_iter().chain(devices::full()) {
        let document = write(&message, &Edition::Ed6.into());
        let name = message.name();
        let number = seen.entry(name.to_owned()).or_insert(0);
        *number += 1;
        let name = match *number {
            1 => format!("{name}.xml"),
            further => format!("{name}{further}.xml"),
        };
        let seed = folder.join(name);
        if std::env::var_os("UACSTA_SEEDS").is_some() {
            std::fs::write(&seed, &document).unwrap();
        }
        assert_eq!(
            std::fs::read(&seed).unwrap_or_default().as_slice(),
            &document[..],
            "{} differs from this message; rewrite the seeds with UACSTA_SEEDS=1",
            seed.display()
        );
    }
}
