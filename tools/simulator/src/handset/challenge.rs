//! Challenges the server's INVITE, as some makers' phones can (RFC 3261, section 22.2).

use std::fmt::Write;

use uacsta_actors::sip::responder::FinalResponse;
use uacsta_schema::{
    mac::Mac,
    sip::{
        HeaderName, Request, Status,
        digest::{Algorithm, Credentials, Ha1},
    },
};

/// A digest challenge to the phone's MAC address with the phones' password.
pub(super) struct Challenge {
    nonce: String,
    ha1: Ha1,
}

const REALM: &str = "phone";

impl Challenge {
    /// A challenge with a random nonce.
    pub(super) fn new(algorithm: Algorithm, mac: Mac, password: &str) -> Self {
        let mut nonce = String::new();
        // Writing to a string does not fail.
        let _ = write!(nonce, "{:016x}", getrandom::u64().unwrap_or_default());
        Self {
            nonce,
            ha1: Ha1::new(algorithm, &mac.bare(), REALM, password),
        }
    }

    /// `None` if the request has valid credentials, else the 401.
    pub(super) fn refusal(&self, request: &Request) -> Option<FinalResponse> {
        let shown = request.head().get(HeaderName::Authorization);
        let proved = shown
            .and_then(|text| Credentials::parse(text).ok())
            .is_some_and(|credentials| {
                credentials.nonce == self.nonce
                    && credentials.verifies(&self.ha1, request.method().as_str())
            });
        (!proved).then(|| {
            FinalResponse::from(Status::UNAUTHORIZED)
                .header(HeaderName::WwwAuthenticate, self.header())
        })
    }

    fn header(&self) -> String {
        let algorithm = self.ha1.algorithm().as_str();
        format!(
            "Digest realm=\"{REALM}\", nonce=\"{}\", algorithm={algorithm}, qop=\"auth\"",
            self.nonce
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::BytesMut;
    use uacsta_schema::sip::{Frame, MessageLimits, SipMessage, digest};

    use super::*;

    fn invite(authorization: &str) -> Request {
        let text = format!(
            "INVITE sip:215@phone SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
             Call-ID: 1\r\nCSeq: 1 INVITE\r\n{authorization}Content-Length: 0\r\n\r\n"
        );
        match Frame::datagram(BytesMut::from(text.as_str()), &MessageLimits::default()) {
            Ok(Frame::Message(SipMessage::Request(request))) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_password_is_asked_for_and_must_be_right() {
        let mac: Mac = "000413000001".parse().unwrap();
        let challenge = Challenge::new(Algorithm::Sha256, mac, "secret");
        let asked = challenge.refusal(&invite("")).unwrap();
        assert_eq!(asked.status, Status::UNAUTHORIZED);
        let header = challenge.header();
        let answer = |user: &str, password: &str| {
            let asked = digest::Challenge::parse(&header).unwrap();
            let credentials = asked.answer(user, password, "INVITE", "sip:215@phone", 1, "c");
            challenge.refusal(&invite(&format!("Authorization: {credentials}\r\n")))
        };
        assert!(answer("000413000001", "secret").is_none());
        assert!(answer("000413000001", "wrong").is_some());
        assert!(answer("ecsta", "secret").is_some());
    }
}
