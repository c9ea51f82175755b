//! Failed contacts: a peer that was refused before it was a registered phone.

use std::{fmt, net::IpAddr};

use super::{Code, Facts};
use crate::{auth::CredentialFault, truncated::Truncated};

/// The refusals of a phone's contacts: of its name, or of its address where the peer gave no name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact {
    /// The last fault.
    pub fault: ContactFault,
    /// How often it happened.
    pub times: u32,
    /// Where it happened last.
    pub from: IpAddr,
}

/// Why a contact was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContactFault {
    /// The password is wrong.
    WrongPassword,
    /// The credentials are wrong otherwise.
    WrongCredentials(CredentialFault),
    /// A phone registered on the clients' interface.
    ClientsInterface,
    /// The user of a REGISTER, which is no name of a phone.
    WrongUserName {
        /// The user.
        user: Box<str>,
        /// Whether a client has this name.
        is_client: bool,
    },
    /// The registrar rejected the REGISTER, in words.
    RegisterRejected(Box<str>),
    /// The TLS handshake failed, in words.
    Tls(TlsFault, Box<str>),
    /// The peer speaks TLS on a TCP port; otherwise SIP on a TLS port.
    WrongTransport {
        /// Whether it speaks TLS.
        is_tls: bool,
    },
}

/// What a failed TLS handshake says about the phone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsFault {
    /// It knows only versions or algorithms that are not secure.
    TooOld,
    /// It does not accept the server's certificate.
    ServerCertificate,
    /// Its own certificate is missing or not valid.
    PhoneCertificate,
    /// Anything else.
    Other,
}

impl Contact {
    /// A first contact that failed.
    pub fn new(fault: ContactFault, from: IpAddr) -> Self {
        Self {
            fault,
            times: 1,
            from,
        }
    }

    /// Counts the former contacts that failed in the same way.
    #[must_use]
    pub fn after(self, former: Option<&Self>) -> Self {
        let former = former.filter(|former| former.fault.code() == self.fault.code());
        let times = former.map_or(0, |former| former.times);
        Self {
            times: times.saturating_add(self.times),
            ..self
        }
    }

    pub(super) fn facts(&self) -> Facts {
        let facts = Facts::default()
            .with("from", self.from)
            .with_number("times", self.times);
        match &self.fault {
            ContactFault::WrongPassword | ContactFault::ClientsInterface => facts,
            ContactFault::WrongCredentials(fault) => facts.with("fault", fault.name()),
            ContactFault::WrongUserName { user, is_client } => {
                let whose = if *is_client { "client" } else { "nobody" };
                facts.with("user", user).with("whose", whose)
            }
            ContactFault::RegisterRejected(why) | ContactFault::Tls(_, why) => {
                facts.with("why", why)
            }
            ContactFault::WrongTransport { is_tls } => {
                facts.with("spoken", if *is_tls { "tls" } else { "sip" })
            }
        }
    }
}

impl ContactFault {
    /// A rejected REGISTER.
    pub fn rejected(why: &impl fmt::Display) -> Self {
        let why = why.to_string();
        Self::RegisterRejected(Truncated(&why).to_string().into())
    }

    /// The code of the cause.
    pub fn code(&self) -> Code {
        match self {
            Self::WrongPassword => Code::WrongPassword,
            Self::WrongCredentials(_) => Code::WrongCredentials,
            Self::ClientsInterface => Code::ClientsInterface,
            Self::WrongUserName { .. } => Code::WrongUserName,
            Self::RegisterRejected(_) => Code::RegisterRejected,
            Self::Tls(TlsFault::TooOld, _) => Code::TlsTooOld,
            Self::Tls(TlsFault::ServerCertificate, _) => Code::CertificateNotTrusted,
            Self::Tls(TlsFault::PhoneCertificate, _) => Code::PhoneCertificateRefused,
            Self::Tls(TlsFault::Other, _) => Code::TlsFailed,
            Self::WrongTransport { .. } => Code::WrongTransport,
        }
    }
}
