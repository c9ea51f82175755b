//! The causes why a phone is not controlled, each with its facts.

use std::net::SocketAddr;

use uacsta_schema::{phone_id::PhoneId, sip::Status};

use super::{Code, Contact};
use crate::sip::session::SessionEnd;

/// Why a phone is not controlled, or a line of it is ambiguous.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// An operator switched it off.
    NotInOperation,
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

    /// What to do.
    pub fn remedy(&self) -> &'static str {
        self.code().remedy()
    }

    /// The sentence with the facts.
    pub fn detail(&self) -> String {
        let fixed = match self {
            Self::NotInOperation => "An operator switched the phone off.",
            Self::NeverRegistered => "The phone is listed, but has never registered.",
            Self::NotSinceStart => "The phone has not registered since the server started.",
            Self::LoggedOff => "The phone logged off.",
            Self::RegistrationLapsed => "The phone did not refresh its registration in time.",
            Self::NoLicence => "There is no free licence for the phone.",
            Self::Opening => "The server is opening the CSTA session with the phone.",
            Self::Rings => "The phone rang on the CSTA INVITE, which the server cancelled.",
            Self::RequestTooLarge => "The CSTA INVITE is too large for a datagram.",
            Self::Contact(contact) => return contact.detail(),
            Self::ConnectionLost(why) => {
                return format!("The phone's connection was lost: {why}.");
            }
            Self::SameName([one, other]) => {
                return format!(
                    "Two devices register with this name in turn, from {one} and from {other}."
                );
            }
            Self::SameNumber { line, other } => {
                return format!(
                    "{line} is also a line of {other}, so that a client's request is for neither."
                );
            }
            Self::Rejected {
                status,
                error,
                is_lasting,
            } => {
                return rejected(*status, error.as_deref(), *is_lasting);
            }
            Self::NoCsta(why) => {
                return format!("The phone accepted the session, but does not speak CSTA: {why}.");
            }
            Self::NoAnswer { to, proxy } => {
                let to = match to {
                    Unanswered::Invite => "CSTA INVITE",
                    Unanswered::KeepAlive => "keep-alive",
                };
                return match proxy {
                    Some(status) => {
                        format!("The phone did not answer the {to}, but a proxy did with {status}.")
                    }
                    None => format!("The phone did not answer the {to}."),
                };
            }
            Self::PhoneOutOfService(status) => {
                return format!("The phone performs no requests: its system status is {status}.");
            }
            Self::SessionLost(end) => return format!("The CSTA session ended: {end}."),
        };
        fixed.to_owned()
    }
}

/// Whether a response asks for other credentials.
fn is_challenge(status: Status) -> bool {
    [Status::UNAUTHORIZED, Status::PROXY_AUTHENTICATION_REQUIRED].contains(&status)
}

fn rejected(status: Status, error: Option<&str>, is_lasting: bool) -> String {
    let now = if is_lasting { "" } else { " for now" };
    let error = error.map_or_else(String::new, |error| format!(" ({error})"));
    format!("The phone rejected the CSTA session{now} with {status}{error}.")
}
