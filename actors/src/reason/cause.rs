//! The causes why a phone is not controlled, each with its facts.

use std::net::SocketAddr;

use uacsta_schema::{phone_id::PhoneId, sip::Status};

use super::{Code, Contact, Facts};
use crate::sip::session::SessionEnd;

/// Why a phone is not controlled, or a line of it is ambiguous.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// An operator switched it off.
    NotInOperation,
    /// An operator stopped the service.
    ServiceStopped,
    /// It is listed, and was never there.
    NeverRegistered,
    /// It was there before the server started.
    NotSinceStart,
    /// It removed its registration.
    LoggedOff,
    /// It did not refresh its registration.
    RegistrationLapsed,
    /// Its connection ended, in words.
    ConnectionLost(Box<str>),
    /// It is away, and was refused when it tried to come.
    Contact(Contact),
    /// Two devices register with its name, from these addresses in turn.
    SameName([SocketAddr; 2]),
    /// Another phone has one of its lines.
    SameNumber {
        /// The line.
        line: Box<str>,
        /// The other phone.
        other: PhoneId,
    },
    /// No licence is free.
    NoLicence,
    /// Its session is being opened.
    Opening,
    /// It rejected the session.
    Rejected {
        /// The status of its response.
        status: Status,
        /// The CSTA error in its response, in words.
        error: Option<Box<str>>,
        /// Whether the rejection will not pass by itself.
        is_lasting: bool,
    },
    /// It rang on the INVITE.
    Rings,
    /// It accepted the session, but does not speak CSTA, in words.
    NoCsta(Box<str>),
    /// It does not answer.
    NoAnswer {
        /// The request.
        to: Unanswered,
        /// The status with which a proxy answered in its place.
        proxy: Option<Status>,
    },
    /// Its system status.
    PhoneOutOfService(Box<str>),
    /// The session ended.
    SessionLost(SessionEnd),
    /// The INVITE does not fit into a datagram.
    RequestTooLarge,
}

/// A request that a phone did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unanswered {
    /// The INVITE that opens the session.
    Invite,
    /// The keep-alive in the session.
    KeepAlive,
}

impl Cause {
    /// The kind of the cause.
    pub fn code(&self) -> Code {
        match self {
            Self::NotInOperation => Code::NotInOperation,
            Self::ServiceStopped => Code::ServiceStopped,
            Self::NeverRegistered => Code::NeverRegistered,
            Self::NotSinceStart => Code::NotSinceStart,
            Self::LoggedOff => Code::LoggedOff,
            Self::RegistrationLapsed => Code::RegistrationLapsed,
            Self::ConnectionLost(_) => Code::ConnectionLost,
            Self::Contact(contact) => contact.fault.code(),
            Self::SameName(_) => Code::SameName,
            Self::SameNumber { .. } => Code::SameNumber,
            Self::NoLicence => Code::NoLicence,
            Self::Opening => Code::Opening,
            Self::Rejected { status, .. } if is_challenge(*status) => Code::ServerNotTrusted,
            Self::Rejected {
                is_lasting: true, ..
            } => Code::CstaRefused,
            Self::Rejected {
                is_lasting: false, ..
            } => Code::NotReady,
            Self::Rings => Code::Rings,
            Self::NoCsta(_) => Code::NoCsta,
            Self::NoAnswer { .. } => Code::NoAnswer,
            Self::PhoneOutOfService(_) => Code::PhoneOutOfService,
            Self::SessionLost(_) => Code::SessionLost,
            Self::RequestTooLarge => Code::RequestTooLarge,
        }
    }

    /// What a text of its code says besides.
    pub fn facts(&self) -> Facts {
        let none = Facts::default();
        match self {
            Self::NotInOperation
            | Self::ServiceStopped
            | Self::NeverRegistered
            | Self::NotSinceStart
            | Self::LoggedOff
            | Self::RegistrationLapsed
            | Self::NoLicence
            | Self::Opening
            | Self::Rings
            | Self::RequestTooLarge => none,
            Self::Contact(contact) => contact.facts(),
            Self::ConnectionLost(why) | Self::NoCsta(why) => none.with("why", why),
            Self::SameName([one, other]) => none.with("one", one).with("other", other),
            Self::SameNumber { line, other } => none.with("line", line).with("other", other),
            Self::Rejected { status, error, .. } => none
                .with("status", status)
                .with("error", error.as_deref().unwrap_or(NONE)),
            Self::NoAnswer { to, proxy } => {
                let request = match to {
                    Unanswered::Invite => "invite",
                    Unanswered::KeepAlive => "keepAlive",
                };
                let facts = none.with("request", request);
                match proxy {
                    Some(status) => facts.with("proxy", status),
                    None => facts.with("proxy", NONE),
                }
            }
            Self::PhoneOutOfService(status) => none.with("status", status),
            Self::SessionLost(end) => none.with("end", end.name()),
        }
    }
}

/// A fact that a cause may have and has not.
const NONE: &str = "none";

/// Whether a response asks for other credentials.
fn is_challenge(status: Status) -> bool {
    [Status::UNAUTHORIZED, Status::PROXY_AUTHENTICATION_REQUIRED].contains(&status)
}
