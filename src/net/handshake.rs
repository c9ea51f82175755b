//! Explains failed TLS handshakes to operators (RFC 5246, section 7.2; RFC 8446, section 6).

use std::{borrow::Cow, io};

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::{Side, protocol_mismatch::ProtocolMismatch};

/// What went wrong with a peer of this side, and what to do about it.
pub(super) fn reason(error: &io::Error, side: Side) -> Cow<'static, str> {
    let inner = error.get_ref();
    if let Some(protocol_mismatch) =
        inner.and_then(|inner| inner.downcast_ref::<ProtocolMismatch>())
    {
        return protocol_mismatch.to_string().into();
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref()) {
        return of_tls(error, side);
    }
    match is_closed(error) {
        true => "the peer closed the connection during the handshake, as port scanners do, and some phones that reject the server's certificate".into(),
        false => error.to_string().into(),
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

fn of_tls(error: &Error, side: Side) -> Cow<'static, str> {
    match error {
        Error::PeerIncompatible(what) => of_offer(what),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidCertificate(reason) => {
            let side = match side {
                Side::Phones => "phones",
                Side::Clients => "clients",
            };
            format!(
                "the peer's certificate is invalid ({reason}); {side}.trusted_authority must contain the authority that signed it"
            )
            .into()
        }
        Error::NoCertificatesPresented => {
            "the peer sent no certificate, and phones.require_certificate requires one signed by phones.trusted_authority".into()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS".into()
        }
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => OLD.into(),
        Error::InvalidMessage(what) => format!("the peer sent invalid TLS ({what:?})").into(),
        error => error.to_string().into(),
    }
}

const OLD: &str =
    "the peer offers TLS 1.1 or older only: update its firmware, or see docs/tls-front.md";

fn of_offer(what: &PeerIncompatible) -> Cow<'static, str> {
    match what {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        // TLS 1.1 has no such extension (RFC 5246, section 1.2), and rustls checks it first.
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::SupportedVersionsExtensionRequired => OLD.into(),
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::NoSignatureSchemesInCommon => format!(
            "the peer offers no secure cipher suite, curve or signature ({what:?}): update its firmware, or see docs/tls-front.md"
        )
        .into(),
        what => format!("the peer's offer is not supported ({what:?})").into(),
    }
}

fn of_alert(alert: AlertDescription) -> Cow<'static, str> {
    match alert {
        AlertDescription::UnknownCA => {
            "the peer does not trust the authority of the server's certificate (unknown CA): load the authority's certificate into the phone (ca.pem in the data folder, if the server generated its certificate; the certificate itself if it is self-signed)".into()
        }
        AlertDescription::CertificateExpired => {
            "the server's certificate has expired for the peer: replace it, or set the phone's clock".into()
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate => format!(
            "the peer rejects the server's certificate ({alert:?}): check that it contains the host that the phone connects to, and that the phone trusts its authority"
        )
        .into(),
        AlertDescription::ProtocolVersion => OLD.into(),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            format!("the peer supports none of the server's cipher suites ({alert:?})").into()
        }
        alert => format!("the peer aborted the handshake ({alert:?})").into(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn handshake_failures_are_explained() {
        let check = |error: Error, expected: &str| {
            let said = reason(
                &io::Error::new(io::ErrorKind::InvalidData, error),
                Side::Phones,
            );
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
        let said = |error: io::Error| reason(&error, Side::Clients).into_owned();
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(said(end).contains("closed the connection"));
        assert!(said(io::Error::other(ProtocolMismatch::SipOnTls)).contains("plain SIP"));
        assert_eq!(said(io::Error::other("odd")), "odd");
    }
}
