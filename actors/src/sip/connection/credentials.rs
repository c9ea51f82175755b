//! Answers the peer's challenges to our requests (RFC 3261, section 22.2; RFC 7616).

use std::sync::Arc;

use uacsta_schema::sip::{HeaderName, MessageWriter, Method, Response, Status, digest::Challenge};

use crate::sip::session::Login;

/// The login for the peer of a session, and the peer's last challenge.
#[derive(Debug)]
pub(super) struct Credentials {
    login: Option<Arc<Login>>,
    challenge: Option<Box<AnsweredChallenge>>,
}

#[derive(Debug)]
struct AnsweredChallenge {
    /// The value of the header field.
    challenge: Box<str>,
    proxy: bool,
    /// How many requests answered it: the nonce count.
    count: u32,
}

/// How many challenges or interval proposals in a row are answered for one request.
pub(super) const MOST_RETRIES: u8 = 2;

impl Credentials {
    /// Without a login, no challenge is answered.
    pub(super) fn new(login: Option<Arc<Login>>) -> Self {
        Self {
            login,
            challenge: None,
        }
    }

    /// Whether a challenge can be answered, so that a request must be kept until its response.
    pub(super) fn can_answer(&self) -> bool {
        self.login.is_some()
    }

    /// Keeps the challenge of a 401 or 407 for the requests that follow; returns whether the login can answer it. RFC 8760,
    /// section 2.4: the server lists its challenges by preference.
    pub(super) fn challenged(&mut self, response: &Response) -> bool {
        let proxy = response.status() == Status::PROXY_AUTHENTICATION_REQUIRED;
        let name = if proxy {
            HeaderName::ProxyAuthenticate
        } else {
            HeaderName::WwwAuthenticate
        };
        let mut challenges = response.head().all(name);
        match challenges.find(|challenge| Challenge::parse(challenge).is_ok()) {
            Some(challenge) if self.can_answer() => {
                self.challenge = Some(Box::new(AnsweredChallenge {
                    challenge: challenge.into(),
                    proxy,
                    count: 0,
                }));
                true
            }
            _ => false,
        }
    }

    /// Adds the answer to the last challenge, if there was one, to a request.
    pub(super) fn authorize<'out>(
        &mut self,
        request: MessageWriter<'out>,
        method: &Method,
        uri: &str,
    ) -> MessageWriter<'out> {
        let Some((challenge, login)) = self.challenge.as_mut().zip(self.login.as_deref()) else {
            return request;
        };
        match challenge.answer(login, method, uri) {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }
}

impl AnsweredChallenge {
    fn answer(
        &mut self,
        login: &Login,
        method: &Method,
        uri: &str,
    ) -> Option<(HeaderName, String)> {
        let challenge = Challenge::parse(&self.challenge).ok()?;
        self.count += 1;
        // Without random numbers, the client nonce still differs from request to request.
        let cnonce = getrandom::u64().unwrap_or_else(|_| u64::from(self.count));
        let cnonce = format!("{cnonce:016x}");
        let credentials = challenge.answer(
            &login.user,
            &login.password,
            method.as_str(),
            uri,
            self.count,
            &cnonce,
        );
        let name = if self.proxy {
            HeaderName::ProxyAuthorization
        } else {
            HeaderName::Authorization
        };
        Some((name, credentials.to_string()))
    }
}
