//! Why a TLS handshake failed, in the words of those who look after phones (RFC 5246 7.2, RFC 8446 6).

use std::{borrow::Cow, io};

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::{Side, misdirected::Misdirected};

/// Says what went wrong with a peer of this side, and what to do about it.
pub(super) fn reason(error: &io::Error, side: Side) -> Cow<'static, str> {
    let inner = error.get_ref();
    if let Some(misdirected) = inner.and_then(|inner| inner.downcast_ref::<Misdirected>()) {
        return misdirected.to_string().into();
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref()) {
        return of_tls(error, side);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            "the peer ended the connection amid the handshake, as some phones do that do not accept the server's certificate, and port scanners".into()
        }
        _ => error.to_string().into(),
    }
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
                "the certificate that the peer shows does not hold ({reason}); {side}.trusted_authority names who may sign it"
            )
            .into()
        }
        Error::NoCertificatesPresented => {
            "the peer shows no certificate, and phones.require_certificate demands one that phones.trusted_authority signs".into()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS".into()
        }
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => OLD.into(),
        Error::InvalidMessage(what) => format!("the peer's TLS is broken ({what:?})").into(),
        error => error.to_string().into(),
    }
}

const OLD: &str =
    "the peer offers TLS 1.1 or older only: update its firmware, or see docs/tls-front.md";

fn of_offer(what: &PeerIncompatible) -> Cow<'static, str> {
    match what {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        // TLS 1.1 did not know the extension (RFC 5246 1.2), and its lack shows first.
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::SupportedVersionsExtensionRequired => OLD.into(),
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::NoSignatureSchemesInCommon => format!(
            "the peer offers no cipher suite, curve or signature that is still safe ({what:?}): update its firmware, or see docs/tls-front.md"
        )
        .into(),
        what => format!("the peer offers nothing that suits ({what:?})").into(),
    }
}

fn of_alert(alert: AlertDescription) -> Cow<'static, str> {
    match alert {
        AlertDescription::UnknownCA => {
            "the peer does not know who signed the server's certificate (unknown CA): load the authority's certificate, or the server's own if it signs itself, into the phone".into()
        }
        AlertDescription::CertificateExpired => {
            "the peer finds the server's certificate expired: replace it, or set the phone's clock".into()
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate => format!(
            "the peer does not accept the server's certificate ({alert:?}): does it name the host that the phone connects to, and does the phone know who signed it?"
        )
        .into(),
        AlertDescription::ProtocolVersion => OLD.into(),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            format!("the peer finds no cipher suite that suits it ({alert:?})").into()
        }
        alert => format!("the peer ends the handshake ({alert:?})").into(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn every_failure_is_explained() {
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
            "no cipher suite, curve or signature",
        );
        check(
            PeerIncompatible::NoKxGroupsInCommon.into(),
            "NoKxGroupsInCommon",
        );
        check(
            PeerIncompatible::NullCompressionRequired.into(),
            "nothing that suits",
        );
        let alert = Error::AlertReceived;
        check(alert(AlertDescription::UnknownCA), "unknown CA");
        check(alert(AlertDescription::BadCertificate), "does not accept");
        check(alert(AlertDescription::CertificateExpired), "expired");
        check(alert(AlertDescription::ProtocolVersion), "TLS 1.1 or older");
        check(alert(AlertDescription::HandshakeFailure), "no cipher suite");
        check(alert(AlertDescription::UserCanceled), "ends the handshake");
        check(
            CertificateError::UnknownIssuer.into(),
            "phones.trusted_authority",
        );
        check(
            InvalidMessage::InvalidContentType.into(),
            "does not speak TLS",
        );
        check(InvalidMessage::InvalidCcs.into(), "is broken (InvalidCcs)");
        check(Error::EncryptError, "cannot encrypt");
        check(Error::NoCertificatesPresented, "phones.require_certificate");
        let said = |error: io::Error| reason(&error, Side::Clients).into_owned();
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(said(end).contains("ended the connection"));
        assert!(said(io::Error::other(Misdirected::SipOnTls)).contains("plain SIP"));
        assert_eq!(said(io::Error::other("odd")), "odd");
    }
}
