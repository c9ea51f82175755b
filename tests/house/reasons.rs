//! The reference of reasons: each code with its sentence and its remedy, as the server says them.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use uacsta::texts::Language;
use uacsta_actors::{
    auth::CredentialFault,
    reason::{Cause, Code, Contact, ContactFault, TlsFault, Unanswered},
    sip::session::SessionEnd,
};
use uacsta_schema::sip::Status;

use crate::source::root;

/// The document with all reasons.
const REFERENCE: &str = "docs/reference/reasons.md";

/// A contact that failed so often.
fn contact(times: u32, fault: ContactFault) -> Cause {
    Cause::Contact(Contact {
        fault,
        times,
        from: IpAddr::from([10, 0, 0, 7]),
    })
}

fn rejected(code: u16, is_lasting: bool) -> Cause {
    Cause::Rejected {
        status: Status::new(code).unwrap(),
        error: None,
        is_lasting,
    }
}

fn tls(times: u32, fault: TlsFault, why: &str) -> Cause {
    contact(times, ContactFault::Tls(fault, why.into()))
}

/// The cause in the reference's sentence for a code.
fn example(code: Code) -> Cause {
    let address = |last| SocketAddr::from(([10, 0, 0, last], 5060));
    match code {
        Code::NotInOperation => Cause::NotInOperation,
        Code::ServiceStopped => Cause::ServiceStopped,
        Code::NeverRegistered => Cause::NeverRegistered,
        Code::NotSinceStart => Cause::NotSinceStart,
        Code::LoggedOff => Cause::LoggedOff,
        Code::RegistrationLapsed => Cause::RegistrationLapsed,
        Code::ConnectionLost => Cause::ConnectionLost("the peer closed the connection".into()),
        Code::WrongPassword => contact(3, ContactFault::WrongPassword),
        Code::WrongCredentials => contact(
            1,
            ContactFault::WrongCredentials(CredentialFault::Algorithm),
        ),
        Code::ClientsInterface => contact(1, ContactFault::ClientsInterface),
        Code::WrongUserName => {
            let (user, is_client) = ("ecsta".into(), true);
            contact(3, ContactFault::WrongUserName { user, is_client })
        }
        Code::RegisterRejected => {
            contact(1, ContactFault::rejected(&"Contact: * needs Expires: 0"))
        }
        Code::TlsTooOld => tls(3, TlsFault::TooOld, "the peer offers TLS 1.1 or older only"),
        Code::CertificateNotTrusted => tls(
            3,
            TlsFault::ServerCertificate,
            "the peer does not trust the authority of the server's certificate (unknown CA)",
        ),
        Code::PhoneCertificateRefused => tls(
            1,
            TlsFault::PhoneCertificate,
            "the peer sent no certificate, and phones.require_certificate requires one signed by phones.trusted_authority",
        ),
        Code::TlsFailed => tls(1, TlsFault::Other, "the peer does not speak TLS"),
        Code::WrongTransport => contact(1, ContactFault::WrongTransport { is_tls: false }),
        Code::SameName => Cause::SameName([address(7), address(8)]),
        Code::SameNumber => Cause::SameNumber {
            line: "sip:215@pbx.example".into(),
            other: "000413000002".parse().unwrap(),
        },
        _ => of_session(code),
    }
}

/// The same for the codes of registered phones.
fn of_session(code: Code) -> Cause {
    match code {
        Code::NoLicence => Cause::NoLicence,
        Code::Opening => Cause::Opening,
        Code::CstaRefused => rejected(488, true),
        Code::NotReady => rejected(486, false),
        Code::ServerNotTrusted => rejected(401, false),
        Code::Rings => Cause::Rings,
        Code::NoCsta => Cause::NoCsta("its 200 to the INVITE establishes no dialog".into()),
        Code::NoAnswer => Cause::NoAnswer {
            to: Unanswered::KeepAlive,
            proxy: Status::new(477),
        },
        Code::PhoneOutOfService => Cause::PhoneOutOfService("initializing".into()),
        Code::SessionLost => Cause::SessionLost(SessionEnd::Bye),
        Code::RequestTooLarge => Cause::RequestTooLarge,
        other => panic!("{other:?} has no example here"),
    }
}

#[test]
fn reference_has_all_reasons_with_sentence_and_remedy() {
    let reference = std::fs::read_to_string(root().join(REFERENCE)).unwrap();
    let rows: Vec<&str> = reference
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<String> = Code::ALL
        .into_iter()
        .map(|code| {
            let cause = example(code);
            assert_eq!(cause.code(), code);
            let english = Language::English;
            let (detail, remedy) = (english.reason(&cause), english.remedy(code));
            format!("| `{}` | {detail} | {remedy} |", code.name())
        })
        .collect();
    for row in &expected {
        assert!(rows.contains(&row.as_str()), "not in {REFERENCE}: {row}");
    }
    for row in &rows {
        let is_known = expected.iter().any(|expected| expected == row);
        assert!(is_known, "in {REFERENCE}, but not said: {row}");
    }
}

#[test]
fn every_reason_has_sentences_in_every_language() {
    for code in Code::ALL {
        let cause = example(code);
        let facts: Vec<String> = cause
            .facts()
            .iter()
            .map(|(_, fact)| fact.to_string())
            .collect();
        let mut said = HashSet::new();
        for language in Language::ALL {
            for text in [language.reason(&cause), language.remedy(code)] {
                assert!(text.ends_with('.'), "{text}");
                assert!(
                    said.insert(text.clone()),
                    "the same in two languages: {text}"
                );
            }
            let text = language.reason(&cause);
            for address in facts.iter().filter(|fact| fact.starts_with("10.0.0.")) {
                assert!(text.contains(address.as_str()), "{text}");
            }
        }
    }
}
