//! Failed contacts: a peer that was refused before it was a registered phone.

use std::{fmt, net::IpAddr};

use super::Code;
use crate::truncated::Truncated;

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
    /// The credentials are wrong, in words.
    WrongCredentials(&'static str),
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

    pub(super) fn detail(&self) -> String {
        let (from, why) = (self.from, self.fault.why());
        let is_repeated = self.times > 1;
        let times = match self.times {
            ..=1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        if self.fault.is_of_name() {
            let last = if is_repeated { ", last" } else { "" };
            format!("Its log-on failed {times}{last} from {from}: {why}.")
        } else {
            format!("A device at its last address, {from}, was refused {times}: {why}.")
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

    /// Whether the peer gave the phone's name; otherwise only its address is known.
    fn is_of_name(&self) -> bool {
        match self {
            Self::WrongPassword
            | Self::WrongCredentials(_)
            | Self::ClientsInterface
            | Self::RegisterRejected(_) => true,
            Self::WrongUserName { .. } | Self::Tls(..) | Self::WrongTransport { .. } => false,
        }
    }

    fn why(&self) -> String {
        match self {
            Self::WrongPassword => "the password is wrong".to_owned(),
            Self::WrongCredentials(why) => (*why).to_owned(),
            Self::ClientsInterface => "it registered on the clients' interface".to_owned(),
            Self::WrongUserName { user, is_client } => {
                let whose = match is_client {
                    true => "the name of a client",
                    false => "no name of a phone",
                };
                format!("it registered as \"{user}\", {whose}")
            }
            Self::RegisterRejected(why) | Self::Tls(_, why) => why.to_string(),
            Self::WrongTransport { is_tls: true } => "it speaks TLS on a TCP port".to_owned(),
            Self::WrongTransport { is_tls: false } => {
                "it speaks plain SIP on a TLS port".to_owned()
            }
        }
    }
}
