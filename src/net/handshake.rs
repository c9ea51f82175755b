//! Explains failed TLS handshakes to operators (RFC 5246, section 7.2; RFC 8446, section 6).

use std::{
    borrow::Cow,
    fmt::{self, Display},
    io,
};

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};
use uacsta_actors::reason::{ContactFault, TlsFault};

use super::{Side, protocol_mismatch::ProtocolMismatch};

/// A failed handshake: what went wrong, and what to do about it.
#[derive(Debug)]
pub(super) struct HandshakeFailure {
    fault: TlsFault,
    why: Cow<'static, str>,
    remedy: Option<Cow<'static, str>>,
    mismatch: Option<ProtocolMismatch>,
}

impl HandshakeFailure {
    fn new(fault: TlsFault, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            fault,
            why: why.into(),
            remedy: None,
            mismatch: None,
        }
    }

    fn remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// The handshake took longer than it may.
    pub(super) fn too_slow() -> Self {
        Self::new(TlsFault::Other, "not complete within limits.tls_handshake")
    }

    /// What went wrong with a peer of this side.
    pub(super) fn of(error: &io::Error, side: Side) -> Self {
        let inner = error.get_ref();
        let mismatch = inner.and_then(|inner| inner.downcast_ref::<ProtocolMismatch>());
        if let Some(mismatch) = mismatch {
            return Self {
                mismatch: Some(*mismatch),
                ..Self::new(TlsFault::Other, mismatch.to_string())
            };
        }
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref()) {
            return of_tls(error, side);
        }
        match is_closed(error) {
            true => Self::new(
                TlsFault::ServerCertificate,
                "the peer closed the connection during the handshake, as port scanners do, and some phones that reject the server's certificate",
            ),
            false => Self::new(TlsFault::Other, error.to_string()),
        }
    }

    /// What it says about a phone; `None` if it is a fault of a front end.
    pub(super) fn fault(&self) -> Option<ContactFault> {
        match self.mismatch {
            Some(mismatch) => mismatch.fault(),
            None => Some(ContactFault::Tls(self.fault, (&*self.why).into())),
        }
    }
}

/// The reason, for the log.
impl Display for HandshakeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        match &self.remedy {
            Some(remedy) => write!(f, ": {remedy}"),
            None => Ok(()),
        }
    }
}

/// Whether the peer closed the connection.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

fn of_tls(error: &Error, side: Side) -> HandshakeFailure {
    match error {
        Error::PeerIncompatible(what) => of_offer(what),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidCertificate(reason) => {
            let side = match side {
                Side::Phones => "phones",
                Side::Clients => "clients",
            };
            HandshakeFailure::new(
                TlsFault::PhoneCertificate,
                format!(
                    "the peer's certificate is invalid ({reason}); {side}.trusted_authority must contain the authority that signed it"
                ),
            )
        }
        Error::NoCertificatesPresented => HandshakeFailure::new(
            TlsFault::PhoneCertificate,
            "the peer sent no certificate, and phones.require_certificate requires one signed by phones.trusted_authority",
        ),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            HandshakeFailure::new(TlsFault::Other, "the peer does not speak TLS")
        }
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => too_old(),
        Error::InvalidMessage(what) => HandshakeFailure::new(
            TlsFault::Other,
            format!("the peer sent invalid TLS ({what:?})"),
        ),
        error => HandshakeFailure::new(TlsFault::Other, error.to_string()),
    }
}

fn too_old() -> HandshakeFailure {
    HandshakeFailure::new(TlsFault::TooOld, "the peer offers TLS 1.1 or older only")
        .remedy("update its firmware, or see docs/tls-front.md")
}

fn of_offer(what: &PeerIncompatible) -> HandshakeFailure {
    match what {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        // TLS 1.1 has no such extension (RFC 5246, section 1.2), and rustls checks it first.
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::SupportedVersionsExtensionRequired => too_old(),
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::NoSignatureSchemesInCommon => HandshakeFailure::new(
            TlsFault::TooOld,
            format!("the peer offers no secure cipher suite, curve or signature ({what:?})"),
        )
        .remedy("update its firmware, or see docs/tls-front.md"),
        what => HandshakeFailure::new(
            TlsFault::Other,
            format!("the peer's offer is not supported ({what:?})"),
        ),
    }
}

fn of_alert(alert: AlertDescription) -> HandshakeFailure {
    match alert {
        AlertDescription::UnknownCA => HandshakeFailure::new(
            TlsFault::ServerCertificate,
            "the peer does not trust the authority of the server's certificate (unknown CA)",
        )
        .remedy("load the authority's certificate into the phone or program (ca.pem in the data folder, if the server generated its certificate; the certificate itself if it is self-signed)"),
        AlertDescription::CertificateExpired => HandshakeFailure::new(
            TlsFault::ServerCertificate,
            "the server's certificate has expired for the peer",
        )
        .remedy("replace it, or set the phone's clock"),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate => HandshakeFailure::new(
            TlsFault::ServerCertificate,
            format!("the peer rejects the server's certificate ({alert:?})"),
        )
        .remedy("check that it contains the host that the phone connects to, and that the phone trusts its authority"),
        AlertDescription::ProtocolVersion => too_old(),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            HandshakeFailure::new(
                TlsFault::TooOld,
                format!("the peer supports none of the server's cipher suites ({alert:?})"),
            )
        }
        alert => HandshakeFailure::new(
            TlsFault::Other,
            format!("the peer aborted the handshake ({alert:?})"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn handshake_failures_are_explained() {
        let check = |error: Error, expected: &str| {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            let said = HandshakeFailure::of(&error, Side::Phones).to_string();
            assert!(said.contains(expected), "{said}");
        };
        check(PeerIncompatible::Tls12NotOffered.into(), "TLS 1.1 or older");
        check(
            PeerIncompatible::SignatureAlgorithmsExtensionRequired.into(),
            "TLS 1.1 or older",
        );
        check(
            PeerIncompatible::NoCipherSuitesInCommon.into(),
            "no secure cipher suite",
        );
        check(
            PeerIncompatible::NoKxGroupsInCommon.into(),
            "NoKxGroupsInCommon",
        );
        check(
            PeerIncompatible::NullCompressionRequired.into(),
            "is not supported",
        );
        let alert = Error::AlertReceived;
        check(alert(AlertDescription::UnknownCA), "unknown CA");
        check(alert(AlertDescription::BadCertificate), "rejects");
        check(alert(AlertDescription::CertificateExpired), "expired");
        check(alert(AlertDescription::ProtocolVersion), "TLS 1.1 or older");
        check(
            alert(AlertDescription::HandshakeFailure),
            "none of the server's",
        );
        check(
            alert(AlertDescription::UserCanceled),
            "aborted the handshake",
        );
        check(
            CertificateError::UnknownIssuer.into(),
            "phones.trusted_authority",
        );
        check(
            InvalidMessage::InvalidContentType.into(),
            "does not speak TLS",
        );
        check(
            InvalidMessage::InvalidCcs.into(),
            "invalid TLS (InvalidCcs)",
        );
        check(Error::EncryptError, "cannot encrypt");
        check(Error::NoCertificatesPresented, "phones.require_certificate");
        let said = |error: io::Error| HandshakeFailure::of(&error, Side::Clients).to_string();
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(said(end).contains("closed the connection"));
        assert!(said(io::Error::other(ProtocolMismatch::SipOnTls)).contains("plain SIP"));
        assert_eq!(said(io::Error::other("odd")), "odd");
    }
}
