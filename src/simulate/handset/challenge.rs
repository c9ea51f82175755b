//! The challenge of a simulated phone to the server's INVITE (RFC 3261 22.2), which makers let an operator switch on.

use std::fmt::Write;

use uacsta_actors::sip::reply::Answer;
use uacsta_schema::{
    mac::Mac,
    sip::{
        HeaderName, Request, Status,
        digest::{Algorithm, Credentials, Ha1},
    },
};

/// A challenge that the server answers as the phone's MAC address with the phones' password.
pub(super) struct Challenge {
    nonce: String,
    ha1: Ha1,
}

const REALM: &str = "phone";

impl Challenge {
    /// A fresh one.
    pub(super) fn new(mac: Mac, password: &str) -> Self {
        let mut nonce = String::new();
        // Writing to a string does not fail; without chance the nonce is that of a poor phone.
        let _ = write!(nonce, "{:016x}", getrandom::u64().unwrap_or_default());
        Self {
            nonce,
            ha1: Ha1::new(Algorithm::Md5, &mac.bare(), REALM, password),
        }
    }

    /// `None` when the request proves the password; else what asks for the proof.
    pub(super) fn refusal(&self, request: &Request) -> Option<Answer> {
        let shown = request.head().get(HeaderName::Authorization);
        let proved = shown
            .and_then(|text| Credentials::parse(text).ok())
            .is_some_and(|credentials| {
                credentials.nonce == self.nonce
                    && credentials.verifies(&self.ha1, request.method().as_str())
            });
        let challenge = format!(
            "Digest realm=\"{REALM}\", nonce=\"{}\", algorithm=MD5, qop=\"auth\"",
            self.nonce
        );
        (!proved).then(|| {
            Answer::from(Status::UNAUTHORIZED).header(HeaderName::WwwAuthenticate, challenge)
        })
    }
}
